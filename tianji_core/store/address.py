"""The address of the database: which forms are taken, and how one is shown. It may hold a password."""

import re
from collections.abc import Iterator
from urllib.parse import quote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from tianji_core.addresses import named_as_secret
from tianji_core.errors import SettingsError
from tianji_core.gate import first_line, remember_secret
from tianji_core.i18n import _

VARIABLE = "TIANJI_DATABASE_URL"
_MASK = "***"
_HARMLESS = re.compile(
    "application_name|cache|channel_binding|check_same_thread|client_encoding|connect_timeout|dbname"
    "|gssencmode|host|hostaddr|immutable|keepalives(_count|_idle|_interval)?|krbsrvname|load_balance_hosts"
    "|mode|nolock|port|replication|requirepeer|requiressl|sslcompression|sslcrl|sslmode|sslnegotiation"
    "|sslrootcert|sslsni|target_session_attrs|tcp_user_timeout|timeout|uri|user|vfs"
)
"""Parameters of libpq and SQLite whose values are no secrets. Every other one is masked, known or not."""
_ASSIGNED = re.compile(r"([\w.-]+)\s*=\s*('[^']*'|\"[^\"]*\"|[^\s;&,]+)")
"""A setting inside a value, as in ``options=-c name=value`` and ``odbc_connect=PWD=value;``."""


def check_address(url: str) -> None:
    """Makes the secrets of an address known to the gate, which removes them from every text.

    Raises:
        SettingsError: it is no address, or a part of a password would be taken for a host or a database.
    """
    address = parsed_address(url)
    if address is None or not url.isprintable():
        raise SettingsError(
            _(
                "{variable} 不是数据库地址，应当像 postgresql+psycopg://用户:密码@主机/数据库",
                variable=VARIABLE,
            )
        )
    if _misread(address):
        raise SettingsError(
            _(
                "{variable} 的用户名或密码里有 @ / : ? # 这样的字符，请写成 %40 %2F %3A %3F %23",
                variable=VARIABLE,
            )
        )
    for secret in _secrets(address):
        remember_secret(secret)


def shown_address(url: str) -> str:
    """Returns an address without its passwords and without the parameters that may hold one; the name of the
    variable for a text that is no address."""
    address = parsed_address(url)
    if address is None or _misread(address):
        return VARIABLE
    query = {name: value if _is_harmless(name, value) else _MASK for name, value in address.query.items()}
    database = _MASK if _has_settings(address) else address.database
    return address.set(query=query, database=database).render_as_string(hide_password=True)


def shown_error(error: BaseException, url: str) -> str:
    """Returns what a library says of an error on one line. Where it repeats a secret of the address, however
    short, only the kind of error is left."""
    cause = getattr(error, "orig", None) or error
    address, said = parsed_address(url), first_line(cause)
    secrets = _secrets(address) if address is not None else {url}
    return type(cause).__name__ if any(secret in said for secret in secrets) else said


def parsed_address(url: str) -> URL | None:
    """Returns the parts of an address; None for a text that is none."""
    try:
        return make_url(url)
    except (SQLAlchemyError, ValueError):  # a port that is no number is a ValueError
        return None


def _misread(address: URL) -> bool:
    """Returns whether a part of a password is taken for a host or a database."""
    return not address.drivername.startswith("sqlite") and "@" in f"{address.host}{address.database}"


def _has_settings(address: URL) -> bool:
    """Returns whether a whole connection string (``host=… password=…``) stands where the database's name
    belongs."""
    return not address.drivername.startswith("sqlite") and "=" in (address.database or "")


def _is_harmless(name: str, value: str | tuple[str, ...]) -> bool:
    values = (value,) if isinstance(value, str) else value
    return _HARMLESS.fullmatch(name) is not None and not any("@" in one or "=" in one for one in values)


def _secrets(address: URL) -> set[str]:
    """Returns the password and the parameters that may be secret, plain and percent-encoded."""
    plain = {address.password or ""}
    for name, value in address.query.items():
        if not _is_harmless(name, value):
            for one in (value,) if isinstance(value, str) else value:
                plain.update(_inside(one))
    if _has_settings(address):
        plain.update(_inside(address.database or ""))
    plain = {str(value) for value in plain if value}
    return plain | {quote(value, safe="") for value in plain}


def _inside(value: str) -> Iterator[str]:
    """Yields a parameter, and the values of the secret settings in it."""
    yield value
    for setting in _ASSIGNED.finditer(value):
        if named_as_secret(setting[1]) or setting[1].lower().endswith("pwd"):
            yield setting[2].strip("'\"")
