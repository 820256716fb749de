"""Loading bases and adapters into memory. Imported by the server process only."""

import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.serving.engine import BASE, Engine
from tianji_core.serving.folders import NamedFolder, adapter_base, check_model, read_manifest
from tianji_core.serving.template import stop_tokens
from tianji_core.training.trust import checked_code

SHOWN_KEYS = 3


@dataclass(frozen=True)
class Limits:
    """How many requests of one base run and wait at the same time."""

    active: int = 16
    queue: int = 64


@dataclass(frozen=True)
class Served:
    """One model name that requests can use. ``adapter`` is peft's name, :data:`BASE` for none; ``parent`` the base's
    model name, '' for a full model; ``context`` the most tokens of prompt and answer together."""

    name: str
    path: Path
    parent: str
    adapter: str
    template: str
    system: str
    context: int
    tokenizer: Any
    engine: Engine


def choose_device(wanted: str) -> torch.device:
    """The device to compute on; ``auto`` takes the first GPU there is.

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
    """The number format; ``auto`` is float32 on a CPU, bfloat16 on a GPU that has it, else float16."""
    if wanted in ("auto", "nf4"):
        if device.type == "cpu":
            return torch.float32
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return getattr(torch, wanted)


def load(
    folder: NamedFolder,
    adapters: list[NamedFolder],
    device: torch.device,
    dtype: str,
    limits: Limits,
    code_allowed: bool = False,
) -> list[Served]:
    """Load one full model with its adapters and start its engine. The first entry is the model itself.
    ``code_allowed`` lets it run Python code that lies in its folder.

    Raises:
        ModelError: anything is missing, broken or does not fit.
    """
    check_model(folder.path)
    manifest = read_manifest(folder.path)
    model, tokenizer = _load_base(folder, device, dtype, checked_code(folder.path, code_allowed))
    context = int(getattr(model.config, "max_position_embeddings", 0) or 2048)
    stops = stop_tokens(tokenizer, model.generation_config.eos_token_id)
    model = _with_adapters(model, folder, adapters)
    engine = Engine(model, tokenizer, stops, bool(adapters), limits.active, limits.queue)
    base = Served(
        name=folder.name,
        path=folder.path,
        parent="",
        adapter=BASE,
        template=manifest.template,
        system=manifest.system,
        context=context,
        tokenizer=tokenizer,
        engine=engine,
    )
    served = [base]
    for index, adapter in enumerate(adapters):
        own = read_manifest(adapter.path)
        served.append(
            replace(
                base,
                name=adapter.name,
                path=adapter.path,
                parent=folder.name,
                adapter=_peft_name(index),
                template=own.template or base.template,
                system=own.system or base.system,
            )
        )
    return served


def assign(models: list[NamedFolder], adapters: list[NamedFolder]) -> dict[str, list[NamedFolder]]:
    """Model name → its adapters: by the base that the adapter's configuration names, or the only model there is.

    Raises:
        ModelError: no loaded model is the adapter's base.
    """
    by_model: dict[str, list[NamedFolder]] = {model.name: [] for model in models}
    for adapter in adapters:
        named = adapter_base(adapter.path)
        owner = next((m for m in models if named and Path(named).expanduser().resolve() == m.path), None)
        if owner is None and len(models) == 1:
            owner = models[0]
        if owner is None:
            owner = next((m for m in models if Path(named).name == m.path.name), None)
        if owner is None:
            raise ModelError(
                _("适配器 {name} 的基座 {base} 不在要加载的模型里，请一起加载", name=adapter.name, base=named)
            )
        by_model[owner.name].append(adapter)
    return by_model


def _load_base(folder: NamedFolder, device: torch.device, dtype: str, runs_code: bool) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options: dict[str, Any] = {"torch_dtype": choose_dtype(dtype, device), "trust_remote_code": runs_code}
    if dtype == "nf4":
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=options["torch_dtype"],
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
            _("显存不够加载 {folder}，请用 --dtype nf4 或 --device cpu", folder=folder.path)
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
    detail = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return ModelError(message.format(folder=folder.path, detail=detail))


def _with_adapters(model: Any, base: NamedFolder, adapters: list[NamedFolder]) -> Any:
    from peft import PeftConfig, PeftModel

    for index, adapter in enumerate(adapters):
        name = _peft_name(index)
        try:
            config = PeftConfig.from_pretrained(str(adapter.path))
            if getattr(config, "peft_type", None) != "LORA" or getattr(config, "use_dora", False):
                raise ModelError(_("{folder} 不是普通的 LoRA 适配器，请先合并再加载", folder=adapter.path))
            if index == 0:
                model = PeftModel.from_pretrained(model, adapter.path, adapter_name=name)
            else:
                model.load_adapter(adapter.path, adapter_name=name)
        except (ValueError, RuntimeError, KeyError, OSError, TypeError) as error:
            raise _misfit(adapter, base, error) from error
        _check_every_weight_found_its_place(model, name, adapter, base)
    return model.eval()


def _check_every_weight_found_its_place(
    model: Any, name: str, adapter: NamedFolder, base: NamedFolder
) -> None:
    """peft only warns where an adapter has layers that the model lacks, or the other way round."""
    from peft import get_peft_model_state_dict
    from peft.utils.save_and_load import load_peft_weights

    stored = set(load_peft_weights(str(adapter.path), device="cpu"))
    placed = set(get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False))
    if stray := sorted(stored ^ placed):
        raise _misfit(adapter, base, ValueError(_("对不上的张量如 {key}", key=stray[0])))


def _misfit(adapter: NamedFolder, base: NamedFolder, error: Exception) -> ModelError:
    traceback.print_exception(error)
    detail = next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), "")
    return ModelError(
        _(
            "适配器 {adapter} 和基座 {base} 对不上，它是用另一个基座训练的：{detail}",
            adapter=adapter.path,
            base=base.path,
            detail=detail[:200],
        )
    )


def _peft_name(index: int) -> str:
    """A module name inside the model, so it must not hold what a person may type (dots)."""
    return f"adapter_{index}"
