"""The names under which files from elsewhere keep the parts of a conversation: one table for JSON, JSON
Lines, CSV and Parquet. Pure."""

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from tianji_core.dataset.mending import python_list
from tianji_core.files import storable
from tianji_core.gate import clean_name, standard_characters
from tianji_core.i18n import _

SYSTEM, INSTRUCTION, INPUT, OUTPUT = "system", "instruction", "input", "output"
REQUEST, PROMPT, STYLE, HISTORY, TURNS = "request", "prompt", "style", "history", "turns"
CONTEXT = "context"
ROLE, CONTENT = "role", "content"
_ALIASES: dict[str, tuple[str, str]] = {
    # field: (names that mean nothing else, names that may also mean something else)
    SYSTEM: (
        "system systemprompt systemmessage systeminstruction metainstruction 系统 系统提示 系统提示词 系统消息 "
        "系統 系統提示 系統提示詞",
        "",
    ),
    INSTRUCTION: ("instruction textboxqinstruction 指令", ""),
    INPUT: (
        "input question query userinput textboxquestion 输入 问题 提问 用户输入 輸入 問題 提問",
        "user human q ask inputs inputtext usermessage userprompt message1 问 用户 人类 問 使用者 用户问题 "
        "用户提问 问题内容 提问内容 要求 需求",
    ),
    OUTPUT: (
        "output answer response completion target chosen textboxanswer responsechosen preferredoutput "
        "输出 回答 答案 回复 輸出 回覆",
        "assistant gpt chatgpt bot moss ai reply a generation generatedtext outputtext targets summary "
        "message2 responsej 答 助手 模型输出 模型回答 生成内容 生成结果 回复内容 回答内容 祝福语 祝福 祝福文案 "
        "祝福内容 文案",
    ),
    REQUEST: ("srcinput", ""),
    PROMPT: ("prompt 提示词 提示", ""),
    STYLE: ("stylename style 风格", ""),
    HISTORY: ("history 历史 历史对话", ""),
    CONTEXT: ("context textboxqcontext 背景 上下文", ""),
    TURNS: (
        "conversation conversations messages contents dialog dialogue dialogues turns chat 对话 消息 對話",
        "data items chatmessages messagelist 聊天记录 对话内容 对话列表",
    ),
    ROLE: ("role from speaker 角色", "author sender sendertype type"),
    CONTENT: ("content value text parts 内容 內容", ""),
}
_KNOWN = {
    name: (field, weak)
    for field, tiers in _ALIASES.items()
    for weak, names in enumerate(tiers)
    for name in names.split()
}
_ROLES = {
    "user": "user human prompter usr 用户 人类 问 提问者 用戶 使用者",
    "assistant": "assistant gpt chatgpt model bot ai moss bard chatbot 助手 助理 机器人 回答 答",
    "system": "system developer 系统 系統",
    "tool": "tool function functioncall observation ipython toolcall toolresponse 工具",
}
_ROLE_OF = {name: role for role, names in _ROLES.items() for name in names.split()}
_MISSING = frozenset(
    (
        *(
            "",
            "nan",
            "null",
            "none",
            "<na>",
            "n/a",
            "#n/a",
            "nat",
            "nil",
            "undefined",
            "[]",
            "{}",
            "<noinput>",
        ),
        *("#ref!", "#value!", "#name?", "#div/0!", "#num!", "#null!"),
    )
)
_SHOWN_KEYS, _SHOWN_CHARACTERS = 8, 24
_UNSEEN = ("Zs", "Cc", "Cf")
"""Categories of spaces, controls and invisible characters."""


def field_names() -> dict[str, list[str]]:
    """Returns the names by which each field is known, lower case and without separators, the certain ones
    first."""
    return {field: " ".join(tiers).split() for field, tiers in _ALIASES.items()}


class ShapeError(ValueError):
    """An item that is not a conversation; the message is a Chinese phrase with the reason."""


def _plain(name: object) -> str:
    text = unicodedata.normalize("NFKC", str(name)).casefold()
    return "".join(each for each in text if each not in "_-:" and unicodedata.category(each) not in _UNSEEN)


def field_of(name: object) -> str:
    """Returns the field that a key or a heading means, '' for one that means none."""
    return _KNOWN.get(_plain(name), ("", 0))[0]


def role_of(name: object) -> str:
    """Returns user, assistant, system or tool for the role of a message, '' for an unknown one."""
    return _ROLE_OF.get(_plain(name), "")


def keys_shown(keys: Iterable[object]) -> str:
    """Returns the first keys or headings of an item as an error names them."""
    named = [clean_name(str(key))[:_SHOWN_CHARACTERS] for key in keys]
    named = [name for name in named if name]
    return _("、").join(named[:_SHOWN_KEYS]) + ("…" if len(named) > _SHOWN_KEYS else "")


def is_missing(value: Any) -> bool:
    """Returns whether a value stands for none at all: null, NaN, an empty text or list, or their names."""
    if isinstance(value, str):
        return value.strip().casefold() in _MISSING
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, list | tuple | dict) and not value)


