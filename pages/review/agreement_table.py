"""The table of inter-annotator agreement between reviewers."""

from collections.abc import Sequence

import streamlit as st

from tianji_core.i18n import _
from tianji_core.review import Agreement


def agreement_table(agreements: Sequence[Agreement]) -> None:
    """Draws how often two reviewers gave the same verdict, and Cohen's kappa."""
    st.dataframe(
        [
            {
                _("谁先审"): pair.first_who or _("全部"),
                _("谁复审"): pair.who or _("全部"),
                _("都审了"): pair.judged,
                _("结论一样"): f"{pair.share:.0%}" if pair.judged else "—",
                "Cohen's κ": "—" if pair.kappa is None else f"{pair.kappa:.2f}",
            }
            for pair in agreements
        ],
        hide_index=True,
        width="stretch",
    )
    st.caption(_("κ 是扣除碰巧一致之后的一致程度：1 完全一致，0 和碰运气一样；0.6 以上通常算可靠。"))
