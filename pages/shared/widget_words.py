"""What Streamlit's theme cannot say: the upload field in the person's language, a low head of the page, and
tables without the CSV button, since cells could be formulas."""

import json

import streamlit as st

from tianji_core.i18n import _

_STYLE = """<style>
[data-testid="stFileUploaderDropzone"] button p,
[data-testid="stFileUploaderDropzoneInstructions"] span {{ font-size: 0 }}
[data-testid="stFileUploaderDropzone"] button p::after {{ content: {pick}; font-size: 0.875rem }}
[data-testid="stFileUploaderDropzoneInstructions"] span::after {{ content: {drop}; font-size: 0.875rem }}
[data-testid="stElementToolbarButton"]:has(button[aria-label^="Download as CSV"]) {{ display: none }}
[data-testid="stMainBlockContainer"] {{ padding-top: 1.25rem; padding-bottom: 4rem }}
[data-testid="stMainBlockContainer"] h1 {{ padding: 0 }}
[data-testid="stSidebarHeader"] {{ height: 2.75rem; margin-bottom: 0 }}
@media (max-width: 768px) {{ [data-testid="stMainBlockContainer"] {{ padding-top: 3.5rem }} }}
</style>"""


def translate_widgets() -> None:
    """Translates the upload field and hides the CSV button of tables."""
    pick, drop = _("选择文件"), _("或者把文件拖到这里")
    st.html(
        _STYLE.format(pick=json.dumps(pick, ensure_ascii=False), drop=json.dumps(drop, ensure_ascii=False))
    )
