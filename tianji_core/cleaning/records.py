"""Finds the one answer of a record in a text: JSON, YAML, XML. Pure.

The functions return what those of :mod:`tianji_core.cleaning.layers` return."""

import html
import json
import re
from typing import Any

from tianji_core.cleaning.layers import Unwrapped, is_thought_tag
from tianji_core.cleaning.sentences import pieces
from tianji_core.cleaning.talk_model import talk_scores

_HAN = re.compile(r"[\u3400-\u9fff]")
ASIDE = re.compile(
    r"input|prompt|instruction|system|query|question|user|reason(?:ing)?(?:_content)?"
    r"|think(?:ing)?|thoughts?|analysis|plan|draft|tips?|suggestions?|translation|english"
    r"|notes?|explanation|comment|remarks?|style|scene|name|title|tags|keywords|word_count|length|usage|meta"
    r"|to|from|recipient|receiver|relation|occasion|tone|source|author|date|id|h[1-6]|head(?:er)?"
    r"|(?:使用)?说明|备注|(?:创作|写作)?(?:思路|理由|说明)|注释|解释|标题|题目|问题|要求|提示|赏析|称[谓呼]|场景|场合|风格|语气|理由"
    r"|建议|用户|思考|分析|对象|收件人|收信人|接收人|姓名|关系|主题|字数|标签|关键词|翻译|译文|落款|署名|来源|作者|日期",
    re.IGNORECASE,
)
"""Keys whose values are no answer."""
ANSWER = re.compile(
    r"text|body|content|message|blessing|answer|output|response|result|reply|wish(?:es)?|greeting|final"
    r"|正文|内容|祝福|祝福语|祝福正文|文案|回答|答案|回复|输出|结果|成品|贺词|祝词|寄语|短信",
    re.IGNORECASE,
)
"""Keys whose values are the answer."""
_FAULT = frozenset(
    {"error", "errors", "err_msg", "error_msg", "error_code", "status_code", "base_resp", "request_id"}
)
"""Keys of the answer of a server that gave no text."""
_SENTENCE_MARK = re.compile(r"[，。！？!?~～,；…：]")


def _is_prose(value: str) -> bool:
    return len(_HAN.findall(value)) >= 6 and (len(value) >= 12 or _SENTENCE_MARK.search(value) is not None)


def _leaves(value: Any, key: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        role = str(value.get("role", value.get("from", "assistant"))).lower()
        if role in ("user", "system", "human") or not _FAULT.isdisjoint(map(str, value)):
            return []
        return [leaf for name, inner in value.items() for leaf in _leaves(inner, str(name))]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(inner, key)]
    return [(key, value)] if isinstance(value, str) else []


def only_prose(leaves: list[tuple[str, str]]) -> str | None:
    """Returns the one value that is prose, None if there are several or none."""
    prose = [value for key, value in leaves if not ASIDE.fullmatch(key.strip()) and _is_prose(value)]
    if len(prose) > 1:
        prose = [value for value in prose if _is_blessing(value)]
    return prose[0] if len(prose) == 1 else None


def _is_blessing(value: str) -> bool:
    """Returns whether the judge of sentences finds no talk in a value."""
    scores = talk_scores(pieces(value.strip()))
    return max(scores) < 1 and sum(scores) < -2


