"""The English catalogue is whole, and switching languages shows it."""

import ast
import re
import runpy
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from pydantic import BaseModel

from tianji_core.english import in_the_singular
from tianji_core.i18n import N_, _, _c, filled, language, set_language, shown, stored
from tianji_core.recipe.editing import ListRow, edit_styles
from tianji_core.recipe.loading import built_in_recipes, load_recipe
from tianji_core.recipe.prompts import teacher_prompt
from tianji_core.sentences import STORED, Sentence

PROJECT = Path(__file__).resolve().parents[1]
COLLECTOR = runpy.run_path(str(PROJECT / "scripts" / "messages.py"))
CHINESE = re.compile(r"[\u3400-\u9fff]+")
KEPT = {"您", "你", "啦", "哦", "小红书风格"}
"""Words that an English text may show as they are: they are what the text speaks about."""
PLACEHOLDER = re.compile(r"\{\{?\w*[^{}]*\}?\}")


def _key(message: Message) -> tuple[str | None, str]:
    return message.context, str(message.id)


@pytest.fixture(scope="module")
def collected() -> Catalog:
    return COLLECTOR["collected"]()


@pytest.fixture(scope="module")
def english() -> dict[tuple[str | None, str], str]:
    with COLLECTOR["CATALOGUE"].open("rb") as file:
        return {_key(m): str(m.string) for m in read_po(file, locale="en") if m.id}


def test_every_message_has_an_english_text(collected: Catalog, english: dict) -> None:
    lacking = [m.id for m in collected if m.id and not english.get(_key(m))]
    assert lacking == [], "run scripts/messages and translate"


