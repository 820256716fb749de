"""Changes of many samples: seen before they are made, one step each, undone as a whole."""

from dataclasses import replace

import pytest

from tianji_core import cleaning, jobs, review
from tianji_core.errors import ConflictError, InputError, JobError, SlowPatternError
from tianji_core.recipe import OwnRule, OwnRuleKind, TextPattern, wordings
from tianji_core.store import recipes, samples, steps
from tianji_core.store.acceptance import acceptance
from tianji_core.store.database import writing
from tianji_core.store.samples import IMPORT, NewSample, SampleFilter
from tianji_core.workspace import Workspace

ALL = SampleFilter("wishes")
SISTER = "姐姐，生日快乐！愿姐姐新的一岁平安喜乐。"
OTHER = "姐姐，又长一岁啦，蛋糕要吃最大的那块！"


@pytest.fixture
def ids(workspace: Workspace) -> list[int]:
    """A conversation of two turns, and a sample of another style."""
    new = [
        NewSample("wishes", "系统", "换一条", SISTER, "姐姐", "生日", "正常", (("祝姐姐生日", OTHER),)),
        NewSample("wishes", "系统", "祝姐姐生日,严肃风格", OTHER, "姐姐", "生日", "严肃"),
    ]
    with writing(workspace.engine) as connection:
        return samples.insert_new(connection, new, IMPORT)


def test_a_replacement_is_shown_first_and_reaches_every_answer_of_the_chosen_samples(
    workspace: Workspace, ids: list[int]
) -> None:
    only = replace(ALL, styles=("正常",))
    edit = review.find_and_replace(workspace, only, TextPattern("姐姐"), "姐")
    assert (edit.matching, len(edit.revisions), edit.places) == (1, 1, 3)
    assert edit.examples[0].texts == (
        (1, OTHER, OTHER.replace("姐姐", "姐")),
        (0, SISTER, SISTER.replace("姐姐", "姐")),
    )
    assert samples.get(workspace.engine, ids[0]).output == SISTER, "a preview changes nothing"
    step = review.make_edit(workspace, edit, "我")
    assert step is not None and (step.action, step.count) == (steps.REPLACE, 1)
    changed = samples.get(workspace.engine, ids[0])
    assert (changed.output, changed.history) == (
        SISTER.replace("姐姐", "姐"),
        (("祝姐姐生日", OTHER.replace("姐姐", "姐")),),
    )
    assert samples.get(workspace.engine, ids[1]).output == OTHER
    assert acceptance(workspace.engine, "wishes", ids).changed == (("我", "replace", 1),)
    steps.undo(workspace.engine, "wishes")
    back = samples.get(workspace.engine, ids[0])
    assert (back.output, back.history) == (SISTER, (("祝姐姐生日", OTHER),))


def test_a_regular_expression_may_use_its_groups(workspace: Workspace, ids: list[int]) -> None:
    edit = review.find_and_replace(workspace, ALL, TextPattern("^(姐)姐，", True), r"\1，")
    review.make_edit(workspace, edit)
    assert [s.output[:3] for s in samples.page(workspace.engine, ALL)] == ["姐，生", "姐，又"]


def test_inputs_are_searched_where_it_is_asked_for(workspace: Workspace, ids: list[int]) -> None:
    edit = review.find_and_replace(workspace, ALL, TextPattern("祝姐姐"), "送给姐姐", review.INPUTS)
    review.make_edit(workspace, edit)
    first, second = samples.page(workspace.engine, ALL)
    assert first.history[0][0] == "送给姐姐生日" and second.input == "送给姐姐生日,严肃风格"
    assert first.output == SISTER


def test_a_text_that_would_be_empty_is_left_out_and_counted(workspace: Workspace, ids: list[int]) -> None:
    edit = review.find_and_replace(workspace, ALL, TextPattern("(?s)^姐姐，又.*", True), "")
    assert (len(edit.revisions), edit.left_out) == (0, 2)
    assert review.make_edit(workspace, edit) is None


@pytest.mark.parametrize(
    ("pattern", "replacement", "error"),
    [
        (TextPattern(""), "", InputError),
        (TextPattern("(", True), "", InputError),
        (TextPattern("(a)", True), r"\3", InputError),
        (TextPattern("(?:x|xx)+$", True), "", SlowPatternError),
    ],
)
def test_a_pattern_that_cannot_be_used_says_so_in_one_sentence(
    workspace: Workspace, pattern: TextPattern, replacement: str, error: type[InputError]
) -> None:
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, [NewSample("wishes", "系统", "祝", "x" * 60 + "。")], IMPORT)
    with pytest.raises(error) as caught:
        review.find_and_replace(workspace, ALL, pattern, replacement)
    assert "\n" not in str(caught.value)


