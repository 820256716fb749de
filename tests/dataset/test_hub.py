"""A dataset is imported by name from a hub or its mirror, in the background, and what does not work is
said."""

import gzip
import json
import time
from pathlib import Path

import pytest

from tests.tiny_datasets_hub import COMMIT, hub_of
from tianji_core import dataset, jobs
from tianji_core.dataset.hub import check_dataset_id, check_endpoint, folder_of
from tianji_core.dataset.hub_bounds import HubBounds
from tianji_core.errors import ImportFileError, JobError
from tianji_core.store import samples
from tianji_core.store.samples import ACCEPTED, SampleFilter
from tianji_core.workspace import Workspace

NAME = "someone/wishes"


def conversation(text: str) -> dict:
    return {"conversation": [{"system": "系统", "input": "祝妹妹生日,小红书风格", "output": text}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "hub"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text("# 祝福", encoding="utf-8")
    (folder / "dataset_infos.json").write_text("{}", encoding="utf-8")
    items = [*(conversation(f"第{n}条生日快乐呀🎂") for n in range(40)), {"question": "？"}]
    (folder / "data" / "a.json").write_text(json.dumps(items, ensure_ascii=False), encoding="utf-8")
    (folder / "b.jsonl").write_text(json.dumps(conversation("另一个文件")), encoding="utf-8")
    return folder


def ended(workspace: Workspace, job: jobs.Job) -> jobs.Job:
    return jobs.wait(workspace, job.id, timeout=90)


def test_a_dataset_is_imported_file_by_file_can_be_stopped_and_adds_nothing_twice(
    workspace: Workspace, folder: Path
) -> None:
    with hub_of(folder, NAME) as hub:
        hub.held.set()
        job = dataset.start_hub_import(workspace, "wishes", NAME, endpoint=hub.url)
        deadline = time.monotonic() + 60
        while not hub.requests and time.monotonic() < deadline:
            time.sleep(0.05)
        with pytest.raises(JobError, match="正在导入"):
            dataset.start_hub_import(workspace, "wishes", NAME, endpoint=hub.url)
        jobs.stop(workspace, job.id)
        assert ended(workspace, job).state == "stopped"
        assert samples.total(workspace.engine) == 0

        hub.held.clear()
        hub.released.set()
        job = ended(workspace, dataset.start_hub_import(workspace, "wishes", NAME, ACCEPTED, hub.url))
        assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
        found = dataset.imports_of(workspace, job)
        assert [(i.file, i.added) for i in found] == [(f"{NAME}/b.jsonl", 1), (f"{NAME}/data/a.json", 40)]
        assert [number for number, _reason in found[1].bad] == [41]
        assert samples.state_counts(workspace.engine, SampleFilter("wishes"))[ACCEPTED] == 41
        assert {name for name, _range in hub.requests} == {"b.jsonl", "data/a.json"}

        again = ended(workspace, dataset.start_hub_import(workspace, "wishes", NAME, endpoint=hub.url))
        assert [(i.added, i.known) for i in dataset.imports_of(workspace, again)] == [(0, 1), (0, 40)]
    assert not folder_of(workspace, NAME).exists()


def test_forms_that_only_the_datasets_library_knows_are_read_by_it(
    workspace: Workspace, folder: Path
) -> None:
    for path in (folder / "data" / "a.json", folder / "b.jsonl", folder / "dataset_infos.json"):
        path.unlink()
    lines = "\n".join(json.dumps(conversation(f"第{n}条生日快乐呀🎂")) for n in range(7))
    (folder / "train.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    with hub_of(folder, NAME) as hub:
        job = ended(workspace, dataset.start_hub_import(workspace, "wishes", NAME, endpoint=hub.url))
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    assert samples.total(workspace.engine) == 7


def test_bounds_hold_for_forms_that_only_the_datasets_library_knows(
    workspace: Workspace, folder: Path
) -> None:
    for path in (folder / "data" / "a.json", folder / "b.jsonl", folder / "dataset_infos.json"):
        path.unlink()
    for name in "ab":
        line = json.dumps(conversation(f"{name}生日快乐呀🎂"))
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    with hub_of(folder, NAME) as hub:

        def fetched(bounds: HubBounds) -> jobs.Job:
            return ended(
                workspace,
                dataset.start_hub_import(workspace, "wishes", NAME, endpoint=hub.url, bounds=bounds),
            )

        assert "超过了 1e-08 GB" in fetched(HubBounds(gigabytes=1e-8)).note
        assert "没有文件符合 en/*" in fetched(HubBounds(files=("en/*",))).note
        assert hub.requests == []
        job = fetched(HubBounds(files=("b.*",)))
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    assert [each.output for each in samples.page(workspace.engine, SampleFilter("wishes"))] == [
        "b生日快乐呀🎂"
    ]


def test_what_a_dataset_held_at_another_time_is_not_imported(workspace: Workspace, folder: Path) -> None:
    with hub_of(folder, NAME) as hub:
        job = ended(workspace, dataset.start_hub_fetch(workspace, "wishes", NAME, hub.url))
        fetched = dataset.fetched_folder(workspace, job)
        assert fetched is not None and (fetched / "b.jsonl").exists()
        (folder / "b.jsonl").unlink()
        job = ended(workspace, dataset.start_hub_import(workspace, "wishes", NAME, endpoint=hub.url))
        assert [each.file for each in dataset.imports_of(workspace, job)] == [f"{NAME}/data/a.json"]
        job = ended(workspace, dataset.start_hub_fetch(workspace, "wishes", NAME, hub.url, revision=COMMIT))
        other = dataset.fetched_folder(workspace, job)
        assert other is not None and other != fetched
        job = ended(workspace, dataset.start_fetched_import(workspace, "wishes", job))
        assert [each.known for each in dataset.imports_of(workspace, job)] == [40] and not other.exists()


def test_a_name_that_is_not_there_and_a_hub_that_cannot_be_reached_are_said(
    workspace: Workspace, folder: Path
) -> None:
    with hub_of(folder, NAME) as hub:
        job = ended(workspace, dataset.start_hub_import(workspace, "wishes", "nobody/x", endpoint=hub.url))
        assert job.state == "failed" and "没有数据集“nobody/x”" in job.note and hub.url in job.note
        away = hub.url
    job = ended(workspace, dataset.start_hub_import(workspace, "wishes", NAME, endpoint=away))
    assert job.state == "failed" and "连不上" in job.note and "镜像" in job.note and "路径" in job.note


def test_names_and_addresses_are_checked_before_anything_starts(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_dataset_id("https://huggingface.co/datasets/sanbu/tianji-wishes-chinese/tree/main") == (
        "sanbu/tianji-wishes-chinese"
    )
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    assert check_endpoint("") == "https://mirror.example"
    for name, address in (("../x", ""), ("a b", ""), (NAME, "file:///etc"), (NAME, "http://me:key@host")):
        with pytest.raises(ImportFileError):
            dataset.start_hub_import(workspace, "wishes", name, endpoint=address)
    assert jobs.listed(workspace) == []
