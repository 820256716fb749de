"""资料里的话当示例: shown with a tick each before anything is stored, added as one step, nothing is sent."""

from hashlib import sha256

from streamlit.testing.v1 import AppTest

from tests.own_messages import CHAT, MOVED, NEW_YEAR, NOTES, TEACHERS_DAY, examples
from tests.pages.opening import opened, press
from tianji_core import jobs
from tianji_core.drafts import changing_draft
from tianji_core.generation.knowledge import reading_job
from tianji_core.store import knowledge, recipes
from tianji_core.workspace import Workspace


def with_files(*files: tuple[str, str], **address: str) -> AppTest:
    app = opened("generate", part="knowledge", use="examples", **address)
    app.file_uploader(key="documents").set_value(
        [(name, text.encode(), "text/plain") for name, text in files]
    )
    app.run()
    assert not app.exception and not app.error
    return app


def test_ticked_texts_are_added_as_one_step_that_can_be_undone(workspace: Workspace) -> None:
    before = examples(workspace)
    app = with_files(("记.txt", NOTES))
    table = app.dataframe[0].value
    assert table["text"].tolist()[0] == MOVED and table["take"].tolist()[0]
    assert "by" not in table and examples(workspace) == before
    assert any("1 条重复" in caption.value for caption in app.caption)
    press(app, "add_examples")
    assert examples(workspace) == (*before, MOVED)
    assert not app.dataframe or MOVED not in app.dataframe[0].value["text"].tolist()
    assert recipes.history(workspace.engine, "wishes", 1)[0].note == "从资料给“正常”加示例 1 条"
    assert knowledge.listed(workspace.engine, "wishes") == []
    app = press(opened("lists"), "undo_recipe")
    assert examples(workspace) == before


def test_a_chat_is_shown_without_names_and_by_whom(workspace: Workspace) -> None:
    app = with_files(("与王老师.csv", CHAT))
    job = reading_job(workspace)
    assert job is not None
    jobs.wait(workspace, job.id, timeout=120)
    app = opened("generate", part="knowledge", use="examples")  # after a refresh, or in another tab
    table = app.dataframe[0].value
    assert TEACHERS_DAY in table["text"].tolist() and set(table["by"]) == {"我", "甲"}
    assert "王" not in "".join(table["text"])
    app.text_input(key="knowledge_names").set_value("桃李").run()
    assert TEACHERS_DAY.replace("桃李", "某某") in app.dataframe[0].value["text"].tolist()


def test_turned_ticks_stay_after_a_refresh(workspace: Workspace) -> None:
    both = (("一.txt", f"{MOVED}\n{NEW_YEAR}"),)
    turned = [sha256(MOVED.encode()).hexdigest()[:12]]
    with changing_draft(workspace, "typed") as draft:
        draft.part("")["examples_of_wishes_正常"] = turned
    app = with_files(*both)
    taken = dict(zip(app.dataframe[0].value["text"], app.dataframe[0].value["take"], strict=True))
    assert taken == {MOVED: False, NEW_YEAR: True}
    before = examples(workspace)
    press(app, "add_examples")
    assert examples(workspace) == (*before, NEW_YEAR)


def test_questions_come_first_and_a_file_without_greetings_is_said(workspace: Workspace) -> None:
    app = opened("generate", part="knowledge")
    assert not [box for box in app.selectbox if box.key == "example_style"]
    app = with_files(("单.txt", "购物清单：牛奶两箱，鸡蛋三十个，记得拿会员卡打折。"))
    assert not app.dataframe and "add_examples" not in {button.key for button in app.button}
    assert any("0 条可能是" in caption.value for caption in app.caption)
