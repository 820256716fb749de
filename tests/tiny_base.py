"""A base model of a few hundred kilobytes with random weights, written without torch, and a training file for
it."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from tianji_core.files import sha256
from tianji_core.store import datasets
from tianji_core.store.database import writing
from tianji_core.store.datasets import DatasetVersion
from tianji_core.workspace import Workspace

SPECIAL = ["<s>", "</s>", "<pad>", "<unk>", "<|im_start|>", "<|im_end|>"]
SYSTEM = "你现在是一个送祝福大师，帮我针对不同人和事情、节日送对应的祝福"
WORDS = (
    "systemuserassistant\n祝您你生日快乐新年好中秋节妹妹老师大舅身体健康万事如意，。！,：风格小红书严肃"
    + SYSTEM
)


def write_tiny_base(folder: Path, seed: int = 0, model_type: str = "llama") -> Path:
    """A Hugging Face folder of the Llama, 'qwen2' or 'qwen3' architecture with a character tokenizer."""
    folder.mkdir(parents=True)
    vocabulary = [*SPECIAL, *sorted(set(WORDS))]
    tokenizer = Tokenizer(models.WordLevel({text: i for i, text in enumerate(vocabulary)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    _json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **names})
    hidden, inner, layers, size = 64, 128, 2, len(vocabulary)
    config = {
        "architectures": [f"{model_type.capitalize()}ForCausalLM"],
        "model_type": model_type,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "head_dim": hidden // 4,
        "max_position_embeddings": 1024,
        "vocab_size": size,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 2,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
    }
    _json(folder / "config.json", config)
    draw = np.random.default_rng(seed)

    def matrix(*shape: int) -> np.ndarray:
        return draw.normal(0, 0.05, shape).astype(np.float32)

    weights = {"model.embed_tokens.weight": matrix(size, hidden), "lm_head.weight": matrix(size, hidden)}
    weights["model.norm.weight"] = np.ones(hidden, np.float32)
    for layer in range(layers):
        start = f"model.layers.{layer}."
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            weights[f"{start}self_attn.{name}.weight"] = matrix(hidden, hidden)
        for name in ("q_proj", "k_proj", "v_proj") if model_type == "qwen2" else ():
            weights[f"{start}self_attn.{name}.bias"] = np.zeros(hidden, np.float32)
        for name in ("q_norm", "k_norm") if model_type == "qwen3" else ():
            weights[f"{start}self_attn.{name}.weight"] = np.ones(hidden // 4, np.float32)
        for name in ("gate_proj", "up_proj"):
            weights[f"{start}mlp.{name}.weight"] = matrix(inner, hidden)
        weights[f"{start}mlp.down_proj.weight"] = matrix(hidden, inner)
        for name in ("input_layernorm", "post_attention_layernorm"):
            weights[f"{start}{name}.weight"] = np.ones(hidden, np.float32)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def add_version(
    workspace: Workspace, name: str = "v1", count: int = 60, recipe: str = "wishes"
) -> DatasetVersion:
    """A frozen dataset version of ``count`` samples."""
    folder = workspace.datasets / name
    folder.mkdir()
    people, scenes = ["妹妹", "老师", "大舅"], ["生日", "中秋节", "新年"]
    entries = []
    for number in range(count):
        person, scene = people[number % 3], scenes[number // 3 % 3]
        turn = {
            "system": SYSTEM,
            "input": f"祝{person}{scene}",
            "output": f"祝{person}{scene}快乐，身体健康，万事如意！",
        }
        entries.append({"conversation": [turn]})
    _json(folder / "train.json", entries)
    with writing(workspace.engine) as connection:
        key = datasets.insert_version(
            connection,
            recipe=recipe,
            name=name,
            folder=f"datasets/{name}",
            sha256=sha256(folder / "train.json"),
            count=count,
            manifest={},
        )
    return datasets.get(workspace.engine, key)


def _json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
