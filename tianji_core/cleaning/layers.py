"""Unwraps a text from certain structure: chat tags, reasoning, JSON, YAML, XML, tables and numbering. Pure.

Each function returns an :class:`Unwrapped` if it sees its structure, otherwise None. The text of a layer that
holds several candidates, or none, is None: only a person can tell."""

import html
import json
import re
from typing import Any, NamedTuple

_HAN = re.compile(r"[\u3400-\u9fff]")


class Unwrapped(NamedTuple):
    """What a layer looks like, and the text without it or None."""

    seen: str
    text: str | None


_NAMES = (
    r"(?:[a-z]+:)?(?:think|thinking|thought|thoughts|reason|reasoning|reflection|reflect|analysis|scratchpad|"
    r"(?:begin|end)_of_thought|inner_monologue|思考|思考过程|思考内容|推理|推理过程|分析|内心独白)"
)
_OPEN = rf"(?:<\|?|[◁〈＜])\s*{_NAMES}\s*(?:\|?>|[▷〉＞])"
_CLOSE = rf"(?:<\|?|[◁〈＜])\s*/\s*{_NAMES}\s*(?:\|?>|[▷〉＞])|<\|end_of_thought\|>"
_SQUARE = rf"[\[【]\s*(?P<name>{_NAMES})\s*[\]】].*?[\[【]\s*[/／]\s*(?P=name)\s*[\]】]"
_DETAILS = r"<details[^>]*>.*?</details>"
_THOUGHT = re.compile(
    rf"(?:{_OPEN})(?:(?!{_OPEN}).)*?(?:{_CLOSE})|{_SQUARE}|{_DETAILS}", re.DOTALL | re.IGNORECASE
)
_THOUGHT_HEAD = re.compile(rf"\A.*?(?:{_CLOSE})", re.DOTALL | re.IGNORECASE)
_THOUGHT_TAG = re.compile(rf"{_OPEN}|{_CLOSE}", re.IGNORECASE)
_THOUGHT_HINT = re.compile(r"[<\[【◁〈＜]")


def without_thoughts(text: str) -> Unwrapped | None:
    """Removes reasoning between tags of any spelling. Reasoning that never ends leaves no text."""
    if _THOUGHT_HINT.search(text) is None:
        return None
    rest = _THOUGHT.sub("\n", text)
    rest = _THOUGHT_HEAD.sub("", rest)
    if rest == text and _THOUGHT_TAG.search(text) is None:
        return None
    if _THOUGHT_TAG.search(rest):
        return Unwrapped("<think>", None)
    return Unwrapped("<think>", rest.strip() or None)


_ROLE = re.compile(
    r"<\|im_start\|>\s*(?P<a>\w+)[ \t]*\n?|<\|start_header_id\|>\s*(?P<b>\w+)\s*<\|end_header_id\|>\s*"
    r"|<start_of_turn>\s*(?P<c>\w+)[ \t]*\n?|<[|｜]\s*(?P<d>user|assistant|system|observation)\s*[|｜]>\s*"
    r"|\[UNUSED_TOKEN_146\]\s*(?P<e>\w+)[ \t]*\n?|<(?P<f>reserved_10[67])>",
    re.IGNORECASE,
)
_INSTRUCTION = re.compile(r"\[INST\].*?\[/INST\]|<<SYS>>.*?<</SYS>>", re.DOTALL)
_CHANNEL = re.compile(r"\A.*<\|channel\|>\s*final\s*<\|message\|>", re.DOTALL)
_TAG = re.compile(
    r"<[|｜][^<>|｜\n]{1,40}[|｜]>|</?s>|\[/?INST\]|<</?SYS>>|\[UNUSED_TOKEN_\d+\]|<eo[a-z]{1,2}>"
    r"|\[(?:gMASK|sop|eop|EOS|BOS|PAD|CLS|SEP)\]"
    r"|</?(?:bos|eos|pad|unk|mask|sep|cls|sop|eop|gmask|n"
    r"|start_of_turn|end_of_turn|end_of_sentence|endoftext)>"
    r"|<0x[0-9A-Fa-f]{2}>|<reserved_\d+>|<unused\d+>",
    re.IGNORECASE,
)


def without_chat_tags(text: str) -> Unwrapped | None:
    """Removes special tokens of chat templates, and the turns of others."""
    first = _TAG.search(text)
    if first is None:
        return None
    body = _INSTRUCTION.sub("", _CHANNEL.sub("", text))
    turns: list[tuple[str, str]] = []
    role, start = "", 0
    for match in _ROLE.finditer(body):
        turns.append((role, body[start : match.start()]))
        role, start = (match.group(match.lastgroup or 0) or "").lower(), match.end()
    turns.append((role, body[start:]))
    mine = [
        bare
        for role, turn in turns
        if role in ("", "assistant", "model", "bot", "reserved_107")
        if _HAN.search(bare := _TAG.sub("", turn).strip())
    ]
    return Unwrapped(first.group(), mine[0] if len(mine) == 1 else None)


