"""Builds the request for a verdict on one sample, and reads the answer. Pure."""

import re
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tianji_core.errors import TeacherAnswerError
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store.samples import Sample
from tianji_core.teachers.reply import read_reply

_FORM = """只返回一个 JSON 对象，前后不要写别的：{"fit": 分数, "style": 分数, "naturalness": 分数, "reason": "理由"}"""


class JudgeVerdict(BaseModel):
    """The scores (0-5) of one text and the main reason for them."""

    model_config = ConfigDict(extra="ignore")

    fit: float = Field(ge=0, le=5)
    style: float = Field(ge=0, le=5)
    naturalness: float = Field(ge=0, le=5)
    reason: str = Field(default="", max_length=400)

    @field_validator("fit", "style", "naturalness", mode="before")
    @classmethod
    def _number_in_words(cls, value: Any) -> Any:
        """Accepts '4分', '4/5' and '4.5 / 5' as numbers."""
        if isinstance(value, str) and (
            match := re.match(r"\s*(\d+(?:\.\d+)?)\s*(?:分|/\s*5(?:\.0)?)?\s*$", value)
        ):
            return float(match.group(1))
        return value

    @field_validator("reason", mode="before")
    @classmethod
    def _short_reason(cls, value: Any) -> Any:
        return " ".join(value.split())[:400] if isinstance(value, str) else ""


class _Names(NamedTuple):
    field: str
    others: tuple[str, ...]


_NAMES = (
    _Names("fit", ("合适", "适合", "贴合")),
    _Names("style", ("风格", "文风")),
    _Names("naturalness", ("自然", "natural", "自然度", "fluency")),
    _Names("reason", ("理由", "原因", "comment")),
)
_SCORES = frozenset(names.field for names in _NAMES[:3])

_SCORED = re.compile(
    r"[\s*|#•\-\d.)、]{0,12}([A-Za-z]{1,20}|[\u4e00-\u9fff]{1,4})[\s*|]{0,6}[:：|][\s*|]{0,6}(\d(?:\.\d+)?\s*(?:分|/\s*5)?)[\s*|。]*$"
)
"""A line with one score, also in a list, in bold or in a table."""


def judge_prompt(recipe: Recipe, sample: Sample) -> str:
    """Returns the request for a verdict on a sample."""
    style = recipe.style(sample.style)
    said = ""
    if style is not None:
        said = _style_line(style.text, style.instruction, style.min_chars, style.max_chars)
    return recipe.request(
        "judge", task=sample.input.strip(), style=said, text=sample.output.strip(), form=_FORM
    )


def _style_line(title: str, instruction: str, low: int, high: int) -> str:
    return f"要的风格：{title}（{instruction}，{low} 到 {high} 个字）"


def read_verdict(answer: str) -> JudgeVerdict:
    """Returns the verdict in a judge's answer; fenced or broken JSON is repaired.

    Raises:
        TeacherAnswerError: there is none, or a number is missing or not 0 to 5.
    """
    value = read_reply(answer)
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, dict)), None)
    said = " ".join(answer.split())[:80]
    fields = _fields(value) if isinstance(value, dict) else {}
    if isinstance(value, dict) and _SCORES.isdisjoint(fields):
        inner = [_fields(part) for part in value.values() if isinstance(part, dict)]
        scored = [part for part in inner if not _SCORES.isdisjoint(part)]
        fields = {**fields, **scored[0]} if len(scored) == 1 else fields
    fields = fields or _in_lines(answer)
    if not fields:
        raise TeacherAnswerError(_("回答里没有评分（要的是 JSON 对象）：{said}", said=said))
    try:
        return JudgeVerdict.model_validate(fields)
    except ValidationError as error:
        raise TeacherAnswerError(_("回答里的评分不全，或者不是 0 到 5：{said}", said=said)) from error


def _fields(value: dict[Any, Any]) -> dict[str, Any]:
    """Returns field → value of what an object holds under the names of a verdict."""
    plain = {str(name).strip().lower(): item for name, item in value.items()}
    known = {
        names.field: [plain[name] for name in (names.field, *names.others) if name in plain]
        for names in _NAMES
    }
    return {field: items[0] for field, items in known.items() if items}


def _in_lines(answer: str) -> dict[str, Any]:
    """Returns the scores of an answer that gives one on each line ("合适：4 分"), empty where one is missing
    or stands there twice."""
    found: dict[str, Any] = {}
    for line in answer.splitlines():
        if (scored := _SCORED.match(line)) is None:
            continue
        name = scored[1].lower()
        field = next((names.field for names in _NAMES[:3] if name in (names.field, *names.others)), "")
        if field in found:
            return {}
        found[field] = scored[2]
    found.pop("", None)
    return found if len(found) == len(_NAMES) - 1 else {}
