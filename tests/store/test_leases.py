"""A sample on somebody's screen is held for a while, by one person, who holds one sample."""

from concurrent.futures import ThreadPoolExecutor

from tianji_core.store import leases, samples, steps
from tianji_core.store.database import writing
from tianji_core.store.samples import ACCEPTED, IMPORT, NewSample, SampleFilter
from tianji_core.workspace import Workspace


def store(workspace: Workspace, number: int) -> list[int]:
    new = [NewSample("wishes", "系统", f"祝妹妹生日{n}", f"第{n}个生日快乐") for n in range(number)]
    with writing(workspace.engine) as connection:
        return samples.insert_new(connection, new, IMPORT)


def test_what_one_looks_at_is_held_from_the_other_until_the_first_goes_on(workspace: Workspace) -> None:
    first, second = store(workspace, 2)
    assert leases.take(workspace.engine, first, "甲")
    assert not leases.take(workspace.engine, first, "乙")
    assert leases.others(workspace.engine, "乙") == {first} and leases.others(workspace.engine, "甲") == set()
    assert leases.take(workspace.engine, second, "甲")
    assert leases.take(workspace.engine, first, "乙")


def test_a_lease_ends_by_itself(workspace: Workspace) -> None:
    (one,) = store(workspace, 1)
    assert leases.take(workspace.engine, one, "甲", seconds=-1)
    assert leases.others(workspace.engine, "乙") == set() and leases.take(workspace.engine, one, "乙")


def test_of_many_at_once_only_one_gets_a_sample(workspace: Workspace) -> None:
    (one,) = store(workspace, 1)
    with ThreadPoolExecutor(8) as crew:
        got = list(crew.map(lambda n: leases.take(workspace.engine, one, f"第{n}人"), range(8)))
    assert sum(got) == 1


def test_a_sample_that_was_decided_meanwhile_is_not_leased(workspace: Workspace) -> None:
    (one,) = store(workspace, 1)
    seen = samples.get(workspace.engine, one).version
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=(one,)), ACCEPTED, "甲", {one: seen})
    assert not leases.take(workspace.engine, one, "乙", version=seen)
    assert leases.take(workspace.engine, one, "乙", version=seen + 1)
