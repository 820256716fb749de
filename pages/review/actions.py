"""What can be done with the sample on the desk: the row of buttons with their keys, and the stars."""

from dataclasses import dataclass

import streamlit as st

from pages.review.desk import Desk, go_to, open_panel, toggle_panel
from pages.shared.review_parts import attempt
from tianji_core.i18n import _, _c
from tianji_core.store import samples, steps
from tianji_core.store.samples import ACCEPTED, REJECTED, Sample, SampleFilter


@dataclass(frozen=True)
class Hand:
    """A sample in somebody's hand: the one that comes after it, and what its fixes would make of it."""

    desk: Desk
    sample: Sample
    following: int | None
    fixed: str | None


def decide(hand: Hand, state: str, note: str = "") -> None:
    """Callback: accept or reject, and go on."""
    sample, desk = hand.sample, hand.desk
    wanted = SampleFilter(sample.recipe, ids=(sample.id,))
    versions = {sample.id: sample.version}
    engine = desk.workspace.engine
    if attempt(lambda: steps.set_state(engine, wanted, state, desk.who, versions, note=note)):
        go_to(hand.following)


def _fix(hand: Hand) -> None:
    sample, desk = hand.sample, hand.desk
    title = _("修正样本 {id}", id=sample.id)
    texts = {sample.id: (sample.version, hand.fixed or "")}
    attempt(lambda: steps.retext(desk.workspace.engine, sample.recipe, texts, steps.FIX, title, desk.who))
    go_to(sample.id)


def _previous(hand: Hand) -> None:
    desk = hand.desk
    found = samples.page(
        desk.workspace.engine, desk.wanted, before_id=hand.sample.id, limit=1, order=desk.order
    )
    if found:
        go_to(found[0].id)


def _rate(hand: Hand, rating: int) -> None:
    sample, desk = hand.sample, hand.desk
    given = None if sample.rating == rating else rating
    wanted = SampleFilter(sample.recipe, ids=(sample.id,))
    versions = {sample.id: sample.version}
    attempt(lambda: steps.rate(desk.workspace.engine, wanted, given, desk.who, versions))
    go_to(sample.id)


def stars(hand: Hand) -> None:
    """Five stars with their keys; the star that is set takes it away again. While candidates are shown, the numbers
    choose among these."""
    free = open_panel() != "rewrite"
    with st.container(horizontal=True, gap="small"):
        for rating in range(1, 6):
            key = hand.desk.keys[f"rate_{rating}"]
            st.button(
                "★" if rating <= (hand.sample.rating or 0) else "☆",
                key=f"rate_{rating}",
                shortcut=key if free else None,
                type="tertiary",
                help=_("打 {n} 星（按键 {key}）", n=rating, key=key),
                on_click=_rate,
                args=(hand, rating),
            )


def buttons(hand: Hand) -> None:
    """They stand above the sample, so that they never move."""
    keys = hand.desk.keys
    row = st.columns([1.4, 1.4, 1.1, 1.4, 1.3, 1.1])
    row[0].button(
        _c("button", "采用"),
        key="accept",
        type="primary",
        icon="✅",
        shortcut=keys["accept"],
        width="stretch",
        on_click=decide,
        args=(hand, ACCEPTED),
    )
    row[1].button(
        _c("button", "弃用"),
        key="reject",
        icon="🚫",
        shortcut=keys["reject"],
        width="stretch",
        on_click=decide,
        args=(hand, REJECTED),
    )
    row[2].button(
        _("修正"),
        key="fix",
        icon="🪄",
        shortcut=keys["fix"],
        disabled=hand.fixed is None,
        width="stretch",
        on_click=_fix,
        args=(hand,),
    )
    row[3].button(
        _("修改"),
        key="edit",
        icon="✏️",
        shortcut=keys["edit"],
        width="stretch",
        on_click=toggle_panel,
        args=("edit",),
    )
    row[4].button(
        _("前一条"),
        key="previous",
        shortcut=keys["previous"],
        width="stretch",
        on_click=_previous,
        args=(hand,),
    )
    row[5].button(
        _("后一条"),
        key="next",
        shortcut=keys["next"],
        width="stretch",
        on_click=go_to,
        args=(hand.following,),
    )
    more = st.columns([1.5, 1.4, 1.9, 1.4, 2])
    for column, name, label, icon in (
        (more[0], "rewrite", _("请模型改写"), "✨"),
        (more[1], "split", _("拆成几条"), "✂️"),
        (more[2], "copy", _("复制给别人"), "👥"),
        (more[3], "note", _("写理由"), "📝"),
    ):
        column.button(
            label,
            key=f"open_{name}",
            icon=icon,
            shortcut=keys[name],
            width="stretch",
            type="tertiary",
            on_click=toggle_panel,
            args=(name,),
        )
