"""Starts the server: ``python -m pages.launch [streamlit options]``."""

import sys
from pathlib import Path

from streamlit.web import cli

from pages.shared import frame  # noqa: F401  # what every page needs is loaded before the first request
from pages.streamlit_patches import apply_patches

APP = Path(__file__).resolve().parents[1] / "app.py"

if __name__ == "__main__":
    apply_patches()
    sys.argv = ["streamlit", "run", str(APP), *sys.argv[1:]]
    sys.exit(cli.main())
