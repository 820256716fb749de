"""Puts the turns of a conversation together from messages, pairs and texts, and names what a sample cannot
keep of them. Pure."""

import re
from typing import Any

from tianji_core.dataset.conversation import MERGED, MESSAGES, PAIRS, RAW, SHAREGPT, Conversation, Turn
from tianji_core.dataset.fields import (
    CONTENT,
    INPUT,
    INSTRUCTION,
    OUTPUT,
    PROMPT,
    REQUEST,
    ROLE,
    STYLE,
    SYSTEM,
    ShapeError,
    field_of,
    fields_of,
    is_missing,
    optional_text,
    role_of,
    text_of,
)
from tianji_core.dataset.transcripts import TOKENS, SpokenText
from tianji_core.i18n import _

_MARKS = ("weight", "loss", "loss_scale", "output_with_loss", "train", "train_on_turn", "masked", "mask")
_DEFAULT_MARKS = (None, True, 1, 1.0, "true", "True", "1")
_OFF_IS_DEFAULT = ("masked", "mask")
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "cot", "Complex_CoT")
GREETING, TAIL, BRANCHES, OPENING = "greeting", "tail", "branches", "opening"
"""Stand in ``left_out`` for an answer before the first question, a question after the last answer, other
replies than the best ranked one, and words before the first speaker of a text."""
SEPARATORS = "separators"
"""Stands in ``left_out`` for the marks of :data:`_ASK_ENDS` and :data:`_ANSWER_ENDS`."""
_ASK_ENDS = re.compile(r"#{3,}|-+>|={3,}|-{3,}|\|{2,}")
_ANSWER_ENDS = re.compile(r"(?:\bEND|\[END\]|<\|?end(?:oftext)?\|?>)\Z")
"""Marks at which the prompt, and the completion, of OpenAI's first form of training data end."""
_LONGEST_MARK = 20


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


class TurnReader:
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
        self.left_out += [
            name for name in _THOUGHTS if isinstance(item.get(name), str) and item[name].strip()
        ]

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
        if not self.turns:
            raise ShapeError(_("最后一问没有回答"))
        if self.asked is not None:
            self.left_out.append(TAIL)
        return Conversation(self.system, tuple(self.turns), self.form, self.style, self.request)

    def transcript(self, read: SpokenText, system: str, answer: str | None = None) -> Conversation:
        """Returns the conversation of a text, which ``answer`` goes on with."""
        ending = [] if answer is None else [{"role": "assistant", "content": answer}]
        self.left_out += [OPENING] * read.opened
        return self.conversation([*read.messages, *ending], system)

    def _entry(self, entry: dict[str, Any]) -> None:
        self.mark(entry)
        fields = fields_of(entry)
        if ROLE in fields and CONTENT not in fields and isinstance(data := entry.get("data"), dict):
            fields = {**fields_of(data), **fields}  # LangChain
        if ROLE in fields:
            form = SHAREGPT if "from" in entry else MESSAGES
            self._message(role_of(fields[ROLE]), fields.get(CONTENT), CONTENT, form, fields[ROLE], entry)
            return
        if not {OUTPUT, INPUT, PROMPT, INSTRUCTION} & set(fields):
            raise ShapeError(_("对话里有一项不是消息，也不是一问一答"))
        self._say_system(optional_text(fields, SYSTEM))
        self.style = self.style or optional_text(fields, STYLE)
        self.request = self.request or optional_text(fields, REQUEST)
        form = MERGED if "input" in entry else PAIRS
        asked = fields.get(INPUT, fields.get(PROMPT, fields.get(INSTRUCTION)))
        if INSTRUCTION in fields and INPUT in fields:
            asked = "\n".join(text_of(fields[field], field) for field in (INSTRUCTION, INPUT))
        self._turn(asked, fields.get(OUTPUT), RAW if REQUEST in fields else form, entry)

    def _turn(self, asked: Any, answered: Any, form: str, entry: dict[str, Any] | None = None) -> None:
        if self.asked is not None:
            raise ShapeError(_("一问一答对不上：{role}", role=INPUT))
        for value, key in ((asked, INPUT), (answered, OUTPUT)):
            if value is None and entry is not None and key not in map(field_of, entry):
                raise ShapeError(_("没有 {key}", key=key))
        question, answer = text_of(asked, INPUT), text_of(answered, OUTPUT)
        self.turns.append(Turn(TOKENS.sub("", question), TOKENS.sub("", answer)))
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
            raise ShapeError(_("有工具调用的对话不能用来训练：{role}", role=str(called)[:40]))
        self.form = self.form or form
        if role == "system":
            if not is_missing(said):
                self._say_system(text_of(said, name))
        elif role == "assistant" and self.asked is None and not self.turns and GREETING not in self.left_out:
            self.left_out.append(GREETING)
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
