"""The names and addresses under which a server may be asked for.

A browser lets a page of ``http://evil.test`` talk to the server behind that name, even after the name was
pointed at 127.0.0.1 (DNS rebinding). Such a request carries the foreign name in its Host header, which is why
a server must know its own names.
"""

import ipaddress
import os
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tianji_core.addresses import address_problem
from tianji_core.errors import SettingsError
from tianji_core.i18n import _

LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")
"""Names of this machine that no other machine can use."""

ALLOWED_HOSTS_VARIABLE = "TIANJI_ALLOWED_HOSTS"
"""Environment variable with further names, separated by commas: ``NAME`` or ``NAME:PORT``."""

TRUSTED_PROXIES_VARIABLE = "TIANJI_TRUSTED_PROXIES"
"""Environment variable with the addresses or networks of proxies, separated by commas, whose
``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed. Nobody else's are."""

STUDIO_VARIABLE = "TIANJI_STUDIO_URL"
"""Environment variable with the address under which others open the studio, for links: behind a tunnel or in
a container the studio cannot know it."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?", re.ASCII)


class Authority(NamedTuple):
    """A name or IP address, and a port where one is given."""

    name: str
    port: int | None

    def is_page_of(self, host: "Authority") -> bool:
        """Returns whether this origin is the server that was asked for as ``host``."""
        ports = _DEFAULT_PORTS.values() if host.port is None else (host.port,)
        return self.name == host.name and self.port in ports

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"


def parse_authority(text: str) -> Authority | None:
    """Returns ``name``, ``name:port``, ``[v6]`` or ``[v6]:port`` in lower case and without a final dot, or
    None for anything else."""
    head, bracket, tail = text.strip().lower().partition("]")
    if bracket:
        name, port = head.removeprefix("["), tail.removeprefix(":")
        if not head.startswith("[") or not _is_address(name, 6) or (tail and tail[0] != ":"):
            return None
        name = str(ipaddress.ip_address(name))
    else:
        name, colon, port = head.partition(":")
        tail = colon
        name = name.removesuffix(".")
        if not _NAME.fullmatch(name):
            return None
    if not tail:
        return Authority(name, None)
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536):
        return None
    return Authority(name, int(port))


def origin_authority(origin: str) -> Authority | None:
    """Returns the name and port of an Origin header, the default port of its scheme included; None for
    ``null`` and for anything that is not ``http(s)://name[:port]``."""
    scheme, separator, rest = origin.strip().lower().partition("://")
    authority = parse_authority(rest) if separator and scheme in ("http", "https") else None
    return authority and Authority(authority.name, authority.port or _DEFAULT_PORTS[scheme])


@dataclass(frozen=True)
class AllowedHosts:
    """What a Host header may say: an entry without a port stands for every port."""

    entries: frozenset[Authority]
    address_port: int | None = None
    """Port at which every literal IP address is allowed, or None. No page reaches a server under an address
    of its own, so that addresses need no list."""

    def has_foreign_names(self) -> bool:
        """Returns whether other machines may reach the server under one of the names."""
        return any(entry.name not in LOCAL_NAMES for entry in self.entries)

    def __contains__(self, asked: Authority) -> bool:
        """Returns whether this name may be asked for; without a port it stands for 80 and 443."""
        ports = (80, 443) if asked.port is None else (asked.port,)
        if self.address_port in ports and _is_address(asked.name):
            return True
        return any(Authority(asked.name, port) in self.entries for port in (*ports, None))


def allowed_hosts(bound: str, port: int, further: Iterable[str] = ()) -> AllowedHosts:
    """Returns the names of a server that listens on ``bound``:``port``: the local names with that port, with
    ``bound`` beyond loopback also this machine's name and every IP address, and the ``further`` entries.

    Raises:
        SettingsError: an entry of ``further`` is not a name with or without a port.
    """
    names = {*LOCAL_NAMES}
    beyond = not is_loopback(bound)
    if beyond:
        names |= {name.lower() for name in (bound, socket.gethostname(), socket.getfqdn()) if name}
    entries = {Authority(name, port) for name in names}
    for entry in further:
        entries.add(_entry(entry))
    return AllowedHosts(frozenset(entries), port if beyond else None)


def allowed_hosts_setting() -> list[str]:
    """Returns the entries of :data:`ALLOWED_HOSTS_VARIABLE`, and the address of :func:`studio_address`.

    Raises:
        SettingsError: as :func:`studio_address`.
    """
    text = os.environ.get(ALLOWED_HOSTS_VARIABLE, "")
    own = urlsplit(studio_address())
    named = [f"{own.scheme}://{own.netloc}"] if own.netloc else []
    return list(dict.fromkeys([entry.strip() for entry in text.split(",") if entry.strip()] + named))


def studio_address() -> str:
    """Returns the address in :data:`STUDIO_VARIABLE` without a slash at its end; '' where none is set.

    Raises:
        SettingsError: it is no address, or has a user name, a password or a query.
    """
    address = os.environ.get(STUDIO_VARIABLE, "").strip().rstrip("/")
    if address and (problem := address_problem(address)):
        raise SettingsError(_("{variable} 不对：{problem}", variable=STUDIO_VARIABLE, problem=problem))
    return address


def trusted_proxies_setting() -> list[str]:
    """Returns the entries of :data:`TRUSTED_PROXIES_VARIABLE`.

    Raises:
        SettingsError: an entry is neither an address nor a network.
    """
    text = os.environ.get(TRUSTED_PROXIES_VARIABLE, "")
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    for entry in entries:
        try:
            ipaddress.ip_network(entry, strict=False)
        except ValueError as error:
            raise SettingsError(
                _(
                    "可信代理的地址 {entry} 不对：应当是 IP 地址或网段，例如 127.0.0.1",
                    entry=repr(entry[:100]),
                )
            ) from error
    return entries


def is_loopback(address: str) -> bool:
    """Returns whether only this machine can reach a server that listens on ``address``."""
    if address == "localhost":
        return True
    return _is_address(address) and ipaddress.ip_address(address).is_loopback


_IN_CONTAINER = ("/.dockerenv", "/run/.containerenv")
"""Files that Docker and Podman put into a container."""


def outward_address() -> str:
    """Returns the address under which other machines of the network reach this one; '' where it has none, or
    only that of a container, which others cannot use. Nothing is sent for it."""
    if any(Path(mark).exists() for mark in _IN_CONTAINER):
        return ""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address that nobody has; the system only chooses the way
            found = str(probe.getsockname()[0])
        except OSError:
            return ""
    return "" if is_loopback(found) else found


def _entry(text: str) -> Authority:
    parts = urlsplit(text) if "://" in text else None
    authority = parse_authority(text) if parts is None else origin_authority(text.rstrip("/"))
    if authority is None:
        raise SettingsError(
            _(
                "允许的主机名 {entry} 不对：应当是 名字 或 名字:端口，例如 studio.example.com",
                entry=repr(text[:100]),
            )
        )
    return authority


def _is_address(text: str, version: int | None = None) -> bool:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text and version in (None, found.version)
