"""The rules over stored samples: planted mistakes are found, fixes are one step, and nothing is checked
twice."""

from dataclasses import replace

import pytest

from tianji_core import cleaning
from tianji_core.errors import ConflictError
from tianji_core.recipe import Plan, SuitabilityGroup, brief, built_in_recipes, load_recipe, tasks
from tianji_core.store import findings, recipes, samples, steps
from tianji_core.store.database import writing
from tianji_core.store.samples import IMPORT, NewSample, SampleFilter
from tianji_core.teachers.composer import Composer
from tianji_core.workspace import Workspace

ALL = SampleFilter("wishes")
CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"
OTHER = "妹妹，又长一岁啦，蛋糕要吃最大的那块，愿望也要许最大的那个！"
THIRD = "今天是你的生日，妹妹，愿往后的路上有风有光，也有人陪你慢慢走。"


def store(workspace: Workspace, *outputs: str, **fields: str) -> list[int]:
    cell = {"name": "妹妹", "scene": "生日", "style": "正常"} | fields
    with writing(workspace.engine) as connection:
        new = [NewSample("wishes", "系统", f"祝妹妹生日{n}", text, **cell) for n, text in enumerate(outputs)]
        return samples.insert_new(connection, new, IMPORT)


def found(workspace: Workspace, sample_id: int) -> set[str]:
    return {finding.rule for finding in findings.of(workspace.engine, [sample_id])[sample_id]}


@pytest.mark.parametrize("style", ["小红书", "正常", "严肃"])
def test_what_the_composer_spoils_is_found_and_what_it_writes_well_is_not(style: str) -> None:
    recipe = load_recipe(built_in_recipes()["wishes"])
    context = cleaning.context_of(recipe)
    briefs = [brief(recipe, task, 3) for task in tasks(recipe, Plan(styles=(style,), limit=150))]
    good, spoiling = Composer(), Composer(mistakes=1.0)
    for each in briefs:
        cell = (each.name.text, each.scene.text, each.style.text)
        assert cleaning.check(cleaning.Subject(good.compose(each).text, *cell), context) == []
    missed = []
    for each in briefs:
        answer = spoiling.compose(each)
        rules = {f.rule for f in cleaning.check(cleaning.Subject(answer.text, *(each.task[1:4])), context)}
        missed += [(answer.planted, answer.text) for _m in set(answer.planted) - rules]
    assert len(missed) <= len(briefs) // 50, missed


def test_only_samples_that_changed_are_checked_and_findings_follow_the_text(workspace: Workspace) -> None:
    good, quoted = store(workspace, CLEAN, f"“{OTHER}”")
    assert cleaning.check_new(workspace, "wishes") == 2
    assert cleaning.check_new(workspace, "wishes") == 0
    assert found(workspace, good) == set() and found(workspace, quoted) == {"wrapping_quotes"}
    steps.edit(workspace.engine, "wishes", quoted, 1, "生日快乐", "我")
    assert cleaning.check_new(workspace, "wishes") == 1
    assert found(workspace, quoted) == {"too_short"}
    assert samples.get(workspace.engine, quoted).finding_count == 1


def test_checking_in_pieces_reaches_every_sample(workspace: Workspace) -> None:
    store(workspace, *(f"{CLEAN}{n}" for n in range(7)))
    assert [cleaning.check_new(workspace, "wishes", limit=3) for _n in range(4)] == [3, 3, 1, 0]


def test_of_samples_that_say_the_same_one_is_kept_whatever_the_order_of_checking(
    workspace: Workspace,
) -> None:
    first, second, third = store(
        workspace, CLEAN, f"{CLEAN} ", "妹妹，愿你生日这天笑得最开心，往后年年如今日。"
    )
    cleaning.check_new(workspace, "wishes")
    assert found(workspace, first) == set()
    assert "exact_duplicate" in found(workspace, second)
    steps.edit(workspace.engine, "wishes", first, 1, samples.get(workspace.engine, third).output, "我")
    cleaning.check_new(workspace, "wishes")
    assert found(workspace, first) == {"exact_duplicate"} and found(workspace, third) == set()


