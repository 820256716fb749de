"""An entry that is dragged stands where it was dropped, the others keep their order."""

import pytest

from pages.lists.dragging import reordered


@pytest.mark.parametrize(
    ("start", "to", "order"),
    [(0, 2, "bcad"), (3, 0, "dabc"), (1, 1, "abcd"), (1, 9, "abcd"), (-1, 0, "abcd")],
)
def test_the_order_after_a_drag(start: int, to: int, order: str) -> None:
    assert reordered("abcd", start, to) == list(order)
