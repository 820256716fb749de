"""Reads a conversation from an item of a file by what its turns hold, whatever the names around them. Pure.

Known are the tutorial's and xtuner's ``conversation``, Alpaca, ShareGPT, OpenAI messages, Firefly, BELLE,
MOSS, COIG, UltraChat, LLaMA-Factory's and TRL's forms, and pairs of questions and answers under common
names."""

import re
from dataclasses import replace
from typing import Any

from tianji_core.dataset.conversation import (
    ALPACA,
    MERGED,
    MESSAGES,
    PAIRS,
    RAW,
    SHAREGPT,
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
    listed,
    role_of,
    text_of,
)
from tianji_core.i18n import _

_MARKS = ("weight", "loss", "loss_scale", "output_with_loss", "train", "train_on_turn", "masked", "mask")
_DEFAULT_MARKS = (None, True, 1, 1.0, "true", "True", "1")
_OFF_IS_DEFAULT = ("masked", "mask")
_TOKENS = re.compile(r"^\s*<\|(?:Human|MOSS)\|>[:：]\s*|\s*<eo[hma]>\s*$")
"""Tokens of MOSS around a turn."""
_SPEAKER = re.compile(r"(?:^\s*|\n[^\S\n]*|<eo[hma]>\s*)\[?(Human|User|Assistant|MOSS)\]?[:：]")
_CHATML = re.compile(r"<\|im_start\|>(\w+)\n(.*?)(?:<\|im_end\|>|$)", re.DOTALL)
SEPARATORS = "separators"
"""Stands in ``left_out`` for the marks of :data:`_ASK_ENDS` and :data:`_ANSWER_ENDS`."""
_ASK_ENDS = re.compile(r"#{3,}|-+>|={3,}|-{3,}|\|{2,}")
_ANSWER_ENDS = re.compile(r"(?:\bEND|\[END\]|<\|?end(?:oftext)?\|?>)\Z")
"""Marks at which the prompt, and the completion, of OpenAI's first form of training data end."""
_LONGEST_MARK = 20
_REJECTED = ("rejected", "rejected_response", "response_rejected", "non_preferred_output")
_LABEL = "label"


def _without_ask_end(asked: str) -> str:
    """A prompt without the mark on its last line; an arrow may also stand behind a space."""
    bare = asked.rstrip()
    parts = bare.rsplit(None, 1)
    if len(parts) < 2 or not _ASK_ENDS.fullmatch(parts[1]):
        return bare
    before, mark = parts
    ends_line = "\n" in bare[len(before) : -len(mark)]
    return before if ends_line or mark.endswith(">") else bare


def _without_answer_end(answer: str) -> str:
    """A completion without the mark at its end."""
    bare = answer.strip()
    if bare.endswith("###"):
        return bare.rstrip("#").rstrip()
    found = _ANSWER_ENDS.search(bare[-_LONGEST_MARK:])
    return bare[: len(bare) - len(found[0])].rstrip() if found else bare


def conversation_of(item: Any) -> Conversation:
    """Returns the conversation in an item of any known form.

    Raises:
        ShapeError: the item has none.
    """
    if isinstance(item, list):
        return _Reader().conversation(item, "")
    if not isinstance(item, dict):
        raise ShapeError(_("不是一个对象，而是 {kind}", kind=type(item).__name__))
    if item.get(_LABEL) is False and (OUTPUT in fields_of(item) or TURNS in fields_of(item)):
        raise ShapeError(_("label 是 false，这是一条标为不好的回答"))
    fields = fields_of(item)
    reader = _Reader()
    reader.mark(item)
    reader.left_out += [name for name in _REJECTED if not is_missing(item.get(name))]
    if INSTRUCTION in fields and CONTEXT in fields:
        fields.setdefault(INPUT, fields[CONTEXT])
    system = _optional(fields, SYSTEM)
    if TURNS in fields and (OUTPUT not in fields or isinstance(fields[TURNS], list | dict)):
        told = listed(fields[TURNS], TURNS)
        instruction = _optional(fields, INSTRUCTION)
        found = reader.conversation([*told, *_answer_after(item, told)], system or instruction)
    elif OUTPUT not in fields and (messages := _chatml_in(item)) is not None:
        found = reader.conversation(messages, system)
    elif isinstance(fields.get(PROMPT), list) or isinstance(fields.get(OUTPUT), list | dict):
        found = _of_message_lists(reader, fields, system)
    elif OUTPUT in fields or INPUT in fields or INSTRUCTION in fields:
        found = _of_pair(reader, item, fields, system)
    elif ROLE in fields and CONTENT in fields:
        raise ShapeError(_("这是一条消息，不是一段对话；一段对话的消息应当在一个列表里"))
    elif (transcript := item.get("plain_text")) and isinstance(transcript, str):
        found = reader.conversation(_spoken(transcript), system)
    elif any(field_of(key) == TURNS for key in item):
        raise ShapeError(_("{key} 应当是一个不空的列表", key="conversation"))
    else:
        raise ShapeError(
            _(
                "认不出格式：没有 conversation、conversations、messages、instruction、input 或别的一问一答的字段"
            )
        )
    style = _optional(fields, STYLE) or found.style
    request = _optional(fields, REQUEST) or found.prompt
    return replace(found, style=style, prompt=request, left_out=tuple(dict.fromkeys(reader.left_out)))


