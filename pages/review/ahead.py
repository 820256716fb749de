"""The next samples, held by the page: a key shows the next text at once, and the decisions are saved in the
order in which they were made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import streamlit as st
from pydantic import BaseModel, ConfigDict, ValidationError

from pages.review.actions import ReviewCard
from pages.review.sample_display import length_words
from pages.review.session import LASTING_PANELS, ReviewSession, go_to, open_panel
from pages.shared.cell_words import cell_words, unknown_style
from pages.shared.review_parts import attempt, progress_words
from pages.shared.visitors import role
from tianji_core.roles import Role
from tianji_core.store import leases, samples, steps
from tianji_core.store.samples import ACCEPTED, REJECTED, Sample, SampleFilter

HELD = 6
"""Samples that the page holds beyond the one on screen."""
_STATES = {"accept": ACCEPTED, "reject": REJECTED}
_STORED = "_review_stored"
_REFUSED = "_review_refused"
_KEY = "ahead"
_HTML = """<div class="ahead" hidden>
<p><span data-part="cell"></span> <span data-part="style"></span> <small data-part="number"></small></p>
<p class="asked">👤 <span data-part="input"></span></p>
<div class="said" data-part="output"></div>
<p class="asked" data-part="length"></p>
</div>"""
_CSS = """
:root[data-review-ahead] .st-key-reading_now { display: none }
.ahead .said { font-size: 1.45rem; line-height: 1.75; padding: .4rem 0; white-space: pre-wrap }
.ahead .asked { opacity: .7 }
"""


class Decision(BaseModel):
    """What a person decided in the browser: ``action`` on the sample ``id``, seen in ``version``. ``number``
    counts the decisions of a tab; ``next`` is the sample that was shown after it."""

    model_config = ConfigDict(frozen=True)

    number: int
    id: int
    version: int
    action: Literal["accept", "reject", "next"]
    next: int


class SentDecisions(BaseModel):
    """The decisions of a tab that the server has not confirmed, as the page sends them."""

    queue: list[Decision]


def show_ahead(card: ReviewCard, counts: Mapping[str, int]) -> None:
    """Mounts the component that shows the next samples and collects the decisions; ``counts`` are the samples
    per state, which it keeps up to the last key."""
    if role() < Role.REVIEWER:
        return
    session, sample = card.session, card.sample
    component = st.components.v2.component(
        "studio_review_ahead",
        html=_HTML,
        css=_CSS,
        js=Path(__file__).with_name("ahead.js").read_text(encoding="utf-8"),
        isolate_styles=False,
    )
    component(
        key=_KEY,
        data={
            "now": {"id": sample.id, "version": sample.version, "state": sample.state},
            "counts": dict(counts),
            "progress": progress_words()[:],
            "next": [_part(session, each) for each in _upcoming(session, sample)],
            "keys": {session.keys[action]: action for action in (*_STATES, "next")},
            "active": open_panel() in ("", *LASTING_PANELS),
            "stored": st.session_state.get(_STORED, 0),
            "refused": st.session_state.get(_REFUSED, 0),
        },
        on_decisions_change=lambda: store_decisions(session, dict(st.session_state[_KEY]).get("decisions")),
    )


def _upcoming(session: ReviewSession, sample: Sample) -> list[Sample]:
    """The samples after this one, up to the first that another reviewer looks at, or whose earlier turns the
    component does not show."""
    engine = session.workspace.engine
    others = leases.others(engine, session.lease_holder)
    found = samples.page(engine, session.filter, after_id=sample.id, limit=HELD, order=session.order)
    taken = next((at for at, each in enumerate(found) if each.id in others or each.history), len(found))
    return found[:taken]


def _part(session: ReviewSession, sample: Sample) -> Mapping[str, Any]:
    return {
        "id": sample.id,
        "version": sample.version,
        "state": sample.state,
        "cell": cell_words(sample),
        "style": sample.style or unknown_style(),
        "number": f"#{sample.id}",
        "input": sample.input,
        "output": sample.output,
        "length": length_words(sample.length, sample, session.context),
    }


def store_decisions(session: ReviewSession, sent: object) -> None:
    """Callback: stores the decisions that are not stored yet, in their order, and shows the sample after the
    last of them. One that was stored before the page was cut off is not stored twice; one on a text that has
    changed meanwhile shows that sample again, and what was decided after it is left to the person."""
    try:
        decisions = SentDecisions.model_validate(sent).queue
    except ValidationError:  # not what the page sends
        return
    stored = st.session_state.get(_STORED, 0)
    new = sorted((each for each in decisions if each.number > stored), key=lambda each: each.number)
    for decision in new:
        st.session_state[_STORED] = decision.number
        if not _store(session, decision):
            st.session_state[_STORED] = new[-1].number
            st.session_state[_REFUSED] = st.session_state.get(_REFUSED, 0) + 1  # drops a key that waits
            go_to(decision.id)
            return
        go_to(decision.next)


def _store(session: ReviewSession, decision: Decision) -> bool:
    state, engine = _STATES.get(decision.action), session.workspace.engine
    if state is None:
        return True
    wanted = state

    def store() -> None:
        now = samples.many(engine, [decision.id])
        if now and now[0].version != decision.version and now[0].state == wanted:
            return
        only = SampleFilter(session.recipe.key, ids=(decision.id,))
        steps.set_state(engine, only, wanted, session.who, {decision.id: decision.version})

    return attempt(store)