def test_what_changed_after_the_preview_is_not_overwritten(workspace: Workspace, ids: list[int]) -> None:
    edit = review.find_and_replace(workspace, ALL, TextPattern("姐姐"), "姐")
    steps.edit(workspace.engine, "wishes", ids[1], 1, "别人刚刚改过", "别人")
    with pytest.raises(ConflictError):
        review.make_edit(workspace, edit)
    assert samples.get(workspace.engine, ids[0]).output == SISTER


def test_inputs_are_rebuilt_from_the_templates_and_what_has_no_cell_is_left_out(
    workspace: Workspace, ids: list[int]
) -> None:
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, [NewSample("wishes", "系统", "祝谁", "愿你天天开心")], IMPORT)
    recipe = recipes.current(workspace.engine, "wishes").recipe
    edit = review.rebuild_inputs(workspace, ALL, seed=3)
    assert edit.left_out == 1
    assert review.rebuild_inputs(workspace, ALL, seed=3).revisions == edit.revisions, "the seed decides"
    review.make_edit(workspace, edit)
    first, second, third = samples.page(workspace.engine, ALL)
    cell = recipe.name("姐姐"), recipe.scene("生日")
    assert first.history[0][0] in wordings(recipe, *cell, recipe.style("正常"))
    assert second.input in wordings(recipe, *cell, recipe.style("严肃"))
    assert (first.input, third.input) == ("换一条", "祝谁")


def test_the_system_prompt_of_many_samples_is_changed_at_once(workspace: Workspace, ids: list[int]) -> None:
    cleaning.check_new(workspace, "wishes")
    edit = review.set_system(workspace, ALL, "你是送祝福大师 ")
    assert len(edit.revisions) == 2
    review.make_edit(workspace, edit)
    changed = samples.page(workspace.engine, ALL)
    assert {s.system for s in changed} == {"你是送祝福大师"} and all(s.is_checked for s in changed)
    assert not review.set_system(workspace, ALL, "你是送祝福大师").revisions
    with pytest.raises(InputError):
        review.set_system(workspace, ALL, " ")


def test_an_own_rule_is_tried_kept_and_removed(workspace: Workspace, ids: list[int]) -> None:
    rule = OwnRule(kind=OwnRuleKind.REPLACE, text="姐姐", replacement="姐", styles=["正常"])
    trial = review.try_own_rule(workspace, "wishes", rule)
    assert (trial.matching, trial.found, trial.example) == (2, 1, OTHER)
    review.add_own_rule(workspace, "wishes", rule)
    with pytest.raises(InputError):
        review.add_own_rule(workspace, "wishes", rule)
    assert recipes.current(workspace.engine, "wishes").recipe.own_rules == (rule,)
    review.remove_own_rule(workspace, "wishes", rule)
    assert recipes.current(workspace.engine, "wishes").recipe.own_rules == ()


def test_an_own_rule_that_takes_for_ever_is_not_kept(workspace: Workspace) -> None:
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, [NewSample("wishes", "系统", "祝", "x" * 60 + "。")], IMPORT)
    slow = OwnRule(kind=OwnRuleKind.FORBIDDEN, text="(?:x|xx)+$", regular=True)
    with pytest.raises(SlowPatternError):
        review.add_own_rule(workspace, "wishes", slow)
    assert recipes.current(workspace.engine, "wishes").recipe.own_rules == ()


def test_many_samples_are_changed_in_the_background_as_one_step(workspace: Workspace, ids: list[int]) -> None:
    request = review.ReplaceText(find="姐姐", by="姐")
    stopped = review.start_bulk_edit(workspace, ALL, request, "我")
    with pytest.raises(JobError):
        review.start_bulk_edit(workspace, ALL, request)
    jobs.stop(workspace, stopped.id)
    assert jobs.wait(workspace, stopped.id, timeout=60).state == "stopped"
    assert samples.get(workspace.engine, ids[0]).output == SISTER, "a stopped change has changed nothing"

    job = review.start_bulk_edit(workspace, ALL, request, "我")
    assert jobs.wait(workspace, job.id, timeout=60).state == "succeeded"
    assert review.bulk_edit_job(workspace, "wishes") == jobs.get(workspace, job.id)
    progress = jobs.read_progress(workspace, job.id)
    assert progress is not None and (progress.done, progress.total) == (2, 2)
    step = steps.undo(workspace.engine, "wishes")
    assert step is not None and (step.action, step.who, step.count) == (steps.REPLACE, "我", 2)


def test_only_the_first_samples_are_looked_at_for_a_preview(workspace: Workspace, ids: list[int]) -> None:
    told: list[tuple[int, int]] = []
    request = review.ReplaceText(find="姐姐", by="姐")
    edit = review.prepare_edit(workspace, ALL, request, lambda *numbers: told.append(numbers), most=1)
    assert (edit.matching, list(edit.revisions), told) == (1, ids[:1], [(1, 1)])
