"""训练预设: one xtuner config file per preset under ``configs/training``; read with ``ast``, never executed here."""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tianji_core.errors import TrainingError
from tianji_core.i18n import _
from tianji_core.recipe import reason_of
from tianji_core.training.settings import CONSTANTS, TrainingSettings, field_title
from tianji_core.workspace import CONFIGS, PROJECT, Workspace

TEMPLATE = "internlm2_chat"
"""The prompt template of every preset; chat and merge must use the same."""


@dataclass(frozen=True)
class Preset:
    """One preset. ``device`` is 'cpu' or 'cuda'; ``memory_gb`` of RAM or of GPU memory; ``disk_gb`` is what a training
    may need in its work folder; ``model_id`` is the base's name on ModelScope, '' where it is built in."""

    key: str
    path: Path
    source: str
    title: str
    summary: str
    device: str
    memory_gb: float
    disk_gb: float
    model_id: str
    values: dict[str, Any]

    @property
    def description(self) -> str:
        """The file's docstring: model, memory, how to download and launch."""
        return ast.get_docstring(ast.parse(self.source)) or ""


def presets() -> list[Preset]:
    """Every preset, the ones for a CPU first."""
    found = [_read(path) for path in sorted((CONFIGS / "training").glob("*.py"))]
    return sorted(found, key=lambda preset: (preset.device != "cpu", preset.memory_gb))


def preset(key: str) -> Preset:
    """One preset.

    Raises:
        TrainingError: there is none with this key.
    """
    found = {each.key: each for each in presets()}
    if key not in found:
        raise TrainingError(_("没有训练预设“{key}”，有的是：{known}", key=key, known=_("、").join(found)))
    return found[key]


def default_settings(key: str, workspace: Workspace | None = None) -> TrainingSettings:
    """The settings written in a preset's file. A base folder inside the project becomes absolute; with a workspace,
    a model of that name there is taken.

    Raises:
        TrainingError: no such preset, or a value in its file is out of bounds.
    """
    chosen = preset(key)
    values = dict(chosen.values)
    inside = PROJECT / values["base"]
    if inside.exists() or chosen.device == "cpu":
        values["base"] = str(inside)
    elif workspace is not None:
        values["base"] = str(workspace.models / Path(values["base"]).name)
    return checked_settings(values)


def checked_settings(values: dict[str, Any]) -> TrainingSettings:
    """Settings from plain values.

    Raises:
        TrainingError: names the setting that is wrong and why.
    """
    try:
        return TrainingSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        title = field_title(name) if name in TrainingSettings.model_fields else name
        raise TrainingError(
            _(
                "训练设置“{title}”{detail}，填的是 {value}",
                title=title,
                detail=reason_of(first),
                value=repr(first["input"])[:80],
            )
        ) from error


def constants(source: str) -> dict[str, ast.expr]:
    """The top-level assignments ``name = value`` of a config, by name."""
    return {
        node.targets[0].id: node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    }


def _read(path: Path) -> Preset:
    source = path.read_text(encoding="utf-8")
    try:
        found = constants(source)
        card = ast.literal_eval(found["preset"])
        values = {name: ast.literal_eval(found[constant]) for name, constant in CONSTANTS.items()}
        return Preset(key=path.stem.replace("_", "-"), path=path, source=source, values=values, **card)
    except (SyntaxError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(_("训练预设文件 {file} 不完整：{detail}", file=path, detail=error)) from error
