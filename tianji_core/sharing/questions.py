"""One question to a shared model: what a visitor sends is bounded, and so is what comes back."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tianji_core import serving
from tianji_core.errors import InputError, ServerError, SettingsError
from tianji_core.files import write_text
from tianji_core.gate import clean_text
from tianji_core.i18n import _
from tianji_core.locks import FileLock
from tianji_core.recipe import Recipe, asking, enabled_axes, training_input
from tianji_core.serving import ChatSampling, Message, chat_stream
from tianji_core.serving.choosing import top_p_of
from tianji_core.serving.services import is_confirmed, key_variable_of
from tianji_core.sharing.links import Share, Shares
from tianji_core.workspace import Workspace

MOST_QUESTION = 200
"""Characters of a question in a visitor's own words."""
MOST_TOKENS = 512
MOST_ANSWER = 2000
"""Characters of an answer that are passed on."""
LONGEST_ANSWER_S = 120.0
LOOK_AGAIN_S = 1.0
"""Seconds after which an answer under way asks again whether its link still counts."""
MOST_KEPT = 1000
"""Questions that are stored of one link; the oldest goes first."""

Word = Annotated[str, StringConstraints(max_length=100)]


class VisitorQuestion(BaseModel):
    """What a visitor sends: the choices, and own words that replace them ('' for none)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Word = ""
    scene: Word = ""
    style: Word = ""
    options: dict[Word, Word] = Field(default={}, max_length=20)
    text: Annotated[str, StringConstraints(max_length=MOST_QUESTION)] = ""


def question(recipe: Recipe, asked: VisitorQuestion) -> str:
    """Returns the question in the words of the training inputs, or in the visitor's own.

    Raises:
        InputError: a choice is not among those of the recipe that are enabled.
    """
    if own := " ".join(clean_text(asked.text).split()):
        return own
    name, scene, style = recipe.name(asked.name), recipe.scene(asked.scene), recipe.style(asked.style)
    chosen = [(axis, asked.options[axis.id]) for axis in enabled_axes(recipe) if asked.options.get(axis.id)]
    known = all(any(option.id == key for option in axis.options) for axis, key in chosen)
    if name is None or scene is None or style is None or not known:
        raise InputError(_("请重新选一次：列表刚刚改过"))
    if not (name.enabled and scene.enabled and style.enabled):
        raise InputError(_("请重新选一次：列表刚刚改过"))
    options = tuple((axis.id, key) for axis, key in chosen)
    return training_input(recipe.input_templates[0], name, scene, asking(recipe, style, options))


def address(workspace: Workspace, share: Share) -> tuple[str, str | None]:
    """Returns where the shared model is asked, and the key for it.

    Raises:
        ServerError: no server answers for it now.
    """
    if share.service:
        if is_confirmed(workspace, share.service):
            variable = key_variable_of(workspace, share.service)
            return share.service, workspace.key(variable) if variable else None
    else:
        for server in serving.servers(workspace):
            if server.ready and share.model in server.models:
                return server.url, workspace.key(server.key_variable) if server.key_variable else None
    raise ServerError(_("这个模型现在没有开着，请告诉给您链接的人"))


def answer(
    workspace: Workspace,
    shares: Shares,
    token: str,
    recipe: Recipe,
    text: str,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[str]:
    """Yields the answer piece by piece; ends after :data:`LONGEST_ANSWER_S`, :data:`MOST_ANSWER` characters,
    or when the link is revoked. Stores question and answer where the link says so.

    Raises:
        ServerError: no server answers, it refuses, or breaks off; without its address and its words.
        InputError: the link no longer counts.
    """
    share = _counting(shares, token)
    url, key = address(workspace, share)
    messages = [Message("user", text)]
    if recipe.prompts.system:
        messages.insert(0, Message("system", recipe.prompts.system))
    sampling = ChatSampling(top_p=top_p_of(workspace, [share.model]), max_tokens=MOST_TOKENS)
    begun = looked = clock()
    said = 0
    pieces: list[str] = []
    try:
        with closing(chat_stream(url, share.model, messages, sampling, key)) as stream:
            for chunk in stream:
                now = clock()
                if now - looked > LOOK_AGAIN_S:
                    _counting(shares, token)
                    looked = now
                piece = chunk.text[: MOST_ANSWER - said]
                if piece:
                    said += len(piece)
                    pieces.append(piece)
                    yield piece
                if said >= MOST_ANSWER or now - begun > LONGEST_ANSWER_S:
                    break
    except ServerError as error:  # it names addresses, which are no business of a visitor
        raise ServerError(_("模型没有答上来，请再试一次")) from error
    if not "".join(pieces).strip():
        raise ServerError(_("模型没有说话，请再试一次"))
    if share.keep:
        _keep(workspace, share, text, "".join(pieces))


def kept_questions(workspace: Workspace, share: Share) -> list[tuple[str, str]]:
    """Returns the stored (question, answer) of a link, the oldest first; none where nothing is stored."""
    return [(line["question"], line["answer"]) for line in _kept(workspace, share)]


def _counting(shares: Shares, token: str) -> Share:
    share = shares.find(token)
    if share is None:
        raise InputError(_("这个链接已经失效"))
    return share


def _keep(workspace: Workspace, share: Share, text: str, said: str) -> None:
    path = workspace.logs / f"share-{share.id}.jsonl"
    with FileLock(path.with_suffix(".lock")):
        lines = [*_kept(workspace, share), {"question": text, "answer": said}][-MOST_KEPT:]
        write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def _kept(workspace: Workspace, share: Share) -> list[dict[str, str]]:
    path = workspace.logs / f"share-{share.id}.jsonl"
    try:
        with path.open(
            encoding="utf-8"
        ) as file:  # str.splitlines also parts at U+2028, which an answer may hold
            return [json.loads(line) for line in file]
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise SettingsError(_("分享里收下的问题 {file} 坏了，请修好或移走它", file=path)) from error
