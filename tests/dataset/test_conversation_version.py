"""General chat is imported as a dataset version of its own: every turn and system prompt as it was, no
sample of the recipe, and mixed into a training whatever style filter made the other version."""

import json
from pathlib import Path

import pytest

from tests.tiny_datasets_hub import hub_of
from tianji_core import dataset, jobs, training
from tianji_core.dataset import DatasetVersion
from tianji_core.dataset.conversation_version import freeze_conversations
from tianji_core.errors import DatasetError, ImportFileError
from tianji_core.store import datasets, samples
from tianji_core.store.database import writing
from tianji_core.store.samples import ACCEPTED, IMPORT, NewSample, SampleFilter
from tianji_core.training.mix_parts import read_part
from tianji_core.training.mixed_data import read_mix
from tianji_core.training.varied_data import training_data
from tianji_core.workspace import Workspace

NAME = "someone/chat"


def messages(number: int) -> dict:
    told = [("user", f"第{number}问"), ("assistant", "答"), ("user", "再问"), ("assistant", f"再答{number}")]
    return {"messages": [{"role": role, "content": text} for role, text in told]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hub" / "chat.jsonl"
    path.parent.mkdir()
    lines = [json.dumps(messages(n), ensure_ascii=False) for n in range(30)]
    path.write_text("\n".join([*lines, lines[0], '{"question": "？"}']), encoding="utf-8")
    return path


def stored(workspace: Workspace, version: DatasetVersion) -> list[list[dict[str, str]]]:
    text = dataset.training_file(workspace, version).read_text(encoding="utf-8")
    return [item["conversation"] for item in json.loads(text)]


def test_every_turn_stays_and_no_sample_is_made(workspace: Workspace, file: Path) -> None:
    version = freeze_conversations(workspace, "wishes", "闲聊", dataset.sources_of(file))
    dataset.verify(workspace, version)
    first, *_rest = stored(workspace, version)
    assert [(turn["system"], turn["input"], turn["output"]) for turn in first] == [
        ("", "第0问", "答"),
        ("", "再问", "再答0"),
    ]
    assert version.count == 30 and version.conversations  # the repeated one is written once
    facts = version.manifest["imported"]
    assert (facts["good"], facts["bad"], facts["drawn"]) == (31, 1, 31)
    assert samples.total(workspace.engine) == 0


def test_of_too_many_some_are_drawn_the_same_every_time(workspace: Workspace, file: Path) -> None:
    a, b = (
        freeze_conversations(workspace, "wishes", name, dataset.sources_of(file), most=12) for name in "ab"
    )
    assert stored(workspace, a) == stored(workspace, b) and 11 <= a.count <= 12
    numbers = [int(turns[0]["input"][1:-1]) for turns in stored(workspace, a)]
    assert max(numbers) > 12  # not only the first ones


def test_a_file_without_conversations_and_a_taken_name_make_nothing(
    workspace: Workspace, file: Path, tmp_path: Path
) -> None:
    freeze_conversations(workspace, "wishes", "闲聊", dataset.sources_of(file))
    empty = tmp_path / "empty.jsonl"
    empty.write_text('{"question": "？"}\n', encoding="utf-8")
    with pytest.raises(ImportFileError, match="没有一条"):
        freeze_conversations(workspace, "wishes", "空", dataset.sources_of(empty))
    with pytest.raises(DatasetError, match="已经有名叫"):
        dataset.start_path_import(workspace, "wishes", file, version="闲聊")
    assert [version.name for version in datasets.listed(workspace.engine)] == ["闲聊"]


def test_a_dataset_of_a_hub_becomes_a_version_by_its_name(workspace: Workspace, file: Path) -> None:
    with hub_of(file.parent, NAME) as hub:
        job = dataset.start_hub_import(workspace, "wishes", NAME, endpoint=hub.url, version="闲聊")
        job = jobs.wait(workspace, job.id, 90)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    version = datasets.by_name(workspace.engine, "闲聊")
    assert version.count == 30 and len(stored(workspace, version)[0]) == 2
    assert version.manifest["imported"]["files"][0]["name"] == f"{NAME}/chat.jsonl"
    assert samples.total(workspace.engine) == 0


def test_a_style_filter_does_not_drop_what_is_mixed_in(
    workspace: Workspace, file: Path, tmp_path: Path
) -> None:
    rows = [
        NewSample(
            "wishes", "s", f"祝{name}生日", f"{name}生日快乐{n}", name=name, style=style, state=ACCEPTED
        )
        for n, (name, style) in enumerate(
            (name, style) for name in ("妹妹", "大舅") for style in ("正常", "严肃")
        )
    ]
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, rows, IMPORT)
    freeze_conversations(workspace, "wishes", "闲聊", dataset.sources_of(file))
    only = SampleFilter("wishes", states=(ACCEPTED,), styles=("正常",))
    own = dataset.freeze(workspace, "wishes", "v", only)
    assert own.count == 2 and own.manifest["parents"] == []  # it does not continue the conversations
    mix = {"mix": [read_part("闲聊:all")]}
    settings = training.checked_settings({**training.default_settings("nano-cpu-qlora").model_dump(), **mix})
    training_data(workspace, own, settings, tmp_path)
    facts = read_mix(tmp_path)
    assert facts is not None and [part.count for part in facts.parts] == [2, 30]
