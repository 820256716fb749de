"""The names that a ``dataset_info.json`` of LLaMA-Factory gives to the columns of the files beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DESCRIPTION = "dataset_info.json"
_LARGEST = 4 * 1024 * 1024
"""Bytes; a larger description is none."""
_COLUMNS = {
    "prompt": "instruction",
    "query": "input",
    "response": "output",
    "system": "system",
    "history": "history",
    "messages": "conversations",
    "chosen": "chosen",
    "rejected": "rejected",
    "kto_tag": "label",
}
"""Name of a column in the description → name under which the studio reads it."""
_TAGS = {"role_tag": "from", "content_tag": "value"}
_ROLES = {
    "user_tag": "human",
    "assistant_tag": "gpt",
    "system_tag": "system",
    "observation_tag": "observation",
    "function_tag": "function_call",
}


@dataclass(frozen=True)
class ColumnNames:
    """``columns`` (name in the file → usual name) are all columns that count, none where they have their
    usual names; ``keys`` and ``roles`` are those of the messages."""

    columns: Mapping[str, str]
    keys: Mapping[str, str]
    roles: Mapping[str, str]

    def usual(self, item: Any) -> Any:
        """Returns an item under the usual names; one that is no object as it is."""
        if not isinstance(item, dict):
            return item
        if self.columns:
            item = {name: item[key] for key, name in self.columns.items() if key in item}
        return {
            key: self._messages(value) if isinstance(value, list) else value for key, value in item.items()
        }

    def _messages(self, told: list[Any]) -> list[Any]:
        return [self._message(message) if isinstance(message, dict) else message for message in told]

    def _message(self, message: dict[str, Any]) -> dict[str, Any]:
        named = {self.keys.get(key, key): value for key, value in message.items()}
        role = named.get("from")
        return {**named, "from": self.roles[role]} if isinstance(role, str) and role in self.roles else named


def described(path: Path) -> ColumnNames | None:
    """Returns the names of the columns of a file by the description beside it; None where it names none."""
    beside = path.parent / DESCRIPTION
    try:
        if not beside.is_file() or beside.stat().st_size > _LARGEST:
            return None
        entries = json.loads(beside.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(entries, dict):
        return None
    for entry in entries.values():
        if isinstance(entry, dict) and entry.get("file_name") == path.name:
            return _names(entry)
    return None


def _names(entry: dict[str, Any]) -> ColumnNames | None:
    columns, tags = (_texts(entry.get(key)) for key in ("columns", "tags"))
    names = ColumnNames(
        {columns[key]: name for key, name in _COLUMNS.items() if key in columns},
        {tags[key]: name for key, name in _TAGS.items() if key in tags},
        {tags[key]: role for key, role in _ROLES.items() if key in tags},
    )
    return names if names.columns or names.keys or names.roles else None


def _texts(value: Any) -> dict[str, str]:
    given = value if isinstance(value, dict) else {}
    return {key: text for key, text in given.items() if isinstance(text, str)}
