"""Starts the studio's server: ``python -m pages.launch [--server.port N] [streamlit options]``.

Streamlit's pages run as an ASGI application behind the studio's own checks of each request.
"""

import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
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

from pages.shared import frame, visitors
from pages.shared.fault import show_fault
from pages.shared.single_sign_on import single_sign_on
from tianji_core.access.headers import SecurityHeaders
from tianji_core.access.host_check import HostCheck
from tianji_core.access.hosts import (
    Authority,
    allowed_hosts,
    allowed_hosts_setting,
    is_loopback,
    trusted_proxies_setting,
)
from tianji_core.access.login import LoginRequired
from tianji_core.access.single_sign_on import SignOnSettings, sign_on_settings
from tianji_core.access.upgrade_needed import UpgradeNeeded
from tianji_core.access.visitors import Accounts
from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.sharing import SharePages
from tianji_core.workspace import Workspace

APP = Path(__file__).resolve().parents[1] / "app.py"
HEALTH = "/_stcore/health"
"""The one path that a visitor without a login may ask for: it says whether the server works."""
GRACE_S = 5
"""Seconds from the first signal to the end of the process: a browser that stopped reading keeps neither the
server nor its port."""
PING_S = 30
"""Seconds between two signs of life on a WebSocket, and until one without an answer is closed."""


def studio_app(host: str, port: int, accounts: Accounts | None, sign_on: SignOnSettings | None = None) -> App:
    """Returns the studio as an ASGI application that is reached at ``host``:``port``; with ``accounts`` a
    visitor must log in, with ``sign_on`` also through an identity provider.

    Raises:
        SettingsError: an allowed host name is no name.
    """
    # Streamlit takes a folder named ``pages`` beside the app for its old way of making pages until
    # ``st.navigation`` has run once; the first link to a fresh server would open as 'Page not found'.
    PagesManager.uses_pages_directory = False
    hosts = allowed_hosts(host, port, allowed_hosts_setting())
    own_only = Middleware(HostCheck, hosts=hosts, refusal=_foreign, direct=accounts is None)
    shared = Middleware(
        SharePages, workspace=frame.current_workspace(), base_path=base_path(), accounts=accounts
    )
    checks = [Middleware(SecurityHeaders), own_only, shared]
    if accounts is not None:
        checks.append(Middleware(LoginRequired, accounts=accounts, open_paths=[HEALTH]))
    checks.append(Middleware(UpgradeNeeded))
    visitors.requests_are_checked(accounts)
    config.set_option("secrets.files", [])  # the studio's settings are in its workspace
    # Collecting all garbage after every run of a fragment takes longer than most of these runs.
    config.set_option("runner.postScriptGC", False)
    # A large element is sent whole each time: a browser that lacks one which is only named stops for good.
    config.set_option("global.minCachedMessageSize", 1e12)
    known = sign_on.as_secrets() if sign_on is not None else None
    return App(APP, middleware=checks, secrets=known, on_script_error=show_fault)


def needed_accounts(
    workspace: Workspace, host: str, port: int, sign_on: SignOnSettings | None = None
) -> Accounts | None:
    """Returns the accounts where visitors must log in: where there are users or a single sign-on, or where
    other machines reach the studio, directly or through a proxy. A single person at this machine needs no
    login.

    Raises:
        SettingsError: an allowed host name is no name, or the file of the users is damaged.
    """
    other = single_sign_on(sign_on) if sign_on is not None else None
    accounts = Accounts(workspace, port, base_path(), other)
    proxied = allowed_hosts(host, port, allowed_hosts_setting()).has_foreign_names()
    if other or accounts.users.listed() or proxied or trusted_proxies_setting() or not is_loopback(host):
        return accounts
    return None


def base_path() -> str:
    """Returns the path under which the pages lie, '' or '/studio'."""
    path = str(config.get_option("server.baseUrlPath")).strip("/")
    return f"/{path}" if path else ""


class AnnouncedServer(uvicorn.Server):
    """A server that says where it is as soon as it answers there."""

    def __init__(self, settings: uvicorn.Config, announcement: Callable[[], None]) -> None:
        super().__init__(settings)
        self.announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, then announces."""
        await super().startup(sockets)
        if self.started:
            self.announcement()


def announce(workspace: Workspace, accounts: Accounts | None, host: str, port: int) -> None:
    """Prints the studio's address, and the link that lets the owner in where no user could."""
    scheme = "https" if config.get_option("server.sslCertFile") else "http"
    print(
        _(
            "天机工坊：{address} · 工作区 {home} · 按 Ctrl-C 关闭（后台任务会继续）",
            address=f"{scheme}://{Authority(host, port)}{base_path()}",
            home=workspace.home,
        ),
        flush=True,
    )
    if accounts is not None:
        print_one_time_link(accounts, host, port)


def print_one_time_link(accounts: Accounts, host: str, port: int) -> None:
    """Prints the link that lets the owner in where no user could."""
    signs_on = accounts.single_sign_on is not None
    if any(user.password or (signs_on and "@" in user.name) for user in accounts.users.listed()):
        return
    names = ["127.0.0.1", socket.gethostname()] if host in ("0.0.0.0", "::", "") else [host]
    links = [f"http://{Authority(name, port)}{accounts.one_time_path()}" for name in names]
    print(
        _(
            "还没有设密码。用这个一次性地址登录：{links}\n给自己和别人设密码：python -m tianji_core users add 名字 --role owner",
            links=_(" 或 ").join(links),
        ),
        flush=True,
    )


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
        proxies = trusted_proxies_setting()
        workspace = frame.current_workspace()
        sign_on = sign_on_settings(workspace, allowed_hosts(host, port, allowed_hosts_setting()))
        accounts = needed_accounts(workspace, host, port, sign_on)
        app = studio_app(host, port, accounts, sign_on)
    except StudioError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    server = AnnouncedServer(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            ssl_certfile=config.get_option("server.sslCertFile"),
            ssl_keyfile=config.get_option("server.sslKeyFile"),
            ws="websockets-sansio",
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
            ws_max_size=get_max_message_size_bytes(),
            ws_per_message_deflate=config.get_option("server.enableWebsocketCompression"),
            timeout_graceful_shutdown=GRACE_S,
        ),
        partial(announce, workspace, accounts, host, port),
    )
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises the signal again after an orderly end
        signal.signal(number, lambda _number, _frame: None)
    server.run()
    sys.exit(0 if server.started else 1)


if __name__ == "__main__":
    main()
