"""在哪里训练: the processor, chosen cards, several processes, several machines, DeepSpeed."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tianji_core.errors import TrainingError
from tianji_core.i18n import _
from tianji_core.recipe import reason_of
from tianji_core.training.engine import DEEPSPEED
from tianji_core.training.lock import CPU, card

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}")


class Target(BaseModel):
    """Where a training runs. ``gpus`` are the cards by their driver's numbers, () for any that are free;
    ``processes`` per machine, one per card; ``address`` is the host by which the other machines reach the
    first one, ``port`` one of its ports."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gpus: tuple[int, ...] = Field(default=(), max_length=64)
    """Cards, by number."""
    processes: int = Field(default=1, ge=1, le=64)
    """Processes on each machine."""
    deepspeed: str = ""
    """A name of :data:`~tianji_core.training.engine.DEEPSPEED`, or ''."""
    nodes: int = Field(default=1, ge=1, le=512)
    """Machines."""
    address: str = ""
    """Host name or IP of the first machine."""
    port: int = Field(default=29500, ge=1024, le=65535)
    """A free port of the first machine."""

    @field_validator("gpus")
    @classmethod
    def _once(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) != len(value) or any(index < 0 for index in value):
            raise ValueError(_("每张卡写一次编号，从 0 起"))
        return value

    @field_validator("deepspeed")
    @classmethod
    def _known(cls, value: str) -> str:
        if value and value not in DEEPSPEED:
            raise ValueError(_("要填 {names} 之一", names=_("、").join(DEEPSPEED)))
        return value

    @field_validator("address")
    @classmethod
    def _host(cls, value: str) -> str:
        if value and not _HOST.fullmatch(value):
            raise ValueError(_("要填主机名或 IP"))
        return value

    @property
    def world(self) -> int:
        """Processes on all machines together; one iteration takes this many micro-batches."""
        return self.processes * self.nodes

    @property
    def distributed(self) -> bool:
        """Whether torch.distributed starts the processes."""
        return self.world > 1 or bool(self.deepspeed)


def field_title(name: str) -> str:
    """A field of :class:`Target` for people."""
    return {
        "gpus": _("显卡编号"),
        "processes": _("每台机器的进程数"),
        "deepspeed": "DeepSpeed",
        "nodes": _("机器台数"),
        "address": _("第一台机器的地址"),
        "port": _("第一台机器的端口"),
    }[name]


def checked_target(device: str, values: Mapping[str, Any]) -> Target:
    """A target for a preset's device; each chosen card gets one process.

    Raises:
        TrainingError: a value is out of bounds, or does not fit the device; names it.
    """
    try:
        target = Target.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        title = field_title(name) if name in Target.model_fields else name
        raise TrainingError(
            _(
                "训练设置“{title}”{detail}，填的是 {value}",
                title=title,
                detail=reason_of(first),
                value=first["input"],
            )
        ) from error
    if device == "cpu" and (target.gpus or target.deepspeed):
        raise TrainingError(_("这个预设在 CPU 上训练，不能选显卡或 DeepSpeed"))
    if target.gpus and target.processes not in (1, len(target.gpus)):
        raise TrainingError(
            _("选了 {n} 张卡，进程数就应当是 {n}，填的是 {given}", n=len(target.gpus), given=target.processes)
        )
    if target.nodes > 1 and not target.address:
        raise TrainingError(_("多台机器训练要填第一台机器的地址，其他机器靠它会合"))
    return target.model_copy(update={"processes": len(target.gpus) or target.processes})


def places_of(target: Target, device: str) -> tuple[list[str], int]:
    """The places that a target needs on this machine ([]: any cards), and how many."""
    if device == "cpu":
        return [CPU], 1
    return [card(index) for index in target.gpus], target.processes
