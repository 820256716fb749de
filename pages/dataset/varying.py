"""The fields that replace receivers and occasions of a version's samples by fresh ones, and what they would
change."""

from collections.abc import Callable

import streamlit as st

from pages.dataset.freeze_filter import FORM
from pages.shared.difference import difference
from pages.shared.frame import report_errors
from pages.shared.kept import kept
from pages.shared.usable import within
from tianji_core import dataset
from tianji_core.dataset import Balance, Variation
from tianji_core.i18n import _
from tianji_core.store.samples import SampleFilter
from tianji_core.workspace import Workspace

_SHOWN = 5
"""The number of changed samples that are shown."""


def varying_fields(
    workspace: Workspace, recipe_key: str, sample_filter: SampleFilter, balance: Callable[[], Balance]
) -> Callable[[], Variation]:
    """Draws the two shares, folded, and on request the first changes; returns a function that makes the
    variation, with the seed of ``balance``."""
    with st.expander(_("换成名单外的人和事"), icon="🔀"):
        st.caption(
            _(
                "把一部分样本里的人和事换成名单外的同类（赵老师换成苏教授），模型才会照着输入写，"
                "不会把没见过的王老师写成名单里的人。换了会不对的样本不动；验证集不动。"
            )
        )
        left, right = st.columns(2)
        names = left.slider(
            _("换人的样本"), 0, 100, 0, format="%d%%", **kept(FORM, "freeze_vary_names", within(0, 100), 0)
        )
        occasions = right.slider(
            _("换事的样本"),
            0,
            100,
            0,
            format="%d%%",
            **kept(FORM, "freeze_vary_occasions", within(0, 100), 0),
        )

        def variation() -> Variation:
            return Variation(names / 100, occasions / 100, balance().seed)

        if (names or occasions) and st.button(_("看看会怎么变"), key="vary_preview"):
            with report_errors():
                _show(*dataset.previewed(workspace, recipe_key, sample_filter, balance(), variation()))
    return variation


def _show(variants: list[dataset.Variant], count: int) -> None:
    st.caption(_("{n} 条里会变 {changed} 条，前几条是：", n=count, changed=len(variants)))
    for one in variants[:_SHOWN]:
        asked = difference(one.before.input, one.after.input)
        st.markdown(f"{asked} → {difference(one.before.output, one.after.output)}")
