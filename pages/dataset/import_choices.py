"""What is decided about data before it is imported."""

from typing import NamedTuple

import streamlit as st

from pages.shared.kept import TYPED, kept, kept_text
from pages.shared.usable import switch
from tianji_core.dataset.encodings import ENCODINGS, encoding_title
from tianji_core.i18n import _
from tianji_core.store.samples import ACCEPTED, PENDING


class KeptAs(NamedTuple):
    """How the data is kept: the state of its samples, or the name of a version of its own; and the encoding
    of its files, '' for the recognised one."""

    state: str
    version: str
    encoding: str = ""


def kept_as(files: bool) -> KeptAs:
    """Draws what is decided about the data before it is imported."""
    title = _("怎么收：直接采用、单独存成版本、文字编码") if files else _("怎么收：直接采用、单独存成版本")
    with st.expander(title, icon="🎛️", key="import_kept_as"):
        trusted = st.checkbox(
            _("这些数据已经审过，导入后直接采用"), **kept(TYPED, "import_accepted", switch, False)
        )
        left, right = st.columns(2, gap="large")
        version = left.text_input(
            _("存成单独的数据集版本（可不填）"),
            placeholder=_("例如 闲聊"),
            max_chars=60,
            help=_(
                "给普通对话用：原样存成一个版本，多轮都留着，不进审核和清洗；训练页“高级”里可以按份额混入"
            ),
            **kept_text("import_version"),
        ).strip()
        state = ACCEPTED if trusted else PENDING
        if not files:
            return KeptAs(state, version)
        encoding = right.selectbox(
            _("文字编码"),
            ["", *ENCODINGS],
            format_func=lambda codec: encoding_title(codec) or _("自动识别"),
            key="import_encoding",
            help=_("预览里的字不对时再选"),
        )
    return KeptAs(state, version, encoding)
