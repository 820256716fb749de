"""Values of a draft are checked before a widget takes them; a damaged draft never breaks a page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.shared.usable import Usable, among, any_text, between, some_of, switch, within

CHECKS: list[Usable] = [
    within(0, 10),
    within(0.5),
    between(0.0, 2.0),
    among(["a", "b"]),
    some_of(["a", "b"]),
    any_text,
    switch,
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=5,
)


@pytest.mark.parametrize("check", CHECKS)
@given(value=JSON)
def test_whatever_a_draft_holds_a_check_answers_and_its_answer_passes_again(
    check: Usable, value: object
) -> None:
    usable = check(value)
    if usable is not None:
        again = check(list(usable) if isinstance(usable, tuple) else usable)
        assert again == usable


def test_a_widget_gets_the_stored_value_in_its_own_type_or_nothing() -> None:
    assert within(0, 10)(3) == 3 and within(0, 10)(11) is None and within(0, 10)(True) is None
    assert isinstance(within(0.0, 10.0)(3), float)
    assert between(0.0, 2.0)([0.5, 1.0]) == (0.5, 1.0)
    assert between(0.0, 2.0)([1.0, 0.5]) is None
    assert some_of(["a", "b"])(["b", "gone"]) == ["b"]
    assert some_of(["a", "b"])(["gone"]) is None and some_of(["a"])([]) == []
