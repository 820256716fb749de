"""Downloading with the real ModelScope client, from a server on loopback."""

import os

import pytest
from modelscope_hub.errors import (
    FileDownloadError,
    FileIntegrityError,
    FileSizeMismatchError,
    NetworkError,
    ServerError,
)

from tests.processes import free_port
from tests.tiny_base import write_tiny_base
from tests.tiny_hub import HOLD, hub_of
from tianji_core import jobs, models
from tianji_core.errors import ModelError
from tianji_core.models.download import check_sizes, explained, partial_folder
from tianji_core.ownership import claim_folder

ID = "Some/tiny-model"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    folder = write_tiny_base(tmp_path / "served")
    with hub_of(folder, ID) as server:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", server.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server


def test_a_downloaded_model_is_listed_as_a_base(workspace, hub):
    job = jobs.wait(workspace, models.start_download(workspace, ID).id, 120)
    assert job.state == "succeeded", job.note
    found = models.artefact(workspace, "tiny-model")
    assert (found.kind, found.title) == ("base", ID) and (found.path / "model.safetensors").exists()
    progress = jobs.read_progress(workspace, job.id)
    assert progress.done == progress.total > 300_000
    assert not partial_folder(workspace, ID).exists()
    with pytest.raises(ModelError, match="已经下载好了，就是模型“tiny-model”"):
        models.start_download(workspace, ID)


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (FileIntegrityError("Hash mismatch for a.safetensors"), "a.safetensors 传来的内容和清单上的"),
        (FileSizeMismatchError("Server announced 4 bytes"), "a.safetensors 传来的内容和清单上的"),
        (ServerError("internal"), "http://127.0.0.1:9 那边出错了"),
        (NetworkError("gone"), "连不上 http://127.0.0.1:9"),
        (OSError(28, "No space left on device"), "磁盘满了"),
        (ValueError("没见过的"), "a.safetensors: 没见过的"),
    ],
)
def test_why_a_file_did_not_come_is_said(monkeypatch, cause, said):
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://127.0.0.1:9")
    assert said in str(explained(FileDownloadError("1 of 8", failed_files={"a.safetensors": cause}), ID))


def test_the_mirror_of_the_settings_is_asked(workspace, hub, monkeypatch):
    monkeypatch.delenv("MODELSCOPE_ENDPOINT")
    workspace.save_settings(workspace.settings().model_copy(update={"model_mirror": f"{hub.url}/"}))
    job = jobs.wait(workspace, models.start_download(workspace, ID).id, 120)
    assert job.state == "succeeded", job.note
    assert hub.requests


def test_a_stopped_download_goes_on_where_it_was(workspace, hub):
    hub.held.set()

    def stop_when_half(job):
        partial = [
            p for p in partial_folder(workspace, ID).rglob("*") if p.is_file() and "safetensors" in p.name
        ]
        if any(p.stat().st_size > 0 for p in partial) and not job.stop_requested:
            jobs.stop(workspace, job.id)

    job = jobs.wait(workspace, models.start_download(workspace, ID).id, 120, stop_when_half)
    assert job.state == "stopped"
    assert [each.name for each in models.artefacts(workspace) if each.removable] == []
    assert [each.model_id for each in models.partials(workspace)] == [ID]
    hub.held.clear()
    hub.released.set()
    before = len(hub.requests)
    job = jobs.wait(workspace, models.start_download(workspace, ID).id, 120)
    assert job.state == "succeeded", job.note
    again = dict(hub.requests[before:])
    assert 0 < int(again["model.safetensors"].removeprefix("bytes=").rstrip("-")) <= HOLD
    assert models.artefact(workspace, "tiny-model").kind == "base"


def test_an_unknown_model_is_named(workspace, hub):
    job = jobs.wait(workspace, models.start_download(workspace, "No/such").id, 120)
    assert job.state == "failed" and "No/such" in job.note and job.exit_code == 2


def test_no_connection_is_said_with_the_way_out(workspace, monkeypatch):
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://127.0.0.1:9")
    job = jobs.wait(workspace, models.start_download(workspace, ID).id, 120)
    assert job.state == "failed" and "连不上" in job.note and "本地文件夹" in job.note


@pytest.mark.parametrize("bad", ["", "internlm2", "a/b/c", "../x", "a/..", "-x/y"])
def test_only_a_models_name_is_taken(workspace, bad):
    with pytest.raises(ModelError, match="组织/名字"):
        models.start_download(workspace, bad)
    assert os.listdir(workspace.models) == []  # noqa: PTH208


def test_what_was_fetched_of_a_stopped_download_can_be_thrown_away(workspace):
    folder = claim_folder(partial_folder(workspace, ID))
    (folder / "weights").write_bytes(b"12345")
    assert [(each.model_id, each.size) for each in models.partials(workspace)] == [(ID, 5)]
    models.discard_partial(workspace, ID)
    assert models.partials(workspace) == []
    with pytest.raises(ModelError, match=ID):
        models.discard_partial(workspace, ID)


def test_a_file_of_another_size_than_listed_is_named_and_fetched_anew(tmp_path):
    claim_folder(tmp_path)
    (tmp_path / "a.safetensors").write_bytes(b"12")
    (tmp_path / "b.json").write_bytes(b"1234")
    with pytest.raises(ModelError, match=r"a.safetensors .*2 / 4"):
        check_sizes(tmp_path, {"a.safetensors": 4, "b.json": 4})
    assert not (tmp_path / "a.safetensors").exists() and (tmp_path / "b.json").exists()
    with pytest.raises(ModelError, match=r"a\.safetensors"):
        check_sizes(tmp_path, {"a.safetensors": 4})


def test_mirrors_are_tried_in_turn(workspace, hub, monkeypatch):
    monkeypatch.delenv("MODELSCOPE_ENDPOINT")
    dead = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("TIANJI_MODELSCOPE_MIRRORS", f"{dead}, {hub.url}/")
    job = jobs.wait(workspace, models.start_download(workspace, ID).id, 120)
    assert job.state == "succeeded", job.note
    assert f"连不上 {dead}" in (said := jobs.log_tail(workspace, job.id)) and "改用下一个" in said