def test_rejected_samples_are_nobodys_duplicate(workspace: Workspace) -> None:
    first, second = store(workspace, CLEAN, f"{CLEAN} ")
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=(first,)), samples.REJECTED, "我")
    cleaning.check_new(workspace, "wishes")
    assert "exact_duplicate" not in found(workspace, second)


def test_a_changed_matrix_counts_without_being_asked_for(workspace: Workspace) -> None:
    (one,) = store(workspace, CLEAN)
    cleaning.check_new(workspace, "wishes")
    stored = recipes.current(workspace.engine, "wishes")
    group = SuitabilityGroup(names=("妹妹",), scenes=("生日",), value=0, reason="试一试")
    changed = stored.recipe.changed(suitability=(*stored.recipe.suitability, group))
    recipes.save(workspace.engine, changed, stored.revision, "")
    assert cleaning.check_new(workspace, "wishes") == 1
    assert found(workspace, one) == {"unsuitable_cell"}
    assert cleaning.check_new(workspace, "wishes") == 0
    assert cleaning.check_again(workspace, "wishes") == 1


def test_fixing_in_bulk_is_one_step_that_can_be_taken_back(workspace: Workspace) -> None:
    store(workspace, CLEAN, f"“{OTHER}”", f"当前祝福语如下：{THIRD}", "生日快乐")
    cleaning.check_new(workspace, "wishes")
    before = [s.output for s in samples.page(workspace.engine, ALL)]

    preview = cleaning.preview(workspace, ALL)
    assert (preview.matching, preview.fixable) == (4, 2)
    assert preview.by_rule == {"lead_in": 1, "wrapping_quotes": 1}
    assert [p.after for p in preview.examples] == [OTHER, THIRD]
    assert [s.output for s in samples.page(workspace.engine, ALL)] == before, "a preview changes nothing"

    step = cleaning.fix(workspace, ALL)
    assert step is not None and step.count == 2
    assert cleaning.preview(workspace, ALL).fixable == 0
    assert findings.rule_counts(workspace.engine, ALL) == {"too_short": (1, 0)}
    steps.undo(workspace.engine, "wishes")
    assert [s.output for s in samples.page(workspace.engine, ALL)] == before
    assert cleaning.check_new(workspace, "wishes") == 2


def test_fixing_keeps_to_the_filter_and_to_the_chosen_rules(workspace: Workspace) -> None:
    quoted, led = store(workspace, f"“{OTHER}”", f"当前祝福语如下：{THIRD}")
    cleaning.check_new(workspace, "wishes")
    assert cleaning.fix(workspace, ALL, rules=()) is None
    step = cleaning.fix(workspace, ALL, rules=("lead_in",))
    assert step is not None and step.count == 1
    assert found(workspace, quoted) == {"wrapping_quotes"} and found(workspace, led) == set()
    assert cleaning.fix(workspace, replace(ALL, styles=("严肃",))) is None


def test_fixing_what_changed_behind_the_persons_back_is_refused(workspace: Workspace) -> None:
    (quoted,) = store(workspace, f"“{CLEAN}”")
    cleaning.check_new(workspace, "wishes")
    steps.rate(workspace.engine, ALL, 5, "别人")
    with pytest.raises(ConflictError):
        cleaning.fix(workspace, replace(ALL, ids=(quoted,)), versions={quoted: 1})
    assert samples.get(workspace.engine, quoted).output == f"“{CLEAN}”"


def test_a_difference_reads_from_left_to_right() -> None:
    pieces = cleaning.compare("“祝你快樂”", "祝你快乐")
    assert [(p.kind, p.text) for p in pieces] == [
        ("removed", "“"),
        ("same", "祝你快"),
        ("removed", "樂”"),
        ("added", "乐"),
    ]
