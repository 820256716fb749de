"""The models page: what there is, how it came about, and deleting with a way back."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.models import sharing
from tests.conftest import ROOT
from tests.pages.opening import opened
from tests.tiny_base import add_version, write_tiny_base
from tests.work_folders import write_checkpoint, write_sitting
from tianji_core import models, training
from tianji_core.access import hosts
from tianji_core.access.hosts import allowed_hosts_setting
from tianji_core.errors import SettingsError
from tianji_core.model_folders.learnt import LearntPairs, LearntPart
from tianji_core.model_folders.manifest import Artefact, write_artefact
from tianji_core.models.catalogue import making
from tianji_core.sharing import Shares


@pytest.fixture
def app(workspace):
    import streamlit as st

    st.cache_resource.clear()
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def open_models(app):
    app.switch_page("pages/models/page.py").run()
    assert not app.exception
    return app


def texts(app):
    kinds = (app.info, app.error, app.markdown, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_without_checkpoints_the_page_says_the_next_step(app):
    assert "先训练一次" in texts(open_models(app))


def test_a_folder_is_registered_and_a_bad_one_is_one_sentence(workspace, tmp_path, app):
    folder = write_tiny_base(tmp_path / "mine")
    open_models(app)
    app.text_input(key="register_path").set_value(str(tmp_path / "nowhere")).run()
    app.button(key="register_start").click().run()
    assert "不存在" in app.error[0].value
    app.text_input(key="register_path").set_value(str(folder)).run()
    app.button(key="register_start").click().run()
    assert models.artefact(workspace, "mine").path == folder and "mine" in texts(app)


def test_questions_that_cannot_be_read_hide_no_other_link(workspace, app):
    shares = Shares(workspace)
    open_models(app)
    for name in ("one", "two"):
        share = shares.add(name, "wishes", 7, keep=True)
        (workspace.logs / f"share-{share.id}.jsonl").write_text("no JSON", encoding="utf-8")
        app.session_state[f"share_kept_{share.id}"] = True
    app.run()
    assert len([error for error in app.error if "修好或移走" in error.value]) == 2


def test_a_deleted_model_comes_back(workspace, tmp_path, app):
    base = write_tiny_base(tmp_path / "base")
    made = Artefact(
        name="甲",
        kind="merged",
        title="合并一号",
        path=base,
        base=base,
        figures={"loss": 1.5},
        sample="*祝*[好](x)",
    )
    with making(workspace, "甲") as folder:
        write_artefact(folder, made, workspace.home)
    open_models(app)
    assert "合并一号" in texts(app) and "损失 1.500" in texts(app) and r"\*祝\*\[好\]" in texts(app)
    assert app.button(key="talk_甲").proto.type == "primary"  # nothing waits to be merged
    app.button(key="delete_甲").click().run()
    assert [each.artefact.name for each in models.trashed(workspace)] == ["甲"]
    token = models.trashed(workspace)[0].token
    app.button(key=f"restore_{token}").click().run()
    assert not app.exception and models.artefact(workspace, "甲").sample == "*祝*[好](x)"


def test_checkpoints_of_a_failed_training_say_why_and_are_not_recommended(workspace, tmp_path, app):
    settings = training.default_settings("nano-cpu-qlora")
    settings = settings.model_copy(update={"base": str(write_tiny_base(tmp_path / "base"))})
    run = training.prepare_training(workspace, "nano-cpu-qlora", settings, add_version(workspace), "坏的")
    folder = training.work_folder(workspace, run)
    write_sitting(folder, "20260101_000000", [(5, 2.0), (10, float("nan"))])
    write_checkpoint(folder / "iter_10.pth")
    shown = texts(open_models(app))
    assert "失败" in shown and "NaN" in shown
    assert app.button(key=f"convert_merge_{run.id}_10").proto.type == "secondary"


def test_what_a_link_has_kept_is_read_where_its_menu_is_open(workspace, app):
    share = Shares(workspace).add("nano", "wishes", 7, keep=True)
    kept = workspace.logs / f"share-{share.id}.jsonl"
    kept.write_text('{"question": "祝我好运", "answer": "祝您平安"}\n', encoding="utf-8")
    assert "祝您平安" not in texts(open_models(app))
    app.session_state[f"share_kept_{share.id}"] = True
    assert "祝您平安" in texts(app.run())
    kept.unlink()
    assert "没有收下的问题" in texts(app.run())


def test_a_card_names_the_mix_and_the_pairs(workspace, app):
    with making(workspace, "学过的") as folder:
        write_tiny_base(folder / "there")
        about = Artefact(
            name="学过的",
            kind="merged",
            title="学过的",
            path=folder,
            dataset_name="v1",
            mix=(
                LearntPart(version="v1", samples=60, share=0.75, token_share=0.6),
                LearntPart(
                    version="闲聊", sha256="c" * 64, weight=0.25, samples=20, share=0.25, token_share=0.4
                ),
            ),
            pairs=(LearntPairs(version="口味", sha256="d" * 64, count=36),),
        )
        write_artefact(folder, about, workspace.home)
    open_models(app)
    shown = texts(app)
    assert "闲聊 20 条（25%，token 的 40%）" in shown and "偏好对 口味（36 对）" in shown
    said = [element.value for element in app.text]
    assert any(value.endswith("c" * 16) for value in said) and any(value.endswith("d" * 16) for value in said)


def test_links_carry_the_address_that_others_use(workspace, monkeypatch):
    share = Shares(workspace).add("one", "wishes", 7)
    monkeypatch.setenv("TIANJI_STUDIO_URL", "https://studio.example.com/tianji/")
    page = opened("models")
    assert f"https://studio.example.com/tianji{Shares(workspace).path(share)}" in [c.value for c in page.code]
    assert not any("打得开" in warning.value for warning in page.warning)
    assert "https://studio.example.com" in allowed_hosts_setting()
    monkeypatch.setenv("TIANJI_STUDIO_URL", "https://me:secret@studio.example.com")
    with pytest.raises(SettingsError, match="TIANJI_STUDIO_URL") as raised:
        allowed_hosts_setting()
    assert "secret" not in str(raised.value)


def test_a_studio_in_a_container_says_that_it_knows_no_address_for_others(workspace, monkeypatch, tmp_path):
    Shares(workspace).add("one", "wishes", 7)
    monkeypatch.delenv("TIANJI_STUDIO_URL", raising=False)
    monkeypatch.setattr(hosts, "_IN_CONTAINER", (str(tmp_path),))
    monkeypatch.setattr(sharing.st, "get_option", {"server.address": "0.0.0.0", "server.port": 6006}.get)
    assert any("TIANJI_STUDIO_URL" in warning.value for warning in opened("models").warning)
