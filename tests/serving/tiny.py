"""Tiny models of random weights, made on the spot: enough for everything about serving but the quality of
answers."""

import shutil
from pathlib import Path
from typing import Any

CHARACTERS = "祝你您生日快乐春节新年赵老师大舅风格小红书严肃，。！？、system user assistant送福如东海寿比南山平安喜健康顺遂\n"
SPECIAL = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
CONTEXT = 256


def make_tokenizer(folder: Path, characters: str = CHARACTERS) -> None:
    """A character tokenizer with the two chat markers."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: at for at, token in enumerate([*SPECIAL, *sorted(set(characters))])}
    raw = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    raw.decoder = decoders.Fuse()
    tokenizer: Any = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=SPECIAL[3:],
        clean_up_tokenization_spaces=False,
    )
    tokenizer.save_pretrained(folder)


def make_base(folder: Path, hidden: int = 32, seed: int = 0, characters: str = CHARACTERS) -> Path:
    """A two-layer Llama in Hugging Face format."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    make_tokenizer(folder, characters)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=hidden * 2,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.3,
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.lm_head.weight[: len(SPECIAL)] *= 0.2  # or answers end after a word or two
    model.save_pretrained(folder)
    return folder


def make_adapter(folder: Path, base: Path, seed: int, rank: int = 4) -> Path:
    """A LoRA adapter of random weights that changes what the base says."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base),
        LoraConfig(
            r=rank,
            lora_alpha=2 * rank,
            target_modules=["q_proj", "v_proj", "down_proj"],
            task_type="CAUSAL_LM",
        ),
    )
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    return folder


def copy(folder: Path, target: Path) -> Path:
    """A copy to be broken."""
    return Path(shutil.copytree(folder, target))
