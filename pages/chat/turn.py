"""One question with its answer on the chat page, and the actions on it."""

from dataclasses import dataclass

import streamlit as st

from pages.chat.answer import grows, question
from pages.shared.chat_choice import figures
from pages.shared.frame import remember_notice, report_errors
from pages.shared.kept import TYPED, forget, kept_text
from pages.shared.text import plain
from pages.shared.visitors import reviewer_name
from tianji_core.i18n import _
from tianji_core.serving.transcript import ChatTurn, Transcript, changing, keep_turn
from tianji_core.store import samples, steps
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class PageConversation:
    """The conversation on the page; ``can_ask`` is False where there is no model to ask."""

    workspace: Workspace
    recipe: str
    transcript: Transcript
    can_ask: bool


def show(conversation: PageConversation, at: int) -> None:
    """Draws the turn at this position, with its buttons."""
    turn = conversation.transcript.turns[at]
    if not turn.continues and at:
        st.divider()
    with st.chat_message("user"):
        st.markdown(question(turn.request))
    with st.chat_message("assistant"):
        if grows(conversation.workspace, turn):
            return
        if turn.answer or not turn.error:
            number = "1. " if turn.others else ""
            st.markdown(number + (plain(turn.answer) or _("（没有说话）")))
        _others(conversation, turn, at)
        if turn.error:
            st.error(plain(turn.error), icon="⚠️")
        st.caption(plain(figures(turn)))
        with st.container(horizontal=True, vertical_alignment="center"):
            kept = bool(turn.sample_id)
            label = _("已收下") if kept else _("收为样本")
            if turn.answer and st.button(label, key=f"keep_{at}", icon="📥", disabled=kept):
                keep(conversation, at, turn.answer)
            with st.popover(_("更多"), key=f"more_{at}", icon="✏️"):
                _more(conversation, turn, at)


def _others(conversation: PageConversation, turn: ChatTurn, at: int) -> None:
    for place, other in enumerate(turn.others):
        row = st.columns([5, 1.3], vertical_alignment="center")
        row[0].markdown(f"{place + 2}. {plain(other)}" if other else _("（没有说话）"))
        if row[1].button(_("选这个"), key=f"prefer_{at}_{place}", width="stretch", disabled=not other):
            turn.prefer(place)
            keep_turn(conversation.workspace, turn)
            st.rerun()


def _more(conversation: PageConversation, turn: ChatTurn, at: int) -> None:
    if turn.answer:
        st.caption(_("复制：鼠标放上去，点右上角"))
        st.code(turn.answer, language=None, wrap_lines=True)
        own = kept_text(f"edited_{at}", turn.answer, f"edited_{turn.key}")
        edited = st.text_area(_("改好再收"), turn.answer, height=90, **own)
        if st.button(_("收改过的"), key=f"keep_edited_{at}", icon="📥", disabled=not edited.strip()):
            keep(conversation, at, edited.strip())
        why = st.selectbox(
            _("这条不好，因为"),
            [
                _("对象错了"),
                _("场合错了"),
                _("风格不对"),
                _("称呼不当"),
                _("太长或太短"),
                _("不通顺"),
                _("事实错误"),
            ],
            index=None,
            accept_new_options=True,
            placeholder=_("选一个，或者自己写"),
            key=f"why_{at}",
        )
        if st.button(_("记为不好"), key=f"bad_{at}", icon="👎", disabled=not why or bool(turn.bad)):
            throw_out(conversation, at, str(why))
    own = kept_text(f"question_{at}", turn.request, f"question_{turn.key}")
    wording = st.text_area(_("改问题再问"), turn.request, height=70, **own)
    if st.button(
        _("重新发送"), key=f"resend_{at}", icon="✏️", disabled=not conversation.can_ask or not wording.strip()
    ):
        with changing(conversation.workspace) as kept:
            here = kept.place(turn)
            again = turn if here is None else kept.take_back(here)
        picked = {field: getattr(again, field) for field in ("name", "scene", "style", "continues")}
        forget(TYPED, {f"question_{turn.key}": f"question_{at}"})
        st.session_state["_resend"] = ChatTurn(request=wording.strip(), system=again.system, **picked)
        st.rerun()


def keep(conversation: PageConversation, at: int, output: str) -> None:
    """Stores an answer, edited or not, as a pending sample."""
    with report_errors():
        turn = conversation.transcript.turns[at]
        sample_id = _add(conversation, at, output)
        turn.sample_id = sample_id
        keep_turn(conversation.workspace, turn)
        forget(TYPED, {f"edited_{turn.key}": f"edited_{at}"})
        remember_notice(
            _("样本里已经有一模一样的了") if sample_id is None else _("已收为样本，去审核页就能看到")
        )
        st.rerun()


def throw_out(conversation: PageConversation, at: int, reason: str) -> None:
    """Stores an answer as a rejected sample, with the reason in its history."""
    with report_errors():
        turn = conversation.transcript.turns[at]
        sample_id = turn.sample_id or _add(conversation, at, turn.answer)
        if sample_id is not None:
            only = samples.SampleFilter(conversation.recipe, ids=(sample_id,))
            who = reviewer_name(conversation.workspace)
            steps.set_state(conversation.workspace.engine, only, samples.REJECTED, who, note=reason)
            turn.sample_id = sample_id
        turn.bad = reason
        keep_turn(conversation.workspace, turn)
        remember_notice(_("已记为不好的样本，审核页的“不要”里能看到理由"))
        st.rerun()


def _add(conversation: PageConversation, at: int, output: str) -> int | None:
    turn = conversation.transcript.turns[at]
    history = conversation.transcript.history(before=at) if turn.continues else []
    sample = samples.NewSample(
        recipe=conversation.recipe,
        system=turn.system,
        input=turn.request,
        output=output,
        name=turn.name,
        scene=turn.scene,
        style=turn.style,
        history=tuple((earlier.request, earlier.answer) for earlier in history),
        model=turn.model,
    )
    return samples.add(conversation.workspace.engine, sample)
