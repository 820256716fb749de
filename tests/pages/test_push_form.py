"""The form that pushes a model or a dataset version, on their pages."""

import pytest

from tests.dataset.test_versions import fill
from tests.loopback_hub import OWNER, TOKEN, loopback_hub
from tests.pages.opening import opened, press
from tianji_core import dataset, jobs, push


@pytest.fixture
def hub(monkeypatch):
    with loopback_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.delenv("MODELSCOPE_API_TOKEN", raising=False)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server


def captions(app):
    return "\n".join(element.value for element in (*app.caption, *app.warning, *app.error, *app.markdown))


def versions():
    app = opened("dataset")
    app.session_state["part"] = "versions"
    return app.run()


def test_a_dataset_version_is_pushed_privately_unless_public_is_chosen(workspace, hub):
    fill(workspace, 6)
    dataset.freeze(workspace, "wishes", "v1")
    app = versions()
    assert "SHA-256" in captions(app) and not app.radio
    app.session_state["push_open_dataset_v1"] = True
    app.run()
    assert "MODELSCOPE_API_TOKEN" in captions(app)
    assert app.radio(key="push_public_dataset_v1").value is False
    app.radio(key="push_hub_dataset_v1").set_value("huggingface").run()
    app.text_input(key="push_repo_dataset_v1").set_value("no owner").run()
    assert "账号或组织/名字" in app.error[0].value
    app.text_input(key="push_repo_dataset_v1").set_value(f"{OWNER}/wishes").run()
    assert "10 Mbit/s" in captions(app) and "私有：只有你" in captions(app)
    press(app, "push_start_dataset_v1")
    job = push.push_job(workspace, "dataset", "v1")
    assert jobs.wait(workspace, job.id, 90).state == "succeeded", job.note
    assert hub.repos["dataset", f"{OWNER}/wishes"].private
    app = versions()
    assert "已推到" in captions(app) and f"{OWNER}/wishes" in captions(app)
