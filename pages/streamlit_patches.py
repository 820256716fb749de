"""The two places where the studio changes Streamlit itself, because Streamlit has no option for them.

1. Streamlit reads a folder named ``pages`` beside the app as its old way of making pages, until
   ``st.navigation`` has run once. The first request to a fresh server may be a link to one page; it would
   open with a "Page not found" dialog. ``PagesManager.uses_pages_directory = False`` says beforehand that the
   folder is not used that way.
2. On SIGTERM and SIGINT Streamlit waits without a limit until every browser has received what was being sent
   to it. A browser that stopped reading would keep the server, and its port, for good. A timer ends the
   process :data:`GRACE` seconds after the first signal.

``tests/pages/test_streamlit_patches.py`` fails when Streamlit behaves well without a patch, which then can
go, and when a patch has lost its effect.
"""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web import bootstrap
from streamlit.web.server import Server

GRACE = 5.0
"""Seconds from the first signal to the end of the process."""

_set_up_signal_handler = bootstrap._set_up_signal_handler


def apply_patches() -> None:
    """Changes Streamlit in this process; called before its server starts."""
    PagesManager.uses_pages_directory = False
    bootstrap._set_up_signal_handler = _set_up_with_deadline


def _set_up_with_deadline(server: Server) -> None:
    _set_up_signal_handler(server)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _with_deadline(signal.getsignal(number)))


def _with_deadline(handler: Any) -> Callable[[int, FrameType | None], None]:
    """Streamlit's signal handler, with a timer that starts before it."""

    def handle(number: int, frame: FrameType | None) -> None:
        deadline = threading.Timer(GRACE, os._exit, (0,))
        deadline.daemon = True
        deadline.start()
        handler(number, frame)

    return handle
