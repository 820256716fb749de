"""Addresses of services: a stored address holds no secret, and no message shows one."""

import re
from urllib.parse import urlsplit

from tianji_core.i18n import _

LONGEST = 2000
"""Characters of an address."""
_MASK = "••••"
_USER = re.compile(r"(\w://)[^\s'\"]*@")
_QUERY = re.compile(r"(\w://[^\s'\"?#]*[?#])[^\s'\"]+")
_SECRET_NAME = re.compile(
    r"\wkey|key_|token(?!s)|secret|pass(word|wd|phrase)?$|credential|auth(?!or)|cookie|signature",
    re.IGNORECASE,
)


_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def on_this_machine(address: str) -> bool:
    """Whether an address that can be stored leads to this machine: no proxy for the internet may take its
    requests."""
    return urlsplit(address).hostname in _THIS_MACHINE


def address_problem(address: str) -> str:
    """Returns why an address cannot be stored, in one sentence without the address itself; '' where it can:
    an http or https address without spaces, user name, password, query or fragment."""
    if len(address) > LONGEST or any(letter.isspace() or not letter.isprintable() for letter in address):
        return _("接口地址里不能有空格、换行或看不见的字符，也不能超过 {n} 个字符", n=LONGEST)
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        usable = usable and "\\" not in address
    except ValueError:  # unmatched brackets, or a port above 65535
        usable = False
    if not usable:
        return _("接口地址应当以 http:// 或 https:// 开头，例如 http://127.0.0.1:8000/v1")
    if "@" in parts.netloc or "?" in address or "#" in address:
        return _("接口地址里不能带用户名、密码或参数，密钥请放在环境变量里")
    return ""


def each_address(addresses: str) -> list[str]:
    """Returns the addresses in a text that separates them by commas; [] for ''."""
    return [part.strip(" ").rstrip("/") for part in addresses.split(",") if part.strip(" ")]


def addresses_problem(addresses: str) -> str:
    """Returns why one of several addresses, separated by commas, cannot be stored; '' where all can."""
    parts = each_address(addresses) if addresses == addresses.strip() else []
    return next(filter(None, map(address_problem, parts or [addresses])), "")


def without_credentials(text: str) -> str:
    """Returns a text in which the user names, passwords, queries and fragments of addresses are masked."""
    return _QUERY.sub(rf"\1{_MASK}", _USER.sub(rf"\1{_MASK}@", text))


def named_as_secret(name: str) -> bool:
    """Returns whether a field of this name, such as ``api_key`` or ``password``, holds a secret."""
    return _SECRET_NAME.search(name) is not None
