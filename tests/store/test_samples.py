"""Samples are found, counted, changed in undoable steps, and never overwritten behind a person's back."""

from dataclasses import replace

import pytest
from sqlalchemy import insert

from tianji_core.errors import ConflictError, InputError
from tianji_core.store import findings, samples, steps
from tianji_core.store.database import now, writing
from tianji_core.store.findings import Finding
from tianji_core.store.judgements import of_earlier_text as earlier_verdict
from tianji_core.store.samples import ACCEPTED, IMPORT, PENDING, REJECTED, NewSample, SampleFilter
from tianji_core.store.schema import judgements, text_digest
from tianji_core.store.schema import samples as table
from tianji_core.workspace import Workspace

ALL = SampleFilter("wishes")


def new(number: int, **fields: str) -> NewSample:
    values = {"name": "妹妹", "scene": "生日", "style": "小红书"} | fields
    return NewSample("wishes", "系统", f"祝妹妹生日{number}", f"第{number}个生日快乐呀🎂", **values)


def store(workspace: Workspace, items: list[NewSample]) -> list[int]:
    with writing(workspace.engine) as connection:
        return samples.insert_new(connection, items, IMPORT)


def test_pages_follow_each_other_in_both_directions_without_gap_or_repetition(workspace: Workspace) -> None:
    ids = store(workspace, [new(n) for n in range(25)])
    first = samples.page(workspace.engine, ALL, limit=10)
    second = samples.page(workspace.engine, ALL, after_id=first[-1].id, limit=10)
    third = samples.page(workspace.engine, ALL, after_id=second[-1].id, limit=10)
    assert [s.id for s in first + second + third] == ids
    assert samples.page(workspace.engine, ALL, before_id=third[0].id, limit=10) == second


def test_every_filter_narrows_what_is_found_and_counted(workspace: Workspace) -> None:
    ids = store(
        workspace,
        [new(0), new(1, style="严肃"), new(2, name="爷爷"), new(3, scene="春节"), new(4)],
    )
    findings.save(
        workspace.engine,
        {ids[0]: (1, [Finding("lead_in", "x", "y"), Finding("too_long", "z")]), ids[1]: (1, [])},
    )
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=(ids[4],)), ACCEPTED, "我")

    def found(**fields: object) -> list[int]:
        wanted = SampleFilter("wishes", **fields)
        page = [s.id for s in samples.page(workspace.engine, wanted)]
        assert samples.count(workspace.engine, wanted) == len(page)
        return page

    assert found(styles=("严肃",)) == [ids[1]]
    assert found(names=("爷爷", "奶奶")) == [ids[2]]
    assert found(scenes=("春节",)) == [ids[3]]
    assert found(states=(ACCEPTED,)) == [ids[4]]
    assert found(rules=("too_long",)) == [ids[0]]
    assert found(rules=("too_long",), fixable=True) == []
    assert found(rules=("too_long", "lead_in"), fixable=True) == [ids[0]]
    assert found(clean=True) == [ids[1]]
    assert found(clean=False) == [ids[0]]
    assert found(text="第3个") == [ids[3]]
    assert found(text="%") == []
    assert found(source="run") == []
    assert samples.count(workspace.engine, SampleFilter("other")) == 0


def test_a_search_reads_every_turn_of_a_conversation(workspace: Workspace) -> None:
    turns = (("写给妹妹，她说“等”", "第一稿：\n愿你平安"), ("再短一点", "平安顺遂"))
    ids = store(workspace, [replace(new(0), history=turns), new(1)])

    def found(text: str) -> list[int]:
        return [sample.id for sample in samples.page(workspace.engine, replace(ALL, text=text))]

    for word in ("说“等”", "第一稿：\n愿", "再短一点", "顺遂"):
        assert found(word) == ids[:1], word
    assert found("output") == found('", "') == found("\\") == [], (
        "only words, not the form they are stored in"
    )


