"""A further training on a model's own best answers: the taste of votes, the choice, and the whole way."""

import json
import random
import shutil

import pytest

from tests.checkpoints import add_training
from tianji_core import jobs, models
from tianji_core.comparison import relearning
from tianji_core.comparison.relearning.best import best_answers
from tianji_core.dataset import training_file
from tianji_core.errors import InputError, ModelError
from tianji_core.evaluation import Case, Checker, held_out_cases, training_cases
from tianji_core.model_folders.manifest import Artefact, write_artefact
from tianji_core.models.nano import nano_base
from tianji_core.recipe import Plan, brief, built_in_recipes, load_recipe, tasks
from tianji_core.store import datasets
from tianji_core.store.votes import Vote
from tianji_core.teachers.composer import Composer
from tianji_core.workspace import Workspace

RECIPE = load_recipe(built_in_recipes()["wishes"])
COMPOSER = Composer()
STYLES = ("正常", "严肃")


def composed(number: int, seed: int = 0) -> list[tuple[str, list[str]]]:
    """Questions, and four answers of the offline composer to each."""
    plan = Plan(styles=STYLES, rounds=1, threshold=RECIPE.threshold, seed=seed, limit=number)
    return [
        (asked[0].input, [COMPOSER.compose(each).text for each in asked])
        for task in tasks(RECIPE, plan)
        for asked in ([brief(RECIPE, task._replace(round=again), seed) for again in range(4)],)
    ]


def voted(number: int, prefers) -> list[Vote]:
    """One click on each question: the voter takes the answer that ``prefers`` values most."""
    said = []
    for prompt, answers in composed(number):
        best = max(answers, key=prefers)
        others = [text for text in dict.fromkeys(answers) if prefers(text) < prefers(best)]
        said += [Vote("wishes", "", prompt, "甲", "正常", best, "乙", "正常", other) for other in others]
    return said


def test_a_planted_taste_is_found_in_the_votes_and_holds_for_unseen_answers() -> None:
    votes = voted(150, lambda text: "愿" not in text)
    taste, ready = relearning.learnt_taste(votes), relearning.readiness_of(votes)
    assert ready.enough and ready.accuracy > 0.75
    right = []
    for _prompt, answers in composed(80, seed=5):
        best = max(answers, key=taste.score)
        if 0 < sum("愿" in text for text in answers) < len(answers):
            right.append("愿" not in best)
    assert len(right) > 20 and sum(right) / len(right) >= 0.85


def test_too_few_votes_say_how_many_more_and_random_ones_that_nothing_speaks_from_them() -> None:
    few = relearning.readiness_of(voted(12, lambda text: "愿" not in text))
    assert not few.enough and few.accuracy is None and few.needed == 30 - few.clicks
    draw = random.Random(1)
    said = voted(60, lambda _text: draw.random())
    ready = relearning.readiness_of(said)
    assert not ready.enough
    assert "票" in relearning.needed_text(ready)


def test_the_best_answer_passes_the_checks_and_suits_the_taste() -> None:
    case = next(
        c for c in training_cases(RECIPE, ("正常",)) if (c.name.text, c.scene.text) == ("大舅", "生日")
    )
    wrong = "祝妹妹新年快乐，万事如意，平平安安，天天开心！"
    plain, wished = (
        "大舅，祝您生日快乐，身体硬朗，万事顺心如意！",
        "大舅，生日快乐，愿您身体硬朗，万事顺心如意！",
    )
    taste = relearning.Taste({"愿": -1.0})
    checker = Checker(RECIPE)
    assert [best.text for best in best_answers([case], [[wrong, wished, plain]], checker, taste)] == [plain]
    assert [best.text for best in best_answers([case], [[wrong, wished, plain]], checker, None)] == [wished]
    assert best_answers([case], [[wrong, wrong]], checker, None) == []
    assert best_answers([case], [[plain]], Checker(RECIPE, [("大舅", plain)]), None) == []  # copied


def test_no_held_out_cell_is_among_the_questions_that_are_learnt_from() -> None:
    def cells(cases: list[Case]) -> set[tuple[str, str]]:
        return {(case.name.text, case.scene.text) for case in cases}

    assert cells(training_cases(RECIPE)) and not cells(training_cases(RECIPE)) & cells(held_out_cases(RECIPE))


@pytest.mark.training
def test_a_model_learns_from_its_own_best_answers_and_is_compared(workspace: Workspace, tmp_path) -> None:
    """The embedded base stands for a merged model: it passes the checks now and then."""
    run = add_training(workspace, tmp_path / "base", {})
    folder = workspace.models / "old-merged"
    shutil.copytree(nano_base(), folder)
    version = datasets.get(workspace.engine, run.dataset_version_id)
    about = Artefact(
        name="old-merged",
        kind="merged",
        title="旧模型",
        path=folder,
        training_run_id=run.id,
        dataset_name=version.name,
    )
    write_artefact(folder, about, workspace.home)
    assert [model.name for model in relearning.learnable_models(workspace)] == ["old-merged"]
    plan = relearning.RelearningPlan(
        model="old-merged",
        recipe="wishes",
        styles=("正常",),
        prompts=24,
        answers=3,
        questions=8,
        by_votes=False,
    )
    with pytest.raises(InputError, match="还要 30 票"):
        relearning.start_relearning(workspace, plan.model_copy(update={"by_votes": True}))
    job = jobs.wait(workspace, relearning.start_relearning(workspace, plan).id, 900)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    result = relearning.newest_result(workspace, "wishes")
    assert result is not None and result.sampled == 72 and 0 < result.kept <= result.passed
    greedy, warm = result.measured
    assert (greedy.temperature, greedy.count, warm.temperature, warm.preferred) == (0.0, 8, 0.7, None)
    assert greedy.after == pytest.approx(greedy.before + (greedy.righted - greedy.spoilt) / 8)
    frozen = datasets.by_name(workspace.engine, result.version)
    assert frozen.manifest["own_answers"]["model"] == "old-merged" and "old-merged" in frozen.note
    assert frozen.manifest["by_source"]["self"] == result.kept
    items = json.loads(training_file(workspace, frozen).read_text("utf-8"))
    learnt = {turn["input"] for item in items for turn in item["conversation"]}
    assert not learnt & {case.request for case in held_out_cases(RECIPE)}
    made = models.artefact(workspace, result.model)
    assert made.kind == "merged" and made.training_run_id == result.training_run_id


def test_what_cannot_learn_further_is_refused_in_one_sentence(workspace: Workspace) -> None:
    plan = relearning.RelearningPlan(model="没有", recipe="wishes")
    with pytest.raises(ModelError, match="没有名叫"):
        relearning.start_relearning(workspace, plan)
    with pytest.raises(ModelError, match="先在模型页合并"):
        relearning.start_relearning(workspace, plan.model_copy(update={"model": "nano-base"}))
    assert (
        relearning.learnable_models(workspace) == [] and relearning.newest_result(workspace, "wishes") is None
    )
