"""Where else a training can run, and what is known of one that runs there."""

import streamlit as st

from pages.shared.kept import kept_at
from pages.shared.text import plain
from pages.shared.usable import among
from pages.train.choice import FORM
from tianji_core.i18n import _
from tianji_core.jobs import duration_text
from tianji_core.store.training import TrainingRun
from tianji_core.training.places.profile import Place, places
from tianji_core.training.places.sending import elsewhere
from tianji_core.workspace import Workspace


def place_choice(workspace: Workspace) -> Place | None:
    """Draws the choice of a place where the workspace has any; returns it, None for this machine."""
    known = {place.name: place for place in places(workspace)}
    if not known:
        return None
    options = ["", *known]
    own = kept_at(FORM, "train_place", among(options), "", "place")
    chosen = st.selectbox(
        _("运行位置"),
        options,
        format_func=lambda name: name or _("这台机器"),
        help=_("别的机器在设置页添加；送过去以后这台机器可以关掉，结果会取回来"),
        **own,
    )
    return known.get(chosen)


def show_elsewhere(workspace: Workspace, run: TrainingRun) -> None:
    """Draws where a training runs and how old is what is shown of it; nothing for one on this machine."""
    known = elsewhere(workspace, run)
    if known is None:
        return
    name = plain(known.place.name)
    if known.delay is None:
        st.caption("🛰️ " + _("在 {place} 上训练，还没有消息", place=name))
    else:
        ago = duration_text(known.delay)
        st.caption("🛰️ " + _("在 {place} 上训练；下面是 {ago}前取回的", place=name, ago=ago))
    if known.trouble:
        st.warning(plain(known.trouble), icon="📡")
