"""``python -m tianji_core.models.merging BASE ADAPTER TARGET --shard BYTES``: adds a LoRA adapter to its
base, one matrix at a time, so that memory holds about one weight file; a model of 7 B needs a few GB of RAM
and no GPU.

Prints ``merged N/M`` after each weight file of the base.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tianji_core.errors import ModelError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.model_folders.adapter import WEIGHTS, read_adapter_config
from tianji_core.model_folders.base import INDEXES, checked_base
from tianji_core.model_folders.config_files import CONFIG, read_object
from tianji_core.model_folders.heads import PREFIX
from tianji_core.model_folders.manifest import MANIFEST
from tianji_core.ownership import claim_folder, copy, move

DTYPES = ("auto", "bfloat16", "float16", "float32")
"""'auto' keeps that of the base."""
LEFT_BEHIND = (
    "*.safetensors",
    "*.bin",
    "*.pth",
    "*.pt",
    "*.gguf",
    "*.onnx",
    "*.h5",
    "*.msgpack",
    "README*",
    ".*",
)
"""Files of a base that are not copied to its merged model; all other files of the folder are."""


class Deltas:
    """The changes of an adapter: ``scale * B @ A`` for each weight that it names, or a whole weight for a
    module that it saves, such as a head."""

    def __init__(self, adapter: Path) -> None:
        from safetensors.torch import load_file

        config = read_adapter_config(adapter)
        patterns = [name for name in ("rank_pattern", "alpha_pattern") if getattr(config, name)]
        saved = (config.model_extra or {}).get("modules_to_save") or []
        if unsupported := [name for name in config.special() if name != "modules_to_save"] + patterns:
            raise ModelError(_("这个适配器用了 {names}，工坊合并不了", names=_("、").join(unsupported)))
        self._scale = config.scale()
        self._halves: dict[str, dict[str, Any]] = {}
        self._whole: dict[str, Any] = {}
        for key, value in load_file(adapter / WEIGHTS).items():
            module, _dot, kind = key.removeprefix(PREFIX).rpartition(".")
            if kind in ("weight", "bias") and module.rpartition(".")[2] in saved:
                self._whole[f"{module}.{kind}"] = value
                continue
            name, _dot, half = key.removeprefix(PREFIX).removesuffix(".weight").rpartition(".")
            if half not in ("lora_A", "lora_B"):
                raise ModelError(_("适配器里有认不出的权重 {name}，请重新转换", name=key))
            self._halves.setdefault(f"{name}.weight", {})[half] = value
        self.left = {*self._halves, *self._whole}

    def added(self, name: str, weight: Any, dtype: Any, device: str) -> Any:
        """Returns ``weight`` with its change, in ``dtype`` (None: unchanged). A weight without a change is
        only converted."""
        target_dtype = dtype if dtype is not None and weight.is_floating_point() else weight.dtype
        if (whole := self._whole.get(name)) is not None:
            self.left.discard(name)
            if whole.shape != weight.shape:
                raise _misfit(name)
            return whole.to(target_dtype)
        halves = self._halves.get(name)
        if halves is None:
            return weight.to(target_dtype)
        import torch

        self.left.discard(name)
        low, high = halves["lora_A"].to(device, torch.float32), halves["lora_B"].to(device, torch.float32)
        if (high.shape[0], low.shape[1]) != tuple(weight.shape):
            raise _misfit(name)
        summed = torch.addmm(weight.to(device, torch.float32), high, low, alpha=self._scale)
        return summed.to(target_dtype).cpu()


def _misfit(name: str) -> ModelError:
    return ModelError(_("适配器的 {name} 和基座的形状不合，不是同一个模型", name=name))


def merge_shards(
    base: Path, adapter: Path, target: Path, shard: int, dtype: str, device: str = "cpu"
) -> None:
    """Writes the merged model into the folder ``target``: weight files of at most ``shard`` bytes, unless one
    matrix is larger, and all other files of the base.

    Raises:
        ModelError: the adapter cannot be merged, or is not of this base.
        InputError: ``target`` holds something that the studio did not make.
    """
    import torch

    claim_folder(target)
    deltas = Deltas(adapter)
    target_dtype = None if dtype == "auto" else getattr(torch, dtype)
    writer = _Writer(target, shard)
    files = checked_base(base).weights
    with torch.no_grad():
        for number, path in enumerate(files, start=1):
            for name, weight in _tensors(path):
                writer.add(name, deltas.added(name, weight, target_dtype, device))
            print(f"merged {number}/{len(files)}", flush=True)
    if deltas.left:
        raise ModelError(_("基座里没有适配器要改的权重 {name}，不是同一个模型", name=sorted(deltas.left)[0]))
    writer.finish()
    _copy_rest(base, target, dtype)


class _Writer:
    """Writes tensors into numbered files. Their names contain the number of files, so they are renamed at
    the end."""

    def __init__(self, target: Path, shard: int) -> None:
        self._target, self._shard = target, shard
        self._held: dict[str, Any] = {}
        self._size = self._total = 0
        self._shards: list[list[str]] = []

    def add(self, name: str, weight: Any) -> None:
        size = weight.numel() * weight.element_size()
        if self._held and self._size + size > self._shard:
            self._write()
        self._held[name] = weight.contiguous()
        self._size += size
        self._total += size

    def _write(self) -> None:
        from safetensors.torch import save_file

        self._shards.append(list(self._held))
        save_file(self._held, self._target / f"part-{len(self._shards)}", metadata={"format": "pt"})
        self._held, self._size = {}, 0

    def finish(self) -> None:
        if self._held:
            self._write()
        count = len(self._shards)
        if count == 1:
            move(self._target / "part-1", self._target / "model.safetensors")
            return
        places: dict[str, str] = {}
        for number, names in enumerate(self._shards, start=1):
            file = f"model-{number:05}-of-{count:05}.safetensors"
            move(self._target / f"part-{number}", self._target / file)
            places |= dict.fromkeys(names, file)
        index = {"metadata": {"total_size": self._total}, "weight_map": places}
        write_json(self._target / INDEXES[0], index)


def _tensors(path: Path) -> Iterator[tuple[str, Any]]:
    if path.suffix == ".safetensors":
        from safetensors import safe_open

        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118  not a mapping
                yield name, file.get_tensor(name)
        return
    import torch

    for name, weight in torch.load(path, map_location="cpu", mmap=True, weights_only=True).items():
        yield name, weight.clone()  # two names may share one matrix, which safetensors refuses


def _copy_rest(base: Path, target: Path, dtype: str) -> None:
    for path in base.iterdir():
        skipped = path.name in (*INDEXES, MANIFEST) or any(path.match(pattern) for pattern in LEFT_BEHIND)
        if path.is_file() and not skipped:
            copy(path, target / path.name)
    if dtype != "auto":
        values = read_object(target, CONFIG)
        write_json(target / CONFIG, {**values, "torch_dtype": dtype})


def main(argv: list[str]) -> int:
    """Merges. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tianji_core.models.merging")
    for name in ("base", "adapter", "target"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--shard", type=int, default=2 * 10**9)
    parser.add_argument("--dtype", choices=DTYPES, default="auto")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args(argv)
    merge_shards(given.base, given.adapter, given.target, given.shard, given.dtype, given.device)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
