"""对话模板: the forms in which a conversation becomes text, by xtuner's names, and which one a model folder was made for."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Template:
    """``frame`` is the text that one sample becomes, with ``{system}``, ``{input}`` and ``{output}``; ``markers`` must each
    be one token of the model; ``families`` are the ``model_type`` of the models that know it from birth."""

    frame: str
    markers: tuple[str, ...]
    families: tuple[str, ...]


_CHAT_MARKUP = (
    "<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{input}<|im_end|>\n"
    "<|im_start|>assistant\n{output}<|im_end|>\n"
)
_MARKERS = ("<|im_start|>", "<|im_end|>")
TEMPLATES = {
    "internlm2_chat": Template(_CHAT_MARKUP, _MARKERS, ("internlm", "internlm2", "internlm3")),
    "qwen_chat": Template(_CHAT_MARKUP, _MARKERS, ("qwen", "qwen2", "qwen3")),
}
"""The two forms of chat markup; they differ in what else ends an answer."""
TEMPLATE = "internlm2_chat"
"""Of the built-in model, and of trainings and models that do not say."""


def model_type(folder: Path) -> str:
    """The architecture's short name in a model's ``config.json``; '' where there is none."""
    try:
        return str(json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type", ""))
    except (OSError, ValueError, AttributeError, RecursionError):
        return ""


def native_template(folder: Path) -> str:
    """The template that a model knows from birth, '' where its architecture does not tell."""
    kind = model_type(folder)
    return next((name for name, template in TEMPLATES.items() if kind in template.families), "")


def missing_markers(folder: Path, template: str) -> list[str] | None:
    """The markers of a template that are not one token of the model in ``folder``; None where its tokenizer cannot be
    read without running code."""
    known = _vocabulary(folder)
    return None if known is None else [each for each in TEMPLATES[template].markers if not known(each)]


def _vocabulary(folder: Path) -> Callable[[str], bool] | None:
    declared = _declared(folder)
    if (folder / "tokenizer.json").exists():
        try:
            value = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
            added = {str(each["content"]) for each in value.get("added_tokens", [])}
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


def _declared(folder: Path) -> set[str]:
    """The tokens that a tokenizer's configuration adds to its vocabulary."""
    found: set[str] = set()
    try:
        value = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        found |= {str(each["content"]) for each in value.get("added_tokens_decoder", {}).values()}
        extra = value.get("additional_special_tokens") or []
        found |= {str(each["content"] if isinstance(each, dict) else each) for each in extra}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return found