def _optional(fields: dict[str, Any], field: str) -> str:
    return text_of(fields[field], field) if field in fields else ""


def _answer_after(item: dict[str, Any], told: list[Any]) -> list[Any]:
    """Returns the chosen answer that preference data keep beside the turns, as messages."""
    chosen = item.get("chosen")
    if isinstance(chosen, dict):
        return [chosen]
    return [] if is_missing(chosen) or not told else [{"role": "assistant", "content": chosen}]


def _of_message_lists(reader: "_Reader", fields: dict[str, Any], system: str) -> Conversation:
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


def _of_pair(reader: "_Reader", item: dict[str, Any], fields: dict[str, Any], system: str) -> Conversation:
    """One question and its answer; earlier turns in ``history``."""
    asks = [field for field in (INSTRUCTION, INPUT) if field in fields]
    request = ""
    if PROMPT in fields and (not asks or "query" in item):
        asks = [PROMPT, *asks]
    elif PROMPT in fields:
        request = text_of(fields[PROMPT], PROMPT)
    if not asks and isinstance(spoken := fields.get(OUTPUT), str) and _SPEAKER.match(spoken):
        return reader.conversation(_spoken(spoken), system)
    if not asks:
        raise ShapeError(_("没有 {key}", key=INPUT))
    if OUTPUT not in fields:
        empty = any(field_of(key) == OUTPUT for key in item)
        raise ShapeError(_("{key} 是空的", key=OUTPUT) if empty else _("没有 {key}", key=OUTPUT))
    asked = "\n".join(text_of(fields[field], field) for field in asks)
    answer = text_of(fields[OUTPUT], OUTPUT)
    if isinstance(item.get("prompt"), str) and isinstance(item.get("completion"), str):
        asked, answer = reader.without_separators(asked, answer)
    if len(_SPEAKER.findall(asked)) > 1 and _SPEAKER.match(asked):
        told = reader.conversation([*_spoken(asked), {"role": "assistant", "content": answer}], system)
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


