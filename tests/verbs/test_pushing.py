"""The verb that pushes says what it will do, does it, and refuses in one sentence."""

import pytest

from tests.dataset.test_versions import fill
from tests.loopback_hub import OWNER, TOKEN, loopback_hub
from tianji_core import dataset


@pytest.fixture
def hub(monkeypatch):
    with loopback_hub() as server:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", server.url)
        monkeypatch.setenv("MODELSCOPE_API_TOKEN", TOKEN)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server


def test_a_dataset_version_is_pushed_from_the_command_line(workspace, hub, verb):
    fill(workspace, 6)
    dataset.freeze(workspace, "wishes", "v1")
    repo = f"{OWNER}/wishes"
    dry = verb("push", "v1", "--to", repo, "--dry", "--json").json()
    assert dry["private"] and dry["bytes"] > 1000 and "train.json" in dry["files"]
    assert hub.requests == []
    said = verb("push", "v1", "--to", repo)
    assert said.code == 0 and said.out.strip() == f"{hub.url}/datasets/{repo}"
    assert "私有" in said.err and "KB" in said.err
    assert hub.repos["dataset", repo].private and "train.json" in hub.repos["dataset", repo].files


def test_what_cannot_be_pushed_is_refused_in_one_sentence(workspace, hub, verb, monkeypatch):
    assert "v9" in verb("push", "v9", "--to", f"{OWNER}/wishes").refusal
    assert "--kind" in verb("push", "v9", "--to", f"{OWNER}/wishes", "--kind", "space").refusal
    assert "账号或组织" in verb("push", "nano-base", "--to", "wishes").refusal
    assert "基座" in verb("push", "nano-base", "--to", f"{OWNER}/wishes").refusal
    fill(workspace, 6)
    dataset.freeze(workspace, "wishes", "v1")
    monkeypatch.delenv("MODELSCOPE_API_TOKEN")
    said = verb("push", "v1", "--to", f"{OWNER}/wishes")
    assert said.code == 2 and "MODELSCOPE_API_TOKEN" in said.err.splitlines()[-1]
    assert hub.requests == []
