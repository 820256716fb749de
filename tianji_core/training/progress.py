"""How a training goes, read from its work folder: curve, trial answers, checkpoints. Needs no torch and writes nothing.

Every start or resume makes a new ``<timestamp>`` folder; the curve is stitched over all of them.
"""

import json
import math
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from tianji_core import jobs
from tianji_core.errors import JobError
from tianji_core.store.training import TrainingRun
from tianji_core.workspace import Workspace

ITERATION = re.compile(r"Iter\(train\)\s*\[\s*(\d+)/(\d+)\]")
LOSS = re.compile(r"\bloss: (\S+)")
_STAMP = re.compile(r"^\d{8}_\d{6}$")
_SAMPLE = re.compile(r"Sample output:\n(.*?)(?=\n\d{4}/\d\d/\d\d \d\d:\d\d:\d\d - |\Z)", re.DOTALL)
_ENDINGS = ("<|im_end|>", "</s>", "<|endoftext|>")


@dataclass(frozen=True)
class Point:
    """One logged point. ``loss`` is None where it was not finite; ``seconds`` per iteration; ``memory`` in MiB of
    GPU memory, None on a CPU."""

    iteration: int
    loss: float | None
    learning_rate: float
    seconds: float
    memory: float | None


@dataclass(frozen=True)
class TrialAnswer:
    """What the model answered to a trial prompt after ``iteration`` iterations; 0: before training."""

    iteration: int
    prompt: str
    answer: str


@dataclass(frozen=True)
class Checkpoint:
    """检查点. ``size`` in bytes; ``loss`` of the last point before it."""

    iteration: int
    path: Path
    size: int
    loss: float | None


@dataclass(frozen=True)
class TrainingState:
    """A training as it is now. ``state`` is its job's state ('missing' without a job), ``total`` the iterations or None
    before the first is logged, ``eta`` seconds left, ``reason`` why it failed."""

    run: TrainingRun
    state: str
    job: jobs.Job | None
    points: tuple[Point, ...]
    total: int | None
    eta: float | None
    trials: tuple[TrialAnswer, ...]
    checkpoints: tuple[Checkpoint, ...]
    reason: str

    @property
    def active(self) -> bool:
        """Whether it has not ended."""
        return self.job is not None and self.job.active

    @property
    def iteration(self) -> int:
        """The last logged iteration."""
        return self.points[-1].iteration if self.points else 0

    @property
    def loss(self) -> float | None:
        """The last logged loss."""
        return self.points[-1].loss if self.points else None

    @property
    def finished(self) -> bool:
        """Whether the checkpoint of the last iteration is there."""
        return any(checkpoint.iteration == self.total for checkpoint in self.checkpoints)


def training_state(workspace: Workspace, run: TrainingRun) -> TrainingState:
    """Everything the train page shows about a training."""
    job = None
    if run.job_id is not None:
        try:
            job = jobs.get(workspace, run.job_id)
        except JobError:
            job = None
    work_dir = work_folder(workspace, run)
    points = curve(work_dir)
    total = total_iterations(work_dir)
    prompts = [str(prompt) for prompt in run.settings.get("eval_prompts", [])]
    return TrainingState(
        run=run,
        state=job.state if job is not None else "missing",
        job=job,
        points=tuple(points),
        total=total,
        eta=_eta(work_dir, points, total) if job is not None and job.active else None,
        trials=tuple(trial_answers(work_dir, prompts)),
        checkpoints=tuple(checkpoints(work_dir, points)),
        reason=job.note if job is not None and job.state in ("failed", "lost") else "",
    )


def work_folder(workspace: Workspace, run: TrainingRun) -> Path:
    """Where the config, logs and checkpoints of a training stand."""
    return workspace.home / run.work_dir


def sittings(work_dir: Path) -> list[Path]:
    """The folders of each start and resume, oldest first."""
    if not work_dir.is_dir():
        return []
    return sorted(path for path in work_dir.iterdir() if path.is_dir() and _STAMP.match(path.name))


def curve(work_dir: Path) -> list[Point]:
    """The logged points in order; where a resume repeats iterations, the later sitting counts."""
    stitched: list[Point] = []
    for folder in sittings(work_dir):
        points = _points(folder / "vis_data" / "scalars.json")
        if points:
            stitched = [point for point in stitched if point.iteration < points[0].iteration] + points
    return stitched


