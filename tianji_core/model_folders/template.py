"""对话模板: how a conversation becomes text, by xtuner's names, and which template a model was made for."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tianji_core.model_folders.config_files import TOKENIZER_CONFIG, model_type, optional_object


@dataclass(frozen=True)
class Template:
    """``frame`` is the text of one sample, with ``{system}``, ``{input}`` and ``{output}``; each of
    ``markers`` must be one token of the model; ``families`` are the ``model_type`` of the models whose makers
    trained them with it."""

    frame: str
    markers: tuple[str, ...]
    families: tuple[str, ...]


START, END = "<|im_start|>", "<|im_end|>"
_CHAT_MARKUP = (
    f"{START}system\n{{system}}{END}\n{START}user\n{{input}}{END}\n{START}assistant\n{{output}}{END}\n"
)
_MARKERS = (START, END)
TEMPLATES = {
    "internlm2_chat": Template(_CHAT_MARKUP, _MARKERS, ("internlm", "internlm2", "internlm3")),
    "qwen_chat": Template(_CHAT_MARKUP, _MARKERS, ("qwen", "qwen2", "qwen3")),
}
"""By xtuner's names. All use one form of chat markup; they differ in what else ends an answer."""
TEMPLATE = "internlm2_chat"
"""The template of the built-in model, and of trainings and models that name none."""


def native_template(folder: Path) -> str:
    """The template that a model's makers trained it with; '' where its architecture does not tell."""
    kind = model_type(folder)
    return next((name for name, template in TEMPLATES.items() if kind in template.families), "")


def missing_markers(folder: Path, template: str) -> list[str] | None:
    """The markers of a template that are not one token of the model in ``folder``; None where its tokenizer
    cannot be read without running code."""
    known = _vocabulary(folder)
    return None if known is None else [marker for marker in TEMPLATES[template].markers if not known(marker)]


def _vocabulary(folder: Path) -> Callable[[str], bool] | None:
    declared = declared_tokens(folder)
    if (folder / "tokenizer.json").exists():
        try:
            value = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
            added = {str(token["content"]) for token in value.get("added_tokens", [])}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return lambda token: token in added or token in declared
    if (folder / "tokenizer.model").exists():
        from sentencepiece import SentencePieceProcessor

        try:
            processor = SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
        except (RuntimeError, OSError):
            return None
        return lambda token: token in declared or processor.piece_to_id(token) != processor.unk_id()
    return (lambda token: token in declared) if declared else None


def declared_tokens(folder: Path) -> set[str]:
    """The tokens that a tokenizer's configuration adds to its vocabulary."""
    value = optional_object(folder, TOKENIZER_CONFIG)
    tokens: set[str] = set()
    try:
        tokens |= {str(token["content"]) for token in value.get("added_tokens_decoder", {}).values()}
        extra = value.get("additional_special_tokens") or []
        tokens |= {str(token["content"] if isinstance(token, dict) else token) for token in extra}
    except (KeyError, TypeError, AttributeError):
        pass  # a tokenizer's configuration in another form declares nothing that can be relied on
    return tokens
