"""Bases of the families that people bring, with random weights of a few hundred kilobytes."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tests.families import own_templates, tokenizers

OWN_CODE = Path(__file__).parent / "own_code"
SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
}


@dataclass(frozen=True)
class Family:
    """A kind of base: the name of its folder, the template it is trained with, and what writes it.
    ``stored_otherwise``: another family of this list in files of another form."""

    key: str
    folder: str
    template: str
    write: Callable[[Path], None]
    stored_otherwise: bool = False


def write_own_code(folder: Path, fast: bool = True) -> None:
    """A model that brings its own code; see :mod:`tests.families.own_code`."""
    from tests.families.own_code.configuration_wish import WishConfig
    from tests.families.own_code.modeling_wish import WishForCausalLM

    words = tokenizers.write_own(folder, fast)
    for path in OWN_CODE.glob("*_wish*.py"):
        shutil.copyfile(path, folder / path.name)
    config = WishConfig(vocab_size=words, torch_dtype="float32", architectures=["WishForCausalLM"])
    made = _drawn(WishForCausalLM(config))
    weights = {name: value.contiguous() for name, value in made.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    values = config.to_dict()
    values["auto_map"] = {
        "AutoConfig": "configuration_wish.WishConfig",
        "AutoModelForCausalLM": "modeling_wish.WishForCausalLM",
    }
    (folder / "config.json").write_text(json.dumps(values, indent=1), encoding="utf-8")


def _write_llama(folder: Path, **saving: Any) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    words = tokenizers.write_llama(folder)
    config = LlamaConfig(vocab_size=words, **SHAPE, bos_token_id=1, eos_token_id=2, pad_token_id=2)
    _drawn(LlamaForCausalLM(config)).save_pretrained(folder, **saving)


def _write_qwen2(folder: Path, tied: bool = True, **saving: Any) -> None:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    words = tokenizers.write_qwen(folder)
    config = Qwen2Config(vocab_size=words, **SHAPE, tie_word_embeddings=tied, eos_token_id=words - 1)
    _drawn(Qwen2ForCausalLM(config)).save_pretrained(folder, **saving)


def _write_qwen3(folder: Path) -> None:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    words = tokenizers.write_qwen(folder)
    config = Qwen3Config(vocab_size=words, **SHAPE, head_dim=32, eos_token_id=words - 1)
    _drawn(Qwen3ForCausalLM(config)).save_pretrained(folder, max_shard_size="600KB")


def _write_llama3(folder: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    words = tokenizers.write_llama3(folder)
    stretched = {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 256,
    }
    config = LlamaConfig(
        vocab_size=words,
        **SHAPE,
        rope_theta=500000.0,
        rope_scaling=stretched,
        bos_token_id=words - 4,
        eos_token_id=[words - 3, words - 1],
    )
    _drawn(LlamaForCausalLM(config)).save_pretrained(folder)


def _write_mistral(folder: Path) -> None:
    """A family for which no template has a name; its tokenizer brings one."""
    from transformers import MistralConfig, MistralForCausalLM

    words = own_templates.write_mistral(folder)
    own_templates.with_template(folder, own_templates.MISTRAL)
    config = MistralConfig(vocab_size=words, **SHAPE, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    _drawn(MistralForCausalLM(config)).save_pretrained(folder)


def _write_bin(folder: Path) -> None:
    _write_llama(folder, safe_serialization=False)


def _write_mixed(folder: Path) -> None:
    """Both forms side by side, each in several files with an index, as a download of everything leaves."""
    _write_qwen2(folder, tied=False, max_shard_size="300KB")
    from transformers import Qwen2ForCausalLM

    made = Qwen2ForCausalLM.from_pretrained(folder)
    made.save_pretrained(folder / "pickled", safe_serialization=False, max_shard_size="500KB")
    for path in (folder / "pickled").glob("*.bin*"):
        path.rename(folder / path.name)
    shutil.rmtree(folder / "pickled")


def _drawn(model: Any) -> Any:
    """The model with weights that tell its tokens apart."""
    torch.manual_seed(0)
    for weight in model.parameters():
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, std=0.08)
    return model.float().eval()


FAMILIES = (
    Family("own code", "internlm2.5 祝福-chat v1.0", "internlm2_chat", write_own_code),
    Family("llama-shaped", "internlm3-8b.llama", "internlm2_chat", _write_llama),
    Family("qwen2.5 tied", "Qwen2.5-0.5B 指令", "qwen_chat", _write_qwen2),
    Family("qwen3", "Qwen3-1.7B", "qwen_chat", _write_qwen3),
    Family("llama3", "Llama-3.2-1B.chatml", "qwen_chat", _write_llama3),
    Family("mistral", "Mistral-7B 指令.v0.2", "tokenizer", _write_mistral),
    Family("bin", "pytorch_model.bin", "internlm2_chat", _write_bin, stored_otherwise=True),
    Family("mixed shards", "两种 权重.v2", "qwen_chat", _write_mixed, stored_otherwise=True),
)


def written(family: Family, place: Path) -> Path:
    """The folder of a base of this family inside ``place``."""
    folder = place / family.folder
    folder.mkdir(parents=True)
    family.write(folder)
    return folder