def test_counts_by_cell_style_and_state_agree_with_the_samples(workspace: Workspace) -> None:
    ids = store(workspace, [new(0), new(1), new(2, name="爷爷"), new(3, style="严肃")])
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=(ids[0],)), REJECTED, "我")
    cells = {(c.name, c.scene): c for c in samples.cell_counts(workspace.engine, ALL)}
    assert cells["妹妹", "生日"][2:] == (2, 0, 1)
    assert cells["爷爷", "生日"].total == 1
    assert samples.style_counts(workspace.engine, ALL) == {"小红书": 3, "严肃": 1}
    assert samples.state_counts(workspace.engine, ALL) == {PENDING: 3, ACCEPTED: 0, REJECTED: 1}


def test_a_sample_that_the_recipe_has_already_is_not_stored_again(workspace: Workspace) -> None:
    assert len(store(workspace, [new(0), new(0), new(1)])) == 2
    assert store(workspace, [new(1)]) == []
    assert samples.add(workspace.engine, new(1)) is None
    assert samples.add(workspace.engine, new(2)) is not None


def test_length_and_digests_fill_themselves_in_when_a_run_inserts_rows(workspace: Workspace) -> None:
    imported = samples.get(workspace.engine, store(workspace, [new(0)])[0])
    kept = ("recipe", "system", "input", "output", "original")
    row = {key: getattr(imported, key) for key in kept} | {"source": "run", "recipe": "other"}
    row |= {"created_at": now(), "updated_at": now()}
    with writing(workspace.engine) as connection:
        connection.execute(insert(table), [row, row | {"output": "另一条"}])
        rows = connection.execute(table.select().order_by(table.c.id)).all()
    assert rows[1].digest == rows[0].digest and rows[1].text_digest == rows[0].text_digest
    assert rows[2].length == 3 and rows[2].digest != rows[0].digest


def test_a_bulk_step_is_undone_and_redone_as_a_whole(workspace: Workspace) -> None:
    ids = store(workspace, [new(n) for n in range(5)])
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=(ids[0],)), REJECTED, "我")
    step = steps.set_state(workspace.engine, ALL, ACCEPTED, "我")
    assert step is not None and step.count == 5

    undone = steps.undo(workspace.engine, "wishes")
    assert undone is not None and undone.id == step.id
    assert samples.state_counts(workspace.engine, ALL) == {PENDING: 4, ACCEPTED: 0, REJECTED: 1}
    again = steps.next_redo(workspace.engine, "wishes")
    assert again is not None and again.id == step.id
    steps.redo(workspace.engine, "wishes")
    assert samples.state_counts(workspace.engine, ALL)[ACCEPTED] == 5
    assert steps.next_redo(workspace.engine, "wishes") is None


def test_steps_are_undone_from_the_newest_to_the_oldest_and_then_there_is_nothing_left(
    workspace: Workspace,
) -> None:
    (one,) = store(workspace, [new(0)])
    only = SampleFilter("wishes", ids=(one,))
    steps.set_state(workspace.engine, only, ACCEPTED, "我")
    steps.rate(workspace.engine, only, 4, "我")
    steps.edit(workspace.engine, "wishes", one, 3, "改过的一条生日祝福", "我", state=REJECTED)
    seen = []
    while steps.undo(workspace.engine, "wishes") is not None:
        sample = samples.get(workspace.engine, one)
        seen.append((sample.state, sample.rating, sample.output == sample.original))
    assert seen == [(ACCEPTED, 4, True), (ACCEPTED, None, True), (PENDING, None, True)]


def test_a_new_step_after_an_undo_ends_what_could_be_redone(workspace: Workspace) -> None:
    store(workspace, [new(0)])
    steps.set_state(workspace.engine, ALL, ACCEPTED, "我")
    steps.undo(workspace.engine, "wishes")
    steps.set_state(workspace.engine, ALL, REJECTED, "我")
    assert steps.redo(workspace.engine, "wishes") is None
    assert samples.state_counts(workspace.engine, ALL)[REJECTED] == 1


