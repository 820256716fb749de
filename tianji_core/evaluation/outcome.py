"""The outcome of one question of an evaluation: what was asked, and whether the answer passed."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from tianji_core.evaluation.report import Judged

Question = tuple[str, str, str]
"""(name, scene, style)."""


class QuestionOutcome(BaseModel):
    """Whether the answer about ``scene`` for ``name`` in ``style`` passed every check."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    scene: str
    style: str
    passed: bool

    @property
    def question(self) -> Question:
        """What was asked."""
        return self.name, self.scene, self.style


def outcomes_of(judged: Iterable[Judged]) -> tuple[QuestionOutcome, ...]:
    """Returns the outcome of each judged answer, in their order."""
    return tuple(
        QuestionOutcome(
            name=one.case.name.text,
            scene=one.case.scene.text,
            style=one.case.style.text,
            passed=one.verdict.passed,
        )
        for one in judged
    )
