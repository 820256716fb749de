"""knowledge --examples: a person's own messages become examples of a style, and nobody is asked."""

import pytest

from tests.loopback import LoopbackApi
from tests.own_messages import CHAT, LETTER, MOVED, NOTES, TEACHERS_DAY, examples
from tianji_core.store import knowledge, recipes
from tianji_core.workspace import Workspace


def test_messages_are_listed_and_added_where_that_is_asked_for(
    workspace: Workspace, api: LoopbackApi, verb, tmp_path
) -> None:
    files = [tmp_path / name for name in ("与王老师.csv", "外婆.eml", "记.txt")]
    for file, text in zip(files, (CHAT, LETTER, NOTES), strict=True):
        file.write_text(text, encoding="utf-8")
    words = ("knowledge", *files, "--examples", "正常", "--provider", "custom", "--base-url", api.url)
    before = examples(workspace)
    listed = verb(*words)
    assert listed.code == 0 and f"+  我  {TEACHERS_DAY}" in listed.out and "王老师" not in listed.out
    facts = verb(*words, "--json").json()
    sure = [each["text"] for each in facts["examples"] if each["sure"]]
    assert MOVED in sure and facts["added"] == 0 and facts["known"] == 2
    assert examples(workspace) == before
    hidden = verb(*words, "--hide", "桃李", "--json").json()
    assert "桃李" not in repr(hidden) and "某某满天下" in repr(hidden)
    assert verb(*words, "--add", "--json").json()["added"] == len(sure)
    assert examples(workspace) == (*before, *sure)
    again = verb(*words, "--add")
    assert again.code == 2 and "没有可以加入的新行" in again.failure
    assert api.requests == [] and knowledge.listed(workspace.engine, "wishes") == []
    assert recipes.current(workspace.engine, "wishes").revision == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a.txt", "--examples", "豪迈"), "豪迈"),
        (("--examples", "正常"), "先选至少一个文件"),
        (("a.txt", "--add"), "--examples"),
        (("a.txt", "--examples", "正常", "--resume", "1"), "--resume"),
        (("nowhere.txt", "--examples", "正常"), "nowhere.txt"),
    ],
)
def test_wrong_input_is_one_sentence(
    workspace: Workspace, verb, tmp_path, monkeypatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text(NOTES, encoding="utf-8")
    refused = verb("knowledge", *words)
    assert refused.code == 2 and said in refused.failure


def test_a_file_without_greetings_is_said(workspace: Workspace, verb, tmp_path) -> None:
    (tmp_path / "a.txt").write_text("购物清单：牛奶两箱，鸡蛋三十个，记得拿会员卡打折。", encoding="utf-8")
    assert "1 条不像写给人的话" in verb("knowledge", tmp_path / "a.txt", "--examples", "正常").out
