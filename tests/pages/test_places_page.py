"""Places to train elsewhere: set up in the settings, chosen on the train page."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT
from tests.tiny_base import add_version
from tianji_core import training
from tianji_core.store import training as rows
from tianji_core.training.places.profile import checked_place, places, remove_place, save_place
from tianji_core.training.places.sending import Elsewhere, keep
from tianji_core.workspace import Workspace


@pytest.fixture
def app(workspace: Workspace) -> AppTest:
    import streamlit as st

    st.cache_resource.clear()
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def test_the_fields_keep_their_order_where_a_phone_shows_one_column_after_another(app: AppTest) -> None:
    """The tree of the page has the columns in the order in which a phone shows them."""
    app.switch_page("pages/settings/page.py").run()
    app.radio(key="place_kind").set_value("slurm").run()
    shown = [str(field.key) for field in app.text_input if str(field.key).startswith("place_")]
    asked = ["partition", "account", "time", "memory", "modules", "container"]
    machine = ["name", "host", "user", "key", "folder", "python", "project", "base"]
    assert shown == [f"place_{name}" for name in (*asked, *machine)]


def test_a_place_is_saved_in_the_settings_and_a_wrong_field_is_named(
    app: AppTest, workspace: Workspace
) -> None:
    app.switch_page("pages/settings/page.py").run()
    app.text_input(key="place_name").input("lab")
    app.text_input(key="place_host").input("-oProxyCommand=x")
    app.button(key="place_save").click().run()
    assert "“主机”要填主机名或 IP" in app.error[0].value and places(workspace) == []
    app.text_input(key="place_host").input("10.0.0.5")
    app.text_input(key="place_user").input("root")
    app.button(key="place_save").click().run()
    (place,) = places(workspace)
    assert (place.name, place.host, place.user, place.port) == ("lab", "10.0.0.5", "root", 22)
    assert any("root@10.0.0.5:22" in text.value for text in app.markdown)
    app.radio(key="place_kind").set_value("slurm").run()
    app.text_input(key="place_name").input("集群")
    app.text_input(key="place_partition").input("gpu")
    app.button(key="place_save").click().run()
    cluster = places(workspace)[1]
    assert (cluster.name, cluster.local, cluster.slurm.partition) == ("集群", True, "gpu")
    remove_place(workspace, "集群")
    app.radio(key="place_kind").set_value("sky").run()
    app.text_input(key="place_name").input("租来的")
    app.text_input(key="place_infra").input("kubernetes")
    app.text_input(key="place_gpus").input("L4 1")
    app.button(key="place_save").click().run()
    assert "显卡：例如 L4" in app.error[0].value and len(places(workspace)) == 1
    app.text_input(key="place_gpus").input("L4:1")
    app.button(key="place_save").click().run()
    rented = places(workspace)[1]
    assert (rented.kind, rented.address, rented.keeps) == ("sky", "sky kubernetes L4:1", False)
    assert "place_look_租来的" not in {button.key for button in app.button}  # it has no key to compare
    remove_place(workspace, "租来的")
    app.run()
    app.button(key="place_drop_lab").click().run()
    assert places(workspace) == []


def test_the_train_page_offers_the_places_and_says_how_old_its_curves_are(
    app: AppTest, workspace: Workspace
) -> None:
    version = add_version(workspace)
    place = checked_place({"name": "lab", "host": "10.0.0.5"})
    app.switch_page("pages/train/page.py").run()
    assert "train_place" not in app.session_state
    save_place(workspace, place)
    app.run()
    app.selectbox(key="train_place").select("lab").run()
    assert not app.exception and not app.button(key="train_start").disabled
    settings = training.default_settings("nano-cpu-qlora")
    run = training.prepare_training(workspace, "nano-cpu-qlora", settings, version, place="lab")
    keep(workspace, run, Elsewhere(place=place, seen=1.0, trouble="lab：连不上"))
    app.query_params["run"] = str(rows.get(workspace.engine, run.id).id)
    app.run()
    assert not app.exception
    assert any("在 lab 上训练；下面是" in text.value for text in app.caption)
    assert any("连不上" in text.value for text in app.warning)