def _points(path: Path) -> list[Point]:
    points = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    for line in lines:
        try:
            value = json.loads(line)
            points.append(
                Point(
                    iteration=int(value.get("step", value["iter"])),
                    loss=finite(value["loss"]),
                    learning_rate=float(value["lr"]),
                    seconds=float(value.get("time", 0.0)),
                    memory=finite(value.get("memory")),
                )
            )
        except (ValueError, KeyError, TypeError):
            continue  # the last line may be half written
    return points


def finite(value: object) -> float | None:
    """A number, or None where it is missing, NaN or infinite."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _log(folder: Path) -> Path:
    return folder / f"{folder.name}.log"


def _edge(path: Path, size: int, end: bool) -> str:
    try:
        with path.open("rb") as file:
            if end:
                file.seek(max(0, file.seek(0, os.SEEK_END) - size))
            return file.read(size).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def total_iterations(work_dir: Path) -> int | None:
    """All iterations of the training, from the newest log; None before the first is logged."""
    for folder in reversed(sittings(work_dir)):
        found = ITERATION.findall(_edge(_log(folder), 200_000, end=True))
        if found:
            return int(found[-1][1])
    return None


def _eta(work_dir: Path, points: list[Point], total: int | None) -> float | None:
    if not points or total is None:
        return None
    folder = sittings(work_dir)[-1]
    try:
        since = time.time() - (folder / "vis_data" / "scalars.json").stat().st_mtime
    except FileNotFoundError:
        return None
    recent = points[-20:]
    pace = sum(point.seconds for point in recent) / len(recent)
    return max(0.0, pace * (total - points[-1].iteration) - since)


def trial_answers(work_dir: Path, prompts: list[str]) -> list[TrialAnswer]:
    """The answers before training (from the log) and at each checkpoint (from xtuner's files), in order."""
    answers: dict[int, list[TrialAnswer]] = {}
    for folder in sittings(work_dir):
        head = _edge(_log(folder), 400_000, end=False)
        _before, marker, rest = head.partition("before_train in EvaluateChatHook.")
        if marker and 0 not in answers:
            first = rest.partition("Iter(train)")[0].partition("after_train_iter in")[0]
            answers[0] = _answers(0, _SAMPLE.findall(first), prompts)
        for path in (folder / "vis_data").glob("eval_outputs_iter_*.txt"):
            iteration = int(path.stem.rsplit("_", 1)[1]) + 1  # xtuner counts from 0 here
            text = path.read_text(encoding="utf-8", errors="replace")
            parts = re.split(r"^Eval output \d+:\n", text, flags=re.MULTILINE)[1:]
            answers[iteration] = _answers(iteration, parts, prompts)
    return [answer for iteration in sorted(answers) for answer in answers[iteration]]


def _answers(iteration: int, texts: list[str], prompts: list[str]) -> list[TrialAnswer]:
    return [
        TrialAnswer(iteration, prompt, _answer(text)) for prompt, text in zip(prompts, texts, strict=False)
    ]


def _answer(text: str) -> str:
    answer = text.rpartition("<|im_start|>assistant")[2]
    for ending in _ENDINGS:
        answer = answer.partition(ending)[0]
    return answer.strip()


def checkpoints(work_dir: Path, points: list[Point]) -> list[Checkpoint]:
    """The checkpoints on disk, oldest first."""
    found = []
    for path in work_dir.glob("iter_*.pth"):
        number = path.stem.removeprefix("iter_")
        if not number.isdigit():
            continue
        before = [point.loss for point in points if point.iteration <= int(number)]
        found.append(Checkpoint(int(number), path, _size(path), before[-1] if before else None))
    return sorted(found, key=lambda checkpoint: checkpoint.iteration)


def _size(path: Path) -> int:
    try:
        if path.is_dir():  # DeepSpeed
            return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        return path.stat().st_size
    except FileNotFoundError:  # xtuner removes old ones meanwhile
        return 0


def log_tail(workspace: Workspace, run: TrainingRun, size: int = 20_000) -> str:
    """The end of the newest training log; ``size`` in bytes."""
    folders = sittings(work_folder(workspace, run))
    return _edge(_log(folders[-1]), size, end=True) if folders else ""
