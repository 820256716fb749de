"""Conversations, and the JSON forms in which other programs store them. Pure."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from tianji_core.i18n import N_

RAW, MERGED, ALPACA, SHAREGPT, MESSAGES = "raw", "merged", "alpaca", "sharegpt", "messages"
PAIRS = "pairs"
CSV, PARQUET, HUB = "csv", "parquet", "huggingface"
FORM_TITLES = {
    RAW: N_("带造数提示词的原始文件"),
    MERGED: N_("训练文件"),
    ALPACA: "Alpaca",
    SHAREGPT: "ShareGPT",
    MESSAGES: "messages",
    PAIRS: N_("一问一答"),
    CSV: N_("CSV 表格"),
    PARQUET: "Parquet",
    HUB: N_("Hugging Face 文件夹"),
}


class Turn(NamedTuple):
    """One question and its answer."""

    input: str
    output: str


@dataclass(frozen=True)
class Conversation:
    """A training example of one or more turns. ``style`` and ``prompt`` (the request to the teacher) are ''
    if the file does not give them; ``left_out`` names marks of the file that a sample cannot keep, such as
    weights."""

    system: str
    turns: tuple[Turn, ...]
    form: str = MERGED
    style: str = ""
    prompt: str = ""
    left_out: tuple[str, ...] = ()


def frozen_conversation(item: dict[str, Any]) -> Conversation:
    """Returns the conversation of an item of a training file that the studio wrote, as it stands there."""
    turns = item["conversation"]
    return Conversation(turns[0]["system"], tuple(Turn(turn["input"], turn["output"]) for turn in turns))


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
