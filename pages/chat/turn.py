"""One question with its answer on the chat page, and the actions on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.chat.answer import columns_for, grows, question, turn_title
from pages.shared.answer_marks import Checkers, show_marks
from pages.shared.chat_choice import figures
from pages.shared.frame import current_recipe, remember_notice, report_errors, spoken
from pages.shared.kept import TYPED, forget, kept_text
from pages.shared.text import plain
from pages.shared.visitors import reviewer_name
from tianji_core.comparison.chats import check_turn, votes_for
from tianji_core.i18n import _
from tianji_core.serving.transcript import ChatTurn, Transcript, changing, keep_turn
from tianji_core.store import samples, steps, votes
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class PageConversation:
    """The conversation on the page; ``can_ask`` is False where there is no model to ask. ``checkers`` check
    the answers, ``titles`` are the models' names for people."""

    workspace: Workspace
    recipe: str
    transcript: Transcript
    can_ask: bool
    checkers: Checkers
    titles: Mapping[str, str]


def show(conversation: PageConversation, places: Sequence[int]) -> None:
    """Draws the turn at this position with its buttons, or beside each other those that answer one question
    together."""
    turns = [conversation.transcript.turns[at] for at in places]
    if not turns[0].continues and places[0]:
        st.divider()
    with st.chat_message("user"):
        st.markdown(question(turns[0].request))
    with st.chat_message("assistant"):
        if len(turns) == 1:
            _answer(conversation, turns[0], places)
            return
        for at, turn, column in zip(places, turns, columns_for(len(turns)), strict=True):
            with column:
                st.markdown(turn_title(turn, conversation.titles))
                _answer(conversation, turn, places, at)


def _answer(
    conversation: PageConversation, turn: ChatTurn, places: Sequence[int], among: int | None = None
) -> None:
    """Draws one answer with its checks and buttons; ``among`` is its position where there are several."""
    at = places[0] if among is None else among
    if grows(conversation.workspace, turn):
        return
    if turn.answer or not turn.error:
        number = "1. " if turn.others else ""
        st.markdown(number + (plain(turn.answer) or _("（没有说话）")))
    if turn.answer:
        show_marks(check_turn(conversation.checkers(turn.model), turn))
    _others(conversation, turn, at)
    if turn.error:
        st.error(plain(turn.error), icon="⚠️")
    st.caption(plain(figures(turn, conversation.titles, named=among is not None)))
    with st.container(horizontal=True, vertical_alignment="center"):
        if among is not None and turn.answer:
            _vote_button(conversation, places, at)
        kept = bool(turn.sample_id)
        label = _("已收下") if kept else _("收为样本")
        if turn.answer and st.button(label, key=f"keep_{at}", icon="📥", disabled=kept):
            keep(conversation, at, turn.answer)
        with st.popover(_("更多"), key=f"more_{at}", icon="✏️"):
            _more(conversation, turn, at)


def _vote_button(conversation: PageConversation, places: Sequence[int], at: int) -> None:
    """Draws the button that votes for one of several answers, or takes the vote back."""
    turns = [conversation.transcript.turns[place] for place in places]
    said = votes_for(turns, conversation.recipe, places.index(at))
    if not said:
        return
    engine, who = conversation.workspace.engine, reviewer_name(conversation.workspace)
    decided = votes.pairs(engine, conversation.recipe, {turn.answer for turn in turns}, who)
    best = all(vote.pair in decided for vote in said)
    label = _("取消") if best else _("这条更好")
    if st.button(label, key=f"best_{at}", icon="🏅" if best else "👍"):
        with report_errors():
            (votes.withdraw if best else votes.decide)(engine, said, who)
            st.rerun()


def _others(conversation: PageConversation, turn: ChatTurn, at: int) -> None:
    for place, other in enumerate(turn.others):
        row = st.columns([5, 1.3], vertical_alignment="center")
        row[0].markdown(f"{place + 2}. {plain(other)}" if other else _("（没有说话）"))
        if row[1].button(_("选这个"), key=f"prefer_{at}_{place}", width="stretch", disabled=not other):
            with report_errors():
                said = votes_for([turn], conversation.recipe, place + 1)
                votes.decide(conversation.workspace.engine, said, reviewer_name(conversation.workspace))
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
        recipe, words = current_recipe().recipe, spoken()
        why = st.selectbox(
            _("这条不好，因为"),
            [
                *([_("{what}错了", what=words.name), _("称呼不当")] if recipe.receivers else []),
                _("{what}错了", what=words.scene),
                _("{what}不对", what=words.style),
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
