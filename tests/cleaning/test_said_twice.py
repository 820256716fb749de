"""What a regular expression finds to be said twice is found, in time that grows with the text alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.cleaning.rule import Subject, context_of
from tianji_core.cleaning.rules import BY_ID, RULES, SET_RULES
from tianji_core.recipe import built_in_recipe

CONTEXT = context_of(built_in_recipe("wishes"))
TWICE = re.compile(r"(?:(?<=[。！？!?~～…\n])|\A)(?P<once>[^\n]{6,}?[。！？!?~～…]+)\s*(?P=once)")
RULE = BY_ID["said_twice"]
PARTS = st.tuples(
    st.sampled_from(["愿", "好愿", "愿你天天好", "祝你天天都好"]),
    st.sampled_from(["。", "！", "！！", "，", ""]),
    st.sampled_from(["", "", " ", "\n"]),
)
LONG = {
    "sentences": "".join(f"第{number}句愿你好心情。" for number in range(12_000)),
    "one sentence on every line": "愿你天天都有好心情\n" * 10_000 + "愿你好。" * 10_000,
    "marks": "！" * 100_000,
    "brackets": "（" * 100_000,
    "tags": "<a>" * 33_000,
    "braces": "{" * 100_000,
    "a call that does not end": 'print("' + "a" * 100_000,
    "strings of a call": "f(" + "'\\" * 50_000,
    "a pair that does not end": '{"text": "' + "愿" * 100_000,
    "fences": "```\n" * 25_000,
    "number signs": "愿" + " #" * 50_000 + "x",
    "spaces": " " * 100_000 + "##",
    "blanks": "\n" * 50_000 + "_" * 50_000,
}


@given(st.lists(PARTS, max_size=4), st.lists(st.integers(0, 3), max_size=8))
def test_nothing_that_a_regular_expression_finds_is_left(parts, order) -> None:
    text = "".join("".join(parts[number]) for number in order if number < len(parts))
    while (found := RULE.look(text, Subject(text, "妹妹", "生日", "正常"), CONTEXT)) is not None:
        if found.fixed is None:
            break
        assert len(found.fixed) < len(text)
        text = found.fixed
    assert TWICE.search(text) is None


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in SET_RULES], ids=lambda rule: rule.id)
def test_a_long_text_is_read_to_its_end(rule, text) -> None:
    """Work that grows with the square of the text would take minutes here."""
    rule.look(text, Subject(text, "妹妹", "生日", "正常"), CONTEXT)
