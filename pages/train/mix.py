"""The further dataset versions of a new training, and the share of each."""

from collections.abc import Sequence

import streamlit as st

from pages.shared.kept import kept_at, put
from pages.shared.text import plain
from pages.shared.usable import some_of, within
from pages.train.choice import FORM
from tianji_core.drafts import Typed
from tianji_core.i18n import _
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training import MixPart
from tianji_core.training.mix_parts import MOST_PARTS

_CHOSEN, _SHARE = "train_mix", "train_mix_share_"
USUAL = 20
"""Percent of all samples that a version gets first."""


def mix_fields(version: DatasetVersion, versions: Sequence[DatasetVersion]) -> list[MixPart]:
    """Draws the choice among the versions besides ``version``, the training's own, and a row with the share
    of each chosen one; returns the parts."""
    others = {each.name: each for each in versions if each.id != version.id}
    if not others:
        return []
    with st.expander(_("混入别的数据集"), icon="🥣"):
        st.caption(
            _(
                "只学这一种任务会忘掉平常的对话：混入一些普通对话（数据集页可以导入成单独的版本），它原来会的就留得住。"
                "份额是占全部训练样本的百分之几，0 是全部样本都要；训练自己的数据集总是全用上。"
            )
        )
        own = kept_at(FORM, _CHOSEN, some_of(others), [], "mix")
        st.session_state[_CHOSEN] = [name for name in st.session_state[_CHOSEN] if name in others]
        chosen = st.multiselect(
            _("混入的版本"),
            list(others),
            format_func=lambda name: _("{name}（{n} 条）", name=name, n=others[name].count),
            max_selections=MOST_PARTS,
            placeholder=_("不混入"),
            **own,
        )
        return [_row(others[name]) for name in chosen]


def _row(version: DatasetVersion) -> MixPart:
    left, right = st.columns([2, 1], vertical_alignment="center")
    left.markdown(f"**{plain(version.name)}** · " + _("{n} 条", n=f"{version.count:,}"))
    own = kept_at(FORM, _SHARE + version.name, within(0, 99), USUAL, f"mix_share_{version.name}")
    percent = int(right.number_input(_("份额（%，0 是全部）"), 0, 99, USUAL, **own))
    return MixPart(version=version.name, share=percent / 100 if percent else None)


def fill_mix(parts: Sequence[MixPart]) -> dict[str, Typed]:
    """Puts the parts of another training into the fields; returns what the draft keeps of them."""
    names = [part.version for part in parts]
    put(_CHOSEN, names)
    shares = {part.version: round(100 * (part.share or 0)) for part in parts}
    for name, percent in shares.items():
        put(_SHARE + name, percent)
    return {"mix": list(names), **{f"mix_share_{name}": percent for name, percent in shares.items()}}
