"""Rendering the config of one training: a preset's text with some constants replaced, and under a profile
with lines at its end."""

from pathlib import Path

from tianji_core.training.profiles import AS_WRITTEN, AUTO, Profile, profile
from tianji_core.training.settings import TrainingSettings
from tianji_core.training.xtuner_engine.source import CONSTANTS, DATA, PAIRS, constants, replaced_constants

CONFIG_NAME = "config.py"
"""The config in a training's work folder."""


def render(
    source: str,
    settings: TrainingSettings,
    data_path: Path,
    held_path: Path | None,
    runs_code: bool,
    device: str,
) -> str:
    """The text of a config with these settings and files: ``data_path`` is the training file, ``held_path``
    the validation file; of a config that learns from pairs, the pairs and the questions. ``runs_code`` says
    that loading the base may run Python code in its folder; ``device`` is 'cpu' or 'cuda'.

    Raises:
        TrainingError: the config lacks a constant.
    """
    assigned = constants(source)
    values: dict[str, object] = {
        constant: getattr(settings, name) for name, constant in CONSTANTS.items() if constant in assigned
    }
    values[PAIRS if PAIRS in assigned else DATA] = str(data_path)
    for constant in {"validation_path", "questions_path"} & assigned.keys():
        values[constant] = str(held_path or "")
    values["trust_remote_code"] = runs_code
    # EvaluateChatHook calls str.format on the system prompt, so a lone brace would be read as a placeholder.
    values["SYSTEM"] = settings.system.replace("{", "{{").replace("}", "}}")
    source = replaced_constants(source, values)
    if settings.profile not in (AS_WRITTEN, AUTO):
        source = profiled(source, profile(settings.profile), device)
    return with_curves(source, settings.curves) if settings.curves else source


def with_curves(source: str, program: str) -> str:
    """A config's text that writes the curves for 'tensorboard' or 'swanlab', beside the file that the studio
    reads. Nothing is sent anywhere."""
    if program == "tensorboard":
        backend, given = "mmengine.visualization", "TensorboardVisBackend"
        own = "dict(type=TensorboardVisBackend)"
    else:
        backend, given = "swanlab.integration.mmengine", "SwanlabVisBackend"
        own = 'dict(type=SwanlabVisBackend, init_kwargs=dict(project="tianji", mode="offline"))'
    lines = [
        "",
        f"# ---- curves for {program}, too ----",
        "from mmengine.visualization import LocalVisBackend, Visualizer",
        f"from {backend} import {given}",
        "",
        f"visualizer = dict(type=Visualizer, vis_backends=[dict(type=LocalVisBackend), {own}])",
    ]
    return source.rstrip("\n") + "\n" + "\n".join(lines) + "\n"


def profiled(source: str, chosen: Profile, device: str = "cuda") -> str:
    """A config's text under this profile: lines at its end change what the preset has built. On a CPU only
    the computation of the gradient changes."""
    lines = [
        "",
        f"# ---- profile {chosen.key}: the same training, with other arithmetic ----",
        "from tianji_core.training.xtuner_engine.fast_finetune import FastFinetune",
        "from tianji_core.training.xtuner_engine.run_ahead import LateScalars",
        "from tianji_core.training.xtuner_engine.schedule import StepCosineLR",
        "",
        f"model.update(type=FastFinetune, checkpointed={chosen.checkpointed!r})",
    ]
    if chosen.float8 and device != "cpu":
        lines[-1] = f"model.update(type=FastFinetune, checkpointed={chosen.checkpointed!r}, float8=True)"
    if device != "cpu":
        half = f"torch.{chosen.dtype}"
        lines.insert(2, "import torch")
        lines.append(f'model["llm"].update(torch_dtype={half})')
        if chosen.quantised:
            lines.insert(3, "from transformers import BitsAndBytesConfig")
            lines += [
                'model["llm"]["quantization_config"] = dict(',
                "    type=BitsAndBytesConfig,",
                "    load_in_4bit=True,",
                f"    bnb_4bit_compute_dtype={half},",
                "    bnb_4bit_use_double_quant=True,",
                '    bnb_4bit_quant_type="nf4",',
                ")",
            ]
        else:
            lines.append('model["llm"].pop("quantization_config", None)')
        scale = '"dynamic"' if chosen.dtype == "float16" else "dict(enabled=False)"
        lines += [
            f'optim_wrapper.update(dtype="{chosen.dtype}", loss_scale={scale})',
            'optim_wrapper["optimizer"].update(fused=True)',
            "train_dataloader.update(num_workers=2, persistent_workers=True, pin_memory=True)",
        ]
    lines += [
        'default_hooks["runtime_info"] = dict(type=LateScalars)',
        "param_scheduler = [",
        "    dict(",
        "        type=StepCosineLR,",
        "        accumulation=accumulative_counts,",
        "        warmup_ratio=warmup_ratio,",
        "        by_epoch=True,",
        "        end=max_epochs,",
        "        convert_to_iter_based=True,",
        "    ),",
        "]",
    ]
    return source.rstrip("\n") + "\n" + "\n".join(lines) + "\n"
