"""Turns the messages and prompts of requests into tokens. Imported by the server process only."""

from dataclasses import dataclass

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.model_folders.prompt import encode, with_system
from tianji_core.serving.loading import Served
from tianji_core.serving.protocol import bad_request
from tianji_core.serving.request_bodies import ChatRequest, CompletionRequest, SamplingRequest


@dataclass(frozen=True)
class Prompt:
    """The tokens of a prompt. The first ``shared`` of them are likely to begin other prompts too; ``room`` is
    how many tokens fit after them."""

    tokens: list[int]
    shared: int
    room: int


def chat_prompt(asked: ChatRequest, entry: Served, system: str | None) -> Prompt:
    """Returns the prompt of a conversation by the model's chat template. ``system`` overrides the model's own
    system prompt.

    Raises:
        ApiError: there is nothing to answer, or no room for an answer.
    """
    messages = with_system(asked.messages, entry.system if system is None else system)
    try:
        tokens = encode(entry.tokenizer, entry.template, messages)
        shared = entry.shared(messages[0])
    except InputError as error:
        raise bad_request(str(error), "invalid_messages", "messages") from error
    return Prompt(tokens, shared, _room(entry, tokens, "messages"))


def completion_prompts(asked: CompletionRequest, entry: Served) -> list[Prompt]:
    """Returns the prompts of a completion, texts encoded as the tokenizer does by itself: with its beginning
    token, if it has one, and with control tokens.

    Raises:
        ApiError: a prompt is empty, holds a token that the model does not have, or leaves no room.
    """
    made = []
    for prompt in asked.prompts:
        tokens = entry.tokenizer.encode(prompt) if isinstance(prompt, str) else prompt
        if not tokens:
            raise bad_request(_("prompt 是空的，请写上文字"), "invalid_value", "prompt")
        check_tokens(entry, tokens, "prompt")
        made.append(Prompt(tokens, 0, _room(entry, tokens, "prompt")))
    return made


def check_tokens(entry: Served, tokens: list[int], param: str) -> None:
    """Checks that the model has these tokens.

    Raises:
        ApiError: it lacks one; names the field ``param``.
    """
    size = entry.vocabulary.size
    if strange := next((token for token in tokens if not 0 <= token < size), None):
        message = _(
            "{field} 里的 token {token} 不在词表里，编号应当小于 {size}",
            field=param,
            token=strange,
            size=size,
        )
        raise bad_request(message, "invalid_value", param)


def check_bias(asked: SamplingRequest, entry: Served) -> None:
    """Checks that the model has the tokens of ``logit_bias``.

    Raises:
        ApiError: it lacks one.
    """
    check_tokens(entry, list(asked.logit_bias), "logit_bias")


def _room(entry: Served, tokens: list[int], param: str) -> int:
    room = entry.context - len(tokens)
    if room < 1:
        message = _(
            "对话太长：{have} 个 token，模型最多 {limit} 个（还要留给回答），请至少缩短 {over} 个 token",
            have=len(tokens),
            limit=entry.context,
            over=1 - room,
        )
        raise bad_request(message, "context_length_exceeded", param)
    return room
