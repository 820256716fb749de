"""The report of the walk-through: results of its steps, answers before and after training, pass rates."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tianji_core.evaluation import BeforeAfter, PassRate
from tianji_core.files import write_text
from tianji_core.project import CONFIGS
from tianji_core.sentences import STORED, Sentence
from tianji_core.workspace import Workspace


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class StepResult(_Frozen):
    """One result of a step: what was made, its path, and the seconds since the step began."""

    title: Sentence
    made: Sentence
    path: str = ""
    seconds: float = 0.0


class DemoReport(_Frozen):
    """The report. ``complete`` is False while the walk-through runs."""

    complete: bool = False
    recipe: str = ""
    """Key of the recipe in which everything was made."""
    model: str = ""
    """Name of the trained model, '' until it answers."""
    steps: tuple[StepResult, ...] = ()
    answers: tuple[BeforeAfter, ...] = ()
    rates: tuple[PassRate, ...] = ()
    copied: float | None = None
    """Share (0-1) of the trained model's answers that are a training text but for the name."""


def report_path(workspace: Workspace) -> Path:
    """Returns the path of the newest walk-through's report."""
    return workspace.exports / "demo.json"


def read_report(workspace: Workspace) -> DemoReport | None:
    """Returns the newest walk-through's report, None where there is none."""
    try:
        return DemoReport.model_validate_json(report_path(workspace).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None


def example_report() -> DemoReport:
    """Returns the results of a walk-through of 900 texts in three styles, as it ended on a machine with two
    cores."""
    text = (CONFIGS / "example_walk.json").read_text(encoding="utf-8")
    return DemoReport.model_validate_json(text)


def write_report(workspace: Workspace, report: DemoReport) -> None:
    """Writes the report."""
    write_text(report_path(workspace), report.model_dump_json(indent=2, context=STORED) + "\n")
