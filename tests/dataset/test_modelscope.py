"""Ordinary conversation is imported by name from ModelScope, in forms that its datasets have, within bounds,
and what does not work is said in one sentence."""

import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from tests.modelscope_datasets import ModelScopeDatasets, modelscope_of
from tianji_core import dataset, jobs
from tianji_core.dataset.hub import folder_of, hub_of
from tianji_core.dataset.hub_bounds import HubBounds, folder_size, within_hours
from tianji_core.errors import ImportFileError, StudioError
from tianji_core.store import datasets, samples
from tianji_core.workspace import Workspace

NAME = "AI-People/chat_zh"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four subsets in four forms, with what lies beside them on a hub."""
    folder = tmp_path / "hub"
    for sub in ("sharegpt/zh", "tables", "data"):
        (folder / sub).mkdir(parents=True)
    (folder / "README.md").write_text("# 闲聊", encoding="utf-8")
    (folder / "dataset_infos.json").write_text('{"default": {}}', encoding="utf-8")
    (folder / ".msc").write_text("x", encoding="utf-8")
    lines = [
        {
            "id": n,
            "conversations": [
                {"from": "human", "value": f"第{n}天早上吃什么好？"},
                {"from": "gpt", "value": "豆浆油条，再来个茶叶蛋。"},
                {"from": "human", "value": "不想出门呢"},
                {"from": "gpt", "value": f"那就煮碗面，卧{n}个蛋。"},
            ],
        }
        for n in range(30)
    ]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    (folder / "sharegpt/zh/part-00001.jsonl").write_text(f"{text}\n{{broken\n", encoding="utf-8")
    with (folder / "tables/问答.csv").open("w", encoding="gb18030", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["instruction", "input", "output"])
        rows.writerows([f"解释成语{n}", "", f"意思是，\n第{n}个，“换行”也在。"] for n in range(12))
    table = pyarrow.table(
        {"prompt": [f"算一算 {n}+1" for n in range(8)], "response": [str(n + 1) for n in range(8)]}
    )
    parquet.write_table(table, folder / "data/train-00000-of-00001.parquet")
    messages = [
        {"messages": [{"role": "user", "content": f"你好{n}"}, {"role": "assistant", "content": "你好呀"}]}
        for n in range(5)
    ]
    (folder / "data/messages.json").write_text(json.dumps(messages, ensure_ascii=False), encoding="utf-8")
    return folder


@pytest.fixture
def hub(folder: Path) -> Iterator[ModelScopeDatasets]:
    with modelscope_of(folder, NAME) as hub:
        yield hub


def ended(workspace: Workspace, job: jobs.Job) -> jobs.Job:
    return jobs.wait(workspace, job.id, timeout=120)


def started(workspace: Workspace, hub: ModelScopeDatasets, name: str = NAME, **options: object) -> jobs.Job:
    place = {"endpoint": hub.url, "hub": "modelscope", "version": "闲聊"}
    return dataset.start_hub_import(workspace, "wishes", name, **{**place, **options})


def test_files_of_all_forms_become_one_version_and_a_stopped_download_goes_on(
    workspace: Workspace, hub: ModelScopeDatasets
) -> None:
    with (hub.folder / "data/messages.json").open("a", encoding="utf-8") as file:
        file.write(" " * 8_000_000)  # half of it is more than the client holds in memory
    hub.held.set()
    job = started(workspace, hub)
    deadline = time.monotonic() + 60
    partial = folder_of(workspace, NAME, "modelscope")
    while folder_size(partial) < 1_000_000 and time.monotonic() < deadline:
        time.sleep(0.05)
    before = len(hub.requests)
    jobs.stop(workspace, job.id)
    assert ended(workspace, job).state == "stopped" and datasets.listed(workspace.engine) == []
    hub.held.clear()
    hub.released.set()
    size = folder_size(partial)
    job = ended(workspace, started(workspace, hub))
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    name, wanted = hub.requests[before]
    start = int(wanted.removeprefix("bytes=").partition("-")[0])
    assert name == "data/messages.json" and 1_000_000 <= start <= size
    made = datasets.by_name(workspace.engine, "闲聊")
    imported = made.manifest["imported"]
    assert made.count == 55 and imported["bad"] == 1 and made.conversations
    assert [each["name"].removeprefix(f"{NAME}/") for each in imported["files"]] == [
        "data/messages.json",
        "data/train-00000-of-00001.parquet",
        "sharegpt/zh/part-00001.jsonl",
        "tables/问答.csv",
    ]
    items = json.loads(dataset.training_file(workspace, made).read_text(encoding="utf-8"))
    assert any(len(item["conversation"]) == 2 for item in items)
    assert any(item["conversation"][0]["output"].startswith("意思是，\n第3个") for item in items)
    assert samples.total(workspace.engine) == 0
    assert {name for name, _range in hub.requests}.isdisjoint({"README.md", "dataset_infos.json", ".msc"})
    assert not folder_of(workspace, NAME, "modelscope").exists()


def test_a_subset_is_chosen_by_pattern_and_so_many_are_drawn(
    workspace: Workspace, hub: ModelScopeDatasets
) -> None:
    bounds = HubBounds(files=("sharegpt/*.jsonl", "tables/*"), rows=20)
    job = ended(workspace, started(workspace, hub, bounds=bounds))
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    made = datasets.by_name(workspace.engine, "闲聊")
    assert made.count == 20 and made.manifest["imported"]["good"] == 42
    assert {name for name, _range in hub.requests} == {"sharegpt/zh/part-00001.jsonl", "tables/问答.csv"}


def test_a_tree_of_several_pages_is_read_whole(workspace: Workspace, hub: ModelScopeDatasets) -> None:
    for n in range(230):
        line = json.dumps({"question": f"问{n}", "answer": f"答{n}"}, ensure_ascii=False)
        (hub.folder / f"data/many-{n:03}.jsonl").write_text(line, encoding="utf-8")
    job = ended(workspace, started(workspace, hub, bounds=HubBounds(files=("data/many-*",))))
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    assert datasets.by_name(workspace.engine, "闲聊").count == 230


def test_what_cannot_be_fetched_is_one_sentence_and_leaves_nothing(
    workspace: Workspace, hub: ModelScopeDatasets
) -> None:
    def said(**options: object) -> str:
        job = ended(workspace, started(workspace, hub, **options))
        assert job.state == "failed" and "Traceback" not in jobs.log_tail(workspace, job.id)
        return job.note

    assert f"{hub.url} 上没有数据集“nobody/x”" in said(name="nobody/x")
    assert "“v9”版本" in said(revision="v9")
    assert "没有文件符合 en/*；里面有的是" in said(bounds=HubBounds(files=("en/*",)))
    assert "超过了 1e-06 GB" in said(bounds=HubBounds(gigabytes=1e-6))
    hub.lies.add("data/messages.json")
    assert "大小或校验值不一样" in said(bounds=HubBounds(files=("data/messages.json",)))
    hub.further.append({"Path": "../../out.jsonl", "Name": "out.jsonl", "Type": "blob", "Size": 5})
    assert "路径不对：../../out.jsonl" in said()
    hub.further.clear()
    for path in [path for path in hub.folder.rglob("*") if path.is_file() and path.name != "README.md"]:
        path.unlink()
    assert "里没有能导入的文件" in said()
    url = hub.url
    hub.shutdown()
    hub.server_close()
    assert f"连不上 {url}" in said()
    assert datasets.listed(workspace.engine) == []


def test_the_time_is_bounded_whatever_the_library_catches() -> None:
    with pytest.raises(StudioError, match="再导入会接着下"), within_hours(0.2 / 3600):
        while True:
            try:
                time.sleep(5)
            except Exception:
                continue
    with within_hours(1):
        pass
    with pytest.raises(ImportFileError), within_hours(1):
        raise ImportFileError("x")


def test_a_pasted_address_names_its_hub() -> None:
    assert hub_of("https://www.modelscope.cn/datasets/AI-ModelScope/x/files", "huggingface") == "modelscope"
    assert hub_of("https://huggingface.co/datasets/a/b", "modelscope") == "huggingface"
    assert hub_of("a/b", "modelscope") == "modelscope"
    assert hub_of("https://evilmodelscope.cn/datasets/a/b", "huggingface") == "huggingface"


def test_a_mirror_given_for_one_hub_does_not_get_what_is_for_the_other(
    workspace: Workspace, hub: ModelScopeDatasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", hub.url)
    pasted, nobody = f"https://modelscope.cn/datasets/{NAME}", "http://127.0.0.1:9"
    job = dataset.start_hub_import(workspace, "wishes", pasted, endpoint=nobody, version="闲聊")
    assert ended(workspace, job).state == "succeeded", jobs.log_tail(workspace, job.id)
