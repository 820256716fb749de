"""Models and dataset versions are pushed with the official clients, to a server on loopback that speaks the
APIs of both hubs."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.dataset.test_versions import fill
from tests.loopback_hub import OWNER, TOKEN, Fault, LoopbackHub, Repo, loopback_hub
from tests.tiny_base import write_tiny_base
from tianji_core import dataset, jobs, models, push
from tianji_core.dataset import Balance
from tianji_core.errors import ModelError, PushError
from tianji_core.jobs import Job
from tianji_core.model_folders.manifest import Artefact, write_artefact
from tianji_core.models.catalogue import making
from tianji_core.workspace import Workspace

HUBS = ("huggingface", "modelscope")
REPO = f"{OWNER}/wishes-model"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch):
    with loopback_hub() as server:
        for name in ("HF_ENDPOINT", "MODELSCOPE_ENDPOINT"):
            monkeypatch.setenv(name, server.url)
        for name in push.TOKENS.values():
            monkeypatch.setenv(name, TOKEN)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server


@pytest.fixture
def merged(workspace: Workspace, tmp_path: Path) -> Artefact:
    """A merged model whose files name folders of this machine."""
    base = write_tiny_base(tmp_path / "internlm2-chat-7b")
    made = Artefact(
        name="merged",
        kind="merged",
        title="一号",
        path=base,
        base=base,
        dataset_name="v1",
        figures={"loss": 1.5},
        samples={"祝妹妹生日": "生日快乐呀"},
    )
    with making(workspace, "merged") as folder:
        shutil.copytree(base, folder, dirs_exist_ok=True)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config["_name_or_path"] = str(base)
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        (folder / "xtuner_config.py").write_text(f"data = {str(tmp_path)!r}", encoding="utf-8")
        (folder / "model-2.safetensors").write_bytes(os.urandom(200_000))
        write_artefact(folder, made, workspace.home)
    return models.artefact(workspace, "merged")


def pushed(
    workspace: Workspace, hub: str, kind: str = "model", item: str = "merged", repo: str = REPO, **options
) -> Job:
    target = push.checked_target(workspace, hub, kind, repo)
    return jobs.wait(workspace, push.start_push(workspace, target, item, **options).id, 120)


def head(repo: Repo) -> dict:
    return yaml.safe_load(repo.files["README.md"].decode().split("---\n")[1])


@pytest.mark.parametrize("name", HUBS)
def test_a_model_arrives_whole_and_private_with_its_card(
    workspace: Workspace, hub: LoopbackHub, merged: Artefact, tmp_path: Path, name: str
) -> None:
    job = pushed(workspace, name)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    repo = hub.repos["model", REPO]
    assert repo.private and repo.commits == 1
    for weights in merged.path.glob("*.safetensors"):
        assert repo.files[weights.name] == weights.read_bytes()
    assert "xtuner_config.py" not in repo.files
    origin = {
        "huggingface": "internlm/internlm2-chat-7b",
        "modelscope": "Shanghai_AI_Laboratory/internlm2-chat-7b",
    }
    assert head(repo)["base_model"] == origin[name] and head(repo)["license"] == "apache-2.0"
    assert json.loads(repo.files["config.json"])["_name_or_path"] == origin[name]
    card = repo.files["README.md"].decode()
    for expected in (
        "internlm2_chat",
        "v1",
        "1.5",
        "生日快乐呀",
        f'from_pretrained("{REPO}"',
        "<|im_start|>user",
    ):
        assert expected in card, expected
    progress = jobs.read_progress(workspace, job.id)
    assert progress is not None and progress.done == progress.total > 300_000
    known = push.last_push(workspace, "model", "merged")
    assert known is not None and known.private and known.url in jobs.log_tail(workspace, job.id)
    for path, body in repo.files.items():
        assert str(tmp_path).encode() not in body, f"{path} names a folder of this machine"


@pytest.mark.parametrize("name", HUBS)
def test_an_adapter_names_its_base_by_what_the_hub_calls_it(
    workspace: Workspace, hub: LoopbackHub, merged: Artefact, tmp_path: Path, name: str
) -> None:
    made = merged.model_copy(update={"name": "adapter", "kind": "adapter"})
    with making(workspace, "adapter") as folder:
        (folder / "adapter_config.json").write_text(
            json.dumps({"base_model_name_or_path": str(merged.base), "r": 8}), encoding="utf-8"
        )
        (folder / "adapter_model.safetensors").write_bytes(os.urandom(1000))
        (folder / "xtuner_config.py").write_text(f"base = {str(merged.base)!r}", encoding="utf-8")
        write_artefact(folder, made, workspace.home)
    job = pushed(workspace, name, item="adapter", repo=f"{OWNER}/adapter")
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    repo = hub.repos["model", f"{OWNER}/adapter"]
    own = {"README.md", "tianji.json", "adapter_config.json", "adapter_model.safetensors"}
    assert set(repo.files) - {".gitattributes"} == own
    base = head(repo)["base_model"]
    assert base.endswith("/internlm2-chat-7b") and head(repo)["library_name"] == "peft"
    assert json.loads(repo.files["adapter_config.json"]) == {"base_model_name_or_path": base, "r": 8}
    assert not any(str(tmp_path).encode() in body for body in repo.files.values())


@pytest.mark.parametrize("name", HUBS)
def test_a_dataset_version_arrives_byte_for_byte(workspace: Workspace, hub: LoopbackHub, name: str) -> None:
    fill(workspace, 12)
    version = dataset.freeze(workspace, "wishes", "v1", balance=Balance(validation=0.25))
    repo_id = f"{OWNER}/wishes"
    job = pushed(workspace, name, "dataset", "v1", repo_id, licence="cc-by-4.0")
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    repo = hub.repos["dataset", repo_id]
    assert repo.private and hashlib.sha256(repo.files["train.json"]).hexdigest() == version.sha256
    assert {"README.md", "README_zh.md", "manifest.json"} <= set(repo.files)
    assert head(repo)["license"] == "cc-by-4.0"
    assert head(repo)["configs"][0]["data_files"] == [
        {"split": "train", "path": "train.json"},
        {"split": "validation", "path": "val.json"},
    ]
    assert repo_id in repo.files["README.md"].decode() and version.sha256 in repo.files["README.md"].decode()
    assert repo.licence == ("cc-by-4.0" if name == "modelscope" else "")


@pytest.mark.parametrize("name", HUBS)
def test_an_interrupted_push_goes_on_without_sending_anything_twice(
    workspace: Workspace, hub: LoopbackHub, merged: Artefact, name: str
) -> None:
    first = merged.path / "model-2.safetensors"
    hub.blobs[hashlib.sha256(first.read_bytes()).hexdigest()] = first.read_bytes()
    hub.held.set()
    target = push.checked_target(workspace, name, "model", REPO)
    job = push.start_push(workspace, target, "merged")
    with pytest.raises(PushError, match="正在进行"):
        push.start_push(workspace, target, "merged")
    with pytest.raises(ModelError, match="正在用"):
        models.delete(workspace, "merged")
    assert hub.reading.wait(60), jobs.log_tail(workspace, job.id)
    jobs.stop(workspace, job.id)
    assert jobs.wait(workspace, job.id, 60).state == "stopped"
    assert hub.repos["model", REPO].commits == 0

    hub.held.clear()
    hub.released.set()
    hub.requests.clear()
    job = pushed(workspace, name)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    digest = hashlib.sha256(first.read_bytes()).hexdigest()
    assert hub.sent() and not any(digest in line for line in hub.sent())
    assert hub.repos["model", REPO].files[first.name] == first.read_bytes()

    hub.requests.clear()
    job = pushed(workspace, name)
    assert job.state == "succeeded" and hub.sent() == [] and hub.repos["model", REPO].commits == 1


@pytest.mark.parametrize("name", HUBS)
def test_a_hub_that_is_overloaded_or_fails_in_the_middle_is_asked_again(
    workspace: Workspace, hub: LoopbackHub, merged: Artefact, name: str
) -> None:
    hub.faults = [
        Fault("^PUT", 500),
        Fault("batch$", 503),
        Fault("/commit/", 429, headers={"Retry-After": "1"}),
        Fault("/commit/", 500),
    ]
    job = pushed(workspace, name)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    assert [fault.times for fault in hub.faults] == [0, 0, 0, 0]
    weights = merged.path / "model-2.safetensors"
    assert hub.repos["model", REPO].files[weights.name] == weights.read_bytes()


@pytest.mark.parametrize("name", HUBS)
def test_a_repository_of_somebody_else_is_written_into_only_when_asked(
    workspace: Workspace, hub: LoopbackHub, merged: Artefact, name: str
) -> None:
    repo = hub.repos["model", REPO] = Repo(private=True, files={"README.md": b"mine", "notes.txt": b"keep"})
    job = pushed(workspace, name)
    assert job.state == "failed" and job.exit_code == 2 and "--into-existing" in job.note
    assert repo.files == {"README.md": b"mine", "notes.txt": b"keep"} and hub.sent() == []
    job = pushed(workspace, name, into_existing=True)
    assert job.state == "succeeded", job.note
    assert repo.files["notes.txt"] == b"keep" and repo.files["README.md"] != b"mine"

    (merged.path / "model-2.safetensors").unlink()
    job = pushed(workspace, name)
    assert job.state == "succeeded", job.note
    assert "model-2.safetensors" not in repo.files and repo.files["notes.txt"] == b"keep"


@pytest.mark.parametrize("name", HUBS)
def test_nothing_is_sent_to_a_repository_that_others_can_see_unless_public_was_chosen(
    workspace: Workspace, hub: LoopbackHub, merged: Artefact, name: str
) -> None:
    hub.always_public = True
    job = pushed(workspace, name)
    assert job.state == "failed" and "是公开的" in job.note
    assert hub.sent() == [] and hub.repos["model", REPO].commits == 0
    job = pushed(workspace, name, public=True)
    assert job.state == "succeeded", job.note
    known = push.last_push(workspace, "model", "merged")
    assert known is not None and not known.private

    hub.always_public = False
    hub.repos["model", f"{OWNER}/closed"] = Repo(private=True)
    job = pushed(workspace, name, repo=f"{OWNER}/closed", public=True)
    assert job.state == "failed" and "是私有的" in job.note


@pytest.mark.parametrize("name", HUBS)
@pytest.mark.parametrize(
    ("pattern", "status", "said", "sentence"),
    [
        ("whoami|users/me", 401, "Invalid credentials in Authorization header", "不认"),
        ("create$|POST /api/v1/models$", 403, "no rights", "不能往“someone”下写"),
        ("create$|POST /api/v1/models$", 404, "no such owner", "没有账号或组织“someone”"),
        ("create$|POST /api/v1/models$", 409, "already exists", "被占用了"),
        ("/commit/", 403, "Private repository storage limit reached", "空间不够"),
        ("/commit/", 429, "slow down", "限流了"),
        ("batch$", 500, "broken", "那边出错了"),
    ],
)
def test_every_refusal_is_one_sentence(
    workspace: Workspace,
    hub: LoopbackHub,
    merged: Artefact,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    pattern: str,
    status: int,
    said: str,
    sentence: str,
) -> None:
    from tianji_core.push import contents, pushing, sending
    from tianji_core.push.launch import files_of

    monkeypatch.setattr(sending, "ATTEMPTS", 2)
    hub.faults = [Fault(pattern, status, times=100, said=said)]
    target = push.checked_target(workspace, name, "model", REPO)
    files = files_of(workspace, target, "merged")
    assert contents.size_of(files) > 0
    with pytest.raises(Exception) as raised:
        pushing.push(workspace, target, "merged", files)
    message = str(raised.value)
    assert sentence in message and TOKEN not in message and "\n" not in message


@pytest.mark.parametrize("name", HUBS)
def test_no_connection_is_said(
    workspace: Workspace, hub: LoopbackHub, merged: Artefact, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from tianji_core.push import pushing, sending
    from tianji_core.push.launch import files_of

    monkeypatch.setattr(sending, "ATTEMPTS", 1)
    target = push.checked_target(workspace, name, "model", REPO, endpoint="http://127.0.0.1:9")
    with pytest.raises(Exception, match="连不上"):
        pushing.push(workspace, target, "merged", files_of(workspace, target, "merged"))


@pytest.mark.parametrize("name", HUBS)
def test_the_token_is_kept_nowhere(
    workspace: Workspace, hub: LoopbackHub, merged: Artefact, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    hub.faults = [Fault("/commit/", 400, said=f"the token {TOKEN} said so")]
    job = pushed(workspace, name)
    assert job.state == "failed"
    assert pushed(workspace, name).state == "succeeded"
    for path in workspace.home.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes(), path
    assert not any(TOKEN in argument for argument in job.argv) and TOKEN not in json.dumps(job.subject)
    assert not any(TOKEN.encode() in body for body in hub.repos["model", REPO].files.values())
    monkeypatch.delenv(push.TOKENS[name])
    with pytest.raises(PushError, match=push.TOKENS[name]):
        push.start_push(workspace, push.checked_target(workspace, name, "model", REPO), "merged")


def test_names_addresses_and_bases_are_refused_before_anything_starts(
    workspace: Workspace, hub: LoopbackHub, merged: Artefact, monkeypatch: pytest.MonkeyPatch
) -> None:
    for repo in ("", "wishes", "a/b/c", "../x", "a/..", "someone/祝福", "a b/c", "a/b.git"):
        with pytest.raises(PushError, match="账号或组织/名字"):
            push.checked_target(workspace, "huggingface", "model", repo)
    with pytest.raises(PushError, match="github"):
        push.checked_target(workspace, "github", "model", REPO)
    target = push.checked_target(workspace, "huggingface", "model", REPO)
    with pytest.raises(PushError, match="是基座"):
        push.start_push(workspace, target, models.artefacts(workspace)[0].name)
    with pytest.raises(PushError, match="不认识许可"):
        push.start_push(workspace, target, "merged", licence="mine")
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror.example")
    with pytest.raises(PushError, match="不加密"):
        push.checked_target(workspace, "huggingface", "model", REPO)
    monkeypatch.setenv("HF_ENDPOINT", "https://me:secret@mirror.example")
    with pytest.raises(PushError) as raised:
        push.checked_target(workspace, "huggingface", "model", REPO)
    assert "secret" not in str(raised.value)
    assert jobs.listed(workspace) == [] and hub.requests == []


def test_size_and_time_are_known_before(workspace: Workspace, hub: LoopbackHub, merged: Artefact) -> None:
    target = push.checked_target(workspace, "huggingface", "model", REPO)
    plan = push.plan_push(workspace, target, "merged")
    assert plan.size > 300_000 and not plan.measured and "model-2.safetensors" in plan.files
    assert plan.seconds == pytest.approx(plan.size / 1.25e6)
    assert pushed(workspace, "huggingface").state == "succeeded"
    measured = push.plan_push(workspace, target, "merged")
    assert measured.measured

    (merged.path / "README.md").write_text(
        "# 我写的", encoding="utf-8"
    )  # a push of a few bytes tells no speed
    assert pushed(workspace, "huggingface").state == "succeeded"
    again = push.plan_push(workspace, target, "merged")
    assert again.seconds / again.size == pytest.approx(measured.seconds / measured.size)


def test_the_usage_in_the_card_asks_the_model_as_its_training_did(
    workspace: Workspace, hub: LoopbackHub, merged: Artefact, tmp_path: Path
) -> None:
    """The code of the card, run on the files that arrived."""
    assert pushed(workspace, "huggingface").state == "succeeded"
    arrived = tmp_path / "arrived"
    arrived.mkdir()
    for path, body in hub.repos["model", REPO].files.items():
        (arrived / path).write_bytes(body)
    (arrived / "model-2.safetensors").unlink()
    code = (arrived / "README.md").read_text(encoding="utf-8").split("```python")[1].split("```")[0]
    code = code.replace(REPO, str(arrived)).replace("max_new_tokens=200", "max_new_tokens=2")
    ask = (
        "from tianji_core.model_folders.messages import ChatMessage\n"
        "from tianji_core.model_folders.prompt import encode\n"
        f"said = [ChatMessage(role='system', content={merged.system!r}), "
        "ChatMessage(role='user', content='祝妹妹生日')]\n"
        f"print(asked[0].tolist() == encode(tokenizer, {merged.template!r}, said))"
    )
    ended = subprocess.run([sys.executable, "-c", code + ask], capture_output=True, text=True, cwd=ROOT)
    assert ended.stdout.splitlines()[-1:] == ["True"], ended.stderr[-2000:]
