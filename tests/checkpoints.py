"""A training that ended long ago, with checkpoints in the very form that the trainer writes, made in a
second."""

from pathlib import Path

from tests.tiny_base import add_version, write_tiny_base
from tianji_core import training
from tianji_core.model_folders.base import fingerprint
from tianji_core.store import training as rows
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.training import TrainingRun
from tianji_core.workspace import Workspace

PRESET = "nano-cpu-qlora"
RANK = 4


def add_training(
    workspace: Workspace, base: Path, steps: dict[int, float], dataset: str = "v1", recipe: str = "wishes"
) -> TrainingRun:
    """A stored training on a new version ``dataset`` of a recipe, whose checkpoints after ``steps``
    iterations hold LoRA matrices of such a size; 0.0 changes nothing about the base."""
    write_tiny_base(base)
    version: DatasetVersion = add_version(workspace, dataset, recipe=recipe)
    settings = training.default_settings(PRESET).model_copy(
        update={"base": str(base), "lora_r": RANK, "lora_alpha": 8}
    )
    noted = {
        **settings.model_dump(mode="json"),
        "base_fingerprint": fingerprint(base),
        "dataset_name": version.name,
        "dataset_sha256": version.sha256,
    }
    run = rows.add(workspace.engine, "小训练", PRESET, version.id, noted)
    folder = workspace.runs / f"training-{run.id}"
    folder.mkdir(parents=True)
    data = workspace.datasets / version.name / "data.json"
    training.write_config(training.preset(PRESET), settings, data, folder)
    for iteration, size in steps.items():
        write_checkpoint(folder / f"iter_{iteration}.pth", size, seed=iteration)
    return rows.change(workspace.engine, run.id, work_dir=str(folder.relative_to(workspace.home)))


def write_checkpoint(path: Path, size: float, seed: int) -> None:
    """A checkpoint of :func:`~tests.tiny_base.write_tiny_base`'s two layers of 64 units."""
    import torch

    draw = torch.Generator().manual_seed(seed)
    state = {}
    for layer in range(2):
        for name in ("q_proj", "v_proj"):
            where = f"llm.base_model.model.model.layers.{layer}.self_attn.{name}"
            state[f"{where}.lora_A.default.weight"] = torch.randn(RANK, 64, generator=draw)
            state[f"{where}.lora_B.default.weight"] = size * torch.randn(64, RANK, generator=draw)
    torch.save({"meta": {}, "state_dict": state}, path)
