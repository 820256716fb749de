"""The studio's frame: navigation, language and the recipe in use. ``tianji studio`` serves it."""

import streamlit as st

from pages.shared.ended_login import lead_to_login
from pages.shared.frame import current_workspace, recipe_switch, report_errors, use_language
from pages.shared.lost_database import has_database
from pages.shared.page_table import navigation_of, refuse_page
from pages.shared.visitors import refuse_unchecked_server
from pages.shared.widget_words import translate_widgets
from tianji_core.i18n import _
from tianji_core.release import version

use_language()
st.set_page_config(
    page_title=_("天机工坊"),
    page_icon="🏮",
    layout="wide",
    menu_items={"About": _("天机工坊 {version}", version=version())},
)
refuse_unchecked_server()

page = st.navigation(navigation_of(), expanded=True)
with report_errors():
    current_workspace()
    if not has_database():
        st.stop()
    translate_widgets()
    lead_to_login()
    with st.sidebar:
        recipe_switch()
with report_errors():
    refuse_page(page)
    page.run()
