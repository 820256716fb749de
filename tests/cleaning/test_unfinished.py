"""A text whose teacher did not say that it had finished is a finding until somebody has written its end."""

import pytest
from sqlalchemy import update

from tianji_core import cleaning
from tianji_core.store import findings, samples, schema, steps
from tianji_core.store.database import writing
from tianji_core.store.samples import IMPORT, KNOWLEDGE, RUN, NewSample, SampleFilter
from tianji_core.workspace import Workspace

TEXT = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情"


def generated(workspace: Workspace, output: str, finish_reason: str, source: str = RUN) -> int:
    with writing(workspace.engine) as connection:
        new = NewSample("wishes", "系统", "祝妹妹生日", output, "妹妹", "生日", "正常")
        (number,) = samples.insert_new(connection, [new], IMPORT)
        values = {"source": source, "finish_reason": finish_reason}
        connection.execute(update(schema.samples).values(values))
    cleaning.check_new(workspace, "wishes")
    return number


def found(workspace: Workspace, number: int) -> set[str]:
    cleaning.check_new(workspace, "wishes")
    return {finding.rule for finding in findings.of(workspace.engine, [number])[number]}


@pytest.mark.parametrize(
    ("finish_reason", "source", "expected"),
    [
        ("cut", RUN, {"cut_off"}),
        ("length", RUN, {"cut_off"}),
        ("stop", RUN, set()),
        ("", RUN, set()),
        ("cut", KNOWLEDGE, set()),
    ],
)
def test_what_the_teacher_said_of_the_end_counts(
    workspace: Workspace, finish_reason: str, source: str, expected: set[str]
) -> None:
    assert found(workspace, generated(workspace, f"{TEXT}。", finish_reason, source)) == expected


def test_the_finding_outlives_a_fix_and_ends_with_another_end(workspace: Workspace) -> None:
    number = generated(workspace, f"“{TEXT}。”", "cut")
    assert found(workspace, number) == {"wrapping_quotes", "cut_off"}
    cleaning.fix(workspace, SampleFilter("wishes"))
    assert found(workspace, number) == {"cut_off"}
    version = samples.get(workspace.engine, number).version
    steps.edit(workspace.engine, "wishes", number, version, f"{TEXT}，岁岁都如愿。", "我")
    assert found(workspace, number) == set()


def test_one_fault_is_found_once(workspace: Workspace) -> None:
    number = generated(workspace, f"{TEXT}，还有", "length")
    assert [f.rule for f in findings.of(workspace.engine, [number])[number]].count("cut_off") == 1
