"""The items in an object that is the whole of a JSON file: lists under usual keys, tables that pandas keeps
as columns, objects under their numbers. Pure."""

from collections.abc import Iterator
from typing import Any

from tianji_core.dataset.fields import OUTPUT, field_of

_LISTS = (
    *("data", "train", "validation", "valid", "test", "items", "rows", "examples", "instances", "samples"),
    *("RECORDS", "records", "results", "datasets"),
)
"""Keys under which an object keeps a list of items."""


def items_within(value: dict[str, Any]) -> Iterator[Any]:
    """Yields the items in an outermost object, or the object itself where it is one."""
    if rows := _rows_of_columns(value) or _numbered(value):
        yield from rows
        return
    lists = [value[key] for key in _LISTS if _is_list_of_items(value.get(key))]
    if not lists:
        yield value
    for elements in lists:
        yield from map(_unwrapped, elements)


def _rows_of_columns(value: dict[str, Any]) -> list[Any]:
    headings, rows = value.get("columns"), value.get("data")
    if isinstance(headings, list) and isinstance(rows, list):
        return [dict(zip(map(str, headings), row, strict=False)) for row in rows if isinstance(row, list)]
    if len(value) < 2 or not any(field_of(key) == OUTPUT for key in value):
        return []
    columns = list(value.values())
    if all(isinstance(column, dict) for column in columns):
        numbers = columns[0].keys()
        alike = all(column.keys() == numbers for column in columns) and all(map(str.isdigit, numbers))
        return [{key: column[n] for key, column in value.items()} for n in numbers] if alike else []
    if not all(isinstance(column, list) for column in columns) or len(set(map(len, columns))) != 1:
        return []
    if any(isinstance(cell, dict) for column in columns for cell in column):
        return []  # lists of messages
    return [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]


def _numbered(value: dict[str, Any]) -> list[Any]:
    """Returns the objects of several that are kept under their numbers."""
    numbered = len(value) > 1 and all(key.isdigit() and isinstance(value[key], dict) for key in value)
    return list(value.values()) if numbered else []


def _unwrapped(element: Any) -> Any:
    """Returns the row in an element of the rows that Hugging Face's dataset viewer gives."""
    wrapped = isinstance(element, dict) and {"row_idx", "row"} <= element.keys()
    return element["row"] if wrapped else element


def _is_list_of_items(value: Any) -> bool:
    return isinstance(value, list) and not (value and all(isinstance(element, str) for element in value))
