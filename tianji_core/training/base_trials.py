"""试跑基座: loading a base exactly as a training will and letting it compute, in a process of its own, before
anything long starts. What came out is kept in the workspace for as long as base, code and libraries stay the
same."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from tianji_core import jobs
from tianji_core.errors import TrainingError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject
from tianji_core.model_folders.template import END
from tianji_core.project import PROJECT
from tianji_core.training import engine
from tianji_core.training.child import tool_environment
from tianji_core.training.child_faults import tool_cause
from tianji_core.training.trial_faults import sentence_of
from tianji_core.workspace import Workspace

KIND = "trial"
FOLDER = "base-trials"
PATIENCE = 900.0
"""Seconds for one trial: a base of 15 GB is read from a slow disk in a few minutes."""
TAIL = 4000
"""Characters at the end of a failed trial's output that are kept for the log."""
SHARE = 0.5
"""Share of the free memory that a trial may fill with weights."""
LIBRARIES = ("torch", "transformers", "tokenizers", "sentencepiece", engine.DISTRIBUTION)
"""Packages whose versions decide whether a base loads."""


class TrialRequest(BaseModel):
    """One base to try; ``memory`` in bytes is what its weights may fill, None to load only tokenizer and
    configuration."""

    model_config = ConfigDict(frozen=True)

    folder: str
    runs_code: bool
    template: str
    memory: float | None


class BaseTrial(BaseModel):
    """What came out. ``problem`` is the error, '' for none, and ``step`` where it happened: modules,
    tokenizer, template, config, model or answer; ``fault`` names it where
    :func:`~tianji_core.training.trial_faults.sentence_of` has a sentence for it with ``facts``. ``layers``
    were loaded; ``text`` is what the base generated; ``end_unlearnt`` says that the end marker's row of the
    head was never trained. ``output`` ends with the traceback of a problem."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tokenizer: str = ""
    architecture: str = ""
    layers: int = 0
    text: str = ""
    end_unlearnt: bool = False
    step: str = ""
    problem: str = ""
    fault: str = ""
    facts: dict[str, str] = {}
    output: str = ""
    seconds: float = 0.0

    @property
    def sentence(self) -> str:
        """The outcome for people."""
        if not self.problem and not self.layers:
            facts = {"tokenizer": self.tokenizer, "architecture": self.architecture}
            return _("分词器 {tokenizer} 和配置（{architecture}）读得了", **facts)
        if not self.problem:
            return _(
                "分词器 {tokenizer} 和配置读得了，用 {layers} 层在 CPU 上算了一步、生成了两个 token",
                tokenizer=self.tokenizer,
                layers=self.layers,
            )
        at = {
            "modules": _("训练要用的软件包加载不了"),
            "tokenizer": _("分词器加载不了"),
            "template": _("这个模板训练不了"),
            "config": _("配置加载不了"),
            "model": _("权重加载不了"),
        }.get(self.step, _("加载了，但算不了一步"))
        told = sentence_of(self.fault, self.facts) if self.fault else self.problem
        return _("{at}：{problem}", at=at, problem=told)

    @property
    def endless(self) -> str:
        """A sentence where the model may never end its answers, else ''."""
        if not self.end_unlearnt:
            return ""
        return _(
            "这个基座没有学过结束记号 {end}（它那一行权重还是初始值），LoRA 多半学不会它，训练出的模型会停不下来；"
            "请换同系列的 chat / instruct 版本",
            end=END,
        )


def try_bases(
    workspace: Workspace, asked: Sequence[TrialRequest], patience: float = PATIENCE
) -> list[BaseTrial]:
    """Tries bases one after the other in one process; at most ``patience`` seconds for all of them."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tianji_core.training.try_base"],
            input="".join(each.model_dump_json() + "\n" for each in asked),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd=PROJECT,
            env={**tool_environment(workspace, "cpu"), "TRANSFORMERS_VERBOSITY": "error"},
            timeout=patience,
        )
        lines, tail, code = done.stdout.split("\n"), done.stderr, done.returncode
    except subprocess.TimeoutExpired:
        lines, tail, code = [], _("{n} 秒还没有试完", n=round(patience)), 1
    found = [trial for line in lines if line.startswith("{") and (trial := _read(line)) is not None]
    lost = BaseTrial(step="answer", problem=tool_cause(tail, code) if len(found) < len(asked) else "")
    trials = [*found, *[lost] * (len(asked) - len(found))]
    return [trial.model_copy(update={"output": tail[-TAIL:]}) if trial.problem else trial for trial in trials]


def try_base(workspace: Workspace, base: Path, template: str, runs_code: bool) -> BaseTrial:
    """Tries one base, and keeps what came out."""
    place = _place(workspace, base, template)
    free = psutil.virtual_memory().available * SHARE
    asked = TrialRequest(folder=str(base), runs_code=runs_code, template=template, memory=free)
    (trial,) = try_bases(workspace, [asked])
    write_json(place, trial.model_dump(mode="json"))
    return trial


def kept_trial(workspace: Workspace, base: Path, template: str) -> BaseTrial | None:
    """What came out of the trial of this base, its code and these libraries; None where there was none."""
    try:
        return _read(_place(workspace, base, template).read_text(encoding="utf-8"))
    except OSError:
        return None


class TrialSubject(JobSubject):
    """The base that a job tries, and the template it is to be trained with."""

    worker = "tianji_core.training.worker:try_one_base"

    base: str
    template: str


def start_trial(workspace: Workspace, base: Path, template: str) -> Job:
    """Starts a job that tries a base, or returns the one that does."""
    running = trial_job(workspace, base, template)
    subject = TrialSubject(base=str(base), template=template)
    title = _("试跑基座：{name}", name=base.name)
    return running or jobs.start_worker(workspace, KIND, title, subject)


def trial_job(workspace: Workspace, base: Path, template: str) -> Job | None:
    """The job that tries this base now."""
    subject = TrialSubject(base=str(base), template=template)
    return jobs.newest_about(workspace, KIND, subject, active=True)


def built_in(base: Path) -> bool:
    """Whether a base belongs to the studio, whose own tests try it."""
    return base.resolve().is_relative_to(PROJECT / "configs")


def check_trial(workspace: Workspace, base: Path, template: str, runs_code: bool) -> None:
    """Tries a base unless it is part of the studio or an earlier trial of it went well.

    Raises:
        TrainingError: the base cannot be trained; says why.
    """
    if built_in(base):
        return
    trial = kept_trial(workspace, base, template)
    if trial is None or trial.problem:
        trial = try_base(workspace, base, template, runs_code)
    if trial.problem:
        print(trial.output, flush=True)
        raise TrainingError(_("试跑基座 {name}：{reason}", name=base.name, reason=trial.sentence))


def _place(workspace: Workspace, base: Path, template: str) -> Path:
    """The file of a trial; its name depends on everything that the outcome depends on.

    Raises:
        OSError: the folder cannot be read.
    """
    files = sorted(path for path in base.resolve().iterdir() if path.is_file())
    stats = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    facts = [str(base.resolve()), stats, template, [_version(package) for package in LIBRARIES]]
    digest = hashlib.sha256(json.dumps(facts).encode(errors="surrogateescape")).hexdigest()[:32]
    return workspace.home / "cache" / FOLDER / f"{digest}.json"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _read(text: str) -> BaseTrial | None:
    try:
        return BaseTrial.model_validate_json(text)
    except ValidationError:
        return None