_CONTAINER = re.compile(r'\{\s*["\'“]|\[\s*[{"\'“]')
_JSON_WORD = re.compile(r"\s*(?:data|json)?\s*[:：=]?\s*", re.IGNORECASE)
_PAIR = re.compile(
    r"\A[{\s]*[\"'“]?(?:[A-Za-z_]{2,20}|[\u4e00-\u9fff]{2,6})[\"'”]?\s*[:：]\s*[\"“](?P<value>.+)\Z",
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
        said = _ended(pair["value"]) if pair is not None else ""
        whole = said and said.rstrip()[-1:] not in "，、：；"
        return Unwrapped(match.group(), said.replace("\\n", "\n") if whole else None)
    answer = only_prose(_leaves(value))
    if answer is None:
        return Unwrapped(match.group(), None)
    before = "" if _JSON_WORD.fullmatch(text[:start]) else text[:start].strip()
    around = (before, answer.strip(), text[end:].strip())
    return Unwrapped(match.group(), "\n".join(part for part in around if part))


_EVENT = re.compile(r"[ \t]*(?:data:[ \t]*)?(\{.*\}|\[DONE\])[ \t]*")
_PART = frozenset({"delta", "content", "text", "token", "response"})
"""Keys of the parts of an answer that comes in a stream."""


def from_stream(text: str) -> Unwrapped | None:
    """Returns the parts of an answer joined that stand in a JSON object on a line each, or the one answer of
    lines that are no parts."""
    lines = [line for line in text.splitlines() if line.strip()]
    events = [match for line in lines if (match := _EVENT.fullmatch(line)) is not None]
    if len(lines) < 2 or len(events) < len(lines):
        return None
    told = [event.group(1) for event in events if event.group(1) != "[DONE]"]
    leaves = [leaf for each in told for leaf in _leaves(_loaded(each) or {})]
    parts = [value for key, value in leaves if key in _PART]
    whole = sum(_is_prose(part) and part.rstrip()[-1:] in tuple("。！？!?~") for part in parts)
    if not parts or whole > 1:  # records, each with a whole answer
        return Unwrapped(lines[0][:12], only_prose(leaves))
    return Unwrapped(lines[0][:12], "".join(parts).strip() or None)


def _ended(value: str) -> str:
    """The string at whose beginning ``value`` stands, without what closes it; '' where nothing shows that it
    is whole."""
    bare = value.rstrip()
    bare = bare.removesuffix("}").rstrip()
    if bare.removesuffix(",").rstrip().endswith(('"', "”")):
        return bare.removesuffix(",").rstrip()[:-1]
    return bare if bare.endswith(tuple("。！？!?~～…")) else ""


def _values(source: str) -> list[Any]:
    """Returns the whole JSON values that follow one another, empty where one is broken. Of several alike a
    repair would keep the last."""
    decoder, values, at = json.JSONDecoder(strict=False), [], 0
    while (found := _CONTAINER.search(source, at)) is not None:
        try:
            value, at = decoder.raw_decode(source, found.start())
        except ValueError:
            return []
        values.append(value)
    return values


def _loaded(source: str) -> Any:
    try:
        return json.loads(source, strict=False)
    except ValueError:
        pass
    if len(values := _values(source)) > 1:
        return values
    import json_repair

    value = json_repair.loads(source) if source[:1] in "[{" else None
    return value if value else None


_YAML_LINE = re.compile(
    r"\A[ \t]*-?[ \t]*[\"']?(?P<key>[A-Za-z_]{2,24}|[\u4e00-\u9fff]{2,5})[\"']?(?::|[ \t]=(?=[ \t]))"
    r"(?:[ \t]+(?P<value>.*)|[ \t]*)\Z"
)
_BLOCK = re.compile(r"\A[|>][-+]?\d?\Z")


def from_yaml(text: str) -> Unwrapped | None:
    """Returns the one answer of lines ``key: value`` with lower-case Latin keys, block scalars included."""
    lines = [line for line in text.strip().splitlines() if line.strip() not in ("---", "...")]
    if not lines or (first := _YAML_LINE.match(lines[0])) is None or first["key"] != first["key"].lower():
        return None
    if not first["key"].isascii() and sum(_YAML_LINE.match(line) is not None for line in lines) < 2:
        return None
    leaves: list[tuple[str, str]] = []
    for line in lines:
        match = _YAML_LINE.match(line)
        if match is not None:
            value = (match["value"] or "").strip()
            leaves.append((match["key"], "" if _BLOCK.match(value) else value.strip("\"'")))
        else:
            key, value = leaves[-1]
            leaves[-1] = (key, f"{value}\n{line.strip()}" if value else line.strip())
    return Unwrapped(f"{first['key']}:", only_prose([(key, value.strip()) for key, value in leaves]))


_OPENING_TAG = re.compile(r"<([A-Za-z_\u4e00-\u9fff][\w.:-]*)(?:\s[^<>]*)?>")
_CLOSING_TAG = re.compile(r"</([A-Za-z_\u4e00-\u9fff][\w.:-]*)\s*>")
_ANY_TAG = re.compile(r"</?([A-Za-z_\u4e00-\u9fff][\w.:-]*)(?:\s[^<>]*)?/?>")
_INLINE = re.compile(r"b|strong|i|em|u|span|font|small|big|mark|su[bp]|code|a|s|del|ins", re.IGNORECASE)
_PAGE_TAG = re.compile(
    r"p|div|br|hr|h[1-6]|ul|ol|li|html|body|head|title|section|article|main|center|blockquote|pre"
    r"|table|t[rdh]|tbody|thead"
    r"|b|strong|i|em|u|span|font|small|big|mark|su[bp]|code|a|s|del|ins",
    re.IGNORECASE,
)
_DECLARATION = re.compile(r"<\?xml[^>]*\?>|<!DOCTYPE[^>]*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_SINGLE = re.compile(r"<[A-Za-z_][\w.:-]*((?:\s+[\w:-]+\s*=\s*\"[^\"<>]*\")+)\s*(?:/>|>\s*</[\w.:-]+>)")
_ATTRIBUTE = re.compile(r"(?<![\w:-])([\w:-]+)\s*=\s*\"([^\"<>]*)\"")
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)


def from_xml(text: str) -> Unwrapped | None:
    """Returns the text without paired tags; the content of an element that is no answer goes with it."""
    if "<" not in text:
        return None
    if (single := _SINGLE.fullmatch(text.strip())) is not None:
        values = [(key, html.unescape(value)) for key, value in _ATTRIBUTE.findall(single.group(1))]
        return Unwrapped("<…/>", only_prose(values))
    bare = _CDATA.sub(r"\1", _DECLARATION.sub("", text))
    last = {match.group(1): match.start() for match in _CLOSING_TAG.finditer(bare)}
    names = {
        match.group(1)
        for match in _OPENING_TAG.finditer(bare)
        if match.end() <= last.get(match.group(1), -1) and not is_thought_tag(match.group())
    }
    if not names:
        return None if bare == text else Unwrapped("<!", bare.strip())
    for name in names:
        if ASIDE.fullmatch(name):
            tag = re.escape(name)
            bare = re.sub(rf"<{tag}(?:\s[^<>]*)?>.*?</{tag}\s*>", "\n", bare, flags=re.DOTALL)

    def replaced(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in names and name.lower() != "br":
            return match.group()
        return "" if _INLINE.fullmatch(name) else "\n"

    rest = re.sub(r"\n\s*\n+", "\n\n", _ANY_TAG.sub(replaced, bare)).strip()
    if "td" in names or any(_PAGE_TAG.fullmatch(name) is None for name in names):  # a record
        leaves = [part.strip() for part in rest.split("\n\n")] if "\n\n" in rest else [rest]
        prose = [part for part in leaves if _is_prose(part)]
        if len(prose) == 1 and all(len(part) < 12 for part in leaves if part not in prose):
            rest = prose[0]
    return Unwrapped(f"<{sorted(names)[0]}>", rest or None)
