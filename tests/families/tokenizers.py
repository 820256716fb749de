"""Small tokenizers of the kinds that people's bases bring, trained here: sentencepiece with byte fallback,
and byte-level BPE as in Qwen and Llama 3.

``TIANJI_REAL_TOKENIZERS`` names a folder with real ones, one folder each, that the tests try in addition.
"""

import io
import json
import os
from pathlib import Path

from tests.tiny_base import WORDS
from tianji_core.project import PROJECT

VARIABLE = "TIANJI_REAL_TOKENIZERS"
MARKERS = ("<|im_start|>", "<|im_end|>")
HEADERS = ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""The chat template of Qwen's and InternLM2's makers, without a default system prompt."""


def real_tokenizers() -> list[Path]:
    """The folders of real tokenizers on this machine."""
    place = os.environ.get(VARIABLE)
    return sorted(path.parent for path in Path(place).glob("*/tokenizer_config.json")) if place else []


def corpus() -> list[str]:
    """Chinese text to train a tokenizer on: built-in recipes, and characters of other kinds."""
    files = [
        *(PROJECT / "configs" / "recipes").glob("*.yaml"),
        *(PROJECT / "configs" / "composer").glob("*.yaml"),
    ]
    texts = [path.read_text(encoding="utf-8") for path in sorted(files)]
    lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    return [*lines, WORDS, "abcdefghijklmnopqrstuvwxyz 0123456789 ~!?。，！", "system user assistant"] * 2


def write_sentencepiece(path: Path, size: int = 1200) -> None:
    """A sentencepiece BPE model like InternLM2's: byte fallback, no space put in front, ``<unk>``, ``<s>``
    and ``</s>`` first."""
    from sentencepiece import SentencePieceTrainer

    made = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()),
        model_writer=made,
        vocab_size=size,
        model_type="bpe",
        byte_fallback=True,
        character_coverage=0.98,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        unk_id=0,
        bos_id=1,
        eos_id=2,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    path.write_bytes(made.getvalue())


def write_byte_level(folder: Path, size: int = 900) -> int:
    """``vocab.json`` and ``merges.txt`` of a byte-level BPE like Qwen's; returns the number of its words."""
    from tokenizers import ByteLevelBPETokenizer

    made = ByteLevelBPETokenizer()
    made.train_from_iterator(corpus(), vocab_size=size, show_progress=False)
    made.save_model(str(folder))
    return made.get_vocab_size()


def added(names: tuple[str, ...], first: int) -> dict[str, dict[str, object]]:
    """``added_tokens_decoder`` of special tokens with the ids from ``first`` on."""
    rest = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False, "special": True}
    return {str(first + n): {"content": name, **rest} for n, name in enumerate(names)}


def write_qwen(folder: Path, bos: str | None = None, template: bool = True) -> int:
    """Qwen's tokenizer files with a small vocabulary; ``bos`` is None as in the original, or a token that
    some releases set. Returns the number of words."""
    count = write_byte_level(folder)
    special = ("<|endoftext|>", *MARKERS)
    config = {
        "tokenizer_class": "Qwen2Tokenizer",
        "added_tokens_decoder": added(special, count),
        "additional_special_tokens": list(MARKERS),
        "bos_token": bos,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "unk_token": None,
        "model_max_length": 2048,
        **({"chat_template": CHATML} if template else {}),
    }
    write_config(folder, config)
    return count + len(special)


def write_llama(folder: Path) -> int:
    """A sentencepiece tokenizer of Llama's class with the two markers; returns the number of words."""
    from sentencepiece import SentencePieceProcessor

    write_sentencepiece(folder / "tokenizer.model")
    count = SentencePieceProcessor(model_file=str(folder / "tokenizer.model")).get_piece_size()
    first = {"0": "<unk>", "1": "<s>", "2": "</s>"}
    named = {at: added((name,), int(at))[at] for at, name in first.items()}
    config = {
        "tokenizer_class": "LlamaTokenizer",
        "added_tokens_decoder": {**named, **added(MARKERS, count)},
        "additional_special_tokens": list(MARKERS),
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "</s>",
        "add_bos_token": True,
        "add_eos_token": False,
        "legacy": False,
        "add_prefix_space": False,
        "chat_template": "{{ bos_token }}" + CHATML,
    }
    write_config(folder, config)
    return count + len(MARKERS)


def write_llama3(folder: Path, headers: bool = False) -> int:
    """Llama 3's form: only ``tokenizer.json``, whose post-processor puts the beginning token in front. It
    knows the two markers, as the ChatML fine-tunes of Llama 3 do, or with ``headers`` the makers' own.
    Returns the number of words."""
    from tokenizers import AddedToken, ByteLevelBPETokenizer, processors

    made = ByteLevelBPETokenizer()
    made.train_from_iterator(corpus(), vocab_size=900, show_progress=False)
    markers = HEADERS if headers else MARKERS
    special = ("<|begin_of_text|>", "<|end_of_text|>", *markers)
    made.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in special])
    begin = ("<|begin_of_text|>", made.token_to_id("<|begin_of_text|>"))
    rust = made._tokenizer
    rust.post_processor = processors.TemplateProcessing(
        single=f"{begin[0]} $A", pair=f"{begin[0]} $A {begin[0]} $B", special_tokens=[begin]
    )
    rust.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<|begin_of_text|>",
        "eos_token": markers[-1],
        "pad_token": "<|end_of_text|>",
        "additional_special_tokens": list(markers),
        "chat_template": "{{ bos_token }}" + CHATML,
        "model_max_length": 2048,
    }
    write_config(folder, config)
    return rust.get_vocab_size()


def write_own(folder: Path, fast: bool = True) -> int:
    """The files of the tokenizer of :mod:`tests.families.own_code`; returns the number of words. Without
    ``fast`` its configuration names the slow class alone."""
    count = write_llama(folder)
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["tokenizer_class"] = "WishTokenizer"
    quick = "tokenization_wish_fast.WishTokenizerFast" if fast else None
    config["auto_map"] = {"AutoTokenizer": ["tokenization_wish.WishTokenizer", quick]}
    write_config(folder, config)
    return count


def write_config(folder: Path, config: dict[str, object]) -> None:
    """``tokenizer_config.json``."""
    text = json.dumps(config, ensure_ascii=False, indent=1)
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")
