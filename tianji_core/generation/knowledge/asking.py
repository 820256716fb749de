"""Builds the request for questions and answers about a chunk, and reads the answer."""

from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.errors import GateError, TeacherAnswerError
from tianji_core.gate import json_parts
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store.knowledge import Dialogue, QuestionAnswer
from tianji_core.teachers.reply import read_reply

SINGLE = '只返回一个 JSON 列表，每一项是 {"question": "问题", "answer": "答案"}，前后不要写别的。'
SEVERAL = (
    "每一组是同一个读者连着问的 {turns} 个问题，后面的问题接着前面的答案问；"
    '只返回一个 JSON 列表，每一项是 {{"turns": [{{"question": "问题", "answer": "答案"}}, …]}}，前后不要写别的。'
)
MOST_TURNS = 20
"""Turns that one conversation may have, whatever was asked for."""
_NAMES = {
    "question": ("question", "q", "问题", "问", "instruction", "input"),
    "answer": ("answer", "a", "答案", "回答", "答", "output", "response"),
}


class KnowledgeSettings(BaseModel):
    """``pairs`` conversations are asked for per chunk, each of ``turns`` questions; ``size`` and ``overlap``
    of the chunks in characters; ``system`` is the system prompt that the samples get; ``similar`` is the
    likeness (0-100) from which two questions count as the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pairs: int = Field(default=3, ge=1, le=20)
    turns: int = Field(default=1, ge=1, le=6)
    size: int = Field(default=600, ge=100, le=8000)
    overlap: int = Field(default=60, ge=0)
    system: str = Field(default="", max_length=2000)
    similar: float = Field(default=90.0, ge=50, le=100)


class _Question(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True)

    question: str = Field(min_length=2, max_length=1000)
    answer: str = Field(min_length=1, max_length=8000)


def knowledge_prompt(recipe: Recipe, settings: KnowledgeSettings, file: str, text: str) -> str:
    """Returns the request for one chunk."""
    shape = SINGLE if settings.turns == 1 else SEVERAL.format(turns=settings.turns)
    return recipe.request("documents", pairs=settings.pairs, form=shape, file=file, text=text)


class Understood(NamedTuple):
    """What an answer holds. ``unused`` counts its items that are no question with its answer, and those
    that are more than were asked for."""

    conversations: list[Dialogue]
    unused: int


def read_conversations(
    answer: str, settings: KnowledgeSettings, finish_reason: str = "stop"
) -> list[Dialogue]:
    """Returns the questions and answers in a teacher's answer, as :func:`understood` finds them.

    Raises:
        TeacherAnswerError: there is none.
    """
    return understood(answer, settings, finish_reason).conversations


def understood(answer: str, settings: KnowledgeSettings, finish_reason: str = "stop") -> Understood:
    """Returns the questions and answers in a teacher's answer, and how many items of it are not used.
    Broken JSON is repaired; of an answer that is cut off only the whole items count.

    Raises:
        TeacherAnswerError: there is no question with an answer.
    """
    cut = finish_reason in ("length", "cut") and not _complete(answer)
    found = _found(answer, settings, cut)
    if not found.conversations:
        said = " ".join(answer.split())[:80]
        raise TeacherAnswerError(_("回答里没有可用的问答（要的是 JSON 列表）：{said}", said=said))
    extra = max(0, len(found.conversations) - settings.pairs)
    return Understood(found.conversations[: settings.pairs], found.unused + extra)


def _found(answer: str, settings: KnowledgeSettings, cut: bool) -> Understood:
    """Reads the answer as one value, repaired where it is broken, and as the whole values in it; the
    reading that finds more counts."""
    parts = _read_items(_parts(answer), settings)
    if cut and parts.conversations:
        return parts._replace(unused=parts.unused + 1)
    try:
        whole = _read_items([read_reply(answer)], settings)
    except TeacherAnswerError:
        return parts
    if cut:
        return Understood(whole.conversations[:-1], whole.unused + 1)
    return parts if len(parts.conversations) > len(whole.conversations) else whole


def _parts(answer: str) -> list[Any]:
    try:
        return json_parts(answer)
    except GateError:
        return []


def _complete(answer: str) -> bool:
    """Whether the list in an answer is closed; in one that is cut off the last pair may lack its end."""
    return answer.rstrip().removesuffix("```").rstrip().endswith(("]", "}"))


def _read_items(values: list[Any], settings: KnowledgeSettings) -> Understood:
    conversations, unused = [], 0
    for item in (item for value in values for item in _items(value, settings.turns == 1)):
        turns, left = _turns(item)
        if turns:
            conversations.append(Dialogue(turns))
        unused += left
    return Understood(conversations, unused)


def _items(value: Any, single: bool) -> list[Any]:
    """Returns the list that was asked for, also where it is wrapped in objects, is several lists, or is a
    single item. Where ``single`` questions were asked for, a list in the list is no conversation but more
    of them."""
    if isinstance(value, str):
        value = _parts(value)
    if isinstance(value, dict):
        if _pair(value) is not None or isinstance(value.get("turns"), list):
            return [value]
        lists = [inner for inner in value.values() if isinstance(inner, list)]
        return [item for inner in lists for item in _items(inner, single)] or [value]
    if not isinstance(value, list):
        return []
    if single and any(isinstance(part, list) for part in value):
        return [item for part in value for item in (part if isinstance(part, list) else [part])]
    return value


def _turns(item: Any) -> tuple[tuple[QuestionAnswer, ...], int]:
    """Returns the turns of one item and the number of objects in it that are not used: a turn without
    question and answer ends the conversation. Numbers and words beside the items count as no item."""
    if isinstance(item, dict) and isinstance(item.get("turns"), list):
        inner = item["turns"]
    elif isinstance(item, list):
        inner = item
    else:
        inner = [item]
    turns = []
    for turn in inner[:MOST_TURNS]:
        pair = _pair(turn)
        if pair is None:
            break
        turns.append(QuestionAnswer(pair.question, pair.answer))
    return tuple(turns), sum(isinstance(turn, dict) and bool(turn) for turn in inner[len(turns) :])


def _pair(item: Any) -> _Question | None:
    if not isinstance(item, dict):
        return None
    plain = {str(name).strip().lower(): value for name, value in item.items()}
    fields = {
        field: next((plain[name] for name in names if isinstance(plain.get(name), str)), "")
        for field, names in _NAMES.items()
    }
    try:
        return _Question.model_validate(fields)
    except ValidationError:
        return None
