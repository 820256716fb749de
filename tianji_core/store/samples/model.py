"""The record of a sample, and reading it from a row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Row

from tianji_core.i18n import N_
from tianji_core.store.schema import samples

PENDING, ACCEPTED, REJECTED = "pending", "accepted", "rejected"
STATES = (PENDING, ACCEPTED, REJECTED)
STATE_TITLES = {PENDING: N_("待审"), ACCEPTED: N_("采用"), REJECTED: N_("弃用")}
RUN, IMPORT, CHAT, KNOWLEDGE, COPY, SPLIT = "run", "import", "chat", "knowledge", "copy", "split"
IMITATION, FOLLOW_UP = "imitation", "follow_up"
SOURCE_TITLES = {
    RUN: N_("造数"),
    IMPORT: N_("导入"),
    CHAT: N_("对话"),
    KNOWLEDGE: N_("资料"),
    COPY: N_("复制"),
    SPLIT: N_("拆分"),
    IMITATION: N_("照着写"),
    FOLLOW_UP: N_("追问"),
}


@dataclass(frozen=True)
class Sample:
    """样本: one training example and its review state. ``history`` holds the earlier turns of a conversation
    as (input, output), ``options`` those of the recipe's axes as (axis, option), ``fact`` the detail
    about the receiver that it is to use; ``original`` is the output as it arrived;
    ``length`` is in characters. ``doubt`` is 0 for a sure text, else 0.5 to 1."""

    id: int
    recipe: str
    source: str
    run_id: int | None
    import_id: int | None
    name: str
    scene: str
    style: str
    options: tuple[tuple[str, str], ...]
    fact: str
    system: str
    history: tuple[tuple[str, str], ...]
    input: str
    output: str
    original: str
    length: int
    state: str
    rating: int | None
    score: float | None
    finding_count: int
    doubt: float
    version: int
    checked: int

    @property
    def is_checked(self) -> bool:
        """Whether the stored findings are about the current text."""
        return self.checked >= self.version


@dataclass(frozen=True)
class SampleProvenance:
    """Provenance of a stored sample. ``latency`` is in seconds; ``planted`` names the mistakes that the
    offline composer made on purpose; ``sampling`` holds the request parameters by name,
    ``examples`` the few-shot examples of the request."""

    prompt: str
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    latency: float | None
    request_id: str
    finish_reason: str
    reasoning: str
    planted: tuple[str, ...]
    examples: tuple[str, ...]
    sampling: dict[str, Any]


@dataclass(frozen=True)
class NewSample:
    """A sample to be stored that does not come from a run; ``state`` is pending unless a person has decided
    it already; ``recipe_revision`` is that of the recipe whose request it answers."""

    recipe: str
    system: str
    input: str
    output: str
    name: str = ""
    scene: str = ""
    style: str = ""
    history: tuple[tuple[str, str], ...] = ()
    prompt: str = ""
    model: str = ""
    state: str = PENDING
    options: tuple[tuple[str, str], ...] = ()
    fact: str = ""
    recipe_revision: int | None = None


_COLUMNS = tuple(samples.c[name] for name in Sample.__dataclass_fields__)


def columns() -> tuple[Column[Any], ...]:
    """Returns the columns that :func:`to_sample` reads."""
    return _COLUMNS


def turns_of(stored: Sequence[Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    """Returns the earlier turns that the column ``history`` holds, as (input, output)."""
    return tuple((turn["input"], turn["output"]) for turn in stored)


def stored_turns(turns: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Returns earlier turns (input, output) in the form of the column ``history``."""
    return [{"input": asked, "output": answered} for asked, answered in turns]


def to_sample(row: Row[Any]) -> Sample:
    """Returns the sample in a row that has the columns of :class:`Sample`."""
    values = dict(row._mapping)
    values["history"] = turns_of(values["history"])
    return Sample(**values)
