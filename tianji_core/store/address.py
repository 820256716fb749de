"""The address of the database: which forms are taken, and how one is shown. It may hold a password."""

from urllib.parse import quote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from tianji_core.addresses import named_as_secret
from tianji_core.errors import SettingsError
from tianji_core.gate import first_line, remember_secret
from tianji_core.i18n import _

VARIABLE = "TIANJI_DATABASE_URL"
_MASK = "***"


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
    """Returns an address without its passwords; the name of the variable for a text that is no address."""
    address = parsed_address(url)
    if address is None or _misread(address):
        return VARIABLE
    query = {name: _MASK if named_as_secret(name) else value for name, value in address.query.items()}
    return address.set(query=query).render_as_string(hide_password=True)


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


def _secrets(address: URL) -> set[str]:
    """Returns the password and the secret options of an address, plain and percent-encoded."""
    values = [address.password or ""]
    for name, value in address.query.items():
        if named_as_secret(name):
            values += [value] if isinstance(value, str) else value
    plain = {str(value) for value in values if value}
    return plain | {quote(value, safe="") for value in plain}
