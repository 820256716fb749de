"""Unwraps a text from reasoning, chat tags and speakers, and reads escapes. Pure.

Each function returns an :class:`Unwrapped` if it sees its structure, otherwise None. The text of a layer that
holds several candidates, or none, is None: only a person can tell."""

import html
import re
from typing import NamedTuple
from urllib.parse import unquote

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
_MARKED = (
    r"[<\[【（(]\s*(?:思考|推理|分析|构思|审题|内心独白)(?:过程)?\s*(?:开始|中)\s*[>\]】）)].*?"
    r"[<\[【（(]\s*(?:思考|推理|分析|构思|审题|内心独白)(?:过程)?\s*(?:结束|完毕|完成)\s*[>\]】）)]"
)
"""Reasoning between marks that say where it begins and ends."""
_DETAILS = r"<details[^>]*>.*?</details>"
_THOUGHT = re.compile(
    rf"(?:{_OPEN})(?:(?!{_OPEN}).)*?(?:{_CLOSE})|{_DETAILS}|{_SAID}|{_MARKED}", re.DOTALL | re.IGNORECASE
)
_THOUGHT_HEAD = re.compile(rf"\A.*?(?:{_CLOSE})", re.DOTALL | re.IGNORECASE)
_THOUGHT_TAG = re.compile(rf"{_OPEN}|{_CLOSE}", re.IGNORECASE)
_THOUGHT_HINT = re.compile(r"[<\[【◁〈＜{]|done thinking|[（(](?:思考|推理|分析|构思)")


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
    r"^[ \t]*(?:[*#]+\s*)?(?:最终)?(?:answer|final answer|final|output|response|result|回答|答案|回复|正文|输出|结果|成品|成文|成稿|[定终]稿"
    r"|(?:最终|正式|修改后|润色后|改后)(?:版本?)?|祝福语?)"
    r"\s*(?:\*+)?[:：][ \t]*(?:\*+)?[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)


def without_labelled_thoughts(text: str) -> Unwrapped | None:
    """Removes reasoning that a label announces, up to the label of the answer."""
    if _THOUGHT_LABEL.match(text) is None:
        return None
    labels = list(_ANSWER_LABEL.finditer(text))
    return Unwrapped("…：", (text[labels[-1].end() :].strip() or None) if labels else None)


def is_thought_tag(tag: str) -> bool:
    """Returns whether a tag opens or closes reasoning."""
    return _THOUGHT_TAG.match(tag) is not None


_SPEAKER = re.compile(
    r"^[ \t]*(?:[*#]+\s*)?(?:(?P<asker>用户|提问者?|问题?|user|human|q)"
    r"|(?P<mine>(?:小|ai|智能|写作|聊天)?(?:助手|助理|机器人|模型)|assistant|ai|bot|model|chatbot|gpt|答|回答|a))"
    r"(?:\*+)?[ \t]*[:：][ \t]*(?:\*+)?",
    re.IGNORECASE | re.MULTILINE,
)


def from_dialogue(text: str) -> Unwrapped | None:
    """Returns the one turn of the model in a dialogue whose turns begin with the speaker."""
    turns = list(_SPEAKER.finditer(text))
    if turns and turns[0]["asker"] and len(turns[0]["asker"]) > 1:
        before = text[: turns[0].start()].strip()  # the model went on with the next turn of the asker
        if len(_HAN.findall(before)) >= _ENOUGH and "\n" in text[: turns[0].start()]:
            return Unwrapped(turns[0].group().strip(), before)
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
_MINE = ("assistant", "model", "bot", "reserved_107")
"""Roles of the model."""
_INSTRUCTION = re.compile(r"\[INST\].*?\[/INST\]|<<SYS>>.*?<</SYS>>", re.DOTALL)
_CHANNEL = re.compile(r"\A.*<\|channel\|>\s*final\s*<\|message\|>", re.DOTALL)
_BARE_CHANNEL = re.compile(r"\A\s*analysis[\s\S]*?assistant\s*final(?=[^a-z])")
"""The same where the special tokens are lost."""
_END_TOKEN = re.compile(
    r"<[|｜](?:im_end|endoftext|eot_id|end▁of▁sentence|end_of_text|end|eom_id|return)[|｜]>|</s>|<eo[sdap]>|<end_of_turn>"
    r"|\[UNUSED_TOKEN_145\]",
    re.IGNORECASE,
)
_CALL = re.compile(r"(?<!\s)\s*<(tool_calls?|function_calls?|tool_use)\b[^>]*>.*?</\1>\s*", re.DOTALL)
"""A call of a tool beside the text."""
_ENOUGH = 10
"""Chinese characters from which what stands before an end is the answer."""
_TAG = re.compile(
    r"<[|｜][^<>|｜\n]{1,40}[|｜]>|</?s>|\[/?INST\]|<</?SYS>>|\[UNUSED_TOKEN_\d+\]|<eo[a-z]{1,2}>"
    r"|\[(?:gMASK|sop|eop|EOS|BOS|PAD|CLS|SEP)\]"
    r"|</?(?:bos|eos|pad|unk|mask|sep|cls|sop|eop|gmask|n"
    r"|start_of_turn|end_of_turn|end_of_sentence|endoftext)>"
    r"|<reserved_\d+>|<unused\d+>",
    re.IGNORECASE,
)


