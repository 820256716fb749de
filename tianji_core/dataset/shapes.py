"""Reads a conversation from an item of a file by what its turns hold, whatever the names around them. Pure.

Known are the tutorial's and xtuner's ``conversation``, Alpaca, ShareGPT, OpenAI messages, Firefly, BELLE,
MOSS, COIG, UltraChat, LLaMA-Factory's and TRL's forms, the trees of OpenAssistant, exports of chats,
texts in a model's template, and pairs of questions and answers under common names."""

import contextlib
from dataclasses import replace
from typing import Any

from tianji_core.dataset.annotations import RESPONSES, as_annotated
from tianji_core.dataset.conversation import (
    ALPACA,
    MERGED,
    PAIRS,
    RAW,
    Conversation,
    Turn,
)
from tianji_core.dataset.fields import (
    CONTENT,
    CONTEXT,
    HISTORY,
    INPUT,
    INSTRUCTION,
    OUTPUT,
    PROMPT,
    REQUEST,
    ROLE,
    STYLE,
    SYSTEM,
    TURNS,
    ShapeError,
    field_of,
    fields_of,
    is_missing,
    keys_shown,
    listed,
    optional_text,
    role_of,
    text_of,
)
from tianji_core.dataset.transcripts import marked, spoken, unmarked
from tianji_core.dataset.trees import path_in
from tianji_core.dataset.turn_reading import BRANCHES, TurnReader
from tianji_core.i18n import _

_REJECTED = ("rejected", "rejected_response", "response_rejected", "non_preferred_output")
_LABEL = "label"
_ONE_OF = "instances"
"""Key of self-instruct's list of inputs and outputs of one instruction."""
_DEEPEST = 3
_ASKS = (INPUT, INSTRUCTION, PROMPT)


def conversation_of(item: Any, depth: int = 0) -> Conversation:
    """Returns the conversation in an item of any known form; ``depth`` tells how many objects it lies in.

    Raises:
        ShapeError: the item has none.
    """
    if isinstance(item, list):
        return TurnReader().conversation(listed(item, TURNS), "")
    if not isinstance(item, dict):
        raise ShapeError(_("不是一个对象，而是 {kind}", kind=type(item).__name__))
    item = as_annotated(item)
    if item.get(_LABEL) is False and (OUTPUT in fields_of(item) or TURNS in fields_of(item)):
        raise ShapeError(_("label 是 false，这是一条标为不好的回答"))
    item = _with_instance(item)
    fields = fields_of(item)
    reader = TurnReader()
    reader.mark(item)
    reader.left_out += [name for name in (*_REJECTED, RESPONSES) if not is_missing(item.get(name))]
    found = _found(reader, item, fields, depth)
    style = optional_text(fields, STYLE) or found.style
    request = optional_text(fields, REQUEST) or found.prompt
    left_out = tuple(dict.fromkeys((*reader.left_out, *found.left_out)))
    return replace(found, style=style, prompt=request, left_out=left_out)


def _with_instance(item: dict[str, Any]) -> dict[str, Any]:
    """Returns an item with the only one of its instances in its place.

    Raises:
        ShapeError: it has several.
    """
    instances = item.get(_ONE_OF)
    if not isinstance(instances, list) or not all(isinstance(each, dict) for each in instances):
        return item
    if len(instances) > 1:
        raise ShapeError(_("{key} 里有 {n} 组，一项应当只有一段对话", key=_ONE_OF, n=len(instances)))
    return {**item, **(instances[0] if instances else {})}


def _found(reader: TurnReader, item: dict[str, Any], fields: dict[str, Any], depth: int) -> Conversation:
    if INSTRUCTION in fields and CONTEXT in fields:
        fields.setdefault(INPUT, fields[CONTEXT])
    if ROLE not in fields and not is_missing(content := item.get("content")):
        asked = {*_ASKS, TURNS} & set(fields)
        if not _is_list_in_text(fields.get(TURNS)):
            fields.setdefault(OUTPUT if asked else INPUT, content)
    system = optional_text(fields, SYSTEM)
    if (path := path_in(item)) is not None:
        reader.left_out += [BRANCHES] * path.branches
        return reader.conversation(path.messages, system)
    if TURNS in fields and _is_of_turns(fields):
        told = listed(fields[TURNS], TURNS)
        instruction = optional_text(fields, INSTRUCTION)
        return reader.conversation([*told, *_answer_after(item, told)], system or instruction)
    if OUTPUT not in fields:
        for field in (CONTENT, INPUT, PROMPT):
            if (read := marked(fields.get(field))).messages:
                return reader.transcript(read, system)
    if isinstance(fields.get(PROMPT), list) or isinstance(fields.get(OUTPUT), list | dict):
        return _of_message_lists(reader, fields, system)
    if OUTPUT in fields or INPUT in fields or INSTRUCTION in fields:
        return _of_pair(reader, item, fields, system)
    if ROLE in fields and CONTENT in fields:
        raise ShapeError(_("这是一条消息，不是一段对话；一段对话的消息应当在一个列表里"))
    if (transcript := item.get("plain_text")) and isinstance(transcript, str):
        return reader.transcript(spoken(transcript), system)
    if any(field_of(key) == TURNS for key in item):
        raise ShapeError(_("{key} 应当是一个不空的列表", key="conversation"))
    if (within := _wrapped(item, depth)) is not None:
        return within
    _refuse_empty(item)
    raise ShapeError(
        _(
            "认不出格式：有的字段是 {keys}，其中没有一问一答；请把问题的字段改名为 input，回答的改名为 output",
            keys=keys_shown(item) or "—",
        )
    )


