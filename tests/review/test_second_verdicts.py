"""A share of what one person decided goes to a second one, whose verdict neither sees nor moves the first."""

import pytest

from tianji_core.errors import ConflictError, InputError
from tianji_core.review import cohen_kappa, reviewer_agreement
from tianji_core.store import samples, second_verdicts, steps
from tianji_core.store.database import writing
from tianji_core.store.samples import ACCEPTED, IMPORT, PENDING, REJECTED, NewSample, SampleFilter
from tianji_core.workspace import Workspace

ALL = SampleFilter("wishes")


@pytest.fixture
def ids(workspace: Workspace) -> list[int]:
    """Six samples, the first four decided by 甲, all of them to be judged twice."""
    new = [NewSample("wishes", "系统", f"祝妹妹生日{n}", f"妹妹，第{n}个生日快乐！") for n in range(6)]
    with writing(workspace.engine) as connection:
        numbers = samples.insert_new(connection, new, IMPORT)
    for number in numbers[:4]:
        steps.set_state(workspace.engine, SampleFilter("wishes", ids=(number,)), ACCEPTED, "甲")
    second_verdicts.set_share(workspace.engine, "wishes", 1.0)
    return numbers


def waiting(workspace: Workspace, who: str) -> list[int]:
    found = [s.id for s in second_verdicts.waiting(workspace.engine, ALL, who)]
    assert second_verdicts.waiting_count(workspace.engine, ALL, who) == len(found)
    return found


def judge(workspace: Workspace, number: int, state: str, who: str = "乙") -> None:
    second_verdicts.record(workspace.engine, samples.get(workspace.engine, number), state, who)


def test_what_others_decided_waits_for_a_second_verdict_once(workspace: Workspace, ids: list[int]) -> None:
    assert waiting(workspace, "甲") == []
    assert waiting(workspace, "乙") == ids[:4]
    judge(workspace, ids[0], REJECTED)
    assert samples.get(workspace.engine, ids[0]).state == ACCEPTED, "the first verdict stands"
    assert waiting(workspace, "乙") == waiting(workspace, "丙") == ids[1:4]
    steps.undo(workspace.engine, "wishes", "乙")
    assert waiting(workspace, "乙") == ids[:4] and second_verdicts.verdicts(workspace.engine, "wishes") == []
    steps.redo(workspace.engine, "wishes", "乙")
    assert waiting(workspace, "乙") == ids[1:4]


def test_a_verdict_that_cannot_be_a_second_one_is_refused(workspace: Workspace, ids: list[int]) -> None:
    with pytest.raises(InputError, match="没有别人"):
        judge(workspace, ids[0], ACCEPTED, "甲")
    with pytest.raises(InputError, match="没有别人"):
        judge(workspace, ids[5], ACCEPTED)
    with pytest.raises(InputError):
        judge(workspace, ids[0], PENDING)
    seen = samples.get(workspace.engine, ids[0])
    second_verdicts.record(workspace.engine, seen, ACCEPTED, "乙")
    with pytest.raises(ConflictError, match="已经有人复审"):
        second_verdicts.record(workspace.engine, seen, ACCEPTED, "丙")


def test_the_share_is_about_as_large_as_asked_and_grows_without_changing(workspace: Workspace) -> None:
    new = [NewSample("wishes", "系统", f"祝{n}", f"第{n}个") for n in range(1000)]
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, new, IMPORT)
    steps.set_state(workspace.engine, ALL, ACCEPTED, "甲")
    assert second_verdicts.share(workspace.engine, "wishes") == 0.05
    drawn = []
    for part in (0.05, 0.2):
        second_verdicts.set_share(workspace.engine, "wishes", part)
        drawn.append({s.id for s in second_verdicts.waiting(workspace.engine, ALL, "乙", limit=1000)})
        assert 0.6 * part < len(drawn[-1]) / 1000 < 1.4 * part
    assert drawn[0] < drawn[1]
    with pytest.raises(InputError):
        second_verdicts.set_share(workspace.engine, "wishes", 1.5)


def test_a_disagreement_is_settled_by_a_step_that_can_be_undone(workspace: Workspace, ids: list[int]) -> None:
    judge(workspace, ids[0], REJECTED)
    (verdict,) = second_verdicts.verdicts(workspace.engine, "wishes")
    assert not verdict.agrees and not verdict.resolved
    second_verdicts.resolve(workspace.engine, "wishes", verdict, REJECTED, "丙")
    assert samples.get(workspace.engine, ids[0]).state == REJECTED
    assert second_verdicts.verdicts(workspace.engine, "wishes")[0].resolved
    with pytest.raises(ConflictError):
        second_verdicts.resolve(workspace.engine, "wishes", verdict, ACCEPTED, "丙")
    steps.undo(workspace.engine, "wishes", "丙")
    assert samples.get(workspace.engine, ids[0]).state == ACCEPTED
    assert second_verdicts.verdicts(workspace.engine, "wishes") == [verdict]


def test_agreement_is_counted_for_all_and_for_each_pair(workspace: Workspace, ids: list[int]) -> None:
    for number, state, who in zip(ids, (ACCEPTED, REJECTED, ACCEPTED), ("乙", "乙", "丙"), strict=False):
        judge(workspace, number, state, who)
    whole, *pairs = reviewer_agreement(second_verdicts.verdicts(workspace.engine, "wishes"))
    assert (whole.judged, whole.agreed) == (3, 2)
    assert [(p.first_who, p.who, p.judged, p.agreed) for p in pairs] == [
        ("甲", "乙", 2, 1),
        ("甲", "丙", 1, 1),
    ]


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        ({("y", "y"): 20, ("y", "n"): 5, ("n", "y"): 10, ("n", "n"): 15}, 0.4),  # po 0.7, pe 0.5
        ({("y", "y"): 45, ("y", "n"): 15, ("n", "y"): 25, ("n", "n"): 15}, 0.1304),  # po 0.6, pe 0.54
        ({("y", "y"): 7, ("n", "n"): 3}, 1.0),
        ({("y", "n"): 5, ("n", "y"): 5}, -1.0),
        ({("y", "y"): 9}, None),
        ({}, None),
    ],
)
def test_cohens_kappa_has_the_known_values(table: dict[tuple[str, str], int], kappa: float | None) -> None:
    found = cohen_kappa(table)
    assert found is kappa if kappa is None else found == pytest.approx(kappa, abs=1e-4)
