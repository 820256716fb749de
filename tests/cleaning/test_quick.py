"""What spares a rule its search never hides what the search would find."""

import json
import random
from pathlib import Path

import pytest

from tianji_core.cleaning import (
    Context,
    doubling,
    facts,
    festivals,
    fit,
    never_said,
    person,
    script,
    tone,
    wording,
)
from tianji_core.cleaning.quick import QuickPattern, pairs_in
from tianji_core.cleaning.rule import registers
from tianji_core.cleaning.sentences import any_pieces, han_pieces

DATA = Path(__file__).resolve().parents[1] / "data"
TEXTS = [
    json.loads(line)["text"]
    for line in (DATA / "cleaning_corpus" / "dev7.jsonl").read_text(encoding="utf-8").split("\n")
    if line
]


def spliced(number: int) -> list[str]:
    """Texts, and halves of two of them put together."""
    source = random.Random(5)
    mixed = []
    for _n in range(number):
        one, other = source.choice(TEXTS), source.choice(TEXTS)
        place = source.randrange(len(other))
        mixed.append(one[: source.randrange(len(one))] + other[place : place + 40])
    return TEXTS + mixed


def patterns(context: Context) -> list[QuickPattern]:
    rooms = (doubling, facts, fit, person, script, wording)
    found = [each for room in rooms for each in vars(room).values() if isinstance(each, QuickPattern)]
    found += [*context.foreign_signs.values(), *(register.words for register in registers())]
    for name, scene in (("妹妹", "生日"), ("爷爷", "春节"), ("老板", "乔迁"), ("医生", "中秋节")):
        found += [*never_said._never(name, scene).patterns, festivals._others(scene)]
        found += [each for each in [facts._only_said_to_others(name)] if each is not None]
    return found


def test_no_match_is_spared(context: Context) -> None:
    known, texts = patterns(context), spliced(400)
    assert len(known) > 60
    matches = 0
    for pattern in known:
        for text in texts:
            number = len(list(pattern.pattern.finditer(text)))
            matches += number
            assert number <= pattern.most_matches(text), (pattern.pattern.pattern, text)
            assert not number or pattern.may_match(text), (pattern.pattern.pattern, text)
    assert matches > 1000


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("生日|节日", "节日"),
        ("(?i:wx|qq)[:：]", "QQ："),
        ("(?i:wx|微信)号", "Wx号"),
        ("[吃喝](?=了)", "喝了"),
        ("(?:节|日)?快乐", "快乐"),
        ("甲(?:乙|丙?)丁", "甲丁"),
        ("甲(?:乙)*丙", "甲乙乙丙"),
        ("(?<!不)对|错{2,}", "错错错"),
        ("[甲乙]{2}", "乙甲"),
        (r"\d+岁", "八8岁"),
        ("(?i:k)m", "\u212am"),
        ("^.?$", ""),
    ],
)
def test_what_a_pattern_needs_stands_in_its_matches(pattern: str, text: str) -> None:
    quick = QuickPattern(pattern)
    assert quick.search(text) is not None
    assert quick.most_matches(text) >= 1


def test_what_tells_occasions_needs_no_comma(context: Context) -> None:
    known = [facts.DAY_HINT, fit._FESTIVAL, *context.foreign_signs.values()]
    known += [festivals._others(scene) for scene in (*context.occasions, "八十大寿", "")]
    assert not [each.pattern.pattern for each in known if "，" in "".join(each.pairs | each.signs)]


def test_a_text_without_what_is_needed_is_spared() -> None:
    quick = QuickPattern("(?:生|节)日(?:快乐|安康)")
    assert quick.pairs and not quick.may_match("中秋快乐，愿你天天开心。")
    assert QuickPattern("愿愿|祝祝").pairs == {"愿愿", "祝祝"}


def test_a_phrase_with_a_wrong_character_is_found_anywhere() -> None:
    wrong = facts.misspelt()
    for piece in list(wrong)[::97]:
        assert facts.typo(f"愿你{piece}，事事如意。") == (piece, wrong[piece])
    assert all(pairs_in(piece) & facts._halves() for piece in list(wrong)[::97])


def test_a_text_of_an_assistant_is_never_spared() -> None:
    lines = (DATA / "assistant_tone.txt").read_text(encoding="utf-8").splitlines()
    heard = [text for text in [*lines, *spliced(300)] if tone.tone(text).score >= tone.threshold()]
    assert len(heard) > 20
    assert all(tone.may_be_assistant(text) for text in heard)
    for text in spliced(50):
        clauses = tone._CLAUSE.findall(text)
        assert all(len(sign.find(text, clauses)) <= sign.most(text, clauses) for sign in tone.SIGNS.values())


def test_chinese_texts_are_cut_as_any_other() -> None:
    source = random.Random(2)
    for _n in range(2000):
        text = "".join(source.choices("愿你妹妹新一岁好，。！？、；：…—~～“”", k=source.randrange(50)))
        text = text.replace("—", "——") if source.random() < 0.5 else text
        assert han_pieces(text) == any_pieces(text)
