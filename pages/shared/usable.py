"""Checks of values from a draft: each returns the value that the widget can hold now, or None."""

from collections.abc import Callable, Collection, Hashable
from typing import Any

Usable = Callable[[Any], Any]
"""From a stored value to the value the widget can hold now, or None where it can hold none of it."""


def within(least: float, most: float = float("inf")) -> Usable:
    """A number between two bounds, of the type of the lower one."""

    def usable(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            return None
        try:
            return type(least)(value)
        except OverflowError:  # infinite, or an integer too large for a float
            return None

    return usable


def between(least: float, most: float) -> Usable:
    """A number, or the two ends of a range, between two bounds."""

    def usable(value: Any) -> Any:
        if not isinstance(value, list):
            return within(least, most)(value)
        ends = [within(least, most)(end) for end in value]
        return tuple(ends) if len(ends) == 2 and None not in ends and ends[0] <= ends[1] else None

    return usable


def among(options: Collection[Any]) -> Usable:
    """One of the options."""
    return lambda value: value if isinstance(value, Hashable) and value in options else None


def some_of(options: Collection[Any]) -> Usable:
    """The stored choices that are still among the options; None where some were chosen and none of them is
    left."""

    def usable(value: Any) -> Any:
        if not isinstance(value, list):
            return None
        left = [choice for choice in value if isinstance(choice, Hashable) and choice in options]
        return left if left or not value else None

    return usable


def any_text(value: Any) -> str | None:
    """A text."""
    return value if isinstance(value, str) else None


def some_texts(value: Any) -> list[str] | None:
    """Several texts."""
    return value if isinstance(value, list) and all(isinstance(each, str) for each in value) else None


def switch(value: Any) -> bool | None:
    """On or off."""
    return value if isinstance(value, bool) else None