_ASIDE = re.compile(
    r"input|prompt|instruction|system|query|question|user|reason(?:ing)?(?:_content)?"
    r"|thinking|thought|analysis"
    r"|notes?|explanation|comment|style|scene|name|title|tags|keywords|word_count|length|说明|备注|(?:创作)?思路"
    r"|注释|解释|标题|问题|要求|提示|赏析|称谓|场景|风格|理由",
    re.IGNORECASE,
)
"""Keys whose values are no answer."""
_SENTENCE_MARK = re.compile(r"[，。！？!?~～,；…：]")


def _is_prose(value: str) -> bool:
    return len(_HAN.findall(value)) >= 6 and (len(value) >= 12 or _SENTENCE_MARK.search(value) is not None)


def _leaves(value: Any, key: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        role = str(value.get("role", value.get("from", "assistant"))).lower()
        if role in ("user", "system", "human"):
            return []
        return [leaf for name, inner in value.items() for leaf in _leaves(inner, str(name))]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(inner, key)]
    return [(key, value)] if isinstance(value, str) else []


def _only_prose(leaves: list[tuple[str, str]]) -> str | None:
    """Returns the one value that is prose, None if there are several or none."""
    prose = [value for key, value in leaves if not _ASIDE.fullmatch(key.strip()) and _is_prose(value)]
    return prose[0] if len(prose) == 1 else None


_CONTAINER = re.compile(r'\{\s*["\'“]|\[\s*[{"\'“]')
_PAIR = re.compile(
    r"\A[{\s]*[\"'“]?(?P<key>[A-Za-z_]{2,20}|[\u4e00-\u9fff]{2,6})[\"'”]?\s*[:：]\s*"
    r"[\"“](?P<value>.+?)[\"”]?\s*,?\s*\}?\s*\Z",
    re.DOTALL,
)


def from_json(text: str) -> Unwrapped | None:
    """Returns the one answer of a JSON object, list or string inside the text."""
    bare = text.strip()
    if bare[:1] == bare[-1:] == '"' and "\\" in bare:
        value = _loaded(bare)
        if isinstance(value, str):
            return Unwrapped('"…"', value.strip() or None)
    match = _CONTAINER.search(text)
    if match is None:
        return None
    start = match.start()
    end = max(text.rfind("}"), text.rfind("]")) + 1
    value = _loaded(text[start:end]) if end > start else None
    if not isinstance(value, dict | list):
        pair = _PAIR.match(text[start:])
        return Unwrapped(match.group(), pair["value"].replace("\\n", "\n") if pair else None)
    answer = _only_prose(_leaves(value))
    if answer is None:
        return Unwrapped(match.group(), None)
    around = (text[:start].strip(), answer.strip(), text[end:].strip())
    return Unwrapped(match.group(), "\n".join(part for part in around if part))


def _loaded(source: str) -> Any:
    try:
        return json.loads(source, strict=False)
    except ValueError:
        pass
    import json_repair

    value = json_repair.loads(source) if source[:1] in "[{" else None
    return value if value else None


_YAML_LINE = re.compile(r"\A[ \t]*[-]?[ \t]*(?P<key>[A-Za-z_]{2,24}):(?:[ \t]+(?P<value>.*)|[ \t]*)\Z")
_BLOCK = re.compile(r"\A[|>][-+]?\d?\Z")


def from_yaml(text: str) -> Unwrapped | None:
    """Returns the one answer of lines ``key: value`` with lower-case Latin keys, block scalars included."""
    lines = [line for line in text.strip().splitlines() if line.strip() not in ("", "---", "...")]
    if not lines or (first := _YAML_LINE.match(lines[0])) is None or first["key"] != first["key"].lower():
        return None
    leaves: list[tuple[str, str]] = []
    for line in lines:
        match = _YAML_LINE.match(line)
        if match is not None:
            value = (match["value"] or "").strip()
            leaves.append((match["key"], "" if _BLOCK.match(value) else value))
        else:
            key, value = leaves[-1]
            leaves[-1] = (key, f"{value}\n{line.strip()}".strip())
    return Unwrapped(f"{first['key']}:", _only_prose(leaves))


