"""The actions of the card view: the row of buttons with their keys, and the stars."""

from dataclasses import dataclass

import streamlit as st

from pages.review.session import ReviewSession, go_to, open_panel, toggle_panel
from pages.shared.review_parts import attempt, redo_button, undo_button
from tianji_core.cleaning import Proposal
from tianji_core.i18n import _, _c
from tianji_core.store import samples, steps
from tianji_core.store.samples import ACCEPTED, REJECTED, Sample, SampleFilter


@dataclass(frozen=True)
class ReviewCard:
    """The sample on screen, the id of the next one, and the proposed fix."""

    session: ReviewSession
    sample: Sample
    next_id: int | None
    proposal: Proposal | None


def decide(card: ReviewCard, state: str, note: str = "") -> None:
    """Callback: accepts or rejects the sample and shows the next one. The button that undoes names the step;
    a notice of it would still stand there when it is undone."""
    sample, session = card.sample, card.session
    only = SampleFilter(sample.recipe, ids=(sample.id,))
    versions = {sample.id: sample.version}
    engine = session.workspace.engine
    if attempt(lambda: steps.set_state(engine, only, state, session.who, versions, note=note), quiet=True):
        go_to(card.next_id)


def _fix(card: ReviewCard) -> None:
    sample, session = card.sample, card.session
    title = _("修正样本 {id}", id=sample.id)
    engine = session.workspace.engine
    revisions = {sample.id: card.proposal.revision} if card.proposal is not None else {}
    attempt(lambda: steps.revise(engine, sample.recipe, revisions, steps.FIX, title, session.who))
    go_to(sample.id)


def _show_previous(card: ReviewCard) -> None:
    session = card.session
    previous = samples.page(
        session.workspace.engine, session.filter, before_id=card.sample.id, limit=1, order=session.order
    )
    if previous:
        go_to(previous[0].id)


def _rate(card: ReviewCard, stars: int) -> None:
    sample, session = card.sample, card.session
    rating = None if sample.rating == stars else stars
    only = SampleFilter(sample.recipe, ids=(sample.id,))
    versions = {sample.id: sample.version}
    attempt(lambda: steps.rate(session.workspace.engine, only, rating, session.who, versions))
    go_to(sample.id)


def _star_buttons(card: ReviewCard) -> None:
    """Draws five stars with their keys; pressing the star that is set removes the rating.

    While the rewriting panel is open, the number keys choose among its candidates instead.
    """
    keys_free = open_panel() != "rewrite"
    with st.container(horizontal=True, gap="small"):
        for stars in range(1, 6):
            key = card.session.keys[f"rate_{stars}"]
            st.button(
                "★" if stars <= (card.sample.rating or 0) else "☆",
                key=f"rate_{stars}",
                shortcut=key if keys_free else None,
                type="tertiary",
                help=_("打 {n} 星（按键 {key}）", n=stars, key=key),
                on_click=_rate,
                args=(card, stars),
            )


def decision_bar(card: ReviewCard) -> None:
    """Draws what one decides about the sample, with the keys. The bar stays at the foot of the window, so
    that a sample's length does not move it."""
    keys = card.session.keys
    with st.container(key="verdict", horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            _c("button", "采用"),
            key="accept",
            type="primary",
            icon=":material/check:",
            shortcut=keys["accept"],
            on_click=decide,
            args=(card, ACCEPTED),
        )
        st.button(
            _c("button", "弃用"),
            key="reject",
            icon=":material/block:",
            shortcut=keys["reject"],
            on_click=decide,
            args=(card, REJECTED),
        )
        st.button(
            _("修改"),
            key="edit",
            icon=":material/edit:",
            shortcut=keys["edit"],
            on_click=toggle_panel,
            args=("edit",),
        )
        if card.proposal is not None:  # after the others, which keep their places
            st.button(
                _("修正"),
                key="fix",
                icon=":material/auto_fix_high:",
                shortcut=keys["fix"],
                on_click=_fix,
                args=(card,),
            )
        st.space("stretch")
        session = card.session
        undo_button(session.workspace, session.recipe.key, session.who, keys, go_to, brief=True)
        st.button(
            _("后一条"),
            key="next",
            type="tertiary",
            shortcut=keys["next"],
            on_click=go_to,
            args=(card.next_id,),
        )


def more_actions(card: ReviewCard) -> None:
    """Draws the less frequent actions and the stars, folded; their keys work all the same."""
    session = card.session
    with st.expander(_("更多动作"), icon=":material/more_horiz:", key="more_actions"):
        _star_buttons(card)
        st.button(
            _("前一条"),
            key="previous",
            icon="⬅️",
            type="tertiary",
            width="stretch",
            shortcut=session.keys["previous"],
            on_click=_show_previous,
            args=(card,),
        )
        for name, label, icon in (
            ("rewrite", _("请模型改写"), "✨"),
            ("split", _("拆成几条"), "✂️"),
            ("copy", _("复制给别人"), "👥"),
            ("note", _("写理由"), "📝"),
            ("help", _("按键"), "⌨️"),
        ):
            st.button(
                label,
                key="help" if name == "help" else f"open_{name}",
                icon=icon,
                shortcut=session.keys[name],
                width="stretch",
                type="tertiary",
                on_click=toggle_panel,
                args=(name,),
            )
        redo_button(session.workspace, session.recipe.key, session.who, session.keys, go_to)
