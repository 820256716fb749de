"""Answers that stream in on the chat page, and what stops them. A thread of the server reads them, so they
continue while the page is refreshed or closed."""

import contextlib
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

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
    """Stops the answers that this browser session is waiting for, if any, and waits until they are stored:
    the click that interrupted them draws the page again, which must show them."""
    running: list[_Running] = st.session_state.pop(_RUNNING, [])
    for each in running:
        each.stop.set()
    for each in running:
        each.kept.wait(PATIENCE)


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


ACROSS = 2
"""Answers beside each other, where several models or styles are asked at once."""


def answer(
    workspace: Workspace,
    transcript: Transcript,
    turns: Sequence[ChatTurn],
    requests: Sequence[AnswerRequest],
    titles: Mapping[str, str],
) -> None:
    """Draws the answers as they stream in: those of one turn, or of several that are asked at once, each by
    its request. A click anywhere stops them; the text so far is stored. ``titles`` are the models' names."""
    history = transcript.history() if turns[0].continues else []
    for turn in turns:
        turn.stopped = True  # it stays so if this process is killed
    with changing(workspace) as kept:
        kept.turns += [turn.model_copy(deep=True) for turn in turns]
    running, known = [_Running(turn) for turn in turns], _answering(str(workspace.home))
    st.session_state[_RUNNING] = running
    for each, request in zip(running, requests, strict=True):
        known[each.turn.key] = each
        asked = messages(each.turn.system, history, each.turn.request)
        arguments = (workspace, asked, request, each, known)
        threading.Thread(target=_collect, args=arguments, name="chat-answer", daemon=True).start()
    with st.chat_message("user"):
        st.markdown(question(turns[0].request))
    with st.chat_message("assistant"):
        st.button(_("停止"), key="chat_stop", icon="⏹️")
        views = []
        for each, request, place in zip(running, requests, columns_for(len(running)), strict=True):
            with place:
                if len(running) > 1:
                    st.markdown(turn_title(each.turn, titles))
                views.append(_View(each, request.count))
        left = views
        while left := [view for view in left if not view.ended()]:
            time.sleep(GLANCE)
    st.rerun()


def columns_for(count: int) -> list[DeltaGenerator]:
    """Returns a place for each of several answers, at most ``ACROSS`` beside each other."""
    places: list[DeltaGenerator] = []
    while len(places) < count:
        places += st.columns(min(ACROSS, count))
    return places[:count]


def turn_title(turn: ChatTurn, titles: Mapping[str, str]) -> str:
    """Returns who answers in which style, as Markdown."""
    style = f" · {plain(turn.style)}" if turn.style else ""
    return f"**{plain(titles.get(turn.model, turn.model))}**{style}"


class _View:
    """The answers of one turn on the page while they stream in."""

    def __init__(self, running: _Running, count: int) -> None:
        self._running = running
        self._places = [st.empty() for _number in range(count)]
        self._places[0].markdown(":gray[" + _("等它开口…") + "]")
        self._shown = [""] * count

    def ended(self) -> bool:
        """Draws what is new; returns whether the answers are complete and stored."""
        done = self._running.kept.is_set()
        turn = self._running.turn
        for at, text in enumerate([turn.answer, *turn.others]):
            if text != self._shown[at]:
                number = f"{at + 1}. " if len(self._places) > 1 else ""
                self._places[at].markdown(number + plain(text))
                self._shown[at] = text
        return done


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
