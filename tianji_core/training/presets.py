"""训练预设: one xtuner config file per preset. Those of the project stand in ``configs/training``, a person's own
in ``presets`` in the workspace. They are read, never executed here."""

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.errors import RecipeError, TrainingError
from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import fitting_template
from tianji_core.project import CONFIGS, PROJECT
from tianji_core.recipe import reason_of
from tianji_core.store import recipes
from tianji_core.store.training import TrainingRun
from tianji_core.training import engine
from tianji_core.training.learnt_pairs import merged_from
from tianji_core.training.mix_parts import MixPart
from tianji_core.training.settings import LORA_FIELDS, TrainingSettings, field_title
from tianji_core.training.trial_prompts import trial_prompts
from tianji_core.workspace import Workspace

METHODS = ("qlora", "lora", "full")
TUTORIAL = "internlm2-chat-7b-qlora"
"""The preset of the tutorial that this project implements."""
OWN = "own-"
"""Prefix of the keys of presets in the workspace."""


@dataclass(frozen=True)
class Preset:
    """One preset. ``device`` is 'cpu' or 'cuda'; ``memory_gb`` of RAM or of GPU memory with the values in the
    file; ``disk_gb`` is what a training may need in its work folder; ``model_id`` is the base's name on
    ModelScope, '' where it is built in. ``method`` is one of :data:`METHODS`; ``deepspeed`` the DeepSpeed
    setting it needs, '' for none. ``dtype`` is the precision of the computation; ``activation_checkpointing``
    says that activations are recomputed in the backward pass instead of being kept; ``measured`` says that
    the memory was measured on a card, where it is otherwise reckoned from the shape of the base;
    ``objective`` what is learnt: 'sft' the answers of a dataset, 'orpo' or 'dpo' preference pairs;
    ``vary_names`` and ``vary_occasions`` are the shares of samples to vary that measured best for its
    base; ``whole_samples`` says that its sequences cut no sample."""

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
    method: str = "qlora"
    deepspeed: str = ""
    dtype: str = "float16"
    activation_checkpointing: bool = True
    measured: bool = False
    objective: str = "sft"
    vary_names: float = 0.0
    vary_occasions: float = 0.0
    whole_samples: bool = False

    @property
    def from_pairs(self) -> bool:
        """Whether it learns from preference pairs, not from a dataset version."""
        return self.objective != "sft"

    @property
    def own(self) -> bool:
        """Whether a person made it; such a preset can be deleted."""
        return self.key.startswith(OWN)

    @property
    def fields(self) -> tuple[str, ...]:
        """The settings that this preset has."""
        return tuple(self.values)

    @property
    def memory_text(self) -> str:
        """The memory that a training with the preset's own values takes, and how that is known."""
        if self.device == "cpu":
            return _("内存约 {n} GB", n=f"{self.memory_gb:g}")
        if self.measured:
            return _("显存约 {n} GB（在显卡上测过）", n=f"{self.memory_gb:g}")
        return _("显存约 {n} GB（按模型形状推算）", n=f"{self.memory_gb:g}")

    @property
    def description(self) -> str:
        """The file's docstring: model, memory, how to download and launch."""
        return engine.header(self.source)


def presets(workspace: Workspace | None = None) -> list[Preset]:
    """Every preset: the tutorial's, those for a CPU, the others by memory, those that learn from pairs; with
    a workspace the person's own come last. An own file that is no longer complete is left out."""
    known = [read_preset(path) for path in sorted((CONFIGS / "training").glob("*.py"))]
    known.sort(
        key=lambda one: (
            one.key != TUTORIAL,
            one.from_pairs,
            one.device != "cpu",
            one.key != "nano-cpu-qlora",
            one.memory_gb,
        )
    )
    for path in sorted(own_folder(workspace).glob("*.py")) if workspace is not None else []:
        with contextlib.suppress(TrainingError):
            known.append(read_preset(path, OWN))
    return known


def own_folder(workspace: Workspace) -> Path:
    """The folder of a person's own presets."""
    return workspace.home / "presets"


def preset(key: str, workspace: Workspace | None = None) -> Preset:
    """One preset; the person's own are known only with a workspace.

    Raises:
        TrainingError: there is none with this key.
    """
    for path in (CONFIGS / "training").glob("*.py"):
        if path.stem.replace("_", "-") == key:
            return read_preset(path)
    known = {other.key: other for other in presets(workspace)}
    if key not in known:
        raise TrainingError(_("没有训练预设“{key}”，有的是：{known}", key=key, known=_("、").join(known)))
    return known[key]


