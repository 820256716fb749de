"""Answers that stream in on the chat page, and what stops them. A thread of the server reads them, so they
continue while the page is refreshed or closed."""

import contextlib
import threading
import time
from dataclasses import dataclass, field

import streamlit as st

from pages.shared.chat_choice import ChatEndpoint
from pages.shared.text import plain
from tianji_core.errors import StudioError
from tianji_core.gate import clean_sentence
from tianji_core.i18n import _
from tianji_core.serving import ChatSampling, Message
from tianji_core.serving.candidates import candidates
from tianji_core.serving.transcript import (
    ChatTurn,
    Transcript,
    changing,
    keep_turn,
    messages,
)
from tianji_core.workspace import Workspace

LONGEST = 300
"""Characters of a question that are shown; a long pasted text would hide the answer."""

OFTEN = 1.0
"""Seconds between two times that a growing answer is stored, and that other sessions read it."""

PATIENCE = 5.0
"""Seconds to wait until an interrupted answer is stored."""

GLANCE = 0.05
"""Seconds between two updates of the shown answer."""

_RUNNING = "_chat_running"


@dataclass
class _Running:
    """An answer that is streaming in. ``turn`` grows; ``kept`` is set once all of it is stored in the
    workspace."""

    turn: ChatTurn
    stop: threading.Event = field(default_factory=threading.Event)
    kept: threading.Event = field(default_factory=threading.Event)


@st.cache_resource(show_spinner=False)
def _answering(home: str) -> dict[str, _Running]:
    """The answers that are streaming in, in every browser session, by the key of their turn."""
    return {}


@dataclass(frozen=True)
class AnswerRequest:
    """The model to ask, how its answers are sampled, and the number of answers."""

    endpoint: ChatEndpoint
    sampling: ChatSampling
    count: int


def end_answer() -> None:
    """Stops the answer that this browser session is waiting for, if any, and waits until it is stored: the
    click that interrupted it draws the page again, which must show the answer."""
    running: _Running | None = st.session_state.pop(_RUNNING, None)
    if running is not None:
        running.stop.set()
        running.kept.wait(PATIENCE)


def grows(workspace: Workspace, turn: ChatTurn) -> bool:
    """Draws a turn whose answer is streaming in for another session (after a refresh, or in a second tab);
    returns whether it is."""
    running = _answering(str(workspace.home)).get(turn.key)
    if running is not None:
        _growing(running)
    return running is not None


@st.fragment(run_every=OFTEN)
def _growing(running: _Running) -> None:
    if running.kept.is_set():
        st.rerun()
    st.markdown(plain(running.turn.answer) + " ▍")
    if st.button(_("停止"), key=f"stop_{running.turn.key}", icon="⏹️", disabled=running.stop.is_set()):
        running.stop.set()


def question(text: str) -> str:
    """The question as Markdown; only the beginning of a long one."""
    if len(text) <= LONGEST:
        return plain(text)
    return plain(text[:LONGEST]) + "… :gray[" + _("（共 {n} 字）", n=f"{len(text):,}") + "]"


def answer(workspace: Workspace, transcript: Transcript, turn: ChatTurn, request: AnswerRequest) -> None:
    """Draws the answers as they stream in. A click anywhere stops them; the text so far is stored."""
    history = transcript.history() if turn.continues else []
    turn.stopped = True  # it stays so if this process is killed
    with changing(workspace) as kept:
        kept.turns.append(turn.model_copy(deep=True))
    running, known = _Running(turn), _answering(str(workspace.home))
    known[turn.key] = st.session_state[_RUNNING] = running
    asked = messages(turn.system, history, turn.request)
    threading.Thread(
        target=_collect, args=(workspace, asked, request, running, known), name="chat-answer", daemon=True
    ).start()
    with st.chat_message("user"):
        st.markdown(question(turn.request))
    with st.chat_message("assistant"):
        st.button(_("停止"), key="chat_stop", icon="⏹️")
        _watch(running, request.count)
    st.rerun()


def _watch(running: _Running, count: int) -> None:
    places = [st.empty() for _number in range(count)]
    places[0].markdown(":gray[" + _("等它开口…") + "]")
    shown = [""] * count
    while not running.kept.wait(GLANCE):
        for at, text in enumerate([running.turn.answer, *running.turn.others]):
            if text != shown[at]:
                number = f"{at + 1}. " if count > 1 else ""
                places[at].markdown(number + plain(text))
                shown[at] = text


def _collect(
    workspace: Workspace,
    asked: list[Message],
    request: AnswerRequest,
    running: _Running,
    known: dict[str, _Running],
) -> None:
    """Runs in the thread: reads the answers and stores them from time to time and at the end."""
    turn = running.turn
    try:
        _fill(workspace, turn, asked, request, running.stop)
    except StudioError as error:
        turn.error, turn.stopped = str(error), False
    except Exception as error:  # the page waits until ``kept`` is set
        turn.error, turn.stopped = clean_sentence(f"{type(error).__name__}: {error}"), False
        raise
    finally:
        try:
            keep_turn(workspace, turn)
        finally:
            known.pop(turn.key, None)
            running.kept.set()


def _fill(
    workspace: Workspace, turn: ChatTurn, asked: list[Message], request: AnswerRequest, stop: threading.Event
) -> None:
    endpoint, count = request.endpoint, request.count
    key = workspace.key(endpoint.key_variable) if endpoint.key_variable else None
    texts, tokens = [""] * count, [0] * count
    stream = candidates(endpoint.url, endpoint.model, asked, request.sampling, key, count, stop)
    with contextlib.closing(stream):
        started = kept = time.monotonic()
        for at, piece in stream:
            if piece.text and turn.first is None:
                turn.first = time.monotonic() - started
            texts[at] += piece.text
            tokens[at] = piece.completion_tokens or tokens[at]
            turn.answer, turn.others = texts[0], texts[1:]
            turn.tokens = sum(tokens) or None
            turn.seconds = time.monotonic() - started
            if time.monotonic() - kept > OFTEN:
                keep_turn(workspace, turn)
                kept = time.monotonic()
    turn.stopped = stop.is_set()
