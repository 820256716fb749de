"""Starts the server: ``python -m pages.launch [streamlit options]``.

Streamlit takes a ``pages`` folder for its old way of making pages until ``st.navigation`` has run once; a deep link that
is the first request to a fresh server would then open with a "Page not found" dialog. Saying beforehand that the folder
is not used that way avoids it.

Told to end, Streamlit waits without a limit for every browser to take in what was being sent to it; one that fell asleep
while loading would keep the server up, and its port taken. Here it waits :data:`GRACE` seconds.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web import bootstrap, cli
from streamlit.web.server import Server

from pages.shared import frame  # noqa: F401  # what every page needs is loaded before the first request

APP = Path(__file__).resolve().parents[1] / "app.py"
GRACE = 5.0
"""Seconds from the signal to end until the process is gone."""

_handle_signals = bootstrap._set_up_signal_handler


def _end_in_time(server: Server) -> None:
    """Streamlit's handlers, with a deadline that begins at the first signal."""
    _handle_signals(server)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _with_deadline(signal.getsignal(number)))


def _with_deadline(handler):
    def handle(number, stack):
        deadline = threading.Timer(GRACE, os._exit, (0,))
        deadline.daemon = True
        deadline.start()
        handler(number, stack)

    return handle


if __name__ == "__main__":
    PagesManager.uses_pages_directory = False
    bootstrap._set_up_signal_handler = _end_in_time
    sys.argv = ["streamlit", "run", str(APP), *sys.argv[1:]]
    sys.exit(cli.main())