def without_chat_tags(text: str) -> Unwrapped | None:
    """Removes special tokens of chat templates, and the turns of others."""
    first = _TAG.search(text)
    if first is None:
        return None
    body = _INSTRUCTION.sub("", _CHANNEL.sub("", text))
    end = _END_TOKEN.search(body)
    if end is not None and _ROLE.search(body) is None and len(_HAN.findall(body[: end.start()])) >= _ENOUGH:
        body = body[: end.start()]  # the model went on behind its end
    turns: list[tuple[str, str]] = []
    role, start = "", 0
    for match in _ROLE.finditer(body):
        turns.append((role, body[start : match.start()]))
        role, start = (match.group(match.lastgroup or 0) or "").lower(), match.end()
    turns.append((role, body[start:]))
    if (
        len(turns) > 1 and not turns[0][0] and turns[1][0] in _MINE
    ):  # what stands before belongs to the answer
        turns[:2] = [("", f"{turns[0][1].strip()}\n{turns[1][1]}")]
    mine = [
        bare
        for role, turn in turns
        if not role or role in _MINE
        if _HAN.search(bare := _TAG.sub("", turn).strip())
    ]
    return Unwrapped(first.group(), mine[0] if len(mine) == 1 else None)


_TERMINAL = re.compile(r"\x1b?\[(?:\d{1,3}(?:;\d{1,3})*)?m")
"""Colours of a terminal, with or without their invisible first character."""
_BB_TAG = re.compile(
    r"\[/?(?:b|i|u|s|center|quote|color|size|font|url|img|code|left|right|align|p|text)(?:=[^\]\n]{1,30})?\]",
    re.I,
)


_BB_PAIR = re.compile(
    r"\[(?P<tag>[a-z]{1,10})(?:=[^\]\n]{1,30})?\](?P<body>(?:(?!\[/?[a-z]).)*)\[/(?P=tag)\]", re.I | re.DOTALL
)
"""A tag of a forum of any name, with its end."""
_RTF = re.compile(r"\A\s*\{\\rtf1(?:\\[a-z]+-?\d*)*\s*(?P<body>[^{}\\]+)\}\s*\Z")
_STAMP = re.compile(
    r"\A\s*[\[（(【]\s*\d{4}[-/年.]\d{1,2}[-/月.]\d{1,2}日?[ T]*\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?Z?\s*[\]）)】][ :：-]*"
    r"|\A\s*\d{4}[-/]\d{1,2}[-/]\d{1,2}[ T]\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?Z?[ :：-]*"
    r"|\A\s*[\[（(【]\d{1,2}:\d{2}(?::\d{2})?[\]）)】]\s*"
)
"""The time at which a line was logged or a message sent: in brackets or to the second. Any other date may be
that of an invitation."""
_MEDIA = re.compile(
    r"[\[【<]\s*(?:图片|配图|动画表情|表情包?|语音|视频|贴纸|(?i:image|photo|sticker|voice|audio|video))"
    r"(?:[ #]?\d{1,3}|[:：][^\]】>\n，。]{1,12})?\s*[\]】>](?!\()\s*"
    r"|\A(?:[\[【（(](?:语速|情绪|语气|音色|音量|停顿|声音|表情|动作|背景音乐?|情感)[：:=][^\]】）)\n]{1,12}[\]】）)]\s*)+"
)
"""What stands for a picture, and directions for a voice."""


def without_page_marks(text: str) -> Unwrapped | None:
    """Removes colours of a terminal, tags of a forum and of a text processor, stamps of time, what stands for
    pictures, and calls of tools beside the text."""
    rest, seen = text, ""
    for pattern in (_CALL, _BARE_CHANNEL, _RTF, _STAMP, _TERMINAL, _BB_TAG, _BB_PAIR, _MEDIA):
        if (match := pattern.search(rest)) is not None and not is_thought_tag(match.group()):
            kept = r"\g<body>" if pattern in (_RTF, _BB_PAIR) else ""
            less = pattern.sub(kept, rest)
            if _HAN.search(less) is not None:
                seen, rest = seen or match.group().strip().lstrip("\x1b"), less
    return Unwrapped(seen[:20], rest.strip()) if seen else None


