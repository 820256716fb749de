"""The preset files are complete xtuner configs that run by hand, so they repeat each other. Here is what must
be equal: beside the docstring, the card and the settings each is the tutorial's config with the changes that
its card names."""

import ast
import re

import pytest

from tianji_core.training import Preset, preset, presets
from tianji_core.training.settings import LORA_FIELDS, PAIRS_FIELDS
from tianji_core.training.xtuner_engine.source import constants

TUTORIAL = "internlm2-chat-7b-qlora"
SHARED = (
    "data_path",
    "validation_path",
    "trust_remote_code",
    "weight_decay",
    "max_norm",
    "warmup_ratio",
    "evaluation_freq",
    "max_epochs",
    "seed",
    "SYSTEM",
    "evaluation_inputs",
)
"""The constants that have one value in every preset."""


ORDINARY = [chosen for chosen in presets() if not chosen.from_pairs]
FROM_PAIRS = [chosen for chosen in presets() if chosen.from_pairs]
ALIKE = {
    "nano-cpu-orpo": "nano-cpu-lora",
    "nano-cpu-dpo": "nano-cpu-lora",
    "internlm2-chat-7b-dpo-qlora": TUTORIAL,
    "qwen3-4b-dpo-qlora": "qwen3-4b-instruct-2507-qlora",
}
"""Preset for pairs → the preset for a dataset whose model, optimizer and runtime it shares."""
PARTS = ("tokenizer = dict(", "    llm=dict(", "    lora=dict(", "# ---- optimizer", "env_cfg = dict(")
"""What begins the parts of the program that both have word for word, up to the next empty line."""


def program(chosen: Preset) -> str:
    """The imports, and everything below the settings."""
    imports, _, rest = chosen.source.partition("# ---- what the studio shows")
    settings, heading, below = rest.partition("# ---- model ----")
    assert settings and heading
    return imports[imports.index("import torch") :] + heading + below


def settings_lines(chosen: Preset) -> list[str]:
    """The lines of the settings without their values: names and comments."""
    _, _, rest = chosen.source.partition("# ---- what a person may change")
    text, _, _ = rest.partition("# ---- model ----")
    return [re.sub(r" = [^#]*?(?=  #|$)", " = …", line) for line in text.splitlines()]


def without(text: str, start: str) -> str:
    """``text`` without the argument that begins with the line ``start`` and ends with its closing bracket."""
    indent = re.search(rf"^( *){re.escape(start)}$", text, re.MULTILINE)[1]
    return re.sub(
        rf"^{indent}{re.escape(start)}\n.*?^{indent}\),\n", "", text, flags=re.MULTILINE | re.DOTALL
    )


def expected(chosen: Preset) -> str:
    """The tutorial's program with the changes that this preset's card names."""
    text = program(preset(TUTORIAL))
    changes = {"torch.float16": f"torch.{chosen.dtype}", '"float16"': f'"{chosen.dtype}"'}
    if chosen.dtype != "float16":
        changes['    loss_scale="dynamic",\n'] = ""
    if chosen.method != "qlora":
        text = without(text, "quantization_config=dict(")
        changes[", BitsAndBytesConfig"] = ""
    if chosen.method == "full":
        text = without(text, "lora=dict(")
        changes["from peft import LoraConfig\n"] = ""
    if not chosen.activation_checkpointing:
        line = "    use_varlen_attn=False,\n    llm=dict("
        changes[line] = line.replace("    llm", "    use_activation_checkpointing=False,\n    llm")
    if chosen.device == "cpu":
        cpu, validation = (
            "tianji_core.training.xtuner_engine.cpu",
            "from tianji_core.training.xtuner_engine.validation",
        )
        changes |= {
            "AmpOptimWrapper, CosineAnnealingLR, LinearLR": "CosineAnnealingLR, LinearLR, OptimWrapper",
            "AmpOptimWrapper": "OptimWrapper",
            f'    dtype="{chosen.dtype}",\n': "",
            "from xtuner.model import SupervisedFinetune\n": "",
            validation: f"from {cpu} import SupervisedFinetune\n{validation}",
            "map_num_proc=4": "map_num_proc=None",
            '"nccl"': '"gloo"',
            "log_processor = dict(by_epoch=False)": "log_processor = dict(by_epoch=False, window_size=10)",
        }
    if chosen.whole_samples:
        last = "from tianji_core.training.xtuner_engine.validation import ValidationLossHook\n"
        changes |= {
            "from xtuner.dataset import process_hf_dataset\n": "",
            "from xtuner.dataset.collate_fns import default_collate_fn\n": "",
            last: f"{last}from tianji_core.training.xtuner_engine.whole_samples import "
            "collate_whole, whole_samples\n",
            "    type=process_hf_dataset,\n": "    type=whole_samples,\n",
            "    shuffle_before_pack=True,\n    pack_to_max_length=True,\n"
            "    use_varlen_attn=False,\n": "    seed=seed,\n",
            "dict(type=default_collate_fn, use_varlen_attn=False)": "dict(type=collate_whole)",
        }
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    return text


@pytest.mark.parametrize("chosen", ORDINARY, ids=lambda chosen: chosen.key)
def test_a_preset_is_the_tutorials_config_with_the_changes_its_card_names(chosen: Preset) -> None:
    assert program(chosen) == expected(chosen)


@pytest.mark.parametrize("chosen", FROM_PAIRS, ids=lambda chosen: chosen.key)
def test_a_preset_for_pairs_has_the_model_and_the_optimizer_of_its_ordinary_one(chosen: Preset) -> None:
    ordinary, own = program(preset(ALIKE[chosen.key])), program(chosen)
    for start in PARTS:
        part = ordinary[ordinary.index(start) :].partition("\n\n")[0]
        assert part in own, start
    assert {"orpo": "type=ORPO", "dpo": "type=AnchoredDPO"}[chosen.objective] in own


@pytest.mark.parametrize("chosen", presets(), ids=lambda chosen: chosen.key)
def test_every_preset_lists_the_same_settings_in_the_same_order(chosen: Preset) -> None:
    usual = settings_lines(preset(TUTORIAL))
    if chosen.method == "full":
        usual = [line for line in usual if not line.startswith(LORA_FIELDS)]
    if chosen.from_pairs:
        renamed = {"data_path": "pairs_path", "validation_path": "questions_path"}
        for old, new in renamed.items():
            usual = [line.replace(old, new) if line.startswith(old) else line for line in usual]
        at = next(n for n, line in enumerate(usual) if line.startswith("weight_decay"))
        usual[at:at] = [f"{name} = …" for name in PAIRS_FIELDS if name in chosen.fields]
    lines = settings_lines(chosen)
    assert [line.partition("  #")[0] for line in lines] == [line.partition("  #")[0] for line in usual]
    tutorial, own = constants(preset(TUTORIAL).source), constants(chosen.source)
    shared = [name for name in SHARED if not (chosen.from_pairs and name in ("data_path", "validation_path"))]
    assert {name: ast.literal_eval(own[name]) for name in shared} == {
        name: ast.literal_eval(tutorial[name]) for name in shared
    }


@pytest.mark.parametrize("chosen", presets(), ids=lambda chosen: chosen.key)
def test_the_header_names_the_command_that_launches_the_preset(chosen: Preset) -> None:
    assert f"train --preset {chosen.key} " in chosen.description
    if chosen.model_id:
        assert f"download {chosen.model_id}" in chosen.description
