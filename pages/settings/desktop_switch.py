"""The switch for notices of the desktop. The browser keeps it: each device has its own."""

from pathlib import Path

import streamlit as st

from tianji_core.i18n import _

_HTML = '<div class="desktop-switch"><button type="button"></button><span role="status"></span></div>'
_CSS = """
.desktop-switch { display: flex; gap: 1rem; align-items: center; flex-wrap: wrap;
  font-family: var(--st-font); }
.desktop-switch button { padding: 0.4rem 0.9rem; font: inherit; color: var(--st-text-color); cursor: pointer;
  background: var(--st-background-color); border: 1px solid var(--st-border-color, #8888);
  border-radius: var(--st-button-radius, 0.5rem); }
.desktop-switch button:hover:enabled, .desktop-switch button:focus-visible {
  border-color: var(--st-primary-color); color: var(--st-primary-color); }
.desktop-switch button:disabled { opacity: 0.5; cursor: not-allowed; }
.desktop-switch span { font-size: 0.875rem; color: var(--st-text-color); }
"""


def desktop_switch() -> None:
    """Draws the button, and beside it whether this browser shows notices or why it cannot."""
    component = st.components.v2.component(
        "studio_desktop_switch",
        html=_HTML,
        css=_CSS,
        js=Path(__file__).with_name("desktop_switch.js").read_text(encoding="utf-8"),
        isolate_styles=False,
    )
    words = {
        "on": _("在这个浏览器里弹出通知"),
        "off": _("不再弹出"),
        "isOn": _("工坊的页面开着时，任务做完会在桌面上弹出通知"),
        "isOff": _("现在不弹出；点一下，浏览器会问一次"),
        "refused": _("浏览器里禁止了通知：点地址栏左边的图标放开，再刷新"),
        "impossible": _("这个地址弹不出通知：要用 https，或在本机上打开"),
        "trial": _("天机工坊：通知能弹出来"),
    }
    component(key="desktop_switch", data={"words": words})
