"""The server as a background job."""

import shutil
import socket
from pathlib import Path

import psutil
import pytest

from tests.serving.conftest import Folders
from tests.serving.tiny import copy
from tianji_core import jobs
from tianji_core.errors import InputError, ModelError, ServerError
from tianji_core.model_folders.manifest import Artefact, Kind, write_artefact
from tianji_core.models.catalogue import making
from tianji_core.serving import (
    ChatSampling,
    Message,
    ModelRef,
    chat_stream,
    servers,
    start_server,
    wait_ready,
)
from tianji_core.serving.opening import loaded_form
from tianji_core.workspace import Workspace


def add_form(workspace: Workspace, name: str, kind: Kind, folders: Folders) -> None:
    """Adds the fourth checkpoint of the first training to the models, in one of its forms."""
    base = folders.base
    made = Artefact(name=name, kind=kind, title=name, path=base, base=base, training_run_id=1, checkpoint=4)
    with making(workspace, name) as folder:
        shutil.copytree(folders.red if kind == "adapter" else base, folder, dirs_exist_ok=True)
        write_artefact(folder, made, workspace.home)


def test_a_started_server_is_found_answers_and_stops(
    workspace: Workspace, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = start_server(
        workspace, [ModelRef("小模型", str(folders.base))], [ModelRef("送祝福 v1.0", str(folders.red))]
    )
    try:
        assert [(s.job.id, s.models) for s in servers(workspace)] == [(job.id, ("小模型", "送祝福 v1.0"))]
        add_form(workspace, "送祝福 v1.0", "adapter", folders)
        add_form(workspace, "合并", "merged", folders)
        assert loaded_form(workspace, "合并") == "送祝福 v1.0", "no second service for the same checkpoint"
        assert loaded_form(workspace, "另一个") == "另一个"
        ready = wait_ready(workspace, job.id, timeout=120)
        assert ready.ready and servers(workspace)[0].ready
        progress = jobs.read_progress(workspace, job.id)
        assert progress is not None and progress.message == "就绪"
        ask = [Message("user", "祝大舅春节快乐")]
        texts = {
            name: "".join(
                c.text for c in chat_stream(ready.url, name, ask, ChatSampling(temperature=0, max_tokens=12))
            )
            for name in ready.models
        }
        assert len(set(texts.values())) == 2
        monkeypatch.setattr("tianji_core.serving.running.SHARED", 0.0)
        server = psutil.Process(jobs.get(workspace, job.id).pid)
        server.suspend()
        try:
            assert servers(workspace)[0].ready, "a busy server that misses a question stays as it was"
        finally:
            server.resume()
    finally:
        jobs.stop(workspace, job.id)
        ended = jobs.wait(workspace, job.id, timeout=60)
    assert ended.state == "stopped"
    assert servers(workspace) == []


def test_waiting_for_a_server_that_cannot_load_gives_its_reason(
    workspace: Workspace, folders: Folders
) -> None:
    job = start_server(
        workspace, [ModelRef("other", str(folders.other_base))], [ModelRef("red", str(folders.red))]
    )
    with pytest.raises(ServerError, match="对不上"):
        wait_ready(workspace, job.id, timeout=120)
    assert jobs.get(workspace, job.id).exit_code == 2


def test_what_cannot_work_is_refused_before_a_process_starts(
    workspace: Workspace, folders: Folders, tmp_path: Path
) -> None:
    base = ModelRef("base", str(folders.base))
    incomplete = copy(folders.base, tmp_path / "incomplete")
    (incomplete / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="分词器"):
        start_server(workspace, [ModelRef("x", str(incomplete))])
    with pytest.raises(InputError, match="都叫 base"):
        start_server(workspace, [base], [ModelRef("base", str(folders.red))])
    with pytest.raises(InputError, match="至少选一个"):
        start_server(workspace, [], [ModelRef("red", str(folders.red))])
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InputError, match="已被占用"):
        start_server(workspace, [base], port=taken.getsockname()[1])
    assert jobs.listed(workspace) == []
