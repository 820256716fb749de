"""A page of samples as a table: ticked ones are decided together, texts, states and stars are edited in place."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.review.desk import Desk, put_in_address
from pages.review.marks import STATE_ICONS
from pages.shared.frame import asked_number
from pages.shared.review_parts import attempt
from tianji_core import cleaning
from tianji_core.cleaning import BY_ID
from tianji_core.i18n import _, _c
from tianji_core.store import findings, samples, steps
from tianji_core.store.findings import Finding
from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED, STATE_TITLES, STATES, Sample, SampleFilter
from tianji_core.store.steps import Revision

SIZES = (50, 100, 200)
TICKED, STATE, STARS, TEXT = "ticked", "state", "stars", "text"


def table(desk: Desk) -> None:
    """The page that begins with the sample in the address, with its actions above."""
    engine, wanted, order = desk.workspace.engine, desk.wanted, desk.order
    head = st.container(horizontal=True, vertical_alignment="center")
    tools = st.container(horizontal=True, vertical_alignment="center")
    with tools:
        rows = st.segmented_control(
            _("每页"),
            SIZES,
            default=SIZES[0],
            required=True,
            format_func=str,
            key="rows",
            bind="query-params",
            label_visibility="collapsed",
        )
    rows = rows or SIZES[0]
    start = asked_number("from")
    found_here = samples.page(engine, wanted, from_id=start, limit=rows + 1, order=order)
    if not found_here:
        start, found_here = None, samples.page(engine, wanted, limit=rows + 1, order=order)
    page, rest = found_here[:rows], found_here[rows:]
    found = findings.of(engine, [s.id for s in page])
    slot = f"table_{page[0].id}_{len(page)}_{sum(s.version for s in page)}"
    chosen, revisions = _editor(page, found, slot)
    with head:
        _decisions(desk, page, chosen)
    with tools:
        _tools(desk, slot, revisions)
        st.space("stretch")
        # What the page knows already is not counted again: a search looks at every text once.
        first, last = page[0].id if start is not None else None, page[-1].id if rest else None
        beside = samples.count_beside(engine, wanted, first, last, order)
        _pager(desk, page, rest, beside, rows, bool(revisions))


def _editor(
    page: Sequence[Sample], found: Mapping[int, Sequence[Finding]], slot: str
) -> tuple[list[Sample], dict[int, Revision]]:
    """What is ticked, and what was changed."""
    import pandas as pd

    whole = bool(st.session_state.get(f"all_{slot}"))
    frame = pd.DataFrame(
        {
            TICKED: [whole] * len(page),
            "id": [s.id for s in page],
            STATE: [_shown(s.state) for s in page],
            STARS: [s.rating or 0 for s in page],
            "cell": [f"{s.name} × {s.scene}\n{s.style}" for s in page],
            TEXT: [s.output for s in page],
            "length": [s.length for s in page],
            "found": [
                _("、").join(_(BY_ID[f.rule].title) for f in found[s.id] if f.rule in BY_ID) for s in page
            ],
        }
    )
    key = f"{slot}_{whole}"
    st.data_editor(
        frame,
        key=key,
        hide_index=True,
        width="stretch",
        height=600,
        row_height=68,
        disabled=["id", "cell", "length", "found"],
        column_config={
            TICKED: st.column_config.CheckboxColumn(_c("column", "选"), width=58),
            "id": st.column_config.NumberColumn(_("编号"), width=58, format="%d"),
            STATE: st.column_config.SelectboxColumn(
                _("状态"), width=76, options=[_shown(state) for state in STATES], required=True
            ),
            STARS: st.column_config.NumberColumn(_("星"), width=58, min_value=0, max_value=5, step=1),
            "cell": st.column_config.TextColumn(_("格子"), width=108),
            TEXT: st.column_config.TextColumn(_("内容"), width=300, required=True),
            "length": st.column_config.NumberColumn(_("字数"), width=44),
            "found": st.column_config.TextColumn(_("问题"), width=110),
        },
    )
    edited: dict[int, dict[str, Any]] = (
        st.session_state[key]["edited_rows"] if key in st.session_state else {}
    )
    chosen = [sample for place, sample in enumerate(page) if edited.get(place, {}).get(TICKED, whole)]
    revisions = {
        page[place].id: revision
        for place, values in edited.items()
        if place < len(page) and (revision := _revision(page[place], values)) is not None
    }
    return chosen, revisions


def _shown(state: str) -> str:
    return f"{STATE_ICONS[state]} {_(STATE_TITLES[state])}"


def _revision(sample: Sample, values: Mapping[str, Any]) -> Revision | None:
    states = {_shown(state): state for state in STATES}
    state = states.get(values.get(STATE) or "")
    text = values.get(TEXT)
    stars = values.get(STARS)
    output = text.strip() if text is not None and text.strip() != sample.output else None
    state = state if state != sample.state else None
    stars = int(stars) if stars is not None and int(stars) != (sample.rating or 0) else None
    if output is None and state is None and stars is None:
        return None
    return Revision(sample.version, output, state, stars)


def _decisions(desk: Desk, page: Sequence[Sample], chosen: list[Sample]) -> None:
    st.markdown(_("选中 **{n}** 条", n=len(chosen)) if chosen else _("在最左边打勾选样本"))
    for key, label, icon, state in (
        ("accept_chosen", _c("button", "采用"), "✅", ACCEPTED),
        ("reject_chosen", _c("button", "弃用"), "🚫", REJECTED),
        ("reopen_chosen", _("改回待审"), "🕓", PENDING),
    ):
        st.button(
            label, key=key, icon=icon, disabled=not chosen, on_click=_decide, args=(desk, chosen, state)
        )
    st.button(_("修正"), key="fix_chosen", icon="🪄", disabled=not chosen, on_click=_fix, args=(desk, chosen))
    st.selectbox(
        _("打星"),
        [1, 2, 3, 4, 5, 0],
        index=None,
        format_func=lambda n: "★" * n or _("去掉星"),
        key="stars_chosen",
        placeholder=_("打星"),
        label_visibility="collapsed",
        disabled=not chosen,
        width=110,
        on_change=_rate,
        args=(desk, chosen),
    )


def _tools(desk: Desk, slot: str, revisions: dict[int, Revision]) -> None:
    whole = bool(st.session_state.get(f"all_{slot}"))
    st.button(
        _("全不选") if whole else _("全选本页"),
        key="tick_page",
        on_click=lambda: st.session_state.update({f"all_{slot}": not whole}),
    )
    st.button(
        _("保存改动（{n} 条）", n=len(revisions)) if revisions else _("双击可改"),
        key="save_table",
        type="primary" if revisions else "secondary",
        icon="💾" if revisions else "✏️",
        shortcut=desk.keys["save_edit"],
        disabled=not revisions,
        on_click=_save,
        args=(desk, revisions),
    )


def _pager(
    desk: Desk,
    page: Sequence[Sample],
    rest: Sequence[Sample],
    beside: tuple[int, int],
    rows: int,
    unsaved: bool,
) -> None:
    first, total = beside[0] + 1, beside[0] + len(page) + beside[1]
    st.caption(_("第 {first}-{last} 条，共 {total} 条", first=first, last=first + len(page) - 1, total=total))
    why = _("先保存改动，或刷新放弃它们") if unsaved else None
    for key, label, usable, place in (
        ("first_page", "⏮", first > 1, lambda: None),
        ("previous_page", "◀", first > 1, lambda: _before(desk, page[0], rows)),
        ("next_page", "▶", bool(rest), lambda: rest[0].id),
    ):
        st.button(label, key=key, disabled=unsaved or not usable, help=why, on_click=_turn, args=(place,))


def _before(desk: Desk, first: Sample, rows: int) -> int | None:
    page = samples.page(desk.workspace.engine, desk.wanted, before_id=first.id, limit=rows, order=desk.order)
    return page[0].id if page else None


def _turn(place: Any) -> None:
    """Callback: show the page of the table that begins with a sample."""
    number = place()
    put_in_address("from", str(number) if number is not None else "")


def _seen(desk: Desk, chosen: Sequence[Sample]) -> tuple[SampleFilter, dict[int, int]]:
    only = SampleFilter(desk.recipe.key, ids=tuple(s.id for s in chosen))
    return only, {s.id: s.version for s in chosen}


def _decide(desk: Desk, chosen: list[Sample], state: str) -> None:
    """Callback: set the state of the ticked samples, provided they are still what was shown."""
    only, seen = _seen(desk, chosen)
    attempt(
        lambda: steps.set_state(desk.workspace.engine, only, state, desk.who, seen), nothing=_("没有改动")
    )


def _rate(desk: Desk, chosen: list[Sample]) -> None:
    """Callback: give the ticked samples stars."""
    given = st.session_state["stars_chosen"]
    st.session_state["stars_chosen"] = None
    if given is not None and chosen:
        only, seen = _seen(desk, chosen)
        attempt(
            lambda: steps.rate(desk.workspace.engine, only, given or None, desk.who, seen),
            nothing=_("没有改动"),
        )


def _fix(desk: Desk, chosen: list[Sample]) -> None:
    """Callback: apply the safe fixes to the ticked samples."""
    only, seen = _seen(desk, chosen)
    attempt(
        lambda: cleaning.fix(desk.workspace, only, who=desk.who, versions=seen),
        nothing=_("选中的样本没有可以修正的问题"),
    )


def _save(desk: Desk, revisions: dict[int, Revision]) -> None:
    """Callback: store everything that was edited in place as one step."""
    title = _("在列表里改了 {n} 条", n=len(revisions))
    attempt(
        lambda: steps.revise(desk.workspace.engine, desk.recipe.key, revisions, steps.TABLE, title, desk.who),
        nothing=_("没有改动"),
    )