_OPENING_TAG = re.compile(r"<([A-Za-z_\u4e00-\u9fff][\w.:-]*)(?:\s[^<>]*)?>")
_CLOSING_TAG = re.compile(r"</([A-Za-z_\u4e00-\u9fff][\w.:-]*)\s*>")
_ANY_TAG = re.compile(r"</?([A-Za-z_\u4e00-\u9fff][\w.:-]*)(?:\s[^<>]*)?/?>")
_INLINE = re.compile(r"b|strong|i|em|u|span|font|small|big|mark|su[bp]|code|a|s|del|ins", re.IGNORECASE)
_DECLARATION = re.compile(r"<\?xml[^>]*\?>|<!DOCTYPE[^>]*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)


def from_xml(text: str) -> Unwrapped | None:
    """Returns the text without paired tags; the content of an element that is no answer goes with it."""
    if "<" not in text:
        return None
    bare = _CDATA.sub(r"\1", _DECLARATION.sub("", text))
    last = {match.group(1): match.start() for match in _CLOSING_TAG.finditer(bare)}
    names = {
        match.group(1)
        for match in _OPENING_TAG.finditer(bare)
        if match.end() <= last.get(match.group(1), -1) and not _THOUGHT_TAG.match(match.group())
    }
    if not names:
        return None if bare == text else Unwrapped("<!", bare.strip())
    for name in names:
        if _ASIDE.fullmatch(name):
            tag = re.escape(name)
            bare = re.sub(rf"<{tag}(?:\s[^<>]*)?>.*?</{tag}\s*>", "\n", bare, flags=re.DOTALL)

    def replaced(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in names and name.lower() != "br":
            return match.group()
        return "" if _INLINE.fullmatch(name) else "\n"

    rest = re.sub(r"\n\s*\n+", "\n\n", _ANY_TAG.sub(replaced, bare)).strip()
    return Unwrapped(f"<{sorted(names)[0]}>", rest or None)


_ROW = re.compile(r"^[ \t]*\|.*\|[ \t]*$", re.MULTILINE)


def from_table(text: str) -> Unwrapped | None:
    """Returns the text with a table replaced by its one cell of prose."""
    rows = _ROW.findall(text)
    if not rows:
        return None
    cells = [cell.strip() for row in rows for cell in row.strip().strip("|").split("|")]
    answer = _only_prose([("", re.sub(r"<br\s*/?>", "\n", cell)) for cell in cells])
    if answer is None:
        return Unwrapped("|…|", None)
    rest = [_ROW.sub("\0", text)]
    parts = [part.strip() for part in rest[0].split("\0") if part.strip()]
    before = [part.strip() for part in text[: text.index(rows[0])].split("\n") if part.strip()]
    return Unwrapped("|…|", "\n".join([*before, answer, *parts[len(before and [1]) :]]).strip())


_ESCAPE = re.compile(r"\\(?:[nrt]|u[0-9a-fA-F]{4}|[\"'])")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{2,6}|#x[0-9a-fA-F]{2,5});")


def without_escapes(text: str) -> str:
    """Returns the text with literal escapes (``\\n``, ``\\u4f60``) and HTML entities read as what they
    mean."""
    if "\\" in text:
        text = _ESCAPE.sub(_read_escape, text)
    if "&" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match.group()).replace("\xa0", " "), text)
    return text


def _read_escape(match: re.Match[str]) -> str:
    kind = match.group()[1]
    if kind == "u":
        sign = chr(int(match.group()[2:], 16))
        return sign if sign.isprintable() else match.group()
    return {"n": "\n", "r": "\n", "t": " "}.get(kind, kind)


_CHINESE_NUMBER = "一二三四五六七八九十"
NUMBER = re.compile(
    r"^[ \t]*(?:[\u2460-\u249b\u24b6-\u24e9\u2776-\u2793\u3220-\u3229\u3280-\u3289\u2160-\u217b][ \t.、：:]*"
    r"|[0-9]\ufe0f?\u20e3[ \t.、：:]*|\U0001f51f[ \t]*"
    rf"|[（(【\[][ \t]*(?:\d{{1,2}}|[{_CHINESE_NUMBER}]{{1,3}}|[A-Ha-h])[ \t]*[)）】\]][ \t.、：:]*"
    rf"|\d{{1,2}}[ \t]*[.、)）．](?=\D)[ \t]*|[{_CHINESE_NUMBER}]{{1,3}}[、.．][ \t]*"
    r"|[A-Ha-h][.、)）．][ \t]*(?=[\u4e00-\u9fff“\"])"
    rf"|第[ \t]*(?:[{_CHINESE_NUMBER}]{{1,3}}|\d{{1,2}})[ \t]*(?:条|则|版|个|段|款|种)[ \t]*[：:、.][ \t]*"
    rf"|(?:版本|方案|选项|备选|示例|祝福|祝福语|Option|Version)[ \t]*(?:[{_CHINESE_NUMBER}]|\d{{1,2}}|[A-Ha-h])"
    r"[ \t]*(?:[（(][^（）()\n]{1,12}[)）])?[ \t]*(?:[：:、.][ \t]*|$\n?)"
    r"|(?:No\.|#)[ \t]*\d{1,2}[ \t：:、.]+)",
    re.MULTILINE | re.IGNORECASE,
)
"""The number in front of an item, of any kind."""
