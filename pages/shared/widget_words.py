"""What Streamlit's theme cannot say: its own words in the person's language, and the studio's style sheet,
which also hides the CSV button of tables, since cells could be formulas."""

import json
from pathlib import Path

import streamlit as st

from tianji_core.i18n import _

_WORDS = """<style>
[data-testid="stFileUploaderDropzone"] button p,
[data-testid="stFileUploaderDropzoneInstructions"] span {{ font-size: 0 }}
[data-testid="stFileUploaderDropzone"] button p::after {{ content: {pick}; font-size: 0.875rem }}
[data-testid="stFileUploaderDropzoneInstructions"] span::after {{ content: {drop}; font-size: 0.875rem }}
[data-testid="stMainMenuItem-theme-System"]::after {{ content: {system} }}
[data-testid="stMainMenuItem-theme-Light"]::after {{ content: {light} }}
[data-testid="stMainMenuItem-theme-Dark"]::after {{ content: {dark} }}
[data-testid="stMainMenuItem-about"] [data-testid="stMainMenuItemLabel"]::after {{ content: {about} }}
</style>"""


def translate_widgets() -> None:
    """Translates the upload field and the menu, and loads the style sheet of the studio."""
    words = {
        "pick": _("选择文件"),
        "drop": _("或者把文件拖到这里"),
        "system": _("跟随系统"),
        "light": _("浅色"),
        "dark": _("深色"),
        "about": _("关于"),
    }
    st.html(Path(__file__).with_name("look.css"))
    st.html(_WORDS.format(**{name: json.dumps(word, ensure_ascii=False) for name, word in words.items()}))