def test_editing_what_somebody_else_changed_meanwhile_is_refused_and_overwrites_nothing(
    workspace: Workspace,
) -> None:
    (one,) = store(workspace, [new(0)])
    steps.edit(workspace.engine, "wishes", one, 1, "第一个人改的内容", "我")
    with pytest.raises(ConflictError, match="没有覆盖"):
        steps.edit(workspace.engine, "wishes", one, 1, "第二个人改的内容", "我")
    with pytest.raises(ConflictError):
        steps.set_state(workspace.engine, SampleFilter("wishes", ids=(one,)), ACCEPTED, "我", {one: 1})
    assert samples.get(workspace.engine, one).output == "第一个人改的内容"


def test_a_changed_text_is_looked_at_again_and_a_changed_state_is_not(workspace: Workspace) -> None:
    (one,) = store(workspace, [new(0)])
    findings.save(workspace.engine, {one: (1, [Finding("lead_in", "x")])})
    steps.set_state(workspace.engine, ALL, ACCEPTED, "我")
    assert samples.get(workspace.engine, one).is_checked
    steps.edit(workspace.engine, "wishes", one, 2, "改过的一条生日祝福", "我")
    assert not samples.get(workspace.engine, one).is_checked
    assert [s.id for s in findings.unchecked(workspace.engine, "wishes", 10)] == [one]
    findings.save(workspace.engine, {one: (2, [])})
    assert findings.unchecked_count(workspace.engine, "wishes") == 1, "version 3 has not been looked at"


def test_doing_what_is_done_already_is_no_step(workspace: Workspace) -> None:
    (one,) = store(workspace, [new(0)])
    assert steps.set_state(workspace.engine, ALL, PENDING, "我") is None
    assert (
        steps.edit(workspace.engine, "wishes", one, 1, samples.get(workspace.engine, one).output, "我")
        is None
    )
    assert steps.undo(workspace.engine, "wishes") is None


def test_wrong_requests_are_refused_with_a_reason(workspace: Workspace) -> None:
    (one,) = store(workspace, [new(0)])
    with pytest.raises(InputError, match="不能为空"):
        steps.edit(workspace.engine, "wishes", one, 1, " ", "我")
    with pytest.raises(InputError, match="1 到 5"):
        steps.rate(workspace.engine, ALL, 6, "我")
    with pytest.raises(InputError, match="99"):
        samples.get(workspace.engine, 99)


@pytest.mark.parametrize("order", samples.ORDER_TITLES)
def test_every_order_goes_through_all_samples_once_in_both_directions(
    workspace: Workspace, order: str
) -> None:
    ids = store(workspace, [new(n, name="妹" * (n % 3)) for n in range(23)])
    with writing(workspace.engine) as connection:
        for number in ids:
            values = {"score": (number % 4) or None, "length": 5 + number % 3, "finding_count": number % 2}
            connection.execute(table.update().where(table.c.id == number).values(**values))
    seen, last = [], None
    while page := samples.page(workspace.engine, ALL, after_id=last, limit=5, order=order):
        seen += [s.id for s in page]
        last = page[-1].id
    assert sorted(seen) == ids
    back = samples.page(workspace.engine, ALL, before_id=seen[10], limit=5, order=order)
    assert [s.id for s in back] == seen[5:10]
    here = samples.page(workspace.engine, ALL, from_id=seen[10], limit=2, order=order)
    assert [s.id for s in here] == seen[10:12]
    assert samples.count_beside(workspace.engine, ALL, seen[10], seen[15], order) == (10, 7)
    assert samples.count_beside(workspace.engine, ALL, None, None, order) == (0, 0)


