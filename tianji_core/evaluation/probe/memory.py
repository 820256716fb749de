"""What a model still knows of what its base knew: the answers of both to the same questions."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from tianji_core.i18n import _

FEW_KNOWN = 5
"""Right answers of the base below which forgetting cannot be told."""


class ProbeAnswer(BaseModel):
    """One answer; ``right`` is None where only a teacher could say and none did."""

    model_config = ConfigDict(frozen=True)

    ask: str
    answer: str
    right: bool | None


class ProbePoint(BaseModel):
    """The answers of the checkpoint after ``iteration`` iterations, 0 for the base, to the set with this
    ``digest``."""

    model_config = ConfigDict(frozen=True)

    iteration: int
    digest: str
    answers: tuple[ProbeAnswer, ...]

    @property
    def right(self) -> int:
        """The number of right answers."""
        return sum(answer.right is True for answer in self.answers)


@dataclass(frozen=True)
class Memory:
    """What is kept: of ``asked`` questions the base answered ``known`` right, of which the model still
    answers ``kept``. ``lost`` are (question, answer of the base, answer now) of the others, ``gained`` counts
    the right answers that the base did not have."""

    asked: int
    known: int
    kept: int
    gained: int
    lost: tuple[tuple[str, str, str], ...]

    @property
    def tells(self) -> bool:
        """Whether the base knew enough to see forgetting."""
        return self.known >= FEW_KNOWN

    @property
    def sentence(self) -> str:
        """The result for a person; says so where the base knew nothing."""
        if not self.known:
            return _("遗忘探针：基座原来一题也答不对（{n} 题），谈不上忘", n=self.asked)
        if not self.tells:
            return _(
                "遗忘探针：基座原来只答对 {known} 题（共 {n} 题），太少，看不出忘没忘",
                known=self.known,
                n=self.asked,
            )
        return _(
            "遗忘探针：原来会的 {known} 题，还会 {kept} 题（一共问了 {n} 题）",
            known=self.known,
            kept=self.kept,
            n=self.asked,
        )


def memory_of(base: ProbePoint, now: ProbePoint) -> Memory:
    """Returns what ``now`` keeps of what ``base`` answered right; only questions that both were asked and
    that were judged in both count."""
    before: dict[str, ProbeAnswer] = {answer.ask: answer for answer in base.answers}
    pairs: Sequence[tuple[ProbeAnswer, ProbeAnswer]] = [
        (before[answer.ask], answer)
        for answer in now.answers
        if answer.right is not None and answer.ask in before and before[answer.ask].right is not None
    ]
    known = [(old, new) for old, new in pairs if old.right]
    return Memory(
        asked=len(pairs),
        known=len(known),
        kept=sum(bool(new.right) for _old, new in known),
        gained=sum(bool(new.right) for old, new in pairs if not old.right),
        lost=tuple((old.ask, old.answer, new.answer) for old, new in known if not new.right),
    )
