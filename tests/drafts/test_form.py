"""The draft of a form: tabs write single values into it, and an unreadable draft opens the form with its
defaults."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tianji_core.drafts import FormDraft, TableEdits, changing_draft, load_draft
from tianji_core.workspace import Workspace


def test_two_tabs_lose_nothing_of_each_other(workspace: Workspace) -> None:
    def type_in_a_tab(number: int) -> None:
        for turn in range(20):
            with changing_draft(workspace, "form") as draft:
                draft.values[f"{number}-{turn}"] = turn
                draft.part(f"preset-{number}")["epochs"] = turn

    with ThreadPoolExecutor(4) as tabs:
        list(tabs.map(type_in_a_tab, range(4)))
    stored = load_draft(workspace, "form")
    assert len(stored.values) == 80
    assert stored.groups == {f"preset-{number}": {"epochs": 19} for number in range(4)}


def test_a_tab_that_only_looked_at_a_group_leaves_what_another_typed_there(workspace: Workspace) -> None:
    with changing_draft(workspace, "form") as typing:
        typing.part("nano-cpu-lora").update(epochs=3, expert_title="我的预设")
    with changing_draft(workspace, "form") as looking:
        looking.part("nano-cpu-lora")
        looking.part("nano-cpu-qlora")
        looking.values["title"] = "看的这一页"
    stored = load_draft(workspace, "form")
    assert stored.groups == {"nano-cpu-lora": {"epochs": 3, "expert_title": "我的预设"}}
    assert stored.values == {"title": "看的这一页"}


def test_nothing_is_written_where_nothing_changed(workspace: Workspace) -> None:
    with changing_draft(workspace, "form") as draft:
        draft.part("group")
        draft.tables["names"] = TableEdits()
    assert not (workspace.home / "drafts").exists()


@pytest.mark.parametrize(
    "text", ['{"values": ', "[1]", '{"values": {"epochs": {}}}', '{"presets": [1]}', "\udcff"]
)
def test_an_unreadable_draft_is_an_empty_one(workspace: Workspace, text: str) -> None:
    path = workspace.home / "drafts" / "form.json"
    path.parent.mkdir()
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert load_draft(workspace, "form") == FormDraft()


def test_the_earlier_layout_of_the_training_form_is_read(workspace: Workspace) -> None:
    preset = {"values": {"epochs": 3}, "config": "max_epochs = 3", "title": "我的"}
    earlier = {
        "dataset": "v1",
        "preset": "nano",
        "title": "",
        "target": {"nodes": 2},
        "presets": {"nano": preset},
    }
    path = workspace.home / "drafts" / "training.json"
    path.parent.mkdir()
    path.write_text(json.dumps(earlier), encoding="utf-8")
    draft = load_draft(workspace, "training")
    assert draft.values == {"dataset": "v1", "preset": "nano"}
    expert = {"expert_config": "max_epochs = 3", "expert_title": "我的"}
    assert draft.groups == {"target": {"nodes": 2}, "nano": {"epochs": 3, **expert}}
    with changing_draft(workspace, "training") as changing:
        changing.values["title"] = "第一次"
    assert load_draft(workspace, "training").groups == draft.groups
