"""对话模板: how a conversation becomes text, by xtuner's names, and which template a model was made for."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tianji_core.model_folders.config_files import TOKENIZER_CONFIG, model_type, optional_object


@dataclass(frozen=True)
class Template:
    """``turn`` is the text of one message, with ``{role}`` and ``{content}``; ``opening`` begins an answer;
    ``end`` ends every message; each of ``markers`` must be one token of the model; ``families`` are the
    ``model_type`` of the models whose makers trained them with it."""

    turn: str
    opening: str
    end: str
    markers: tuple[str, ...]
    families: tuple[str, ...]

    @property
    def frame(self) -> str:
        """The text of one sample, with ``{system}``, ``{input}`` and ``{output}``."""
        said = (("system", "{system}"), ("user", "{input}"), ("assistant", "{output}"))
        return "".join(self.turn.format(role=role, content=content) for role, content in said)


START, END = "<|im_start|>", "<|im_end|>"
_CHAT_MARKUP = (f"{START}{{role}}\n{{content}}{END}\n", f"{START}assistant\n", END, (START, END))
_HEADER, _HEADER_END, _TURN_END = "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"
_HEADERS = (
    f"{_HEADER}{{role}}{_HEADER_END}\n\n{{content}}{_TURN_END}",
    f"{_HEADER}assistant{_HEADER_END}\n\n",
    _TURN_END,
    (_HEADER, _HEADER_END, _TURN_END),
)
TEMPLATES = {
    "internlm2_chat": Template(*_CHAT_MARKUP, ("internlm", "internlm2", "internlm3")),
    "qwen_chat": Template(*_CHAT_MARKUP, ("qwen", "qwen2", "qwen3")),
    "llama3_chat": Template(*_HEADERS, ()),
}
"""By xtuner's names. The first two use one form of chat markup (ChatML), without a block of thoughts; they
differ in what else ends an answer. Llama 3 has its own, but its ``model_type`` is that of many models."""
STOPS = (START, END, _HEADER, _TURN_END)
"""The markers at which an answer ends, whatever the template."""
TEMPLATE = "internlm2_chat"
"""The template of the built-in model, and of trainings and models that name none."""
OWN_TEMPLATE = "tokenizer"
"""Names the tokenizer's own chat template; see :mod:`tianji_core.model_folders.own_template`."""
CHOICES = (*TEMPLATES, OWN_TEMPLATE)
"""The templates that a training can take."""


def native_template(folder: Path) -> str:
    """The template that a model's makers trained it with: that of its family where its markers are tokens of
    the model, else the tokenizer's own; '' where neither its architecture nor its tokenizer tells."""
    kind = model_type(folder)
    own = OWN_TEMPLATE if brings_template(folder) else ""
    if kind == "llama" and missing_markers(folder, "llama3_chat") == []:
        return "llama3_chat" if missing_markers(folder, TEMPLATE) else own
    named = next((name for name, template in TEMPLATES.items() if kind in template.families), "")
    if named and own and missing_markers(folder, named):
        return own
    return named or own


def brings_template(folder: Path) -> bool:
    """Whether a model's tokenizer has a chat template of its own."""
    return bool(
        (folder / "chat_template.jinja").is_file()
        or optional_object(folder, TOKENIZER_CONFIG).get("chat_template")
    )


def missing_markers(folder: Path, template: str) -> list[str] | None:
    """The markers of a named template that are not one token of the model in ``folder``; None where its
    tokenizer cannot be read without running code."""
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
