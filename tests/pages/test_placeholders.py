"""Streamlit's own words in an empty choice are English; every choice that can be empty brings others."""

import ast
from pathlib import Path

import pytest

PAGES = Path(__file__).resolve().parents[2] / "pages"
CHOICES = [
    pytest.param(call, id=f"{path.relative_to(PAGES)}:{call.lineno}")
    for path in sorted(PAGES.rglob("*.py"))
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(call, ast.Call)
    and isinstance(call.func, ast.Attribute)
    and call.func.attr in ("multiselect", "selectbox")
]


def _can_be_empty(call: ast.Call) -> bool:
    given = {word.arg: word.value for word in call.keywords}
    index = given.get("index", call.args[2] if len(call.args) > 2 else ast.Constant(0))
    # A constant position may be None; a reckoned one that may be shows it by a None in it.
    return call.func.attr == "multiselect" or any(  # type: ignore[attr-defined]
        isinstance(part, ast.Constant) and part.value is None for part in ast.walk(index)
    )


@pytest.mark.parametrize("call", [each for each in CHOICES if _can_be_empty(each.values[0])])
def test_a_choice_that_can_be_empty_says_what_to_do(call: ast.Call) -> None:
    assert "placeholder" in {word.arg for word in call.keywords}


def test_the_choices_are_found() -> None:
    assert len(CHOICES) > 40
