"""What the walk-through leaves for people to look at: where things lie, answers before and after, pass rates."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tianji_core.files import write_text
from tianji_core.workspace import Workspace


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class StepResult(_Frozen):
    """One finished step: what it made, where that lies, and the seconds it took."""

    title: str
    made: str
    path: str = ""
    seconds: float = 0.0


class BeforeAfter(_Frozen):
    """One request, answered by the base and by the trained model."""

    style: str
    request: str
    before: str
    after: str


class PassRate(_Frozen):
    """Share of answers in 0..1 that pass every check, per style ('' is all of them), on cells that no training text
    was about; ``low`` and ``high`` bound ``after`` with 95 % confidence; ``count`` answers each."""

    style: str
    count: int
    before: float
    after: float
    low: float
    high: float


class DemoReport(_Frozen):
    """The whole walk-through. ``complete`` is False while it runs."""

    complete: bool = False
    steps: tuple[StepResult, ...] = ()
    answers: tuple[BeforeAfter, ...] = ()
    rates: tuple[PassRate, ...] = ()
    copied: float | None = None
    """Share of the trained model's answers that are a training text word for word."""


def report_path(workspace: Workspace) -> Path:
    """Where the newest walk-through's report stands."""
    return workspace.exports / "demo.json"


def read_report(workspace: Workspace) -> DemoReport | None:
    """The newest walk-through, or None where there was none."""
    try:
        return DemoReport.model_validate_json(report_path(workspace).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None


def write_report(workspace: Workspace, report: DemoReport) -> None:
    """Replace the report."""
    write_text(report_path(workspace), report.model_dump_json(indent=2) + "\n")
