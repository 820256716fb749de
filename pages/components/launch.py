"""Starts the server: ``python -m pages.components.launch [streamlit options]``.

Streamlit takes a ``pages`` folder for its old way of making pages until ``st.navigation`` has run once; a deep link that
is the first request to a fresh server would then open with a "Page not found" dialog. Saying beforehand that the folder
is not used that way avoids it.
"""

import sys
from pathlib import Path

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web import cli

from pages.components import frame  # noqa: F401  # what every page needs is loaded before the first request

APP = Path(__file__).resolve().parents[2] / "app.py"

if __name__ == "__main__":
    PagesManager.uses_pages_directory = False
    sys.argv = ["streamlit", "run", str(APP), *sys.argv[1:]]
    sys.exit(cli.main())
