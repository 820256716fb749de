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
    r"(?:[a-z]+:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|reflect|analysis|scratchpad|plan|"
    r"planning|draft|(?:begin|end)_of_thought|inner_monologue|思考|思考过程|思考内容|推理|推理过程|分析|构思|审题|草稿|内心独白)"
)
_OPEN = rf"[<＜◁〈\[【{{]\s*[|｜]?\s*{_NAMES}\s*[|｜]?\s*[>＞▷〉\]】}}]"
_CLOSE = (
    rf"[<＜◁〈\[【{{]\s*[|｜]?\s*[/／\\]\s*[|｜]?\s*{_NAMES}\s*[|｜]?\s*[>＞▷〉\]】}}]|<\|end_of_thought\|>"
)
_SAID = r"(?:\A|(?<=\n))Thinking(?:\.\.\.|…|:)[\s\S]*?(?:\.\.\.|…+)\s*done thinking\.?"
"""How a runner of local models prints reasoning."""
_DETAILS = r"<details[^>]*>.*?</details>"
_THOUGHT = re.compile(
    rf"(?:{_OPEN})(?:(?!{_OPEN}).)*?(?:{_CLOSE})|{_DETAILS}|{_SAID}", re.DOTALL | re.IGNORECASE
)
_THOUGHT_HEAD = re.compile(rf"\A.*?(?:{_CLOSE})", re.DOTALL | re.IGNORECASE)
_THOUGHT_TAG = re.compile(rf"{_OPEN}|{_CLOSE}", re.IGNORECASE)
_THOUGHT_HINT = re.compile(r"[<\[【◁〈＜{]|done thinking")


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


_THOUGHT_LABEL = re.compile(rf"\A\s*(?:[*#]+\s*)?{_NAMES}\s*(?:\*+)?[:：]", re.IGNORECASE)
_ANSWER_LABEL = re.compile(
    r"^[ \t]*(?:[*#]+\s*)?(?:最终)?(?:answer|final answer|final|output|response|result|回答|答案|回复|正文|输出|结果|成品|祝福语?)"
    r"\s*(?:\*+)?[:：][ \t]*(?:\*+)?[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)


def without_labelled_thoughts(text: str) -> Unwrapped | None:
    """Removes reasoning that a label announces, up to the label of the answer."""
    if _THOUGHT_LABEL.match(text) is None:
        return None
    labels = list(_ANSWER_LABEL.finditer(text))
    return Unwrapped("…：", (text[labels[-1].end() :].strip() or None) if labels else None)


_SPEAKER = re.compile(
    r"^[ \t]*(?:[*#]+\s*)?(?:(?P<asker>用户|提问者?|问题?|user|human|q)"
    r"|(?P<mine>(?:小|ai|智能|写作|聊天)?(?:助手|助理|机器人|模型)|assistant|ai|bot|model|chatbot|gpt|答|回答|a))"
    r"(?:\*+)?[ \t]*[:：][ \t]*(?:\*+)?",
    re.IGNORECASE | re.MULTILINE,
)


def from_dialogue(text: str) -> Unwrapped | None:
    """Returns the one turn of the model in a dialogue whose turns begin with the speaker."""
    turns = list(_SPEAKER.finditer(text))
    if not turns or not any(turn["asker"] for turn in turns) or text[: turns[0].start()].strip():
        return None
    ends = [turn.start() for turn in turns[1:]] + [len(text)]
    mine = [text[turn.end() : end].strip() for turn, end in zip(turns, ends, strict=True) if turn["mine"]]
    return Unwrapped(turns[0].group().strip(), mine[0] if len(mine) == 1 else None)


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
    r"|think(?:ing)?|thoughts?|analysis|plan|draft|tips?|suggestions?|translation|english"
    r"|notes?|explanation|comment|remarks?|style|scene|name|title|tags|keywords|word_count|length|usage|meta"
    r"|to|from|recipient|receiver|relation|occasion|tone|source|author|date|id|h[1-6]|head(?:er)?"
    r"|(?:使用)?说明|备注|(?:创作|写作)?(?:思路|理由|说明)|注释|解释|标题|题目|问题|要求|提示|赏析|称[谓呼]|场景|场合|风格|语气|理由"
    r"|建议|用户|思考|分析|对象|收件人|收信人|接收人|姓名|关系|主题|字数|标签|关键词|翻译|译文|落款|署名|来源|作者|日期",
    re.IGNORECASE,
)
"""Keys whose values are no answer."""
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


_YAML_LINE = re.compile(
    r"\A[ \t]*-?[ \t]*[\"']?(?P<key>[A-Za-z_]{2,24}|[\u4e00-\u9fff]{2,5})[\"']?:"
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
    return Unwrapped(f"{first['key']}:", _only_prose([(key, value.strip()) for key, value in leaves]))


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
    if any(_PAGE_TAG.fullmatch(name) is None for name in names):  # elements of somebody's own: a record
        leaves = [part.strip() for part in rest.split("\n\n")] if "\n\n" in rest else [rest]
        prose = [part for part in leaves if _is_prose(part)]
        if len(prose) == 1 and all(len(part) < 12 for part in leaves if part not in prose):
            rest = prose[0]
    return Unwrapped(f"<{sorted(names)[0]}>", rest or None)


_BOX = re.compile(r"[\u2500-\u257f]|^\+-", re.MULTILINE)
_RULED = re.compile(r"^[ \t+|]*(?:[\u2500-\u257f]|\+-)[\u2500-\u257f \t+|=-]*$\n?", re.MULTILINE)
"""A line of a table that is drawn of lines alone."""
_BARS = str.maketrans("│┃║｜", "||||")
_ROW = re.compile(r"^[ \t]*\|.*\|[ \t]*$", re.MULTILINE)


def from_table(text: str) -> Unwrapped | None:
    """Returns the text with a table replaced by its one cell of prose."""
    if _BOX.search(text):
        text = _RULED.sub("", text).translate(_BARS)
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


LAYERS = (
    without_thoughts,
    without_labelled_thoughts,
    without_chat_tags,
    from_dialogue,
    from_json,
    from_table,
    from_xml,
    from_yaml,
)

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
