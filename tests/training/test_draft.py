"""The draft of a training's form: two tabs write into it, and each only what it changed."""

from tianji_core.training.draft import load_draft, save_draft


def test_a_tab_that_only_looked_at_a_preset_leaves_what_another_typed_meanwhile(workspace):
    before = load_draft(workspace)
    looking = before.model_copy(deep=True)
    looking.of("nano-cpu-lora")
    looking.title = "看的这一页"

    typing = before.model_copy(deep=True)
    typing.of("nano-cpu-lora").title = "我的预设"
    typing.of("nano-cpu-lora").values["epochs"] = 3
    save_draft(workspace, before.model_copy(deep=True), typing)

    save_draft(workspace, before, looking)
    stored = load_draft(workspace)
    assert (stored.of("nano-cpu-lora").title, stored.of("nano-cpu-lora").values) == (
        "我的预设",
        {"epochs": 3},
    )
    assert stored.title == "看的这一页"