def test_an_order_sorts_by_what_it_says(workspace: Workspace) -> None:
    ids = store(workspace, [new(n) for n in range(3)])
    with writing(workspace.engine) as connection:
        for number, score, findings_ in zip(ids, (4.0, None, 1.0), (0, 2, 1), strict=True):
            values = {"score": score, "finding_count": findings_, "length": number}
            connection.execute(table.update().where(table.c.id == number).values(**values))

    def ordered(order: str) -> list[int]:
        return [ids.index(s.id) for s in samples.page(workspace.engine, ALL, order=order)]

    assert ordered(samples.DOUBTFUL) == [2, 0, 1] and ordered(samples.BEST) == [0, 2, 1]
    assert ordered(samples.WORST) == [1, 2, 0] and ordered(samples.LONGEST) == [2, 1, 0]


def test_the_place_of_a_sample_is_kept_when_it_no_longer_matches(workspace: Workspace) -> None:
    ids = store(workspace, [new(n) for n in range(6)])
    pending = SampleFilter("wishes", states=(PENDING,))
    order = [s.id for s in samples.page(workspace.engine, pending, order=samples.RANDOM)]
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=(order[2],)), ACCEPTED, "我")
    here = samples.page(workspace.engine, pending, from_id=order[2], limit=1, order=samples.RANDOM)
    assert [s.id for s in here] == [order[3]] and len(ids) == 6


def test_the_history_of_a_sample_says_who_did_what(workspace: Workspace) -> None:
    (one,) = store(workspace, [new(0)])
    only = SampleFilter("wishes", ids=(one,))
    steps.rate(workspace.engine, only, 4, "甲")
    steps.edit(workspace.engine, "wishes", one, 2, "改过的一条生日祝福", "乙", state=ACCEPTED)
    steps.undo(workspace.engine, "wishes")
    edited, rated = steps.history(workspace.engine, one)
    assert (edited.step.who, edited.step.undone, edited.after["output"]) == ("乙", True, "改过的一条生日祝福")
    assert (rated.step.who, rated.before, rated.after) == ("甲", {"rating": None}, {"rating": 4})


def test_reviewers_are_measured_by_what_they_decided_and_how_fast(workspace: Workspace) -> None:
    ids = store(workspace, [new(n) for n in range(5)])
    for number, state in zip(ids, (ACCEPTED, ACCEPTED, REJECTED, ACCEPTED), strict=False):
        steps.set_state(workspace.engine, SampleFilter("wishes", ids=(number,)), state, "甲")
    steps.undo(workspace.engine, "wishes")
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=tuple(ids[3:])), ACCEPTED, "乙")
    first, second = steps.reviewers(workspace.engine, "wishes")
    assert (first.who, first.decided, first.accepted) == ("甲", 3, 2)
    assert first.per_hour is not None and first.per_hour > 0
    assert (second.who, second.decided, second.accepted, second.per_hour) == ("乙", 2, 2, None)
    steps.edit(workspace.engine, "wishes", ids[3], 4, "改过的一条生日祝福", "丙", state=REJECTED)
    third = steps.reviewers(workspace.engine, "wishes")[-1]
    assert (third.who, third.decided, third.accepted, third.edited) == ("丙", 1, 0, 1)
    assert {pace.who: pace.decided for pace in steps.pace(workspace.engine, "wishes")}["丙"] == 1


def test_a_score_goes_with_an_edit_and_comes_back_with_its_undoing(workspace: Workspace) -> None:
    (one,) = store(workspace, [new(0)])
    sample = samples.get(workspace.engine, one)
    verdict = {"sample_id": one, "text_digest": text_digest(sample.output), "created_at": now()}
    with writing(workspace.engine) as connection:
        connection.execute(insert(judgements).values(**verdict, fit=5, style=4, naturalness=3))
    steps.edit(workspace.engine, "wishes", one, 1, "改过的一条生日祝福", "我")
    assert samples.get(workspace.engine, one).score is None
    before = earlier_verdict(workspace.engine, one)
    assert before is not None and before.score == 4
    steps.undo(workspace.engine, "wishes")
    assert samples.get(workspace.engine, one).score == 4
    assert earlier_verdict(workspace.engine, one) is None
