"""A training as a task of SkyPilot: the YAML that ``sky launch`` and ``sky jobs launch`` take. It sends the
bundle, the base and the studio of this machine, sets the studio up there and trains the bundle."""

import hashlib
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tianji_core.errors import TrainingError
from tianji_core.i18n import _
from tianji_core.project import PROJECT
from tianji_core.training.target import Target

VOLUME = "/tianji"
"""Where the volume lies there. Bundles and bases have names of their own in the home folder, so that one
machine can train several of them."""
HOME = "TIANJI-HOME "
"""Begins the line in the log of the task that names its home folder, which may be another than that of a
login there."""
_INFRA = r"^[a-z0-9-]*(/[A-Za-z0-9*_.:@-]+){0,2}$"
_GPUS = r"^(|[A-Za-z0-9][A-Za-z0-9.-]{0,39}(:[1-9]\d?)?)$"
_VOLUME = r"^(|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$"


class SkyRequest(BaseModel):
    """What is asked of SkyPilot; '' leaves it to SkyPilot. ``infra`` is a cloud, a region and a zone as
    ``--infra`` takes them (aws/us-east-1, kubernetes); ``gpus`` a card and how many (L4:1), by default one
    for each process; ``volume`` the name of a SkyPilot volume in which the work lies. ``spot`` takes
    machines that may be taken away: it needs a volume, in which the next machine finds the newest
    checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    infra: str = Field(default="", pattern=_INFRA, max_length=200)
    gpus: str = Field(default="", pattern=_GPUS)
    volume: str = Field(default="", pattern=_VOLUME)
    spot: bool = False

    @model_validator(mode="after")
    def _resumable(self) -> "SkyRequest":
        if self.spot and not self.volume:
            raise ValueError("spot")
        return self


def checked_sky(values: Mapping[str, object]) -> SkyRequest:
    """Returns what a person asks of SkyPilot.

    Raises:
        TrainingError: names the field that is not valid.
    """
    try:
        return SkyRequest.model_validate(dict(values))
    except ValidationError as error:
        place = error.errors(include_url=False)[0]["loc"]
        examples = {
            "infra": _("云或集群：例如 aws/us-east-1 或 kubernetes"),
            "gpus": _("显卡：例如 L4:1"),
            "volume": _("卷：小写字母、数字和连字符"),
        }
        example = examples.get(str(place[0]) if place else "")
        if example is None:
            raise TrainingError(
                _("竞价机器随时会被收回，要写上 --sky-volume：工作区放在那个卷里，换了机器能接着训练")
            ) from error
        raise TrainingError(_("SkyPilot 的这一项填得不对，{example}", example=example)) from error


def check_sky(request: SkyRequest, target: Target, device: str) -> None:
    """Checks that a training for a preset's ``device`` can be a task.

    Raises:
        TrainingError: several machines are wanted, no card is named, or this studio is no checkout that could
            be sent.
    """
    if target.nodes > 1:
        raise TrainingError(_("SkyPilot 的任务只用一台机器，请把机器台数改成 1"))
    if device != "cpu" and not request.gpus:
        raise TrainingError(
            _(
                "这个预设要显卡，请写上显卡（--sky-gpus，运行位置的是 --gpus），例如 L4:{n}",
                n=target.processes,
            )
        )
    if not (PROJECT / "scripts" / "setup").is_file():
        raise TrainingError(_("SkyPilot 要把工坊的源码送过去，这里的工坊是装成包的；请在源码文件夹里运行"))


def task_name(bundle_id: str) -> str:
    """Returns the name of the task, and of its job, that trains a bundle."""
    return re.sub(r"[^a-z0-9-]+", "-", f"tianji-{bundle_id}")[:60].strip("-")


def workspace_there(request: SkyRequest, bundle_id: str, home: str = "~") -> str:
    """Returns the folder of the workspace there, below the ``home`` of the task or in its volume."""
    return f"{VOLUME}/{bundle_id}" if request.volume else f"{home}/tianji-workspace"


def sky_task(
    request: SkyRequest, target: Target, device: str, bundle: Path, bundle_id: str, base: Path | str
) -> str:
    """Returns the YAML of the task that trains ``bundle``; ``device`` is that of the preset. ``base`` is the
    model folder on this machine, which is sent, or the path of one that is there. A task that SkyPilot
    starts again on another machine goes on from its newest checkpoint where it has a volume."""
    resources: dict[str, object] = {"infra": request.infra} if request.infra else {}
    if device != "cpu":
        name, _colon, count = request.gpus.partition(":")
        resources["accelerators"] = f"{name}:{count or target.processes}"
    if request.spot:
        resources |= {"use_spot": True, "job_recovery": "FAILOVER"}
    there = f"~/{task_name(bundle_id)}.tar"
    sent = {there: str(bundle.resolve())}
    found = ""
    if isinstance(base, str):
        found = f" --base {shlex.quote(base)}"
    elif not base.expanduser().resolve().is_relative_to(PROJECT):  # else it goes with the sources
        folder = str(base.expanduser().resolve())
        name = f"~/tianji-base-{hashlib.sha256(folder.encode()).hexdigest()[:12]}"
        sent[name], found = folder, f" --base {name}"
    task: dict[str, object] = {
        "name": task_name(bundle_id),
        "resources": resources,
        "num_nodes": 1,
        "workdir": str(PROJECT),
        "file_mounts": sent,
    }
    if request.volume:
        task["volumes"] = {VOLUME: request.volume}
    # The preset of the bundle is this machine's, as the sources are: both are code of the same person.
    task["setup"] = "bash scripts/setup\n"
    task["run"] = (
        f'echo "{HOME}$HOME"\n'
        f".venv/bin/python -m tianji_core worker --bundle {there}{found}"
        f" --trust-preset --workspace {workspace_there(request, bundle_id)}\n"
    )
    return yaml.safe_dump(task, sort_keys=False, allow_unicode=True)


def launch_command(request: SkyRequest, file: Path, name: str) -> str:
    """Returns the command that launches a task: as a managed job, which survives the loss of a machine, or on
    a machine that stays until ``sky down``."""
    if request.spot:
        return shlex.join(["sky", "jobs", "launch", str(file)])
    return shlex.join(["sky", "launch", "-c", name, str(file)])
