"""The train page: an inviting start, checks before the button, and the running training."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT
from tests.tiny_base import add_version, write_tiny_base
from tianji_core import jobs, training
from tianji_core.models import register_folder
from tianji_core.store import training as rows

KEY = "nano-cpu-qlora"


@pytest.fixture
def app(workspace):
    import streamlit as st

    st.cache_resource.clear()
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def open_train(app, **query):
    app.switch_page("pages/model/train.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def texts(app):
    kinds = (app.info, app.error, app.warning, app.success, app.markdown, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind)


@pytest.fixture
def tiny(workspace, tmp_path):
    register_folder(workspace, write_tiny_base(tmp_path / "base"))
    return tmp_path / "base"


def test_without_a_dataset_the_page_says_the_next_step(app):
    assert "冻结" in texts(open_train(app))


def test_changed_settings_are_marked_and_can_be_reset(workspace, tiny, app):
    add_version(workspace)
    open_train(app)
    assert "默认值" in texts(app)
    app.number_input(key=f"train_{KEY}_epochs").set_value(3).run()
    assert "1 → 3" in texts(app)
    app.button(key="train_defaults").click().run()
    assert app.number_input(key=f"train_{KEY}_epochs").value == 1


def test_the_large_preset_cannot_start_without_a_gpu(workspace, tiny, app, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    add_version(workspace)
    open_train(app)
    app.selectbox(key="train_preset").set_value("internlm2-chat-7b-qlora").run()
    assert app.button(key="train_start").disabled
    assert "显卡" in texts(app) and "不存在" in texts(app)


def test_a_bad_value_is_one_sentence(workspace, tiny, app):
    add_version(workspace)
    open_train(app)
    app.number_input(key=f"train_{KEY}_max_length").set_value(3).run()
    assert not app.exception and "序列长度" in app.error[0].value


def test_the_written_config_is_shown(workspace, tiny, app):
    add_version(workspace)
    open_train(app)
    app.number_input(key=f"train_{KEY}_learning_rate").set_value(0.001).run()
    assert any("lr = 0.001" in block.value for block in app.code)


def test_an_unknown_training_is_one_sentence(app):
    assert "没有编号为 99" in texts(open_train(app, run="99"))


def test_a_stored_training_opens_from_its_address(workspace, tiny, app):
    settings = training.default_settings(KEY).model_copy(update={"base": str(tiny)})
    run = training.prepare_training(workspace, KEY, settings, add_version(workspace), "试训一号")
    open_train(app, run=str(run.id))
    assert app.subheader[0].value == "试训一号" and "没有启动" in texts(app)
    app.button(key="train_new").click().run()
    assert "试训一号" in texts(app)


@pytest.mark.training
def test_start_and_stop_from_the_page(workspace, tiny, app):
    add_version(workspace)
    open_train(app)
    app.selectbox(key=f"train_{KEY}_base").set_value(str(tiny)).run()
    app.button(key="train_start").click().run()
    assert not app.exception
    run = rows.listed(workspace.engine)[0]
    assert str(run.id) in app.query_params["run"]
    app.button(key="train_stop").click().run()
    assert jobs.wait(workspace, run.job_id, 60).state == "stopped"
    app.run()
    assert "停止" in texts(app)
