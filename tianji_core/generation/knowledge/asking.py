"""Builds the request for questions and answers about a chunk, and reads the answer."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.errors import TeacherAnswerError
from tianji_core.i18n import _
from tianji_core.store.knowledge import Dialogue, QuestionAnswer
from tianji_core.teachers.reply import read_reply

PROMPT = """你在为一个问答助手准备教材。读下面的资料，出 {pairs} 组问答。
- 问题要像读者自己会问的话，不看资料也明白在问什么，不要出现“资料”“文中”“上面”这类字眼；
- 每个问题问不同的事，答案只写资料里有的，说完整，不编造、不评论；
- {shape}
资料出自《{file}》：
{text}"""
SINGLE = '只返回一个 JSON 列表，每一项是 {"question": "问题", "answer": "答案"}，前后不要写别的。'
SEVERAL = (
    "每一组是同一个读者连着问的 {turns} 个问题，后面的问题接着前面的答案问；"
    '只返回一个 JSON 列表，每一项是 {{"turns": [{{"question": "问题", "answer": "答案"}}, …]}}，前后不要写别的。'
)
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


def knowledge_prompt(settings: KnowledgeSettings, file: str, text: str) -> str:
    """Returns the request for one chunk."""
    shape = SINGLE if settings.turns == 1 else SEVERAL.format(turns=settings.turns)
    return PROMPT.format(pairs=settings.pairs, shape=shape, file=file, text=text)


def read_conversations(
    answer: str, settings: KnowledgeSettings, finish_reason: str = "stop"
) -> list[Dialogue]:
    """Returns the questions and answers in a teacher's answer. Fenced or broken JSON is repaired; items
    without a question or an answer are left out, and so are more items than were asked for, and the last one
    of an answer that is cut off.

    Raises:
        TeacherAnswerError: there is none.
    """
    value = read_reply(answer)
    conversations = []
    for item in _items(value):
        if turns := _turns(item):
            conversations.append(Dialogue(turns[: settings.turns]))
    if finish_reason in ("length", "cut") and not _complete(answer):
        del conversations[-1:]
    if not conversations:
        said = " ".join(answer.split())[:80]
        raise TeacherAnswerError(_("回答里没有可用的问答（要的是 JSON 列表）：{said}", said=said))
    return conversations[: settings.pairs]


def _complete(answer: str) -> bool:
    """Whether the list in an answer is closed; in one that is cut off the last pair may lack its end."""
    return answer.rstrip().removesuffix("```").rstrip().endswith(("]", "}"))


def _items(value: Any) -> list[Any]:
    """Returns the list that was asked for, also where it is wrapped in an object or is a single item."""
    if isinstance(value, str):
        value = read_reply(value) if value.lstrip().startswith(("[", "{")) else []
    if isinstance(value, dict):
        if _pair(value) is not None or isinstance(value.get("turns"), list):
            return [value]
        return next((inner for inner in value.values() if isinstance(inner, list)), [])
    return value if isinstance(value, list) else []


def _turns(item: Any) -> tuple[QuestionAnswer, ...]:
    """Returns the turns of one item; a turn without question and answer ends the conversation."""
    if isinstance(item, dict) and isinstance(item.get("turns"), list):
        inner = item["turns"]
    elif isinstance(item, list):
        inner = item
    else:
        inner = [item]
    turns = []
    for turn in inner:
        pair = _pair(turn)
        if pair is None:
            break
        turns.append(QuestionAnswer(pair.question, pair.answer))
    return tuple(turns)


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
