"""The studio's frame: navigation, language and the strip of running jobs. ``tianji studio`` serves it."""

import streamlit as st

from pages.shared.frame import (
    current_workspace,
    recipe_switch,
    refuse_unchecked_server,
    report_errors,
    use_language,
)
from pages.shared.job_progress import job_strip
from pages.shared.lost_database import has_database
from pages.shared.widget_words import translate_widgets
from tianji_core.i18n import _

use_language()
st.set_page_config(page_title=_("天机工坊"), page_icon="🏮", layout="wide")
refuse_unchecked_server()

navigation = st.navigation(
    {
        "": [st.Page("pages/home/page.py", title=_("总览"), icon="🏮", default=True)],
        _("数据"): [
            st.Page("pages/lists/page.py", title=_("列表"), icon="📋", url_path="lists"),
            st.Page("pages/heatmap/page.py", title=_("适配度"), icon="🗺️", url_path="heatmap"),
            st.Page("pages/generate/page.py", title=_("造数"), icon="✨", url_path="generate"),
            st.Page("pages/review/page.py", title=_("审核"), icon="🔎", url_path="review"),
            st.Page("pages/dataset/page.py", title=_("数据集"), icon="📦", url_path="dataset"),
        ],
        _("模型"): [
            st.Page("pages/train/page.py", title=_("训练"), icon="🏋️", url_path="train"),
            st.Page("pages/models/page.py", title=_("模型"), icon="🧩", url_path="models"),
            st.Page("pages/chat/page.py", title=_("对话"), icon="💬", url_path="chat"),
            st.Page("pages/compare/page.py", title=_("对比"), icon="⚖️", url_path="compare"),
        ],
        _("系统"): [
            st.Page("pages/jobs/page.py", title=_("任务"), icon="⏱️", url_path="jobs"),
            st.Page("pages/settings/page.py", title=_("设置"), icon="⚙️", url_path="settings"),
        ],
    }
)
with report_errors():
    current_workspace()
    if not has_database():
        st.stop()
    translate_widgets()
    with st.sidebar:
        recipe_switch()
        job_strip()
with report_errors():
    navigation.run()
