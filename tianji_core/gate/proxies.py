"""A sentence for a proxy of the environment that no client can use."""

import contextlib
import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from tianji_core.errors import SettingsError
from tianji_core.i18n import _

VARIABLES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY")
_USABLE = ("http", "https", "socks5", "socks5h")


@contextlib.contextmanager
def named_proxies(used: bool) -> Iterator[None]:
    """Turns what a client raises over the proxies of the environment into a sentence; ``used`` says that the
    client reads them.

    Raises:
        SettingsError: names the variable at fault. Its value may hold a password and is not shown.
    """
    try:
        yield
    except Exception as error:  # ValueError, ImportError, or an InvalidURL of the library
        if not used or not (wrong := _unusable()):
            raise
        raise SettingsError(
            _(
                "环境变量 {names} 里的代理用不了；请写成 http://主机:端口 或 socks5://主机:端口，或者去掉它",
                names=_("、").join(wrong),
            )
        ) from error


def _unusable() -> list[str]:
    """The variables whose proxy is at fault; all that are set where none looks wrong."""
    present = {name: value for name, value in os.environ.items() if name.upper() in VARIABLES and value}
    return [name for name, value in present.items() if not _looks_right(value)] or list(present)


def _looks_right(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in _USABLE and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
