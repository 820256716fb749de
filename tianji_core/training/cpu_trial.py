"""CPU 试训: a few steps of a preset on the CPU with the first two layers of its base, to see that data and
settings work before a card is rented. It leaves no model: its folder goes when it ends."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tianji_core import jobs
from tianji_core.dataset import training_file, verify
from tianji_core.errors import TrainingError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject, Reporter
from tianji_core.locks import FileLock
from tianji_core.model_folders.base import checked_base
from tianji_core.model_folders.trust import runs_code
from tianji_core.ownership import discard, new_folder
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training import engine
from tianji_core.training.base_trials import KIND
from tianji_core.training.child import run_tool, tool_environment
from tianji_core.training.child_faults import tool_cause
from tianji_core.training.commands import arguments
from tianji_core.training.config import write_config
from tianji_core.training.estimate import estimate, read_training_file
from tianji_core.training.lock import CPU, Hold
from tianji_core.training.presets import Preset, preset
from tianji_core.training.settings import LORA_FIELDS, TrainingSettings
from tianji_core.training.target import Target
from tianji_core.training.verdict import failure_of
from tianji_core.workspace import Workspace

LAYERS = 2
"""Layers of the base that a trial trains."""
STEPS = 4
"""Iterations that a trial is to have."""
LENGTH = 512
"""Tokens in a packed sequence of a trial, at most."""
FOLDER = ".cpu-trial"
"""The folder of the trial that runs, among the trainings; a trial that was killed leaves it to the next."""


class CpuTrial(BaseModel):
    """What came out of a trial: ``iterations``, and the ``first`` and ``last`` loss; no model."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    iterations: int
    first: float
    last: float

    @property
    def sentence(self) -> str:
        """The outcome for people."""
        return _(
            "CPU 试训走通了：{layers} 层、{n} 步，损失 {first} → {last}。这只说明数据和设置能用，没有留下模型",
            layers=LAYERS,
            n=self.iterations,
            first=f"{self.first:.3f}",
            last=f"{self.last:.3f}",
        )


class CpuTrialSubject(JobSubject):
    """The preset, the settings and the dataset version that a job tries on the CPU."""

    worker = "tianji_core.training.worker:try_on_cpu"

    preset: str
    settings: TrainingSettings
    dataset_version_id: int


def start_cpu_trial(
    workspace: Workspace, key: str, settings: TrainingSettings, version: DatasetVersion
) -> Job:
    """Starts a job that tries a preset on the CPU, or returns the one that does.

    Raises:
        StudioError: the preset learns from pairs, the base or the dataset is missing or incomplete, or nobody
            allowed the base's code.
    """
    chosen = preset(key, workspace)
    if chosen.from_pairs:
        raise TrainingError(_("CPU 试训只试学数据集的预设；学偏好对的请直接用纳米模型练一次"))
    checked_base(settings.base_folder)
    runs_code(workspace, settings.base_folder)
    verify(workspace, version)
    subject = CpuTrialSubject(preset=key, settings=settings, dataset_version_id=version.id)
    running = next(
        (job for job in _running(workspace) if jobs.subject_of(job, CpuTrialSubject) == subject), None
    )
    title = _("CPU 试训：{preset}", preset=_(chosen.title))
    return running or jobs.start_worker(workspace, KIND, title, subject)


def cpu_trial_job(workspace: Workspace) -> Job | None:
    """The job that tries a preset on the CPU now."""
    return next(iter(_running(workspace)), None)


def _running(workspace: Workspace) -> list[Job]:
    listed = jobs.listed(workspace, kind=KIND, active=True)
    return [job for job in listed if jobs.subject_of(job, CpuTrialSubject) is not None]


def kept_cpu_trial(
    workspace: Workspace, key: str, settings: TrainingSettings, version: DatasetVersion
) -> CpuTrial | None:
    """What came out of the trial of these settings; None where there was none, or it failed."""
    try:
        text = _place(workspace, key, settings, version).read_text(encoding="utf-8")
        return CpuTrial.model_validate_json(text)
    except (OSError, ValidationError):
        return None


def _place(workspace: Workspace, key: str, settings: TrainingSettings, version: DatasetVersion) -> Path:
    facts = [key, settings.model_dump(mode="json"), version.sha256]
    digest = hashlib.sha256(json.dumps(facts).encode(errors="surrogateescape")).hexdigest()[:32]
    return workspace.home / "cache" / "cpu-trials" / f"{digest}.json"


