"""The messages of an exported chat, as programs for WeChat and QQ write them: txt, csv, json, html."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tianji_core.generation.knowledge.people import People

_TIME = r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?\s+(?:上午|下午|[AP]M)?\s*\d{1,2}:\d{2}(?::\d{2})?"
_NUMBER = r"(?:\s*(?:\(\d{5,12}\)|<[^<>\s]+>))?"
_HEADS = (
    re.compile(rf"^\[?{_TIME}\]?\s+(?P<who>[^\n:：]{{1,40}}?){_NUMBER}\s*[:：]?$"),
    re.compile(rf"^(?P<who>[^\n\[\]]{{1,40}}?){_NUMBER}\s*\(?{_TIME}\)?$"),
    re.compile(rf"^\[?{_TIME}\]?\s+(?P<who>[^\n:：]{{1,40}}?){_NUMBER}[:：]\s?(?P<said>.+)$"),
)
_LEAST = 2
"""Messages from which a text is a chat."""
_DENSE = 0.1
"""Share of its lines that begin a message."""
_WHO = ("sender", "nickname", "talker", "remark", "发送者", "发送人", "昵称", "备注", "姓名", "name", "from")
_SAID = ("content", "strcontent", "message", "msg", "text", "内容", "消息", "消息内容", "聊天内容")
_MINE = ("issender", "is_sender", "isself", "is_self", "是否发送")
_NO_TEXT = re.compile(
    r"^\s*(?:<(?:msg|\?xml|appmsg|sysmsg|img)\b.*|[\[【<](?:图片|表情|动画表情|视频|语音|文件|位置|红包|转账|链接|"
    r"语音通话|视频通话|撤回|系统消息|Photo|Sticker|Voice|Video|Image)[^\]】>]*[\]】>])\s*$",
    re.DOTALL,
)
_RULE = re.compile(r"^[=\-*_~]{4,}$")


class ChatLine(NamedTuple):
    """Who said what."""

    who: str
    said: str


def chat_in_text(text: str) -> list[ChatLine] | None:
    """Returns the messages of a text in which lines with a time and a name begin them; None for any other
    text."""
    messages: list[ChatLine] = []
    heads = filled = 0
    who = ""
    said: list[str] = []
    for line in text.splitlines():
        filled += bool(line.strip())
        if found := _head(line):
            heads += 1
            messages.append(ChatLine(who, "\n".join(said)))
            who, first = found
            said = [first] if first else []
        elif not _RULE.match(line.strip()):
            said.append(line.strip())
    messages.append(ChatLine(who, "\n".join(said)))
    if heads < _LEAST or heads < _DENSE * filled:
        return None
    return [each for each in messages if each.who]


def _head(line: str) -> ChatLine | None:
    for pattern in _HEADS:
        if found := pattern.match(line.strip()):
            parts = found.groupdict()
            return ChatLine(parts["who"].strip(), parts.get("said") or "")
    return None


def chat_in_table(text: str) -> list[ChatLine] | None:
    """Returns the messages of a CSV with columns for who and what; None where it has none."""
    rows = csv.DictReader(io.StringIO(text))
    return _messages(list(rows)) if _columns(rows.fieldnames or ()) else None


def chat_in_json(value: Any) -> list[ChatLine] | None:
    """Returns the messages of a list of objects, or of the first such list in an object; None where there is
    none."""
    inner = value.values() if isinstance(value, dict) else ()
    for each in (value, *inner):
        if isinstance(each, list) and each and isinstance(each[0], dict) and _columns(tuple(each[0])):
            return _messages(each)
    return None


def _columns(names: Any) -> tuple[str, str] | None:
    """The columns for who and what."""
    plain = {str(name).strip().lower(): str(name) for name in names if name}
    who = next((plain[name] for name in (*_WHO, *_MINE) if name in plain), None)
    said = next((plain[name] for name in _SAID if name in plain), None)
    return (who, said) if who and said and who != said else None


def _messages(rows: list[Mapping[str, Any]]) -> list[ChatLine]:
    found = []
    for row in rows:
        if not isinstance(row, Mapping) or (columns := _columns(tuple(row))) is None:
            continue
        who, said = (row.get(column) for column in columns)
        name = _name(who, columns[0])
        if name and isinstance(said, str):
            found.append(ChatLine(name, said))
    return found


def _name(value: Any, column: str) -> str:
    if column.strip().lower() in _MINE:
        return "我" if str(value).strip().lower() in ("1", "true", "是") else "对方"
    if isinstance(value, Mapping):
        value = next((value[key] for key in value if str(key).lower() in _WHO), "")
    return str(value or "").strip()


def chat_text(messages: list[ChatLine]) -> str:
    """Returns a chat with signs for the people, a line for each message that is words."""
    people = People()
    for message in messages:
        people.sign(message.who)
    return "\n".join(f"{people.sign(who)}：{said}" for who, said in _spoken(messages, people))


def _spoken(messages: list[ChatLine], people: People) -> Iterator[ChatLine]:
    for who, said in messages:
        lines = () if _NO_TEXT.match(said) else said.splitlines()
        text = "\n".join(line for line in lines if not _NO_TEXT.match(line)).strip()
        if text:
            yield ChatLine(who, people.without(text))
