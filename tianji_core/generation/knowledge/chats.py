"""The messages of an exported chat, as programs for WeChat and QQ write them: txt, csv, json, html."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tianji_core.generation.knowledge.people import People

_TIME = r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?\s{1,4}(?:上午|下午|[AP]M)?\s{0,4}\d{1,2}:\d{2}(?::\d{2})?"
_NUMBER = r"(?:\s{0,4}(?P<account>\(\d{5,12}\)|<[^<>\s]{1,100}>))?"
_HEADS = (
    re.compile(rf"^\[?{_TIME}\]?\s{{1,4}}(?P<who>[^\n:：]{{1,40}}?){_NUMBER}\s{{0,4}}[:：]?$"),
    re.compile(rf"^(?P<who>[^\n\[\]]{{1,40}}?){_NUMBER}\s{{0,4}}\(?{_TIME}\)?$"),
    re.compile(rf"^\[?{_TIME}\]?\s{{1,4}}(?P<who>[^\n:：]{{1,40}}?){_NUMBER}[:：]\s?(?P<said>.+)$"),
)
_LEAST, _MANY = 2, 6
"""Messages with words from which a text of several senders is a chat, and one of a single sender."""
_NO_SENDER = re.compile(
    r"^(?:(?:星期|周|礼拜)[一二三四五六日天]|晴|阴|多云|晴转多云|多云转晴|[小中大]?[雨雪]|雷?阵雨|[\s,，/（）()]){1,9}$"
)
"""What stands behind the date in a diary."""
_EXPORT_HEAD = re.compile(r"^(?:消息记录（|消息分组[:：]|消息对象[:：])")
_DENSE = 0.1
"""Share of its lines that begin a message."""
_WHO = ("sender", "nickname", "talker", "remark", "发送者", "发送人", "昵称", "备注", "姓名", "name", "from")
_SAID = ("content", "strcontent", "message", "msg", "text", "内容", "消息", "消息内容", "聊天内容")
_MINE = ("issender", "is_sender", "isself", "is_self", "是否发送")
_CALLED = ("remark", "nickname", "备注", "昵称")
"""Columns that hold further names of whoever sent a message."""
_BRACKETS = re.compile(r"[（(\[【].*?[）)\]】]")
_FIRST = 50
"""Objects of a list that are looked at for fields of a chat: an export may begin with what is no message."""
_NO_TEXT = re.compile(
    r"^\s*(?:<(?:msg|\?xml|appmsg|sysmsg|img)\b.*|[\[【<](?:图片|表情|动画表情|视频|语音|文件|位置|红包|转账|链接|"
    r"语音通话|视频通话|撤回|系统消息|Photo|Sticker|Voice|Video|Image)[^\]】>]*[\]】>])\s*$",
    re.DOTALL,
)
_ME = "我"
_RULE = re.compile(r"^[=\-*_~]{4,}$")


class ChatLine(NamedTuple):
    """Who said what; what stands before the first message has no sender. ``called`` are further names that
    the export has for the sender."""

    who: str
    said: str
    called: tuple[str, ...] = ()


def chat_in_text(text: str) -> list[ChatLine] | None:
    """Returns the messages of a text in which lines with a time and a name begin them; None for any other
    text, such as a timetable or a diary."""
    messages: list[ChatLine] = []
    heads = filled = accounts = 0
    who = ""
    said: list[str] = []
    for line in text.splitlines():
        filled += bool(line.strip())
        if found := _head(line):
            heads += 1
            accounts += found["account"] is not None
            messages.append(ChatLine(who, "\n".join(said)))
            who = found["who"].strip()
            first = found.groupdict().get("said")
            said = [first] if first else []
        elif not _RULE.match(line.strip()) and (who or not _EXPORT_HEAD.match(line)):
            said.append(line.strip())
    messages.append(ChatLine(who, "\n".join(said)))
    if heads < _LEAST or heads < _DENSE * filled or not (accounts or _talked(messages)):
        return None
    return messages


def _talked(messages: list[ChatLine]) -> bool:
    """Whether somebody speaks more than once, and not to himself in a few words."""
    spoken = Counter(each.who for each in messages if each.who and each.said.strip())
    enough = _LEAST if len(spoken) > 1 else _MANY
    return spoken.total() >= enough and max(spoken.values(), default=0) > 1


def _head(line: str) -> re.Match[str] | None:
    line = line.strip()
    found = next(filter(None, (pattern.match(line) for pattern in _HEADS)), None)
    return None if found is None or _NO_SENDER.match(found["who"].strip()) else found


def chat_in_table(text: str) -> list[ChatLine] | None:
    """Returns the messages of a CSV with columns for who and what; None where it has none."""
    rows = csv.DictReader(io.StringIO(text))
    return _messages(list(rows)) if _columns(rows.fieldnames or ()) else None


def chat_in_json(value: Any) -> list[ChatLine] | None:
    """Returns the messages of a list of objects, or of the first such list in an object; None where there is
    none."""
    inner = value.values() if isinstance(value, dict) else ()
    for each in (value, *inner):
        first = each[:_FIRST] if isinstance(each, list) else []
        if any(isinstance(one, dict) and _columns(tuple(one)) for one in first):
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
        name, text = _name(who, columns[0]), _words(said)
        if name and text is not None:
            found.append(ChatLine(name, text, () if name == _ME else tuple(_called(row))))
    return found


def _words(said: Any) -> str | None:
    """The text of a message, which may be in parts that have forms of their own; a mention names nobody."""
    if not isinstance(said, list):
        return said if isinstance(said, str) else None
    parts = []
    for part in said:
        form, text = (part.get("type"), part.get("text")) if isinstance(part, Mapping) else ("", part)
        if isinstance(text, str):
            parts.append("@某某" if form in ("mention", "mention_name") else text)
    return "".join(parts)


def _called(row: Mapping[str, Any]) -> Iterator[str]:
    for column, value in row.items():
        if str(column).strip().lower() in _CALLED and isinstance(value, str):
            yield from dict.fromkeys(filter(None, (value.strip(), _BRACKETS.sub("", value).strip())))


def _name(value: Any, column: str) -> str:
    if column.strip().lower() in _MINE:
        return _ME if str(value).strip().lower() in ("1", "true", "是") else "对方"
    if isinstance(value, Mapping):
        value = next((value[key] for key in value if str(key).lower() in _WHO), "")
    return str(value or "").strip()


def chat_text(messages: list[ChatLine]) -> str:
    """Returns a chat with signs for the people, a line for each message that is words."""
    people = People()
    for message in messages:
        people.sign(message.who)
        for name in message.called:
            people.call(message.who, name)
    return "\n".join(
        f"{people.sign(who)}：{said}" if who else said for who, said, _names in _spoken(messages, people)
    )


def _spoken(messages: list[ChatLine], people: People) -> Iterator[ChatLine]:
    for who, said, _names in messages:
        lines = () if _NO_TEXT.match(said) else said.splitlines()
        text = "\n".join(line for line in lines if not _NO_TEXT.match(line)).strip()
        if text:
            yield ChatLine(who, people.without(text))
