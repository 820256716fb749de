"""Loads bases and adapters into memory. Imported by the server process only."""

import contextlib
import os
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch

from tianji_core.errors import ModelError
from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.model_folders.adapter import adapter_base
from tianji_core.model_folders.base import fingerprint
from tianji_core.model_folders.built_in import base_here
from tianji_core.model_folders.folders import NamedFolder, check_model
from tianji_core.model_folders.foreign_code import prepare_transformers
from tianji_core.model_folders.manifest import read_manifest
from tianji_core.model_folders.messages import ChatMessage
from tianji_core.model_folders.own_sampling import OwnSampling, own_sampling
from tianji_core.model_folders.prompt import shared_tokens, stop_tokens
from tianji_core.model_folders.quick_imports import import_bitsandbytes
from tianji_core.model_folders.trust import checked_code
from tianji_core.serving.engine import Engine
from tianji_core.serving.lora import MisfitError, read_adapter
from tianji_core.serving.routing import BASE
from tianji_core.serving.vocabulary import Vocabulary

SHOWN_KEYS = 3
SHOWN_BASE = 200
"""Characters of a base's name in a message."""

SMALL = 100_000_000
"""Number of weights below which synchronising threads costs more than computing, and the network needs a
core."""

SYSTEMS = 100
"""System prompts whose length in tokens is cached."""


@dataclass(frozen=True)
class Limits:
    """The number of requests of one base that run and that wait."""

    active: int = 128
    queue: int = 256


@dataclass(frozen=True)
class Format:
    """The number format: ``dtype`` auto, float32, bfloat16 or float16; ``quantization`` '', 4bit (nf4) or
    8bit."""

    dtype: str = "auto"
    quantization: str = ""


@dataclass(frozen=True)
class Served:
    """One model name that requests can use. ``adapter`` is its name inside the engine, :data:`BASE` for
    none; ``parent`` the name of its base, '' for a full model; ``context`` the maximum of prompt and
    answer tokens together; ``own`` is used where a request names no temperature or no top_p."""

    name: str
    path: Path
    parent: str
    adapter: str
    template: str
    system: str
    context: int
    tokenizer: Any
    vocabulary: Vocabulary
    engine: Engine
    own: OwnSampling = field(default_factory=OwnSampling)
    _shared: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def shared(self, first: ChatMessage) -> int:
        """Returns the number of tokens shared by all conversations that begin with this message."""
        if first.role == "user":
            return 0
        if first.content not in self._shared:
            if len(self._shared) > SYSTEMS:
                self._shared.clear()
            self._shared[first.content] = shared_tokens(self.tokenizer, self.template, [first])
        return self._shared[first.content]


