"""The plan and the outcome of a further training, one file each."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.workspace import Workspace


class RelearningPlan(BaseModel):
    """``model`` (merged, trained here) answers ``prompts`` training questions ``answers`` times each at
    ``temperature``. ``replay`` earlier samples are mixed in for each new one. ``by_votes`` lets the taste
    of the votes choose. ``questions`` held-out ones compare before and after."""

    model_config = ConfigDict(frozen=True)

    model: str
    recipe: str
    styles: tuple[str, ...] = ()
    prompts: int = Field(default=400, ge=1, le=5000)
    answers: int = Field(default=4, ge=1, le=16)
    temperature: float = Field(default=1.0, gt=0, le=2)
    replay: float = Field(default=1.0, ge=0, le=10)
    questions: int = Field(default=200, ge=1, le=2000)
    by_votes: bool = True
    seed: int = 0


class Measured(BaseModel):
    """Before and after on the same ``count`` held-out questions at one temperature: the shares (0-1) that
    passed, how many answers became right and wrong, and the share of questions whose new answer the taste
    of the voters prefers, a tie counting half; None without a taste."""

    model_config = ConfigDict(frozen=True)

    temperature: float
    count: int
    before: float
    after: float
    righted: int
    spoilt: int
    preferred: float | None = None


class RelearningResult(BaseModel):
    """What came of a plan: ``kept`` best answers out of ``sampled`` answers, of which ``passed`` passed;
    ``replayed`` earlier samples; the dataset version, training and new model that were made."""

    model_config = ConfigDict(frozen=True)

    plan: RelearningPlan
    sampled: int
    passed: int
    kept: int
    replayed: int
    version: str
    training_run_id: int
    model: str
    measured: tuple[Measured, ...]


def _folder(workspace: Workspace) -> Path:
    return workspace.home / "relearning"


def save_result(workspace: Workspace, result: RelearningResult) -> None:
    """Writes an outcome to the workspace."""
    path = _folder(workspace) / f"training-{result.training_run_id}.json"
    write_text(path, result.model_dump_json(indent=1) + "\n")


def newest_result(workspace: Workspace, recipe: str) -> RelearningResult | None:
    """Returns the newest outcome for a recipe that can be read, None where there is none."""
    paths = _folder(workspace).glob("training-*.json")
    for path in sorted(paths, key=lambda path: int(path.stem.removeprefix("training-")), reverse=True):
        try:
            result = RelearningResult.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            continue
        if result.plan.recipe == recipe:
            return result
    return None


def result_lines(result: RelearningResult) -> list[str]:
    """Returns an outcome in words, a sentence each."""
    lines = [
        _(
            "{model} 答了 {sampled} 条，{passed} 条通过检查，留下最好的 {kept} 条，混入 {replayed} 条旧样本",
            model=result.plan.model,
            sampled=result.sampled,
            passed=result.passed,
            kept=result.kept,
            replayed=result.replayed,
        ),
        _("新模型 {model}，数据集版本 {version}", model=result.model, version=result.version),
    ]
    for one in result.measured:
        line = _(
            "温度 {t:g}，没见过的 {n} 题：通过 {before} → {after}（改对 {righted}，改错 {spoilt}）",
            t=one.temperature,
            n=one.count,
            before=f"{one.before:.1%}",
            after=f"{one.after:.1%}",
            righted=one.righted,
            spoilt=one.spoilt,
        )
        if one.preferred is not None:
            line += _("；按票里的口味，{share} 的题新答案更好", share=f"{one.preferred:.0%}")
        lines.append(line)
    return lines
