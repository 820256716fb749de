"""``accept --clean`` leaves what is doubtful to a person and says how many; ``--doubtful`` takes it too."""

from collections.abc import Callable

import pytest

from tianji_core.store import samples
from tianji_core.store.database import writing
from tianji_core.store.samples import IMPORT, NewSample, SampleFilter
from tianji_core.workspace import Workspace

SURE = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"
DOUBTFUL = "妹妹，生日快乐，他说他的舅舅今年也要来，让她把奶奶的账本带上。"


@pytest.fixture
def two(workspace: Workspace) -> Workspace:
    """A workspace with a sure and a doubtful sample."""
    rows = [NewSample("wishes", "s", text[:9], text, "妹妹", "生日", "正常") for text in (SURE, DOUBTFUL)]
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, rows, IMPORT)
    return workspace


def accepted(workspace: Workspace) -> list[str]:
    return [each.output for each in samples.page(workspace.engine, SampleFilter("wishes", ("accepted",)))]


def test_clean_takes_the_sure_ones_and_says_what_is_left(verb: Callable, two: Workspace) -> None:
    assert verb("accept", "--clean", "--json").json() == {"state": "accepted", "count": 1, "doubtful": 1}
    assert accepted(two) == [SURE]
    said = verb("accept", "--clean").out
    assert "1 条拿不准" in said and "--doubtful" in said
    assert verb("accept", "--clean", "--doubtful", "--json").json()["count"] == 1
    assert accepted(two) == [SURE, DOUBTFUL]


def test_a_version_leaves_out_what_was_taken_in_bulk_though_doubtful(verb: Callable, two: Workspace) -> None:
    verb("accept")
    assert verb("freeze", "--name", "v1", "--clean", "--json").json()["count"] == 1
    assert verb("freeze", "--name", "v2", "--clean", "--doubtful", "--json").json()["count"] == 2


def test_doubtful_alone_is_refused(verb: Callable, two: Workspace) -> None:
    assert "--clean" in verb("accept", "--doubtful").refusal
