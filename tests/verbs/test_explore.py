"""The sample workspace: made by the program's own steps, apart from the person's, and every page shows it."""

import json
from pathlib import Path

import pytest

from tests.pages.opening import opened
from tianji_core import cleaning, models, training
from tianji_core.comparison import board_keys
from tianji_core.errors import InputError, SettingsError
from tianji_core.store import datasets, findings, recipes, runs, samples, second_verdicts, steps, votes
from tianji_core.store import training as training_runs
from tianji_core.store.samples import STATES, SampleFilter
from tianji_core.verbs import exploring, sample_workspace
from tianji_core.verbs.sample_reviews import review_samples, reviewers
from tianji_core.verbs.sample_workspace import FACTS, SampleSize, make_sample, open_sample, sample_home

SMALLEST = SampleSize(samples=120, learnt=16, trainings=1, questions=2)
PAGES = (
    *("home", "lists", "heatmap", "generate", "review", "dataset"),
    *("train", "models", "chat", "compare", "jobs", "settings"),
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a sample workspace beside the person's."""
    monkeypatch.delenv("TIANJI_DATABASE_URL", raising=False)
    return sample_home(tmp_path / "workspace")


@pytest.mark.training
def test_a_sample_workspace_has_something_of_everything_and_every_page_shows_it(home, monkeypatch, capsys):
    space = open_sample(home)
    make_sample(space, SMALLEST)
    assert "[6/6]" in capsys.readouterr().out
    engine, recipe = space.engine, space.settings().recipe
    assert sum(run.total for run in runs.listed(engine, recipe)) == SMALLEST.samples
    assert len(recipes.history(engine, sample_workspace.OWN_RECIPE)) == 2
    assert len(datasets.listed(engine)) == 2
    (run,) = training_runs.listed(engine)
    state = training.training_state(space, run)
    assert state.finished and state.points
    assert [one.kind for one in models.loadable(space)].count("adapter") == 1
    (key,) = board_keys(space)
    assert {vote.who for vote in votes.listed(engine, recipe)} <= set(reviewers()) and key
    assert votes.listed(engine, recipe)
    assert sum(path.stat().st_size for path in home.rglob("*") if path.is_file()) < 30e6
    made = json.loads((space.exports / FACTS).read_text(encoding="utf-8"))
    assert made["complete"]
    make_sample(space, SMALLEST)  # there already: nothing is made again
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("TIANJI_HOME", str(home))
    for page in PAGES:
        opened(page)


def test_the_samples_of_two_reviewers_are_in_every_state(workspace):
    recipe = workspace.settings().recipe
    making = sample_workspace._Making(workspace, SampleSize(samples=500), quiet=True)
    run = making._run("第一批", 500, 0)
    review_samples(workspace, recipe, run)
    engine = workspace.engine
    assert set(samples.state_counts(engine, SampleFilter(recipe))) == set(STATES)
    assert all(samples.state_counts(engine, SampleFilter(recipe)).values())
    assert {person.who for person in steps.reviewers(engine, recipe)} == set(reviewers())
    assert second_verdicts.verdicts(engine, recipe)
    assert findings.rule_counts(engine, SampleFilter(recipe))
    assert samples.count(engine, SampleFilter(recipe, rating=(1, 5)))
    assert "edit" in {step.action for step in steps.listed(engine, recipe, limit=100)}
    assert any(step.note for step in steps.listed(engine, recipe, limit=100))
    assert cleaning.check_new(workspace, recipe) >= 0
    taken = steps.count(engine, recipe)
    review_samples(workspace, recipe, run)
    assert steps.count(engine, recipe) == taken


def test_without_the_training_part_nothing_is_made(home, monkeypatch):
    monkeypatch.setattr(exploring, "has_training", lambda: False)
    with pytest.raises(SettingsError, match="make install"):
        exploring.explore_sample(home.parent / "workspace", None, studio=False, as_json=True)
    assert not home.exists()


def test_a_workspace_that_is_no_sample_is_left_alone(home):
    from tianji_core.workspace import open_workspace

    open_workspace(home).engine.dispose()
    with pytest.raises(InputError, match="不是样例"):
        open_sample(home)
