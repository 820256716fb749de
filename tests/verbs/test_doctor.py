"""``doctor`` loads tokenizer and configuration of every model as a training would."""

import os
import subprocess
import sys
from importlib import metadata

import pytest

from tests.families.bases import write_own_code
from tianji_core import jobs, models
from tianji_core.errors import ModelError
from tianji_core.installing.state import TRAINING
from tianji_core.store import jobs as job_store
from tianji_core.verbs.mending import mended_workspace


def test_a_model_that_loads_is_listed_and_one_that_does_not_is_the_verdict(verb, workspace, tmp_path):
    base = tmp_path / "internlm2.5-chat"
    base.mkdir()
    write_own_code(base)
    models.register_folder(workspace, base)
    found = verb("doctor", "--json").json()  # nobody allowed its code
    assert "internlm2.5-chat" not in found["bases"]
    assert "--trust-remote-code" in found["untried"]["internlm2.5-chat"]

    models.allow_code(workspace, "internlm2.5-chat")
    told = verb("doctor")
    assert told.code == 0 and "✓ nano-base" in told.out
    assert "✓ internlm2.5-chat  分词器 WishTokenizerFast" in told.out

    code = base / "tokenization_wish.py"
    code.write_text(
        code.read_text(encoding="utf-8").replace("import shutil", "import shutill"), encoding="utf-8"
    )
    models.allow_code(workspace, "internlm2.5-chat")
    told = verb("doctor")
    assert told.code == 2 and "✗ internlm2.5-chat  分词器加载不了" in told.out
    assert "internlm2.5-chat" in told.failure and "shutill" in told.failure


def test_what_dead_processes_left_is_mended_and_a_persons_files_stay(workspace):
    draft = workspace.datasets / ".v1.json.k2j3.part"
    fresh = workspace.datasets / ".v2.json.a9b8.part"
    note = workspace.home / "notes.part"
    for file in (draft, fresh, note):
        file.write_text("half", encoding="utf-8")
    os.utime(draft, (0, 0))
    os.utime(note, (0, 0))
    job = job_store.add(workspace.engine, "freeze", "冻结", [], {}, {})
    with subprocess.Popen(["true"]) as ended:
        pass
    job_store.change(workspace.engine, job.id, supervisor_pid=ended.pid, supervisor_started=1.0)

    told = list(mended_workspace(workspace))

    assert told == ["1 个任务的进程早就没有了，已经记下", "删掉了 1 个没写完的临时文件"]
    assert not draft.exists() and fresh.exists() and note.exists()
    assert jobs.get(workspace, job.id).state == "lost"
    assert list(mended_workspace(workspace)) == []


def test_a_light_studio_is_whole_without_the_training_part_and_not_without_its_own_packages(
    verb, monkeypatch
):
    lacking = {*TRAINING, "modelscope"}
    version = metadata.version

    def locked(name: str) -> str:
        if name in lacking:
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", locked)
    assert verb("doctor").code == 0
    lacking |= {"zhipuai", "datasets"}
    told = verb("doctor")
    assert told.code == 2 and told.failure == "缺少软件包 zhipuai、datasets；用这个命令补齐：make install"


def test_a_download_without_its_package_is_refused_before_it_starts(workspace, monkeypatch):
    monkeypatch.setitem(sys.modules, "modelscope", None)
    with pytest.raises(ModelError, match="make install"):
        models.start_download(workspace, "somebody/model")
    assert jobs.listed(workspace) == []