_BYTES = re.compile(r"(?:<0x[0-9A-Fa-f]{2}>)+")
_PIECES = re.compile(r"[\u2581\u0120\u010a]")
"""How tokenizers write a space (▁, Ġ) and a line break (Ċ)."""
_SPACE_IN_LATIN = re.compile(r"(?<=[A-Za-z0-9,.!?])[\u2581\u0120]+(?=[A-Za-z0-9])")


def from_token_pieces(text: str) -> Unwrapped | None:
    """Returns the text with the pieces of a tokenizer read as what they mean: bytes and marks for white
    space. The text is None where bytes are no characters."""
    first = _BYTES.search(text) or _PIECES.search(text)
    if first is None:
        return None
    try:
        rest = _BYTES.sub(lambda match: bytes.fromhex(match.group()[3:-1].replace("><0x", "")).decode(), text)
    except UnicodeDecodeError:
        return Unwrapped(first.group()[:12], None)
    rest = _SPACE_IN_LATIN.sub(" ", rest).replace("\u010a", "\n")
    return Unwrapped(first.group()[:12], _PIECES.sub("", rest).strip() or None)


_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}){3,}")


def from_percent(text: str) -> Unwrapped | None:
    """Returns the text that is written as an address is."""
    match = _PERCENT.search(text)
    if match is None:
        return None
    read = unquote(text.replace("+", " ") if _HAN.search(text) is None else text, errors="replace")
    return Unwrapped(match.group()[:12], read if "\ufffd" not in read and _HAN.search(read) else None)


_ESCAPE = re.compile(r"\\{1,2}(?:[nrt](?![a-z])|u[0-9a-fA-F]{4}|[\"'])|(?<![A-Za-z/])/n(?![A-Za-z])|%0A")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{2,6}|#x[0-9a-fA-F]{2,5});")


def without_escapes(text: str) -> str:
    """Returns the text with literal escapes (``\\n``, ``\\u4f60``) and HTML entities read as what they
    mean."""
    if "\\" in text or "/n" in text or "%0A" in text:
        text = _ESCAPE.sub(_read_escape, text)
    if "&" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match.group()).replace("\xa0", " "), text)
    return text


def _read_escape(match: re.Match[str]) -> str:
    kind = match.group().lstrip("\\/%")
    if kind[0] == "u":
        sign = chr(int(kind[1:], 16))
        return sign if sign.isprintable() or sign.isspace() else match.group()
    return {"n": "\n", "r": "", "t": " ", "0A": "\n"}.get(kind, kind)


_CHINESE_NUMBER = "一二三四五六七八九十"
NUMBER = re.compile(
    r"^[ \t]*(?:[\u2600-\u27bf\U0001f300-\U0001faff]\ufe0f?[ \t]*(?=\d{1,2}[.、)）．](?!\d)))?(?:[\u2460-\u249b\u24b6-\u24e9\u2776-\u2793\u3220-\u3229\u3280-\u3289\u2160-\u217b][ \t.、：:]*"
    r"|[0-9]\ufe0f?\u20e3[ \t.、：:]*|\U0001f51f[ \t]*"
    rf"|[（(【\[][ \t]*(?:\d{{1,2}}|[{_CHINESE_NUMBER}]{{1,3}}|[A-Ha-h])[ \t]*[)）】\]][ \t.、：:]*"
    rf"|\d{{1,2}}[ \t]*[.、)）．](?=\D)[ \t]*|[{_CHINESE_NUMBER}]{{1,3}}[、.．][ \t]*"
    r"|[A-Ha-h][.、)）．][ \t]*(?=[\u4e00-\u9fff“\"])"
    rf"|第[ \t]*(?:[{_CHINESE_NUMBER}]{{1,3}}|\d{{1,2}})[ \t]*(?:条|则|版|个|段|款|种)[ \t]*[：:、.][ \t]*"
    rf"|(?:版本|方案|选项|备选|示例|祝福|祝福语|Option|Version)[ \t]*(?:[{_CHINESE_NUMBER}]|\d{{1,2}}|[A-Ha-h])"
    r"[ \t]*(?:[（(][^（）()\n]{1,12}[)）])?(?:[ \t]*[：:、.][ \t]*|[ \t]+|[ \t]*$\n?)"
    r"|(?:No\.|#)[ \t]*\d{1,2}[ \t：:、.]+)",
    re.MULTILINE | re.IGNORECASE,
)
"""The number in front of an item, of any kind."""
