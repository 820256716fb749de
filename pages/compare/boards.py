"""What the views of a comparison share: the server process's comparer."""

import streamlit as st

from tianji_core.comparison import Comparer
from tianji_core.workspace import Workspace


@st.cache_resource(show_spinner=False)
def comparer(_workspace: Workspace, home: str) -> Comparer:
    """The comparer of this server process, which fills the boards; ``home`` separates workspaces in the
    cache."""
    return Comparer(_workspace)
