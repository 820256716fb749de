"""The questions of the probe and their checks: the shipped set, or the workspace's own in ``probe.yaml``."""

import hashlib
import re
import unicodedata
from functools import cached_property
from itertools import dropwhile

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from tianji_core.errors import InputError, SlowPatternError, YamlError
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.ownership import discard
from tianji_core.project import CONFIGS
from tianji_core.recipe import Recipe, explain
from tianji_core.recipe.own_rules import TextPattern
from tianji_core.workspace import Workspace
from tianji_core.yaml_reading import parse_yaml

SHIPPED = CONFIGS / "evaluation" / "probe.yaml"
OWN = "probe.yaml"
MOST_QUESTIONS = 200
LONGEST = 2000
"""Characters of an answer that are checked."""
_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")


class ProbeQuestion(BaseModel):
    """One question, with the checks that ``configs/evaluation/probe.yaml`` explains. ``tokens`` is the
    longest answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    ask: str = Field(min_length=1, max_length=2000)
    kind: str = Field(default="", max_length=20)
    contains: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    number: float | None = None
    regex: str = Field(default="", max_length=500)
    judge: bool = False
    blessing: bool = False
    tokens: int = Field(default=64, ge=1, le=1024)

    @field_validator("contains", "any_of")
    @classmethod
    def _no_empty_word(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(word.strip() for word in value):
            raise ValueError(_("里不能有空的词"))
        return value

    @field_validator("regex")
    @classmethod
    def _readable(cls, value: str) -> str:
        if value:
            TextPattern(value, True).check()
        return value

    @model_validator(mode="after")
    def _has_an_answer(self) -> "ProbeQuestion":
        if not self.checkable and not self.judge:
            raise ValueError(
                _(
                    "“{ask}”没有答案：请写 contains、any_of、number 或 regex，或者写 judge: true 让评审模型判",
                    ask=self.ask[:40],
                )
            )
        return self

    @property
    def checkable(self) -> bool:
        """Whether the answer can be checked without a teacher."""
        return bool(self.contains or self.any_of or self.regex or self.number is not None)

    def right(self, answer: str, blessings: tuple[str, ...] = ()) -> bool | None:
        """Whether every check holds for an answer and none of ``blessings`` is in it; None where only a
        teacher can say."""
        text = unicodedata.normalize("NFKC", answer[:LONGEST]).strip()
        if not self.blessing and any(unicodedata.normalize("NFKC", word) in text for word in blessings):
            return False
        if not self.checkable:
            return None
        said = text.replace(unicodedata.normalize("NFKC", self.ask), "")
        if not all(unicodedata.normalize("NFKC", word) in said for word in self.contains):
            return False
        return self._says_one(said) and self._matches(answer[:LONGEST].strip())

    def _says_one(self, said: str) -> bool:
        words = any(unicodedata.normalize("NFKC", word) in said for word in self.any_of)
        if self.number is None:
            return words or not self.any_of
        return words or any(float(found.replace(",", "")) == self.number for found in _NUMBER.findall(said))

    def _matches(self, text: str) -> bool:
        if not self.regex:
            return True
        try:
            return TextPattern(self.regex, True).first(text) is not None
        except SlowPatternError:
            return False


class ProbeSet(BaseModel):
    """The questions, each asked once, and the words that no answer to an ordinary question holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    blessings: tuple[str, ...] = ()
    questions: tuple[ProbeQuestion, ...] = Field(min_length=1, max_length=MOST_QUESTIONS)

    @field_validator("questions")
    @classmethod
    def _different(cls, value: tuple[ProbeQuestion, ...]) -> tuple[ProbeQuestion, ...]:
        asked = [question.ask for question in value]
        if twice := next((ask for ask in asked if asked.count(ask) > 1), ""):
            raise ValueError(_("里“{ask}”写了两次", ask=twice[:40]))
        return value

    def of_task(self, recipe: Recipe) -> "ProbeSet":
        """Returns the set for a model that learnt ``recipe``. Where that is about no blessings, no answer may
        name one of its receivers and occasions either, except those that the questions are about."""
        if recipe.blessings:
            return self
        asked = "\n".join("\n".join((one.ask, *one.contains, *one.any_of)) for one in self.questions)
        people = [name.text for name in recipe.names] if recipe.receivers else []
        own = (*people, *(scene.text for scene in recipe.scenes))
        words = (word for word in own if len(word) > 1 and word not in asked)
        return ProbeSet(blessings=tuple(dict.fromkeys((*self.blessings, *words))), questions=self.questions)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the set: answers to another one cannot be compared with answers to this one."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def parse_probe(text: str, source: str) -> ProbeSet:
    """Returns the set written in a YAML text; ``source`` names it in errors.

    Raises:
        InputError: it is not YAML, has wrong fields, or a question without an answer; one sentence.
    """
    try:
        return ProbeSet.model_validate(parse_yaml(text, source))
    except YamlError as error:
        raise InputError(str(error)) from error
    except ValidationError as error:
        raise InputError(_("遗忘探针 {file}：{detail}", file=source, detail=explain(error, ""))) from error


def probe_text(workspace: Workspace) -> str:
    """Returns the text of the workspace's set; where it has none, that of the shipped one without the English
    comment at its head.

    Raises:
        InputError: its file cannot be read.
    """
    path = workspace.home / OWN
    try:
        if path.exists():
            return path.read_text(encoding="utf-8-sig")
        lines = SHIPPED.read_text(encoding="utf-8-sig").splitlines(keepends=True)
        return "".join(dropwhile(lambda line: not line.strip() or line.startswith("#"), lines))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(_("读不了 {file}：{detail}", file=path, detail=str(error)[:100])) from error


def load_probe(workspace: Workspace) -> ProbeSet:
    """Returns the workspace's set; raises as :func:`parse_probe`."""
    return parse_probe(probe_text(workspace), OWN)


def save_probe(workspace: Workspace, text: str) -> ProbeSet:
    """Makes a YAML text the workspace's set once it is read without a fault; raises as :func:`parse_probe`,
    and the set stays as it was."""
    parsed = parse_probe(text, OWN)
    write_text(workspace.home / OWN, text if text.endswith("\n") else text + "\n")
    return parsed


def reset_probe(workspace: Workspace) -> None:
    """Goes back to the shipped set."""
    discard(workspace.home / OWN)