def test_no_message_stands_where_it_is_not_collected(collected: Catalog) -> None:
    known = {str(message.id) for message in collected}
    unseen = [
        f"{path.relative_to(PROJECT)}:{node.lineno} {node.args[0].value!r}"
        for folder in ("pages", "tianji_core")
        for path in sorted((PROJECT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("_", "N_")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value not in known
    ]
    assert unseen == [], "a message inside an f-string is not collected: give it a name first"


def test_the_catalogue_holds_no_text_that_nothing_shows(collected: Catalog, english: dict) -> None:
    shown = {_key(m) for m in collected}
    assert [key for key in english if key not in shown] == []


def test_placeholders_are_the_same_in_both_languages(english: dict) -> None:
    def found(text: str) -> list[str]:
        return sorted(PLACEHOLDER.findall(text))

    assert [key for key, text in english.items() if found(key[1]) != found(text)] == []


def test_marks_of_markdown_are_the_same_in_both_languages(english: dict) -> None:
    def marks(text: str) -> list[int]:
        return [text.count(mark) for mark in ("**", "`", "\n")]

    assert [key for key, text in english.items() if marks(key[1]) != marks(text)] == []


def test_english_texts_are_english(english: dict) -> None:
    left = {word for text in english.values() for word in CHINESE.findall(text)}
    assert left <= KEPT


def test_a_message_follows_the_language_and_fills_its_values() -> None:
    assert _("已保存：{what}", what="称谓") == "已保存：称谓"
    set_language("en")
    assert language() == "en"
    assert _("已保存：{what}", what="names") == "Saved: names"


ONE = [
    ("{n} samples", "1", "1 sample"),
    ("{n} samples", 11, "11 samples"),
    ("{n} earlier samples mixed in", 1, "1 earlier sample mixed in"),
    ("**{n}** entries of {all} pages", 1, "**1** entry of 2 pages"),
    ("all {n} machines are there", 1, "all 1 machine is there"),
    ("line {n} has more cells than the heading", 1, "line 1 has more cells than the heading"),
    ("step {n} is one of 3 steps", 1, "step 1 is one of 3 steps"),
    ("Sample {n} was changed", 1, "Sample 1 was changed"),
    ("{n:,} batches · {all} votes", 1, "1 batch · 2 votes"),
]


@pytest.mark.parametrize(("template", "n", "said"), ONE)
def test_one_thing_is_said_in_the_singular(template: str, n: int | str, said: str) -> None:
    assert in_the_singular(template, {"n": n, "all": 2}).format(n=n, all=2) == said


def test_things_after_a_number_are_known_in_every_english_text(english: dict) -> None:
    """A plural right after a number must be one of those whose singular is known."""
    found = {
        word[1]
        for text in english.values()
        for word in re.finditer(
            r"\{(?:n|count|rows|number|total|all|most|limit|left|done)\} ([a-z]+s)\b", text
        )
        if in_the_singular(text, dict.fromkeys(re.findall(r"\{(\w+)", text), 1)) == text
    }
    assert found <= {"has", "is"}


def test_an_unknown_language_is_chinese() -> None:
    set_language("en")
    set_language("tlh")
    assert (language(), _("保存")) == ("zh", "保存")


def test_a_message_without_a_translation_stays_as_it_is() -> None:
    set_language("en")
    assert _("没有人翻译过的一句话") == "没有人翻译过的一句话"
    assert _("") == ""


def test_a_context_tells_a_button_from_a_state() -> None:
    assert _c("button", "采用") == _("采用") == "采用"
    set_language("en")
    assert (_c("button", "采用"), _("采用")) == ("Accept", "Accepted")


def test_marking_a_text_does_not_change_it() -> None:
    set_language("en")
    assert N_("待审") == "待审"


def test_what_is_sent_to_a_teacher_does_not_follow_the_language() -> None:
    recipe = load_recipe(built_in_recipes()["wishes"])
    row = ListRow(None, {"text": "俏皮", "min_chars": 10, "max_chars": 50, "suffix": "", "enabled": True})

    def request() -> str:
        style = edit_styles(recipe, [row]).styles[0]
        return teacher_prompt(recipe, recipe.names[0], recipe.scenes[0], style, "", "")

    chinese = request()
    set_language("en")
    assert request() == chinese


def test_a_stored_sentence_is_read_in_the_language_of_its_reader() -> None:
    title = _("撤销：{what}", what=_("给 {n} 条打 {rating} 星", n=3, rating=5))
    kept = [stored(title), stored(str(ValueError(title))), stored(_c("button", "采用")), stored("小李的一批")]
    before = language()
    try:
        set_language("en")
        assert [shown(text) for text in kept] == ["Undo: Rate 3 samples 5 stars"] * 2 + [
            "Accept",
            "小李的一批",
        ]
        assert shown(stored(shown(kept[0]))) == shown(kept[0]), "it may be stored again"
    finally:
        set_language(before)
    assert shown(kept[0]) == "撤销：给 3 条打 5 星"
    assert stored("\x1eno message") == "no message", "what a person typed is no stored sentence"


def test_a_sentence_keeps_its_message_when_it_is_copied() -> None:
    @dataclass(frozen=True)
    class Finding:
        detail: str

    sentence = filled(_("训练配置有语法错误：{error}"), error="x")
    kept = asdict(Finding(sentence))["detail"]
    assert stored(kept) == stored(sentence) and shown(stored(kept)) == "训练配置有语法错误：x"
    set_language("en")
    assert shown(stored(kept)) == "The training config has a syntax error: x"


def test_a_sentence_without_blanks_around_it_stays_one_when_it_is_stripped() -> None:
    sentence = _("走一遍-{n}", n=3)
    assert stored(sentence.strip()) == stored(sentence) != stored(f" {sentence} ".strip()) == "走一遍-3"


def test_a_file_kept_for_people_is_read_in_the_language_of_its_reader() -> None:
    class Step(BaseModel):
        title: Sentence
        notes: tuple[Sentence, ...] = ()

    step = Step(title=_("冻结成数据集版本"), notes=(_("{n} 条样本", n=12), "小李的备注"))
    kept, told = step.model_dump_json(context=STORED), step.model_dump_json()
    set_language("en")
    assert Step.model_validate_json(kept).notes == ("12 samples", "小李的备注")
    assert Step.model_validate_json(kept).model_dump_json(context=STORED) == kept, "it may be stored again"
    assert "冻结成数据集版本" in told and Step.model_validate_json(told).title == "冻结成数据集版本"