def _refuse_empty(item: dict[str, Any]) -> None:
    """Raises:
    ShapeError: the item has a place for its answer, which is empty; named as the file itself calls it."""
    empty = next((key for key in item if field_of(key) == OUTPUT), "")
    if empty:
        raise ShapeError(_("{key} 是空的", key=empty))


def _is_list_in_text(value: Any) -> bool:
    """Returns whether a value is a text that holds a list or an object, as tables do."""
    return isinstance(value, str) and value.lstrip()[:1] in ("[", "{")


def _is_of_turns(fields: dict[str, Any]) -> bool:
    """Returns whether the turns, and not a question and an answer beside them, are the conversation."""
    turns = fields[TURNS]
    if OUTPUT not in fields or isinstance(turns, list | dict):
        return True
    return _is_list_in_text(turns) and not any(field in fields for field in _ASKS)


def _wrapped(item: dict[str, Any], depth: int) -> Conversation | None:
    """Returns the conversation in the only part of an item that holds one, such as ``fields`` or ``body``."""
    found = []
    for value in item.values() if depth < _DEEPEST else ():
        if isinstance(value, dict):
            with contextlib.suppress(ShapeError):
                found.append(conversation_of(value, depth + 1))
    return found[0] if len(found) == 1 else None


def _answer_after(item: dict[str, Any], told: list[Any]) -> list[Any]:
    """Returns the chosen answer that preference data keep beside the turns, as messages."""
    chosen = item.get("chosen")
    if isinstance(chosen, dict):
        return [chosen]
    last = told[-1]
    if isinstance(last, dict) and role_of(fields_of(last).get(ROLE)) == "assistant":
        return []
    if isinstance(chosen, list):
        return chosen[-1:]
    return [] if is_missing(chosen) or not told else [{"role": "assistant", "content": chosen}]


def _of_message_lists(reader: TurnReader, fields: dict[str, Any], system: str) -> Conversation:
    """Prompt and completion, or chosen answers, that are lists of messages."""
    asked, answered = fields.get(PROMPT, fields.get(INPUT, [])), fields.get(OUTPUT)
    if isinstance(asked, dict):
        asked = fields_of(asked).get(TURNS, asked)
    opening = asked if isinstance(asked, list) else [{"role": "user", "content": asked}]
    ending: list[Any] = answered if isinstance(answered, list) else [answered]
    if not all(isinstance(message, dict) for message in ending):
        raise ShapeError(_("{key} 不是文字", key=OUTPUT))
    whole = bool(ending) and role_of(fields_of(ending[0]).get(ROLE)) in ("user", "system")
    return reader.conversation(ending if whole else [*opening, *ending], system)


def _of_pair(reader: TurnReader, item: dict[str, Any], fields: dict[str, Any], system: str) -> Conversation:
    """One question and its answer; earlier turns in ``history``."""
    asks = [field for field in (INSTRUCTION, INPUT) if field in fields]
    request = ""
    if PROMPT in fields and (not asks or "query" in item):
        asks = [PROMPT, *asks]
    elif PROMPT in fields:
        request = text_of(fields[PROMPT], PROMPT)
    if not asks and (whole := marked(fields.get(OUTPUT))).messages:
        return reader.transcript(whole, system)
    if not asks:
        raise ShapeError(_("没有 {key}，有的字段是 {keys}", key=INPUT, keys=keys_shown(item)))
    if OUTPUT not in fields:
        _refuse_empty(item)
        raise ShapeError(_("没有 {key}，有的字段是 {keys}", key=OUTPUT, keys=keys_shown(item)))
    asked = "\n".join(text_of(fields[field], field) for field in asks)
    answer = text_of(fields[OUTPUT], OUTPUT)
    if isinstance(item.get("prompt"), str) and isinstance(item.get("completion"), str):
        asked, answer = reader.without_separators(asked, answer)
    before = marked(asked)
    if before.messages and all(role_of(message["role"]) for message in before.messages):
        told = reader.transcript(before, system, unmarked(answer))
        return replace(told, form=ALPACA if INSTRUCTION in fields else PAIRS)
    last = Turn(asked, answer)
    form = PAIRS
    if INSTRUCTION in fields:
        form = ALPACA
    elif "output" in item:
        form = MERGED
    if HISTORY not in fields:
        return Conversation(system, (last,), RAW if REQUEST in fields else form, prompt=request)
    earlier = reader.conversation(listed(fields[HISTORY], HISTORY), system)
    return replace(earlier, turns=(*earlier.turns, last), form=form, prompt=request)