def choose_device(wanted: str) -> torch.device:
    """Returns the device to compute on; ``auto`` is the first GPU that this process sees, or the CPU.

    Raises:
        ModelError: the wanted one does not exist here.
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(_("用不了设备 {device}，请改用 cpu 或 auto", device=wanted)) from error
    return device


def choose_dtype(wanted: str, device: torch.device) -> torch.dtype:
    """Returns the number format; ``auto`` is float32 on a CPU, bfloat16 on a GPU that supports it, else
    float16."""
    if wanted == "auto":
        if device.type == "cpu":
            return torch.float32
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return getattr(torch, wanted)


def load(
    folder: NamedFolder,
    adapters: list[NamedFolder],
    device: torch.device,
    form: Format,
    limits: Limits,
    code_allowed: bool = False,
    takes_own: bool = True,
) -> list[Served]:
    """Loads one full model with its adapters and starts its engine. The first entry is the model itself.
    ``code_allowed`` lets it run the Python code in its folder; with ``takes_own`` it answers by its own
    ``generation_config.json`` where a request does not say how to draw.

    Raises:
        ModelError: anything is missing, broken or does not fit.
    """
    check_model(folder.path)
    manifest = read_manifest(folder.path)
    model, tokenizer = _load_base(folder, device, form, checked_code(folder.path, code_allowed))
    if device.type == "cpu" and sum(weight.numel() for weight in model.parameters()) < SMALL:
        torch.set_num_threads(min(4, max(1, (os.cpu_count() or 1) - 1)))
    context = int(getattr(model.config, "max_position_embeddings", 0) or 2048)
    stops = stop_tokens(tokenizer, model.generation_config.eos_token_id)
    width = int(getattr(model.get_output_embeddings(), "out_features", model.config.vocab_size))
    engine = Engine(model, tokenizer, stops, limits.active, limits.queue)
    base = Served(
        name=folder.name,
        path=folder.path,
        parent="",
        adapter=BASE,
        template=manifest.template,
        system=manifest.system,
        context=context,
        tokenizer=tokenizer,
        vocabulary=Vocabulary(tokenizer, width, stops),
        engine=engine,
        own=own_sampling(folder.path) if takes_own else OwnSampling(),
    )
    try:
        return [base, *(load_adapter(base, adapter) for adapter in adapters)]
    except ModelError:
        engine.close()
        raise


def load_adapter(base: Served, adapter: NamedFolder) -> Served:
    """Loads an adapter on a base, also while the base answers requests.

    Raises:
        ModelError: it belongs to another base, is another kind of adapter, is broken, or does not fit into
            memory.
    """
    own = read_manifest(adapter.path)
    if own.base_fingerprint and own.base_fingerprint != fingerprint(base.path):
        raise _misfit(adapter, base, ValueError(_("基座的指纹不同")))
    try:
        pairs = read_adapter(adapter.path, base.engine.model)
        base.engine.add_adapter(adapter.name, pairs).result()
    except torch.OutOfMemoryError as error:
        raise ModelError(_("显存不够再加载适配器 {folder}，请先卸载一个", folder=adapter.path)) from error
    except MisfitError as error:
        raise _misfit(adapter, base, error) from error
    except ModelError:
        raise
    except Exception as error:  # a file that changes meanwhile, an engine that stops
        raise _failure(_("加载不了 {folder}：{detail}"), adapter, error) from error
    return replace(
        base,
        name=adapter.name,
        path=adapter.path,
        parent=base.name,
        adapter=adapter.name,
        template=own.template or base.template,
        system=own.system or base.system,
        _shared={},
    )


def assign(models: list[NamedFolder], adapters: list[NamedFolder]) -> dict[str, list[NamedFolder]]:
    """Returns the adapters of each model by name: the base that the adapter's configuration names, or the
    only model.

    Raises:
        ModelError: no loaded model is the adapter's base.
    """
    by_model: dict[str, list[NamedFolder]] = {model.name: [] for model in models}
    for adapter in adapters:
        owner = owner_of(adapter.name, adapter_base(adapter.path), models)
        by_model[owner.name].append(adapter)
    return by_model


class _Full(Protocol):
    """A full model, loaded or not."""

    @property
    def path(self) -> Path: ...


Full = TypeVar("Full", bound=_Full)


def owner_of(adapter: str, base: str, models: Sequence[Full]) -> Full:
    """Returns the model that an adapter belongs to; ``base`` is the base named by its configuration.

    Raises:
        ModelError: none of them.
    """
    with contextlib.suppress(OSError, RuntimeError, ValueError):  # what a stranger's file names is any text
        folder = base_here(Path(base).expanduser()).resolve()
        for model in models:
            if base and folder == model.path:
                return model
    if len(models) == 1:
        return models[0]
    for model in models:
        if base and Path(base).name == model.path.name:
            return model
    shown = base[:SHOWN_BASE]
    raise ModelError(
        _("适配器 {name} 的基座 {base} 不在要加载的模型里，请一起加载", name=adapter, base=shown)
    )


def _load_base(folder: NamedFolder, device: torch.device, form: Format, runs_code: bool) -> tuple[Any, Any]:
    prepare_transformers()
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options: dict[str, Any] = {
        "torch_dtype": choose_dtype(form.dtype, device),
        "trust_remote_code": runs_code,
    }
    if form.quantization:
        import_bitsandbytes()
        from transformers import BitsAndBytesConfig

        eight = form.quantization == "8bit"
        options["quantization_config"] = (
            BitsAndBytesConfig(load_in_8bit=True)
            if eight
            else BitsAndBytesConfig(
                load_in_4bit=True,
                bnb_4bit_quant_type="nf4",
                bnb_4bit_use_double_quant=True,
                bnb_4bit_compute_dtype=options["torch_dtype"],
            )
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder.path, trust_remote_code=runs_code)
    except Exception as error:  # remote code and file formats may raise anything
        raise _failure(_("读不了 {folder} 的分词器：{detail}"), folder, error) from error
    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            folder.path, device_map={"": device}, output_loading_info=True, **options
        )
    except torch.OutOfMemoryError as error:
        raise ModelError(
            _("显存不够加载 {folder}，请用 --quantization 4bit 或 --device cpu", folder=folder.path)
        ) from error
    except Exception as error:
        raise _failure(_("加载不了 {folder}：{detail}"), folder, error) from error
    if missing := sorted(info["missing_keys"]):
        raise ModelError(
            _(
                "{folder} 的权重不完整，缺 {count} 个张量（如 {keys}），请重新下载或合并",
                folder=folder.path,
                count=len(missing),
                keys=_("、").join(missing[:SHOWN_KEYS]),
            )
        )
    return model.eval(), tokenizer


def _failure(message: str, folder: NamedFolder, error: Exception) -> ModelError:
    traceback.print_exception(error)
    detail = first_line(error)
    return ModelError(message.format(folder=folder.path, detail=detail))


def _misfit(adapter: NamedFolder, base: Served, error: Exception) -> ModelError:
    traceback.print_exception(error)
    detail = next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), "")
    return ModelError(
        _(
            "适配器 {adapter} 和基座 {base} 对不上，它是用另一个基座训练的（{detail}）；请换回那个基座，或者用现在的基座重新训练",
            adapter=adapter.path,
            base=base.path,
            detail=detail[:200],
        )
    )
