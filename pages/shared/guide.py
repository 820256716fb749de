"""使用说明: what a page is for and its three steps, from ``docs/guide``, with a picture where there is one."""

import streamlit as st

from tianji_core.i18n import _, language
from tianji_core.project import PROJECT

GUIDE = PROJECT / "docs" / "guide"


def guide_button(page: str, title: str) -> None:
    """Draws the button that opens the guide of the page in the folder ``page``."""
    label = _("使用说明")
    if st.button(label, key="guide", icon=":material/help:", type="tertiary", help=label):
        _show(page, title)


def _show(page: str, title: str) -> None:
    @st.dialog(_("使用说明：{title}", title=title), width="large")
    def shown() -> None:
        folder = GUIDE / language()
        st.markdown((folder / f"{page}.md").read_text(encoding="utf-8"))
        picture = folder / f"{page}.png"
        if picture.exists():
            st.image(str(picture))

    shown()