def _chatml_in(item: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Returns the messages of a whole conversation in one text with the marks of ChatML; None for none."""
    text = next((value for key, value in item.items() if field_of(key) == CONTENT), None)
    if not isinstance(text, str) or "<|im_start|>" not in text:
        return None
    return [{"role": role, "content": said.strip()} for role, said in _CHATML.findall(text)]


def _spoken(transcript: str) -> list[dict[str, Any]]:
    """Returns the messages of a text in which the speakers' names precede what they say, as in BELLE and
    MOSS."""
    parts = _SPEAKER.split(transcript)[1:]
    roles, texts = parts[::2], [_TOKENS.sub("", text).strip() for text in parts[1::2]]
    messages = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
    while messages and not messages[-1]["content"]:
        messages.pop()
    return messages


class _Reader:
    """Puts together the turns of one conversation; ``left_out`` names what it cannot keep."""

    def __init__(self) -> None:
        self.left_out: list[str] = []
        self.system, self.style, self.request, self.form = "", "", "", ""
        self.turns: list[Turn] = []
        self.asked: str | None = None

    def mark(self, item: dict[str, Any]) -> None:
        """Notes the weights and the marks that exclude an answer from the loss."""
        for name in _MARKS:
            value = item.get(name)
            off = name in _OFF_IS_DEFAULT and value in (False, 0)
            if not off and not isinstance(value, list | dict) and value not in _DEFAULT_MARKS:
                self.left_out.append(name)

    def without_separators(self, asked: str, answer: str) -> tuple[str, str]:
        """Returns a prompt and a completion without the marks at their ends, and notes that they had some."""
        bare = _without_ask_end(asked), _without_answer_end(answer)
        if bare == (asked.rstrip(), answer.strip()) or not all(bare):
            return asked, answer
        self.left_out.append(SEPARATORS)
        return bare

    def conversation(self, told: list[Any], system: str) -> Conversation:
        """Returns the conversation of a list whose entries are messages, turns, pairs or texts."""
        self.system = system
        for number, entry in enumerate(told):
            if isinstance(entry, dict):
                self._entry(entry)
            elif isinstance(entry, list | tuple) and len(entry) == 2:
                self._turn(entry[0], entry[1], PAIRS)
            elif isinstance(entry, str):
                self._message("assistant" if number % 2 else "user", entry, CONTENT, PAIRS)
            else:
                raise ShapeError(_("对话里有一项不是消息，也不是一问一答"))
        if self.asked is not None or not self.turns:
            raise ShapeError(_("最后一问没有回答"))
        return Conversation(self.system, tuple(self.turns), self.form, self.style, self.request)

    def _entry(self, entry: dict[str, Any]) -> None:
        self.mark(entry)
        fields = fields_of(entry)
        if ROLE in fields:
            form = SHAREGPT if "from" in entry else MESSAGES
            self._message(role_of(fields[ROLE]), fields.get(CONTENT), CONTENT, form, fields[ROLE], entry)
            return
        if OUTPUT not in fields and INPUT not in fields and PROMPT not in fields:
            raise ShapeError(_("对话里有一项不是消息，也不是一问一答"))
        self._say_system(_optional(fields, SYSTEM))
        self.style = self.style or _optional(fields, STYLE)
        self.request = self.request or _optional(fields, REQUEST)
        form = MERGED if "input" in entry else PAIRS
        asked = fields.get(INPUT, fields.get(PROMPT))
        self._turn(asked, fields.get(OUTPUT), RAW if REQUEST in fields else form, entry)

    def _turn(self, asked: Any, answered: Any, form: str, entry: dict[str, Any] | None = None) -> None:
        if self.asked is not None:
            raise ShapeError(_("一问一答对不上：{role}", role=INPUT))
        for value, key in ((asked, INPUT), (answered, OUTPUT)):
            if value is None and entry is not None and key not in map(field_of, entry):
                raise ShapeError(_("没有 {key}", key=key))
        question, answer = text_of(asked, INPUT), text_of(answered, OUTPUT)
        self.turns.append(Turn(_TOKENS.sub("", question), _TOKENS.sub("", answer)))
        self.form = RAW if RAW in (form, self.form) else self.form or form

    def _message(
        self,
        role: str,
        said: Any,
        name: str,
        form: str,
        called: Any = "",
        entry: dict[str, Any] | None = None,
    ) -> None:
        if role == "tool" or (entry is not None and not is_missing(entry.get("tool_calls"))):
            raise ShapeError(_("有工具调用的对话不能用来训练祝福：{role}", role=str(called)[:40]))
        self.form = self.form or form
        if role == "system":
            if not is_missing(said):
                self._say_system(text_of(said, name))
        elif role == "user" and self.asked is None:
            self.asked = text_of(said, name)
        elif role == "assistant" and self.asked is not None:
            self.turns.append(Turn(self.asked, text_of(said, name)))
            self.asked = None
        else:
            raise ShapeError(_("一问一答对不上：{role}", role=str(called)[:40] or role))

    def _say_system(self, system: str) -> None:
        if not system or system == self.system:
            return
        if self.system:
            raise ShapeError(_("有两个不同的 system"))
        self.system = system