def _translated(item: dict[str, Any]) -> dict[str, Any]:
    """Returns an item without the originals of texts that it also holds in Chinese, as COIG's
    ``trans_output`` or ``output_zh``."""
    chinese = {key: _plain(key).removeprefix("trans").removesuffix("zh") for key in item}
    named = {key for key, base in chinese.items() if base != _plain(key) and base in _KNOWN}
    bases = {chinese[key] for key in named if not is_missing(item[key])}
    return {
        (base if key in named else key): item[key]
        for key, base in chinese.items()
        if (not is_missing(item[key]) if key in named else base not in bases)
    }


def fields_of(item: dict[str, Any]) -> dict[str, Any]:
    """Returns field → value for what an item holds, without missing values.

    Raises:
        ShapeError: two keys that mean the same field hold different values.
    """
    found: dict[str, tuple[str, int, Any]] = {}
    for key, value in _pairs(_translated(item)):
        field, weak = _KNOWN.get(_plain(key), ("", 0))
        if not field or is_missing(value) or (field == ROLE and weak and not role_of(value)):
            continue
        other = found.get(field)
        if other is None or weak < other[1]:
            found[field] = (key, weak, value)
        elif weak == other[1] and value != other[2]:
            raise ShapeError(_("{one} 和 {other} 是同一个内容的两种叫法，却不一样", one=other[0], other=key))
    return {field: value for field, (_key, _weak, value) in found.items()}


def _pairs(item: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yields the keys and values; a key that a table gives twice holds a :class:`Repeated`."""
    for key, value in item.items():
        if isinstance(value, Repeated):
            yield from ((key, each) for each in value.values)
        else:
            yield str(key), value


class Repeated:
    """The values of several columns with the same heading."""

    def __init__(self, values: list[Any]) -> None:
        self.values = values


def text_of(value: Any, name: str) -> str:
    """Returns the text of a value: a string, or the text parts of a message's content.

    Raises:
        ShapeError: it is no text, has pictures or other parts, is broken, or empty.
    """
    if is_missing(value):
        raise ShapeError(_("{key} 是空的", key=name))
    if isinstance(value, dict):
        value = value.get("parts", [value])
    if isinstance(value, list):
        while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
            value = value[0]
        value = "".join(_part(part, name) for part in value)
    if isinstance(value, bytes):
        value = value.decode(errors="surrogateescape")
    if not isinstance(value, str):
        raise ShapeError(_("{key} 不是文字", key=name))
    if storable(value) != value:
        raise ShapeError(_("{key} 里有坏掉的字符，不能保存", key=name))
    text = standard_characters(value)
    if not text.strip():
        raise ShapeError(_("{key} 是空的", key=name))
    return text


def optional_text(fields: dict[str, Any], field: str) -> str:
    """Returns the text of a field, '' where it is missing; raises as :func:`text_of`."""
    return text_of(fields[field], field) if field in fields else ""


def _part(part: Any, name: str) -> str:
    if isinstance(part, str):
        return part
    text = part.get("text") if isinstance(part, dict) else None
    if not isinstance(text, str):
        kind = part.get("type") if isinstance(part, dict) else type(part).__name__
        raise ShapeError(_("{key} 里有不是文字的部分（{kind}）", key=name, kind=str(kind)[:40]))
    return text


def listed(value: Any, name: str) -> list[Any]:
    """Returns a list of turns; a table may hold it as JSON.

    Raises:
        ShapeError: it is none, or empty.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = _as_python_writes(value, name)
    if isinstance(value, dict):
        value = fields_of(value).get(TURNS) or _rows_of(value) or _numbered(value) or [value]
    if isinstance(value, list) and len(value) == 1 and _are_messages(value[0]):
        value = value[0]
    if not isinstance(value, list) or not value:
        raise ShapeError(_("{key} 应当是一个不空的列表", key=name))
    return value


def _as_python_writes(text: str, name: str) -> Any:
    try:
        return python_list(text)
    except (ValueError, RecursionError):
        raise ShapeError(_("{key} 不是合法的 JSON", key=name)) from None


def _numbered(turns: dict[str, Any]) -> list[Any]:
    """Returns the values of keys that are numbered, such as ``turn_2``, in their order; empty for others."""
    numbers = {key: re.search(r"\d{1,9}$", key) for key in turns}
    if not all(numbers.values()):
        return []
    return [turns[key] for key in sorted(turns, key=lambda key: int((numbers[key] or "0")[0]))]


def _are_messages(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(entry, dict) for entry in value)


def _rows_of(columns: dict[str, Any]) -> list[Any]:
    """Returns the entries of turns that a table keeps as columns, such as a list of roles beside a list of
    texts; empty for anything else."""
    lists = [value for value in columns.values() if isinstance(value, list)]
    named = any(field_of(key) in (ROLE, INPUT, PROMPT) for key in columns)
    if not named or len(lists) != len(columns) or len(set(map(len, lists))) != 1:
        return []
    return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]
