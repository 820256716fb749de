"""Adapters that change a model's head or its embeddings, as xtuner's do for InternLM2 (``output``). Servers
of other programs load matrices of the layers only. Needs no torch."""

import json
from pathlib import Path
from typing import Any

from tianji_core.errors import ModelError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.model_folders.adapter import ADAPTER_CONFIG, WEIGHTS, read_adapter_config
from tianji_core.model_folders.base import check_safetensors

PREFIX = "base_model.model."
OUTSIDE = ("output", "lm_head", "embed_out", "tok_embeddings", "embed_tokens", "wte", "word_embeddings")
"""Names of heads and embeddings: InternLM2's, those of most families, GPT-NeoX's, and further embeddings."""


def outside_parts(folder: Path) -> list[str]:
    """Returns the names of the head and embeddings that an adapter changes, sorted; [] where it changes
    layers only.

    Raises:
        ModelError: it is no adapter, or its files are broken.
    """
    weights = folder / WEIGHTS
    if weights.is_file():
        check_safetensors(weights)
        return sorted({name for key in _header(weights)[0] if (name := _outside(key))})
    config = read_adapter_config(folder)
    targets = config.target_modules if isinstance(config.target_modules, list) else []
    kept = (config.model_extra or {}).get("modules_to_save") or []
    return sorted({part for part in (*targets, *kept) if part in OUTSIDE})


def without_outside(folder: Path, target: Path) -> None:
    """Writes the adapter in ``folder`` into the folder ``target`` without what it changes at the head and the
    embeddings.

    Raises:
        ModelError: its weights are in torch's own format, or nothing would be left.
    """
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise ModelError(_("{folder} 里没有适配器权重 adapter_model.safetensors", folder=folder))
    header, begin = _header(weights)
    metadata = header.pop("__metadata__", None)
    kept = {key: entry for key, entry in header.items() if not _outside(key)}
    if not kept:
        raise ModelError(_("{folder} 只改了输出层和词向量，去掉以后什么也不剩", folder=folder))
    _write_kept(weights, begin, kept, metadata, target / WEIGHTS)
    values: dict[str, Any] = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    names = values.get("target_modules")
    if isinstance(names, list):
        values["target_modules"] = [name for name in names if name.rpartition(".")[2] not in OUTSIDE]
    else:
        values["exclude_modules"] = rf"(.*\.)?({'|'.join(OUTSIDE)})"
    saved = [name for name in values.get("modules_to_save") or [] if name.rpartition(".")[2] not in OUTSIDE]
    values["modules_to_save"] = saved or None
    write_json(target / ADAPTER_CONFIG, values)


def _write_kept(source: Path, begin: int, kept: dict[str, Any], metadata: Any, target: Path) -> None:
    """Copies tensors into a new safetensors file; ``begin`` is where those of ``source`` begin in bytes."""
    entries: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    at = 0
    for key, entry in kept.items():
        first, last = entry["data_offsets"]
        entries[key] = {**entry, "data_offsets": [at, at + last - first]}
        at += last - first
    head = json.dumps(entries, ensure_ascii=False).encode()
    head += b" " * (-len(head) % 8)
    with source.open("rb") as old, target.open("xb") as new:
        new.write(len(head).to_bytes(8, "little") + head)
        for entry in kept.values():
            first, last = entry["data_offsets"]
            old.seek(begin + first)
            new.write(old.read(last - first))


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """Returns the entries of a whole safetensors file, and where its tensors begin in bytes."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = json.loads(file.read(length))
    return header, 8 + length


def _outside(key: str) -> str:
    """Returns the head or embedding that a tensor of an adapter belongs to, '' for one of a layer."""
    module = key.removeprefix(PREFIX).partition(".lora_")[0].removesuffix(".weight").removesuffix(".bias")
    parts = module.split(".")
    return parts[-1] if parts[-1] in OUTSIDE and not any(part.isdecimal() for part in parts) else ""
