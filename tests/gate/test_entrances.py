"""Every entrance of a text stores the usual characters in place of radicals, ligatures, separators and
characters that cannot be seen, whoever typed, pasted, uploaded or answered it."""

from collections.abc import Callable

import pytest

from tianji_core import dataset, review
from tianji_core.gate import read_loose_json
from tianji_core.generation.knowledge import read_document
from tianji_core.recipe import Recipe, TextPattern
from tianji_core.recipe.editing import edit_style
from tianji_core.recipe.loading import parse_recipe
from tianji_core.recipe.tables import Listing, add_rows, read_rows
from tianji_core.store import recipes, samples, steps
from tianji_core.store.samples import NewSample, SampleFilter
from tianji_core.workspace import Workspace

ODD, USUAL = "⽼师\u200b的ﬁne⽉饼", "老师的fine月饼"
ALL = SampleFilter("wishes")


def stored(workspace: Workspace) -> int:
    number = samples.add(workspace.engine, NewSample("wishes", "系统", "祝老师", "老师节日快乐"))
    assert number is not None
    return number


def from_chat(workspace: Workspace) -> str:
    number = samples.add(workspace.engine, NewSample("wishes", "系统", "祝老师", ODD))
    return samples.get(workspace.engine, number or 0).output


def edited(workspace: Workspace) -> str:
    number = stored(workspace)
    steps.edit(workspace.engine, "wishes", number, 1, ODD, "我")
    return samples.get(workspace.engine, number).output


def in_the_table(workspace: Workspace) -> str:
    number = stored(workspace)
    change = {number: steps.SampleRevision(1, input=ODD)}
    steps.revise(workspace.engine, "wishes", change, steps.TABLE, "改", "我")
    return samples.get(workspace.engine, number).input


def split_up(workspace: Workspace) -> str:
    sample = samples.get(workspace.engine, stored(workspace))
    numbers = review.split(workspace, sample, [ODD, "另外一条祝福"], "我")
    return samples.get(workspace.engine, numbers[0]).output


def replaced(workspace: Workspace) -> str:
    number = stored(workspace)
    edit = review.find_and_replace(workspace, ALL, TextPattern("老师节日快乐"), ODD)
    review.make_edit(workspace, edit, "我")
    return samples.get(workspace.engine, number).output


def system_prompt(workspace: Workspace) -> str:
    number = stored(workspace)
    review.make_edit(workspace, review.set_system(workspace, ALL, ODD), "我")
    return samples.get(workspace.engine, number).system


def imported(workspace: Workspace) -> str:
    dataset.import_bytes(workspace, "wishes", f'{{"input": "祝", "output": "{ODD}"}}'.encode(), "x.json")
    return samples.page(workspace.engine, ALL)[0].output


def document(_workspace: Workspace) -> str:
    return read_document("x.txt", ODD.encode()).text


def structured_answer(_workspace: Workspace) -> str:
    escaped = ODD.encode("unicode_escape").decode()
    text = read_loose_json(f'{{"text": "{escaped}"}}')["text"]
    return str(text)


def pasted_name(workspace: Workspace) -> str:
    recipe = recipe_of(workspace)
    rows = read_rows(recipe, Listing.NAMES, ODD, {"relation": "teacher", "pronoun": "您"})
    return add_rows(recipe, Listing.NAMES, rows).names[-1].text


def instruction_of_a_style(workspace: Workspace) -> str:
    recipe = edit_style(recipe_of(workspace), "正常", instruction=ODD)
    return next(style.instruction for style in recipe.styles if style.text == "正常")


def recipe_in_a_file(workspace: Workspace) -> str:
    text = recipe_of(workspace).model_copy(update={"title": "样张"}).model_dump_json()
    return parse_recipe(text.replace("样张", ODD), "x.json").title


def recipe_of(workspace: Workspace) -> Recipe:
    return recipes.current(workspace.engine, "wishes").recipe


ENTRANCES = (
    *(from_chat, edited, in_the_table, split_up, replaced, system_prompt, imported, document),
    *(structured_answer, pasted_name, instruction_of_a_style, recipe_in_a_file),
)


@pytest.mark.parametrize("entrance", ENTRANCES, ids=lambda entrance: entrance.__name__)
def test_an_entrance_stores_the_usual_characters(
    workspace: Workspace, entrance: Callable[[Workspace], str]
) -> None:
    assert entrance(workspace) == USUAL


def test_what_is_looked_for_keeps_its_characters(workspace: Workspace) -> None:
    """Texts of earlier releases hold radicals, which a person can find and replace."""
    assert TextPattern("⽉").replaced("⽉饼", "月") == ("月饼", 1)
    assert review.find_and_replace(workspace, ALL, TextPattern("⽉"), "月").title.startswith("把“⽉”")
