"""Every word that a drawn page tells a person: what it shows at once, on hovering, in menus, in the cells of
tables and in pictures, to screen readers and in messages that pass."""

import html
import json
import re
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

TOLD = {
    *("alt", "body", "caption", "captions", "content", "delta", "delta_description", "help", "label"),
    *("message", "options", "placeholder", "text", "title", "validate_message"),
}
"""The fields of Streamlit's messages to the browser that a person reads."""
DRAWN = {"text", "hovertext", "title", "name", "x", "y", "label", "labels", "ticktext", "customdata"}
"""The parts of a picture that are words."""
NO_TEXT = re.compile(r"(?s)<(style|script)\b.*?</\1>")
NAMED = re.compile(r'(?:title|aria-label|alt|placeholder)="([^"]*)"')


def told(app: AppTest) -> set[str]:
    """The texts of the page with everything that is folded or hidden in menus."""
    return {text for text in _of_node(app._tree) if text.strip()}


def _of_node(node: Any) -> Iterator[str]:
    if isinstance(proto := getattr(node, "proto", None), Message):
        yield from _of_message(proto)
    if hasattr(node, "children"):
        for child in node.children.values():
            yield from _of_node(child)
    elif type(node).__name__ in ("Dataframe", "Table"):
        yield from _of_table(node)


def _of_table(node: Any) -> Iterator[str]:
    """The heads and cells of a table; a column that names its options and itself is told by its settings."""
    set_up = json.loads(getattr(node.proto, "columns", "") or "{}")
    for name in node.value.columns:
        about = set_up.get(name, {})
        if not about.get("label"):
            yield str(name)
        if not about.get("type_config", {}).get("options"):
            yield from (value for value in node.value[name] if isinstance(value, str))


def _of_message(message: Message) -> Iterator[str]:
    of_html = message.DESCRIPTOR.name == "Html"
    for field, value in message.ListFields():
        for one in value if field.is_repeated else [value]:
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                if not field.message_type.GetOptions().map_entry:
                    yield from _of_message(one)
            elif field.type != FieldDescriptor.TYPE_STRING:
                continue
            elif field.name == "columns":
                yield from _of_columns(json.loads(one)) if one else ()
            elif field.name == "spec":
                yield from _of_picture(json.loads(one))
            elif field.name == "html_content" or of_html:
                yield from _of_html(one)
            elif field.name in TOLD:
                yield one


def _of_columns(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        for key, value in found.items():
            if key in ("label", "help", "placeholder") and isinstance(value, str):
                yield value
            elif key == "options":
                yield from (each if isinstance(each, str) else str(each["label"]) for each in value or [])
            else:
                yield from _of_columns(value)


def _of_picture(found: Any, key: str = "") -> Iterator[str]:
    if isinstance(found, dict):
        for name, value in found.items():
            if name != "template":
                yield from _of_picture(value, name)
    elif isinstance(found, list):
        for value in found:
            yield from _of_picture(value, key)
    elif isinstance(found, str) and key in DRAWN:
        yield from _of_html(found)


def _of_html(text: str) -> Iterator[str]:
    seen = NO_TEXT.sub(" ", text)
    yield from (html.unescape(name) for name in NAMED.findall(seen))
    yield html.unescape(re.sub(r"<[^>]*>", "\n", seen))