def preset_of(workspace: Workspace, run: TrainingRun) -> Preset:
    """The preset of a stored training as it was at the start, read from the training's own config: the preset
    may have changed or gone since.

    Raises:
        TrainingError: neither its config nor its preset can be read.
    """
    try:
        return replace(read_preset(workspace.home / run.work_dir / engine.CONFIG_NAME), key=run.preset)
    except TrainingError:
        return preset(run.preset, workspace)


def default_settings(
    key: str, workspace: Workspace | None = None, recipe: str = "", base: str = ""
) -> TrainingSettings:
    """The settings written in a preset's file. A base folder inside the project becomes absolute; with a
    workspace, the model of that name there is taken. With a recipe's key too, system prompt and trial prompts
    are the recipe's. Another ``base`` folder than the preset's comes with the template that fits it. A preset
    for pairs takes the newest merged model that came from its base.

    Raises:
        TrainingError: no such preset, or a value in its file is out of bounds.
    """
    chosen = preset(key, workspace)
    shares = {"vary_names": chosen.vary_names, "vary_occasions": chosen.vary_occasions}
    values = {**chosen.values, **shares}
    inside = PROJECT / values["base"]
    if inside.exists() or chosen.device == "cpu":
        values["base"] = str(inside)
    elif workspace is not None:
        values["base"] = str(workspace.models / Path(values["base"]).name)
    if chosen.from_pairs and not base and workspace is not None:
        learnt = merged_from(workspace, Path(values["base"]).name)
        base = str(learnt.path) if learnt is not None else ""
    if base and base != values["base"]:
        values["base"] = base
        fitting = fitting_template(Path(base)) if "template" in values else ""
        values |= {"template": fitting} if fitting else {}
    if workspace is not None and recipe:
        with contextlib.suppress(RecipeError):  # a recipe that is gone leaves the preset's own prompts
            current = recipes.current(workspace.engine, recipe).recipe
            values |= {"system": current.prompts.system, "eval_prompts": trial_prompts(current)}
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
                value=_typed(first["input"])[:80],
            )
        ) from error


def _typed(value: object) -> str:
    """A refused value as a person typed it."""
    parts = value if isinstance(value, list | tuple) else ()
    if parts and all(isinstance(part, MixPart) for part in parts):
        return _("、").join(part.text for part in parts)
    return repr(value)


def read_preset(path: Path, prefix: str = "") -> Preset:
    """The preset in a file; the three settings of LoRA may be missing where its method is 'full'.

    Raises:
        TrainingError: the file cannot be read or lacks something; says what.
    """
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(
            _("训练预设文件 {file} 读不了：{detail}", file=path, detail=first_line(error))
        ) from error
    return parsed_preset(source, path, prefix + path.stem.replace("_", "-"))


def parsed_preset(source: str, path: Path, key: str) -> Preset:
    """:func:`read_preset` for a text that may not be in a file yet.

    Raises:
        TrainingError: it lacks something; says what and where.
    """
    card = _checked_card(path.name, engine.read_card(source, path.name))
    optional = (*(LORA_FIELDS if card.method == "full" else ()), "template", "eval_interval")
    values = engine.read_values(source, path.name, optional)
    return Preset(key=key, path=path, source=source, values=values, **card.model_dump())


class _Card(BaseModel):
    """The dictionary ``preset`` in a preset's file; see :class:`Preset`. A file of an older studio may lack
    the last nine entries."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    title: str = Field(min_length=1)
    summary: str
    device: Literal["cpu", "cuda"]
    memory_gb: float = Field(ge=0, le=100_000)
    disk_gb: float = Field(ge=0, le=100_000)
    model_id: str
    method: Literal["qlora", "lora", "full"] = "qlora"
    deepspeed: str = ""
    dtype: Literal["float16", "bfloat16", "float32"] = "float16"
    activation_checkpointing: bool = True
    measured: bool = False
    objective: Literal["sft", "orpo", "dpo"] = "sft"
    vary_names: float = Field(default=0, ge=0, le=1)
    vary_occasions: float = Field(default=0, ge=0, le=1)
    whole_samples: bool = False


def _checked_card(file: str, value: object) -> _Card:
    try:
        return _Card.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise TrainingError(
            _(
                "{file} 开头 preset 里的“{name}”{detail}",
                file=file,
                name=first["loc"][0] if first["loc"] else "preset",
                detail=reason_of(first),
            )
        ) from error
