"""Starts the studio's server: ``python -m pages.launch [--server.port N] [streamlit options]``.

Streamlit's pages run as an ASGI application behind the studio's own checks of each request.
"""

import signal
import sys
from pathlib import Path
from typing import Any

import click
import uvicorn
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp
from streamlit import config
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.runtime_util import get_max_message_size_bytes
from streamlit.starlette import App
from streamlit.web.bootstrap import load_config_options
from streamlit.web.cli import configurator_options

from pages.shared import frame, request_checks
from tianji_core.access.host_check import HostCheck
from tianji_core.access.hosts import allowed_hosts, allowed_hosts_setting
from tianji_core.errors import StudioError

APP = Path(__file__).resolve().parents[1] / "app.py"
GRACE_S = 5
"""Seconds from the first signal to the end of the process: a browser that stopped reading keeps neither the
server nor its port."""
PING_S = 30
"""Seconds between two signs of life on a WebSocket, and until one without an answer is closed."""


def studio_app(host: str, port: int) -> App:
    """Returns the studio as an ASGI application that is reached at ``host``:``port``.

    Raises:
        SettingsError: an allowed host name is no name.
    """
    # Streamlit takes a folder named ``pages`` beside the app for its old way of making pages until
    # ``st.navigation`` has run once; the first link to a fresh server would open as 'Page not found'.
    PagesManager.uses_pages_directory = False
    hosts = allowed_hosts(host, port, allowed_hosts_setting())
    request_checks.installed = True
    return App(APP, middleware=[Middleware(HostCheck, hosts=hosts, refusal=_foreign)])


def _foreign(reason: str) -> ASGIApp:
    """The answer to a request for another host or from another site's page."""
    return PlainTextResponse(reason + "\n", status_code=403)


@click.command()
@configurator_options
def main(**options: Any) -> None:
    """Runs the server until a signal ends it."""
    config._main_script_path = str(APP)  # where Streamlit looks for .streamlit/config.toml
    load_config_options(options)
    frame.use_language()
    host, port = config.get_option("server.address") or "127.0.0.1", int(config.get_option("server.port"))
    try:
        app = studio_app(host, port)
    except StudioError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            ssl_certfile=config.get_option("server.sslCertFile"),
            ssl_keyfile=config.get_option("server.sslKeyFile"),
            ws="websockets-sansio",
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
            ws_max_size=get_max_message_size_bytes(),
            ws_per_message_deflate=config.get_option("server.enableWebsocketCompression"),
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises the signal again after an orderly end
        signal.signal(number, lambda _number, _frame: None)
    server.run()
    sys.exit(0 if server.started else 1)


if __name__ == "__main__":
    main()
