"""The options of a merge: device, size of the weight files, number format."""

from typing import NamedTuple

import streamlit as st

from pages.shared.kept import kept_number
from tianji_core.i18n import _
from tianji_core.models import DTYPES
from tianji_core.models.merged import SHARD_GB


class MergeOptions(NamedTuple):
    """The options of every merge that is started on the page; ``shard_gb`` in gigabytes."""

    device: str
    shard_gb: float
    dtype: str


def merge_options() -> MergeOptions:
    """Draws the options in a closed expander; returns what is chosen."""
    with st.expander(_("合并选项"), icon="⚙️"):
        left, middle, right = st.columns(3)
        device = left.selectbox(
            _("在哪里合并"),
            ("cpu", "cuda"),
            key="merge_device",
            format_func=lambda device: {"cpu": "CPU", "cuda": _("显卡")}[device],
            help=_("CPU 上一个矩阵一个矩阵地加，7B 也只要几 GB 内存；显卡快一些"),
        )
        shard = middle.number_input(
            _("每个权重文件最大（GB）"),
            0.1,
            50.0,
            SHARD_GB,
            0.5,
            format="%.1f",
            **kept_number("merge_shard", 0.1, 50.0, SHARD_GB),
        )
        dtype = right.selectbox(
            _("数值格式"),
            DTYPES,
            key="merge_dtype",
            format_func=lambda dtype: _("和基座一样") if dtype == "auto" else dtype,
        )
    return MergeOptions(device, float(shard), dtype)
