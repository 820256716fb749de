"""What a review asks of the store: filters by who, when and how good; orders that hold; everybody's own undo;
a feed."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from tianji_core.errors import ConflictError, InputError
from tianji_core.store import comparing, samples, steps
from tianji_core.store.comparing import Signature
from tianji_core.store.database import now, writing
from tianji_core.store.samples import (
    ACCEPTED,
    ALIKE,
    IMPORT,
    PENDING,
    RANDOM,
    REJECTED,
    NewSample,
    SampleFilter,
)
from tianji_core.store.schema import samples as table
from tianji_core.store.schema import steps as step_table
from tianji_core.store.steps import SampleRevision, StepFilter
from tianji_core.workspace import Workspace

ALL = SampleFilter("wishes")


def store(workspace: Workspace, number: int) -> list[int]:
    new = [
        NewSample(
            "wishes", "系统", f"祝妹妹生日{n}", f"第{n}个生日快乐", "妹妹", "生日", "正常", model=f"m{n % 2}"
        )
        for n in range(number)
    ]
    with writing(workspace.engine) as connection:
        return samples.insert_new(connection, new, IMPORT)


def only(*ids: int) -> SampleFilter:
    return SampleFilter("wishes", ids=ids)


def found(workspace: Workspace, **fields: object) -> list[int]:
    wanted = SampleFilter("wishes", **fields)
    page = [s.id for s in samples.page(workspace.engine, wanted)]
    assert samples.count(workspace.engine, wanted) == len(page)
    return page


def test_samples_are_found_by_teacher_reviewer_stars_score_and_day(workspace: Workspace) -> None:
    ids = store(workspace, 4)
    steps.rate(workspace.engine, only(ids[0]), 5, "甲")
    steps.rate(workspace.engine, only(ids[1]), 2, "乙")
    today = now()
    with writing(workspace.engine) as connection:
        connection.execute(update(table).where(table.c.id == ids[2]).values(score=3.5))
        connection.execute(
            update(table).where(table.c.id == ids[3]).values(created_at=today - timedelta(days=9))
        )
    day, before = today.date().isoformat(), (today - timedelta(days=9)).date().isoformat()
    assert found(workspace, models=("m1",)) == [ids[1], ids[3]]
    assert samples.models(workspace.engine, "wishes") == ["m0", "m1"]
    assert found(workspace, reviewer="甲") == [ids[0]]
    assert found(workspace, rating=(3, 5)) == [ids[0]] and found(workspace, rating=(0, 5)) == ids[:2]
    assert found(workspace, score=(3.5, 5)) == [ids[2]]
    assert found(workspace, since=day) == ids[:3] and found(workspace, until=before) == [ids[3]]
    steps.undo(workspace.engine, "wishes", "甲")
    assert found(workspace, reviewer="甲") == []


def test_a_shuffle_depends_on_its_seed_and_holds_from_page_to_page(workspace: Workspace) -> None:
    ids = store(workspace, 60)
    shuffles = []
    for order in (RANDOM, f"{RANDOM}:7"):
        first = samples.page(workspace.engine, ALL, limit=25, order=order)
        rest = samples.page(workspace.engine, ALL, after_id=first[-1].id, limit=60, order=order)
        shuffles.append([s.id for s in first + rest])
        assert sorted(shuffles[-1]) == ids and shuffles[-1] != ids
    assert shuffles[0] != shuffles[1]


def test_the_most_similar_come_first_and_those_like_no_other_last(workspace: Workspace) -> None:
    ids = store(workspace, 3)
    comparing.save_signatures(
        workspace.engine,
        "wishes",
        [
            Signature(ids[1], "a", b"", ids[0], 0.9),
            Signature(ids[2], "b", b"", ids[0], 0.97),
            Signature(ids[0], "c", b"", None, None),
        ],
    )
    assert [s.id for s in samples.page(workspace.engine, ALL, order=ALIKE)] == [ids[2], ids[1], ids[0]]
    assert [s.id for s in samples.page(workspace.engine, ALL, after_id=ids[2], limit=1, order=ALIKE)] == [
        ids[1]
    ]


def test_many_samples_are_revised_each_in_its_own_way_as_one_step(workspace: Workspace) -> None:
    ids = store(workspace, 4)
    revisions = {
        ids[0]: SampleRevision(1, output="改过的内容"),
        ids[1]: SampleRevision(1, state=ACCEPTED, rating=4),
        ids[2]: SampleRevision(1, output="第2个生日快乐"),
    }
    step = steps.revise(workspace.engine, "wishes", revisions, steps.TABLE, "改", "我", "试试")
    assert step is not None and (step.count, step.note) == (2, "试试")
    first, second, third, _fourth = samples.many(workspace.engine, ids)
    assert (first.output, first.length, first.version) == ("改过的内容", 5, 2)
    assert (second.state, second.rating) == (ACCEPTED, 4) and third.version == 1
    steps.undo(workspace.engine, "wishes")
    again = samples.many(workspace.engine, ids)
    assert [(s.output, s.state, s.rating) for s in again] == [
        (f"第{n}个生日快乐", PENDING, None) for n in range(4)
    ]


@pytest.mark.parametrize(
    "revision", [SampleRevision(1, output=" "), SampleRevision(1, state="gone"), SampleRevision(1, rating=6)]
)
def test_a_revision_that_cannot_be_is_refused_as_a_whole(
    workspace: Workspace, revision: SampleRevision
) -> None:
    ids = store(workspace, 2)
    with pytest.raises(InputError):
        steps.revise(
            workspace.engine,
            "wishes",
            {ids[0]: SampleRevision(1, state=ACCEPTED), ids[1]: revision},
            "edit",
            "x",
            "我",
        )
    assert found(workspace, states=(PENDING,)) == ids


def test_everybody_undoes_and_redoes_their_own_steps(workspace: Workspace) -> None:
    first, second = store(workspace, 2)
    steps.set_state(workspace.engine, only(first), ACCEPTED, "甲")
    steps.set_state(workspace.engine, only(second), REJECTED, "乙")
    mark = comparing.steps_mark(workspace.engine, "wishes")
    steps.undo(workspace.engine, "wishes", "甲")
    assert [s.state for s in samples.many(workspace.engine, [first, second])] == [PENDING, REJECTED]
    assert comparing.steps_mark(workspace.engine, "wishes") != mark
    assert steps.last(workspace.engine, "wishes", "甲") is None
    steps.redo(workspace.engine, "wishes", "甲")
    assert samples.get(workspace.engine, first).state == ACCEPTED
    steps.set_state(workspace.engine, only(first), REJECTED, "乙")
    with pytest.raises(ConflictError):
        steps.undo(workspace.engine, "wishes", "甲")


def test_the_feed_is_filtered_and_goes_back_in_time(workspace: Workspace) -> None:
    ids = store(workspace, 3)
    for number, who in zip(ids, ("甲", "乙", "甲"), strict=True):
        steps.set_state(workspace.engine, only(number), ACCEPTED, who, note=f"因为{number}")
    steps.rate(workspace.engine, ALL, 3, "乙")
    engine = workspace.engine

    def feed(**fields: object) -> list[tuple[str, str]]:
        wanted = StepFilter("wishes", **fields)
        shown = steps.feed(engine, wanted)
        assert steps.matching_count(engine, wanted) == len(shown)
        return [(step.who, step.note) for step in shown]

    assert feed(who="甲") == [("甲", f"因为{ids[2]}"), ("甲", f"因为{ids[0]}")]
    assert feed(action="rate") == [("乙", "")]
    assert feed(sample_id=ids[1]) == [("乙", ""), ("乙", f"因为{ids[1]}")]
    assert feed(since=now().date().isoformat()) == feed() and feed(until="2020-01-01") == []
    newest = steps.feed(engine, StepFilter("wishes"), limit=1)[0]
    assert len(steps.feed(engine, StepFilter("wishes"), before_id=newest.id)) == 3
    assert steps.touched(engine, [newest.id], limit=2) == {newest.id: ids[:2]}
    assert steps.people(engine, "wishes") == ["乙", "甲"]
    assert [(pace.who, pace.decided) for pace in steps.pace(engine, "wishes")] == [("乙", 1), ("甲", 2)]


def test_the_pace_counts_the_days_of_those_who_look(workspace: Workspace) -> None:
    ids = store(workspace, 2)
    evening, later = datetime(2026, 3, 1, 15, 30), datetime(2026, 3, 1, 16, 30)  # UTC; midnight in Shanghai
    for number, moment in zip(ids, (evening, later), strict=True):
        step = steps.set_state(workspace.engine, only(number), ACCEPTED, "甲")
        assert step is not None
        with writing(workspace.engine) as connection:
            connection.execute(update(step_table).where(step_table.c.id == step.id).values(created_at=moment))

    def there(moment: datetime) -> datetime:
        return moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo("Asia/Shanghai"))

    assert [pace.decided for pace in steps.pace(workspace.engine, "wishes")] == [2]
    days = steps.pace(workspace.engine, "wishes", local=there)
    assert [(f"{pace.start:%m-%d %H:%M}", pace.decided) for pace in days] == [
        ("03-01 00:00", 1),
        ("03-02 00:00", 1),
    ]
