"""Every answer of a conversation is checked and fixed, not only the last one."""

import pytest

from tianji_core import cleaning, dataset
from tianji_core.errors import DatasetError, InputError
from tianji_core.store import findings, samples, steps
from tianji_core.store.database import writing
from tianji_core.store.findings import Finding, Repairs
from tianji_core.store.samples import ACCEPTED, IMPORT, PENDING, NewSample, SampleFilter
from tianji_core.store.steps import SampleRevision
from tianji_core.workspace import Workspace

ALL = SampleFilter("wishes")
FIRST = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"
LAST = "妹妹，又长一岁啦，蛋糕要吃最大的那块，愿望也要许最大的那个！"


def conversation(workspace: Workspace, *earlier: str, output: str = LAST) -> int:
    history = tuple((f"第{n}次问", answer) for n, answer in enumerate(earlier, 1))
    new = NewSample("wishes", "系统", "再写一条", output, "妹妹", "生日", "正常", history)
    with writing(workspace.engine) as connection:
        (number,) = samples.insert_new(connection, [new], IMPORT)
    cleaning.check_new(workspace, "wishes")
    return number


def found(workspace: Workspace, number: int) -> list[Finding]:
    return findings.of(workspace.engine, [number])[number]


def test_a_fault_of_an_earlier_answer_is_found_with_its_turn_and_fixed_there(workspace: Workspace) -> None:
    number = conversation(workspace, FIRST, f"“{FIRST}”", output=f"“{LAST}”")
    assert [(f.rule, f.turn, f.fixed) for f in found(workspace, number)] == [
        ("wrapping_quotes", 2, FIRST),
        ("wrapping_quotes", 0, LAST),
    ]
    assert findings.rule_counts(workspace.engine, ALL) == {"wrapping_quotes": (1, 1)}, "one sample, one count"
    step = cleaning.fix(workspace, ALL)
    assert step is not None and step.count == 1
    fixed = samples.get(workspace.engine, number)
    assert (fixed.history, fixed.output) == ((("第1次问", FIRST), ("第2次问", FIRST)), LAST)
    assert not any(f.rule == "wrapping_quotes" for f in found(workspace, number))
    steps.undo(workspace.engine, "wishes")
    back = samples.get(workspace.engine, number)
    assert (back.history[1][1], back.output) == (f"“{FIRST}”", f"“{LAST}”")


def test_a_sample_whose_only_fault_is_in_an_earlier_answer_is_not_clean(workspace: Workspace) -> None:
    number = conversation(workspace, f"当前祝福语如下：{FIRST}")
    clean = SampleFilter("wishes", states=(PENDING,), clean=True)
    assert steps.set_state(workspace.engine, clean, ACCEPTED, "我") is None
    steps.set_state(workspace.engine, ALL, ACCEPTED, "我")
    with pytest.raises(DatasetError):
        dataset.freeze(workspace, "wishes", "clean", SampleFilter("wishes", states=(ACCEPTED,), clean=True))
    cleaning.fix(workspace, ALL)
    version = dataset.freeze(
        workspace, "wishes", "clean", SampleFilter("wishes", states=(ACCEPTED,), clean=True)
    )
    assert FIRST in dataset.training_file(workspace, version).read_text(encoding="utf-8")
    assert samples.get(workspace.engine, number).history == (("第1次问", FIRST),)


def test_an_empty_earlier_answer_is_a_finding(workspace: Workspace) -> None:
    number = conversation(workspace, " ", FIRST)
    assert [(f.rule, f.turn) for f in found(workspace, number)] == [("empty", 1)]
    assert cleaning.fix(workspace, ALL) is None


def test_an_earlier_answer_can_be_edited_but_not_emptied(workspace: Workspace) -> None:
    number = conversation(workspace, "", f"“{FIRST}”")
    history = (("第1次问", FIRST), ("第2次问", " "))
    with pytest.raises(InputError):
        steps.edit(workspace.engine, "wishes", number, 1, LAST, "我", history=history)
    steps.edit(workspace.engine, "wishes", number, 1, LAST, "我", history=(history[0], ("第2次问", LAST)))
    cleaning.check_new(workspace, "wishes")
    edited = samples.get(workspace.engine, number)
    assert [answer for _asked, answer in edited.history] == [FIRST, LAST]
    assert {f.rule for f in found(workspace, number)} <= {"exact_duplicate"}


def test_changing_what_was_asked_leaves_the_findings_and_the_score(workspace: Workspace) -> None:
    number = conversation(workspace, output=f"“{LAST}”")
    revision = SampleRevision(1, input="祝妹妹生日", system="另一个系统")
    step = steps.revise(workspace.engine, "wishes", {number: revision}, steps.TABLE, "改", "我")
    assert step is not None
    sample = samples.get(workspace.engine, number)
    assert (sample.input, sample.system, sample.is_checked) == ("祝妹妹生日", "另一个系统", True)
    steps.undo(workspace.engine, "wishes")
    assert samples.get(workspace.engine, number).input == "再写一条"


def test_the_overview_adds_up_and_promises_only_what_is_done(workspace: Workspace) -> None:
    conversation(workspace, output=f"“{FIRST}”")  # repaired
    conversation(workspace, output="“生日快乐”")  # repaired in part: still too short
    conversation(workspace, output="生日快乐")  # for a person
    conversation(workspace, output="“祝[姓名]生日快乐，愿你天天开心”")  # the gap is for a person
    conversation(workspace, output=LAST)
    overview = cleaning.overview(workspace, ALL)
    assert overview.total == sum(overview.repairs) == 4
    promised = overview.repairs.whole + overview.repairs.partly
    step = cleaning.fix(workspace, ALL)
    assert step is not None and step.count == promised
    after = cleaning.overview(workspace, ALL)
    assert after.repairs == Repairs(0, 0, overview.total - overview.repairs.whole)
    assert all(count.fixable == 0 for count in after.by_rule.values())


def test_a_text_that_repeats_another_has_one_name_for_it(workspace: Workspace) -> None:
    first = conversation(workspace, output=FIRST)
    near = conversation(workspace, output=FIRST.replace("每天", "天天"))
    equal = conversation(workspace, LAST, output=FIRST.replace("每天", "天天"))
    assert {f.rule for f in found(workspace, first)} == set()
    assert {f.rule for f in found(workspace, near)} == {"near_duplicate"}
    assert {f.rule for f in found(workspace, equal)} == {"exact_duplicate"}
    assert sum(count.samples for count in cleaning.overview(workspace, ALL).by_rule.values()) == 2


def test_a_copy_for_another_person_addresses_them_in_every_turn(workspace: Workspace) -> None:
    number = conversation(workspace, FIRST)
    context = cleaning.current_context(workspace, "wishes")
    copy = cleaning.readdressed(samples.get(workspace.engine, number), "奶奶", context)
    assert "奶奶" in copy.history[0][1] and "您" in copy.history[0][1] and "妹妹" not in copy.history[0][1]


def test_a_sample_with_an_empty_last_answer_does_not_keep_the_others_from_being_fixed(
    workspace: Workspace,
) -> None:
    empty = conversation(workspace, f"“{FIRST}”", output=" ")
    quoted = conversation(workspace, output=f"“{LAST}”")
    step = cleaning.fix(workspace, ALL)
    assert step is not None and step.count == 2
    assert samples.get(workspace.engine, empty).history[0][1] == FIRST
    assert samples.get(workspace.engine, quoted).output == LAST