def run_cpu_trial(
    workspace: Workspace,
    key: str,
    settings: TrainingSettings,
    version: DatasetVersion,
    reporter: Reporter | None = None,
) -> CpuTrial:
    """Cuts the base, trains a few steps in a folder of its own, removes it, and keeps what came out.

    Raises:
        TrainingError: the CPU is taken, or the trial failed; says why.
    """
    reporter = reporter or Reporter()
    chosen, hold = preset(key, workspace), Hold(workspace)
    with FileLock(workspace.runs / f"{FOLDER}.lock"):
        if not hold.take([CPU]):
            raise TrainingError(_("CPU 上正在训练，等它结束再试训"))
        discard(workspace.runs / FOLDER)
        folder = new_folder(workspace.runs / FOLDER)
        try:
            trial = _tried(workspace, chosen, settings, version, folder, reporter)
        finally:
            discard(folder)
            hold.release()
    write_json(_place(workspace, key, settings, version), trial.model_dump(mode="json"))
    return trial


def _tried(
    workspace: Workspace,
    chosen: Preset,
    settings: TrainingSettings,
    version: DatasetVersion,
    folder: Path,
    reporter: Reporter,
) -> CpuTrial:
    base, short = settings.base_folder, new_folder(folder / "base")
    code = runs_code(workspace, base)
    reporter.update(0, message=_("正在截取基座的前 {n} 层", n=LAYERS))
    environment = tool_environment(workspace, "cpu")
    allowed = ["--trust-remote-code"] if code else []
    ended = run_tool(
        ["-m", "tianji_core.training.cut_base", str(base), str(short), str(LAYERS), *allowed],
        environment,
        lambda _line: None,
    )
    if ended.code != 0:
        raise TrainingError(
            _("截不出基座的前 {n} 层：{reason}", n=LAYERS, reason=tool_cause(ended.tail, ended.code))
        )
    here = preset("nano-cpu-qlora" if chosen.method == "qlora" else "nano-cpu-lora")
    turns = read_training_file(training_file(workspace, version))
    tried = trial_settings(chosen, settings.model_copy(update={"base": str(short)}), here)
    file = folder / "train.json"
    write_json(file, [{"conversation": [turn]} for turn in few(turns, tried)])
    write_config(here, tried, file, folder, code)

    def on_line(line: str) -> None:
        if (step := engine.logged_step(line)) is not None:
            reporter.update(step.done, total=step.total, message=_("试训，不会留下模型"))

    reporter.update(0, message=_("正在加载模型和数据"))
    ended = run_tool(arguments(Target(), folder), environment, on_line)
    if reason := failure_of(ended, folder, tried):
        raise TrainingError(_("CPU 试训没有走通：{reason}", reason=reason))
    losses = [(point.iteration, point.loss) for point in engine.curve(folder) if point.loss is not None]
    return CpuTrial(iterations=losses[-1][0], first=losses[0][1], last=losses[-1][1])


def trial_settings(chosen: Preset, settings: TrainingSettings, here: Preset) -> TrainingSettings:
    """The settings of a preset for its trial: short sequences, one at a time, and no waiting for a step.
    Those that the preset lacks are the trial's own."""
    changes: dict[str, object] = {
        "max_length": min(LENGTH, settings.max_length),
        "batch_size": 1,
        "accumulation": 1,
        "epochs": 1,
        "warmup_ratio": 0.0,
        "log_interval": 1,
        "save_interval": STEPS,
        "eval_interval": 0,
        "keep_checkpoints": 1,
        "eval_prompts": settings.eval_prompts[:1],
        "eval_tokens": min(8, settings.eval_tokens),
        "profile": "",
        "curves": "",
    }
    own = [name for name in LORA_FIELDS if name not in chosen.fields]
    return settings.model_copy(update=changes | {name: here.values[name] for name in own})


def few(turns: Sequence[dict[str, str]], settings: TrainingSettings) -> list[dict[str, str]]:
    """As many turns as fill :data:`STEPS` sequences, again from the first where there are too few."""
    each = max(1.0, estimate(list(turns), settings).tokens / max(1, len(turns)))
    count = int(STEPS * settings.max_length / each) + 2
    return [turns[number % len(turns)] for number in range(count)]
