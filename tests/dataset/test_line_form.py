"""Line breaks belong to the style: where it allows them they stay on every way a text goes, elsewhere lines
are joined."""

import asyncio
from pathlib import Path

import pytest

from tests.loopback import LoopbackApi, says
from tianji_core import cleaning, dataset, review
from tianji_core.cleaning import Subject, check, clean_text, context_of
from tianji_core.recipe import Task, TextPattern, brief, built_in_recipe
from tianji_core.store import findings, samples, steps
from tianji_core.store.database import writing
from tianji_core.store.samples import ACCEPTED, IMPORT, NewSample, Sample, SampleFilter
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace, open_workspace

VERSE = "慈颜含笑坐春风，\n膝下儿孙乐意浓。\n愿借南山松上鹤，\n年年衔寿到堂中。"
ONE_LINE = "慈颜含笑坐春风，膝下儿孙乐意浓。愿借南山松上鹤，年年衔寿到堂中。"
RECIPE = built_in_recipe("wishes")
CONTEXT = context_of(RECIPE)
ALL = SampleFilter("wishes")


@pytest.fixture
def verse(workspace: Workspace) -> Sample:
    new = NewSample(
        "wishes", "系统", "再写一首", VERSE, "母亲", "生日", "诗词赋", (("祝母亲生日,诗词赋风格", VERSE),)
    )
    with writing(workspace.engine) as connection:
        (number,) = samples.insert_new(connection, [new], IMPORT)
    cleaning.check_new(workspace, "wishes")
    return samples.get(workspace.engine, number)


def stored(workspace: Workspace) -> Sample:
    return samples.page(workspace.engine, ALL)[0]


@pytest.mark.parametrize("style", [style.text for style in RECIPE.styles if style.several_lines])
def test_a_style_with_several_lines_keeps_them(style: str) -> None:
    subject = Subject(VERSE, "母亲", "生日", style)
    assert "several_lines" not in {finding.rule for finding in check(subject, CONTEXT)}
    assert clean_text(subject, CONTEXT) == VERSE


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("妹妹，生日快乐！\n愿你天天都有好心情。", "妹妹，生日快乐！愿你天天都有好心情。"),
        ("妹妹，生日快乐\n愿你天天都有好心情。", "妹妹，生日快乐。愿你天天都有好心情。"),
        ("妹妹生日快乐\n愿你天天都有好心情", "妹妹生日快乐，愿你天天都有好心情"),
        ("妹妹，生日快乐呀，\n\n愿你天天都有好心情。", "妹妹，生日快乐呀，愿你天天都有好心情。"),
    ],
)
def test_elsewhere_lines_are_joined_with_the_right_mark(text: str, joined: str) -> None:
    assert clean_text(Subject(text, "妹妹", "生日", "正常"), CONTEXT) == joined


def test_the_teacher_is_asked_for_the_line_form_of_the_style() -> None:
    for style in RECIPE.styles:
        asked = brief(RECIPE, Task(0, "母亲", "生日", style.text, 0), seed=1).prompt
        assert ("写成一行" in asked) == (not style.several_lines)
        assert ("可以分行" in asked) == style.several_lines


def test_breaks_stay_through_a_fix_of_something_else(workspace: Workspace, verse: Sample) -> None:
    steps.edit(workspace.engine, "wishes", verse.id, verse.version, f"“{VERSE}”", "我")
    cleaning.check_new(workspace, "wishes")
    cleaning.fix(workspace, ALL)
    assert stored(workspace).output == VERSE and stored(workspace).history == verse.history
    assert findings.of(workspace.engine, [verse.id])[verse.id] == []


def test_breaks_stay_through_find_and_replace(workspace: Workspace, verse: Sample) -> None:
    edit = review.find_and_replace(workspace, ALL, TextPattern("春风"), "秋风")
    review.make_edit(workspace, edit)
    assert stored(workspace).output == VERSE.replace("春风", "秋风")


def test_breaks_stay_in_other_wordings(workspace: Workspace, verse: Sample, api: LoopbackApi) -> None:
    other = "萱堂日暖乐融融，\n鹤发童颜笑语中。\n但愿年年人共健，\n南山松柏郁葱葱。"
    api.default = says(f"“{other}”")
    choice = TeacherChoice(provider="custom", model="loopback-model", base_url=api.url)
    found = asyncio.run(review.rewrite(workspace, verse, choice))
    assert [candidate.text for candidate in found.candidates] == [other]
    review.take_candidate(workspace, verse, found.candidates[0], "我")
    assert stored(workspace).output == other


def test_breaks_stay_in_a_copy_for_another_person(workspace: Workspace, verse: Sample) -> None:
    number = cleaning.copy_to(workspace, verse, "奶奶", CONTEXT, "我")
    assert samples.get(workspace.engine, number).output == VERSE


@pytest.mark.parametrize("form", list(dataset.EXPORT_SUFFIXES))
def test_breaks_stay_through_freeze_every_export_and_the_import_back(
    workspace: Workspace, verse: Sample, form: str, tmp_path: Path
) -> None:
    steps.set_state(workspace.engine, ALL, ACCEPTED, "我")
    version = dataset.freeze(workspace, "wishes", "v1")
    path = dataset.export(workspace, version, form, tmp_path / f"out{dataset.EXPORT_SUFFIXES[form]}")
    other = open_workspace(tmp_path / "other")
    dataset.import_path(other, "wishes", path)
    back = stored(other)
    assert (back.output, back.history, back.style) == (VERSE, verse.history, "诗词赋")
    cleaning.check_new(other, "wishes")
    assert findings.rule_counts(other.engine, ALL) == {}


def test_a_table_written_with_carriage_returns_comes_back_with_breaks(workspace: Workspace) -> None:
    table = 'input,output\r\n"祝母亲生日,诗词赋风格","' + VERSE.replace("\n", "\r\n") + '"\r\n'
    dataset.import_bytes(workspace, "wishes", table.encode(), "诗.csv")
    assert stored(workspace).output == VERSE
