"""Reads the ratings of one name in the forms in which models write them. Pure."""

import re
from collections.abc import Collection
from typing import Any

from tianji_core.errors import GateError
from tianji_core.gate import json_parts
from tianji_core.teachers.reply import read_reply

_KEYS = {
    "scene": ("scene", "场景", "text"),
    "value": ("value", "score", "rating", "suitability", "分数", "得分", "打分", "评分", "适配度", "分"),
    "reason": ("reason", "理由", "原因", "说明"),
}
_FIELDS = {key: field for field, keys in _KEYS.items() for key in keys}
_WORDS = {
    **dict.fromkeys(("不适合", "不合适", "不合情理", "失礼", "unsuitable"), 0),
    **dict.fromkeys(("看情况", "看具体情况", "视情况", "视情况而定", "一般", "doubtful"), 1),
    **dict.fromkeys(("适合", "合适", "很适合", "很合适", "合情合理", "suitable"), 2),
}
_POINTS = re.compile(r"([0-2])(?:\.0+)?\s*(?:分|/\s*2)?")
_MARKS = " 「」『』“”‘’\"'《》【】"


def cell_items(text: str, scenes: Collection[str]) -> list[Any]:
    """Returns the items in an answer about some of ``scenes``, each as a dict with ``scene``, ``value`` and
    ``reason`` where the answer says them; something else stays as it is. Read are lists of objects under
    other keys, of lists and of lines, and an object from scene to value; empty where there is none."""
    value = read_reply(text)
    if isinstance(value, dict) and not _named(value, scenes):
        inner = [part for part in value.values() if isinstance(part, list | dict)]
        if _FIELDS.keys() & value.keys():
            value = _objects(text) or [value]
        elif len(inner) == 1:
            value = inner[0]
    if isinstance(value, dict):
        value = [
            {"scene": scene, **said} if isinstance(said, dict) else {"scene": scene, "value": said}
            for scene, said in value.items()
        ]
    return [_item(each) for each in value] if isinstance(value, list) else []


def _objects(text: str) -> list[Any]:
    try:
        return [part for part in json_parts(text) if isinstance(part, dict)]
    except GateError:  # longer than what is searched
        return []


def _named(value: dict[str, Any], scenes: Collection[str]) -> bool:
    return any(_bare(key) in scenes for key in value)


def _bare(scene: object) -> object:
    return scene.strip(_MARKS) if isinstance(scene, str) else scene


def _item(said: Any) -> Any:
    if isinstance(said, list) and 2 <= len(said) <= 3:
        said = dict(zip(_KEYS, said, strict=False))
    if not isinstance(said, dict):
        return said
    item = {_FIELDS.get(key, key): value for key, value in said.items()}
    if "scene" in item:
        item["scene"] = _bare(item["scene"])
    if isinstance(value := item.get("value"), str):
        points = _POINTS.fullmatch(value.strip())
        item["value"] = int(points[1]) if points else _WORDS.get(value.strip(), value)
    return item
