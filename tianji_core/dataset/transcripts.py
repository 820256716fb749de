"""Whole conversations in one text: what precedes each part names its speaker. Pure."""

import re
from typing import Any, NamedTuple

from tianji_core.dataset.fields import role_of

TOKENS = re.compile(r"^\s*<\|(?:Human|MOSS)\|>[:：]\s*|\s*<eo[hma]>\s*$")
"""Tokens of MOSS around a turn."""
_SPEAKER = re.compile(
    r"(?:^\s*|\n[^\S\n]*|<eo[hma]>\s*)\[?(Human|User|Assistant|MOSS|AI|人类|用户|助手)\]?[:：]"
)
"""The name of a speaker at the beginning of a line."""
_MARK = re.compile(
    r"<\|im_start\|>[ \t]*(\w+)[ \t]*\n"  # ChatML
    r"|\[UNUSED_TOKEN_146\](\w+)\n"  # InternLM2
    r"|<\|start_header_id\|>(\w+)<\|end_header_id\|>"  # Llama 3
    r"|<start_of_turn>(\w+)\n"  # Gemma
    r"|<\|(system|user|assistant|bot)\|>:?"  # Zephyr, ChatGLM3, Phi, InternLM
    r"|\[\|(human|ai)\|\]:?"  # Baize
    r"|\#{2,4}[ \t]*(human|user|assistant|system|instruction|input|response)[ \t]*[:：]"  # Guanaco, Alpaca
    r"|(\[/?INST\])",  # Llama 2, Mistral
    re.IGNORECASE,
)
_END = re.compile(
    r"(?:<\|im_end\|>|<\|eot_id\|>|<\|end\|>|<\|endoftext\|>|<end_of_turn>|</?s>|<eo[has]>"
    r"|\[UNUSED_TOKEN_145\])\s*"
)
_TOKENS_OF_ENDS = re.compile(r"(?:</?s>\s*)+")
_SYSTEM = re.compile(r"\s*<<SYS>>(.*?)<</SYS>>", re.DOTALL)
_ROLES = {"[inst]": "user", "[/inst]": "assistant", "instruction": "user", "response": "assistant"}
_JOINED = "input"
"""What Alpaca adds to an instruction."""
_BEGINNING = re.compile(r"<\|?\w+\|?>|\[gMASK\]|\bsop\b")
"""Tokens of models that begin a text."""


class SpokenText(NamedTuple):
    """The messages of a text; ``opened`` tells that other words, which are in none of them, precede the
    first."""

    messages: list[dict[str, Any]]
    opened: bool = False


def spoken(transcript: str) -> SpokenText:
    """Returns the messages of a text in which the speakers' names precede what they say, as in BELLE and
    MOSS."""
    opening, *parts = _SPEAKER.split(transcript)
    roles, texts = parts[::2], [TOKENS.sub("", text).strip() for text in parts[1::2]]
    messages = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
    return SpokenText(_said(messages), _has_words(opening))


def marked(text: object) -> SpokenText:
    """Returns the messages of a text with the marks of a model's template, or with speakers' names at the
    beginning of its lines; none for a text with fewer than two of them, or with Alpaca's mark of an input
    alone. What precedes the first mark is no part of the conversation unless that is the mark of an input."""
    if not isinstance(text, str):
        return SpokenText([])
    found = list(_MARK.finditer(text))
    if len(found) < 2:
        lines = _TOKENS_OF_ENDS.sub("\n", text)
        named = _SPEAKER.match(lines) and len(_SPEAKER.findall(lines)) > 1
        return spoken(lines) if named else SpokenText([])
    names = [next(filter(None, mark.groups())).lower() for mark in found]
    if set(names) == {_JOINED}:
        return SpokenText([])
    opening = text[: found[0].start()]
    messages: list[dict[str, Any]] = []
    for name, mark, following in zip(names, found, [*found[1:], None], strict=True):
        said = text[mark.end() : following.start() if following is not None else len(text)]
        said = _END.sub("", said).strip()
        if name == _JOINED:
            if not messages or role_of(messages[-1]["role"]) != "user":
                asked = "" if messages else _BEGINNING.sub("", opening).strip()
                messages.append({"role": "user", "content": asked})
            messages[-1]["content"] = "\n".join(filter(None, (messages[-1]["content"], said)))
            continue
        if (system := _SYSTEM.match(said)) is not None:
            messages.append({"role": "system", "content": system[1].strip()})
            said = said[system.end() :].strip()
        messages.append({"role": _ROLES.get(name, name), "content": said})
    return SpokenText(_said(messages), names[0] != _JOINED and _has_words(opening))


def _has_words(opening: str) -> bool:
    return bool(_BEGINNING.sub("", opening).strip())


def unmarked(text: str) -> str:
    """Returns a text without the marks at which a model's template ends it."""
    return _END.sub("", text)


def _said(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns messages without those at the end that hold nothing, where the next one was to be written."""
    while messages and not messages[-1]["content"]:
        messages.pop()
    return messages
