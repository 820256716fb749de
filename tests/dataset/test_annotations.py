"""Exports of annotation tools and of LLaMA-Factory: an answer is read from where a person wrote it, and
columns have the names that the description beside the file gives them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tianji_core import dataset
from tianji_core.dataset import conversation_of
from tianji_core.dataset.fields import ShapeError
from tianji_core.store import samples
from tianji_core.store.samples import SampleFilter
from tianji_core.workspace import Workspace

Q, A = "祝妈妈生日", "妈妈生日快乐，愿您笑口常开！"
ALL = SampleFilter("wishes")


def box(text: str, name: str = "answer", **annotation: Any) -> dict[str, Any]:
    """An annotation of Label Studio with one written text."""
    result = {
        "id": "x",
        "type": "textarea",
        "value": {"text": [text]},
        "from_name": name,
        "to_name": "prompt",
    }
    return {"id": 1, "was_cancelled": False, "result": [result], **annotation}


LABEL_STUDIO: dict[str, Any] = {
    "task": {"id": 1, "data": {"prompt": Q}, "annotations": [box(A)], "predictions": []},
    "any name of the box": {"id": 1, "data": {"prompt": Q}, "annotations": [box(A, "blessing")]},
    "skipped first": {"data": {"prompt": Q}, "annotations": [box("不会", was_cancelled=True), box(A)]},
    "shown answer that was rated": {
        "data": {"question": Q, "answer": A},
        "annotations": [{"result": [{"type": "choices", "value": {"choices": ["好"]}}]}],
    },
    "short form": {"id": 1, "prompt": Q, "answer": A, "annotator": 1, "lead_time": 3.2},
    "short form with a number": {"prompt": Q, "answer": {"text": [A], "number": 1}},
    "cell of its CSV": {"prompt": Q, "answer": json.dumps({"text": [A], "number": 1})},
}


@pytest.mark.parametrize("item", LABEL_STUDIO.values(), ids=LABEL_STUDIO)
def test_a_text_written_in_label_studio_is_the_answer(item: dict[str, Any]) -> None:
    (turn,) = conversation_of(item).turns
    assert turn == (Q, A)


@pytest.mark.parametrize("annotations", [[], [box(A, was_cancelled=True)]])
def test_a_task_without_an_annotation_says_so(annotations: list[Any]) -> None:
    with pytest.raises(ShapeError, match="还没有标注"):
        conversation_of({"id": 2, "data": {"prompt": Q}, "annotations": annotations})


def test_a_record_that_was_thrown_away_is_refused_and_other_responses_are_named(workspace: Workspace) -> None:
    fields = {"instruction": Q, "response": A}
    rated = [{"user_id": "a", "status": "submitted", "values": {"quality": {"value": 4}}}]
    thrown = [{"user_id": "a", "status": "discarded"}]
    records = [
        {"id": "1", "fields": fields, "responses": rated},
        {"id": "2", "fields": fields, "responses": thrown},
        {"id": "3", "fields": fields, "status": "discarded", "responses": {}},
    ]
    content = json.dumps(records, ensure_ascii=False).encode()
    report = dataset.import_bytes(workspace, "wishes", content, "argilla.json")
    assert report.added == 1 and [number for number, _reason in report.bad] == [2, 3]
    assert all("弃用" in reason for _number, reason in report.bad)
    assert ["responses" in notice for notice in report.notices] == [True]


def test_columns_have_the_names_that_the_description_beside_them_gives(
    workspace: Workspace, tmp_path: Path
) -> None:
    described = {
        "one": {"file_name": "one.json", "columns": {"prompt": "wen", "response": "da", "system": "xt"}},
        "two": {
            "file_name": "two.jsonl",
            "formatting": "sharegpt",
            "columns": {"messages": "hua"},
            "tags": {"role_tag": "ren", "content_tag": "hua", "user_tag": "甲", "assistant_tag": "乙"},
        },
    }
    (tmp_path / "dataset_info.json").write_text(json.dumps(described), encoding="utf-8")
    one = [{"wen": Q, "da": A, "xt": "你是祝福师", "output": "另一栏"}]
    two = {"hua": [{"ren": "甲", "hua": "祝爸爸生日"}, {"ren": "乙", "hua": "爸爸生日快乐！"}]}
    (tmp_path / "one.json").write_text(json.dumps(one), encoding="utf-8")
    (tmp_path / "two.jsonl").write_text(json.dumps(two), encoding="utf-8")
    reports = dataset.import_path(workspace, "wishes", tmp_path)
    assert [(report.file, report.added, report.bad) for report in reports] == [
        ("one.json", 1, ()),
        ("two.jsonl", 1, ()),
    ]
    stored = {(each.input, each.output): each.system for each in samples.page(workspace.engine, ALL)}
    assert stored.keys() == {(Q, A), ("祝爸爸生日", "爸爸生日快乐！")} and stored[Q, A] == "你是祝福师"


@pytest.mark.parametrize(
    "description", ["[]", "{", '{"a": 1}', '{"a": {"file_name": "x.json", "columns": 3}}']
)
def test_a_description_that_names_nothing_changes_nothing(
    workspace: Workspace, tmp_path: Path, description: str
) -> None:
    (tmp_path / "dataset_info.json").write_text(description, encoding="utf-8")
    (tmp_path / "x.json").write_text(json.dumps([{"input": Q, "output": A}]), encoding="utf-8")
    assert dataset.import_path(workspace, "wishes", tmp_path)[0].added == 1
