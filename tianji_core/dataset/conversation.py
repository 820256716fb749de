"""Conversations, and the JSON forms in which other programs store them. Pure."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from tianji_core.files import storable
from tianji_core.i18n import N_, _

RAW, MERGED, ALPACA, SHAREGPT, MESSAGES = "raw", "merged", "alpaca", "sharegpt", "messages"
CSV, PARQUET, HUB = "csv", "parquet", "huggingface"
FORM_TITLES = {
    RAW: N_("带造数提示词的原始文件"),
    MERGED: N_("训练文件"),
    ALPACA: "Alpaca",
    SHAREGPT: "ShareGPT",
    MESSAGES: "messages",
    CSV: N_("CSV 表格"),
    PARQUET: "Parquet",
    HUB: N_("Hugging Face 文件夹"),
}
_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "system": "system",
}


class Turn(NamedTuple):
    """One question and its answer."""

    input: str
    output: str


@dataclass(frozen=True)
class Conversation:
    """A training example of one or more turns. ``style`` and ``prompt`` (the request to the teacher) are ''
    if the file does not give them."""

    system: str
    turns: tuple[Turn, ...]
    form: str = MERGED
    style: str = ""
    prompt: str = ""


class ShapeError(ValueError):
    """An item that is not a conversation; the message is a Chinese phrase with the reason."""


def conversation_of(item: Any) -> Conversation:
    """Returns the conversation in an item of any known form.

    Raises:
        ShapeError: the item has none.
    """
    if not isinstance(item, dict):
        raise ShapeError(_("不是一个对象，而是 {kind}", kind=type(item).__name__))
    if "conversation" in item:
        return _from_turns(item["conversation"])
    if "conversations" in item:
        return _from_roles(item["conversations"], "from", "value", SHAREGPT, item.get("system"))
    if "messages" in item:
        return _from_roles(item["messages"], "role", "content", MESSAGES, None)
    if "instruction" in item:
        return _from_alpaca(item)
    if "input" in item or "output" in item:
        return _from_turns([item])
    raise ShapeError(_("认不出格式：没有 conversation、conversations、messages、instruction 或 input"))


def _from_turns(turns: Any) -> Conversation:
    if not isinstance(turns, list) or not turns:
        raise ShapeError(_("conversation 应当是一个不空的列表"))
    read = []
    for turn in turns:
        if not isinstance(turn, dict):
            raise ShapeError(_("conversation 里的一轮不是对象"))
        read.append(Turn(_text(turn, "input"), _text(turn, "output")))
    first = turns[0]
    raw = any("src_input" in turn for turn in turns)
    return Conversation(
        system=_text(first, "system", needed=False),
        turns=tuple(read),
        form=RAW if raw else MERGED,
        style=_text(first, "style_name", needed=False),
        prompt=_text(first, "src_input", needed=False),
    )


def _from_alpaca(item: dict[str, Any]) -> Conversation:
    asked = "\n".join(
        part for part in (_text(item, "instruction"), _text(item, "input", needed=False)) if part
    )
    earlier = []
    for pair in item.get("history") or []:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(p, str) for p in pair):
            raise ShapeError(_("history 应当是 [问, 答] 的列表"))
        earlier.append(Turn(*pair))
    last = Turn(asked, _text(item, "output"))
    return Conversation(_text(item, "system", needed=False), (*earlier, last), ALPACA)


def _from_roles(messages: Any, role_key: str, text_key: str, form: str, system: Any) -> Conversation:
    if not isinstance(messages, list) or not messages:
        raise ShapeError(_("对话应当是一个不空的列表"))
    said = system if isinstance(system, str) else ""
    turns: list[Turn] = []
    asked: str | None = None
    for message in messages:
        if not isinstance(message, dict):
            raise ShapeError(_("对话里的一条消息不是对象"))
        role = _ROLES.get(str(message.get(role_key)))
        text = _text(message, text_key)
        if role == "system":
            said = text
        elif role == "user" and asked is None:
            asked = text
        elif role == "assistant" and asked is not None:
            turns.append(Turn(asked, text))
            asked = None
        else:
            raise ShapeError(_("一问一答对不上：{role}", role=message.get(role_key)))
    if asked is not None or not turns:
        raise ShapeError(_("最后一问没有回答"))
    return Conversation(said, tuple(turns), form)


def _text(item: dict[str, Any], key: str, needed: bool = True) -> str:
    value = item.get(key)
    if value is None and not needed:
        return ""
    if not isinstance(value, str):
        problem = _("没有 {key}", key=key) if value is None else _("{key} 不是文字", key=key)
        raise ShapeError(problem)
    if storable(value) != value:
        raise ShapeError(_("{key} 里有坏掉的字符，不能保存", key=key))
    if needed and not value.strip():
        raise ShapeError(_("{key} 是空的", key=key))
    return value


def as_item(conversation: Conversation, form: str) -> dict[str, Any]:
    """Returns a conversation as an item of ``form``: merged, alpaca, sharegpt or messages."""
    system, turns = conversation.system, conversation.turns
    if form == ALPACA:
        return {
            "instruction": turns[-1].input,
            "input": "",
            "output": turns[-1].output,
            "system": system,
            "history": [list(turn) for turn in turns[:-1]],
        }
    if form == SHAREGPT:
        messages = [
            {"from": who, "value": text}
            for turn in turns
            for who, text in zip(("human", "gpt"), turn, strict=True)
        ]
        return {"system": system, "conversations": messages}
    if form == MESSAGES:
        messages = [
            {"role": who, "content": text}
            for turn in turns
            for who, text in zip(("user", "assistant"), turn, strict=True)
        ]
        opening = [{"role": "system", "content": system}] if system else []
        return {"messages": opening + messages}
    return {
        "conversation": [
            {"system": "" if number else system, "input": turn.input, "output": turn.output}
            for number, turn in enumerate(turns)
        ]
    }
