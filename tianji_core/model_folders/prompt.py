"""Turning a conversation into the token ids that the model was trained on."""

from collections.abc import Mapping, Sequence
from typing import Any

from tianji_core.errors import ChatTemplateError, InputError
from tianji_core.i18n import _
from tianji_core.model_folders.messages import ChatMessage
from tianji_core.model_folders.own_template import LabelledIds, Turns, end_token, labelled, own_prompt
from tianji_core.model_folders.template import OWN_TEMPLATE, STOPS, TEMPLATE, TEMPLATES


def with_system(messages: Sequence[ChatMessage], system: str) -> list[ChatMessage]:
    """The conversation with the model's own system prompt in front where it has none; an empty one means
    none."""
    first = messages[0]
    if first.role in ("system", "developer"):
        rest = list(messages[1:])
        return [ChatMessage(role="system", content=first.content), *rest] if first.content.strip() else rest
    return [ChatMessage(role="system", content=system), *messages] if system else list(messages)


QWEN = ("QWenTokenizer", "Qwen2Tokenizer", "Qwen2TokenizerFast")
"""Classes of tokenizers whose conversations have no beginning token, though some releases name one."""


def beginning(tokenizer: Any) -> list[int]:
    """The ids with which every conversation begins, in training as in chat: the tokenizer's beginning token,
    or none where it has none or is one of :data:`QWEN`."""
    if type(tokenizer).__name__ in QWEN or tokenizer.bos_token_id is None:
        return []
    return [tokenizer.bos_token_id]


def encode(tokenizer: Any, template: str, messages: Sequence[ChatMessage]) -> list[int]:
    """The prompt as token ids, the same as in training: :func:`beginning` comes first, or what the own
    template of the tokenizer begins with. Control tokens in the messages are removed.

    Raises:
        InputError: nothing to answer, or the model's own template refuses the conversation.
    """
    if not messages or messages[-1].role != "user":
        raise InputError(_("对话的最后一句应当是 user 说的，否则没有可以回答的内容"))
    turns = cleaned(tokenizer, [(m.role, m.content) for m in messages])
    if template in TEMPLATES or (template != OWN_TEMPLATE and not getattr(tokenizer, "chat_template", None)):
        markup = TEMPLATES.get(template, TEMPLATES[TEMPLATE])
        text = "".join(markup.turn.format(role=role, content=content) for role, content in turns)
        return beginning(tokenizer) + tokenizer.encode(text + markup.opening, add_special_tokens=False)
    try:
        return own_prompt(tokenizer, turns)
    except ChatTemplateError as error:
        if error.fault != "refuses":
            raise
        raise InputError(_("模型自带的对话模板不接受这段对话：{detail}", detail=error.detail)) from error


def cleaned(tokenizer: Any, turns: Turns) -> list[tuple[str, str]]:
    """The (role, content) turns without control tokens."""
    controls = {*STOPS, *tokenizer.all_special_tokens}
    return [(role, without(content, controls)) for role, content in turns]


def conversation(tokenizer: Any, turns: Sequence[Mapping[str, Any]]) -> LabelledIds:
    """The ids and labels of turns of a training file (system, input, output) by the tokenizer's own template.

    Raises:
        ChatTemplateError: it has none, or answers cannot be cut out of it.
    """
    said: list[tuple[str, str]] = []
    for turn in turns:
        said += [("system", turn["system"])] if turn.get("system") else []
        said += [("user", turn["input"] or ""), ("assistant", turn["output"] or "")]
    return labelled(tokenizer, cleaned(tokenizer, said))


def shared_tokens(tokenizer: Any, template: str, messages: Sequence[ChatMessage]) -> int:
    """The number of tokens with which every conversation under the same system prompt begins; 0 without one.

    Raises:
        InputError: as for :func:`encode`.
    """
    first = messages[0]
    if first.role == "user":
        return 0
    one, other = (encode(tokenizer, template, [first, ChatMessage(role="user", content=c)]) for c in "甲乙")
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)


def without(text: str, controls: set[str]) -> str:
    """``text`` without control tokens, including those that only appear after a removal."""
    tokens = [token for token in controls if token]
    if not any(token in text for token in tokens):
        return text
    lasts = {token[-1] for token in tokens}
    kept: list[str] = []  # character by character: removing level by level takes minutes for a hostile text
    for character in text:
        kept.append(character)
        while kept and kept[-1] in lasts:
            found = next((token for token in tokens if _ends_with(kept, token)), None)
            if found is None:
                break
            del kept[-len(found) :]
    return "".join(kept)


def _ends_with(characters: list[str], token: str) -> bool:
    return "".join(characters[-len(token) :]) == token


def stop_tokens(tokenizer: Any, configured: int | Sequence[int] | None) -> frozenset[int]:
    """The ids that end an answer: the model's end tokens, the markers of the next turn, and the end marker of
    the tokenizer's own template."""
    ids = {configured} if isinstance(configured, int) else set(configured or ())
    if tokenizer.eos_token_id is not None:
        ids.add(tokenizer.eos_token_id)
    vocabulary = tokenizer.get_vocab()
    ids.update(vocabulary[marker] for marker in STOPS if marker in vocabulary)
    if (end := end_token(tokenizer)) is not None:
        ids.add(end)
    return frozenset(ids)
