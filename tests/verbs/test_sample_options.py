"""``--option`` chooses samples by ids or titles of a recipe's conditions, in every verb on samples."""

from collections.abc import Callable

import pytest

from tianji_core.recipe.editing import changed
from tianji_core.store import recipes, samples
from tianji_core.store.database import writing
from tianji_core.store.samples import IMPORT, NewSample, SampleFilter
from tianji_core.workspace import Workspace


@pytest.fixture
def lengths(workspace: Workspace) -> Workspace:
    """A workspace with a short, a long and a plain sample."""
    rows = [
        NewSample(
            "wishes", "s", f"祝{name}生日", f"{name}，生日快乐！", name, "生日", "正常", options=options
        )
        for name, options in (
            ("姐姐", (("length", "short"),)),
            ("大舅", (("length", "long"),)),
            ("妹妹", ()),
        )
    ]
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, rows, IMPORT)
    return workspace


def in_state(workspace: Workspace, state: str) -> set[str]:
    return {sample.name for sample in samples.page(workspace.engine, SampleFilter("wishes", (state,)))}


@pytest.mark.parametrize("option", ["长度=短", "length=短", "长度=short", "length=short"])
def test_an_option_is_given_by_its_title_or_its_id(verb: Callable, lengths: Workspace, option: str) -> None:
    assert verb("accept", "--option", option, "--json").json()["count"] == 1
    assert in_state(lengths, "accepted") == {"姐姐"}


def test_several_options_by_title_reach_a_dataset_and_a_bulk_edit(verb: Callable, lengths: Workspace) -> None:
    edited = verb("set-system", "另一个", "--option", "长度=短,长", "--preview", "--json").json()
    assert edited["matching"] == 2
    verb("accept")
    assert verb("freeze", "--name", "v1", "--option", "长度=长", "--json").json()["count"] == 1


def test_an_option_that_the_recipe_lost_still_finds_its_samples_by_id(
    verb: Callable, lengths: Workspace
) -> None:
    stored = recipes.current(lengths.engine, "wishes")
    recipes.save(lengths.engine, changed(stored.recipe, axes=[]), stored.revision, "没有条件了")
    assert verb("accept", "--option", "length=short", "--json").json()["count"] == 1
    assert "没有条件“长度”" in verb("accept", "--option", "长度=短").refusal
