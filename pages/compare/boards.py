"""What the views of a comparison share: the server process's comparer, and differences."""

import streamlit as st

from pages.shared.text import plain
from tianji_core import cleaning
from tianji_core.comparison import Comparer
from tianji_core.workspace import Workspace


@st.cache_resource(show_spinner=False)
def comparer(_workspace: Workspace, home: str) -> Comparer:
    """The comparer of this server process, which fills the boards; ``home`` separates workspaces in the
    cache."""
    return Comparer(_workspace)


def difference(before: str, after: str) -> str:
    """``after`` as Markdown, with additions to ``before`` highlighted and removals struck out."""
    forms = {"same": "{}", "added": ":green-background[{}]", "removed": ":red[~~{}~~]"}
    pieces = cleaning.compare(before.strip(), after.strip())
    return "".join(forms[piece.kind].format(plain(piece.text)) for piece in pieces if piece.text)
