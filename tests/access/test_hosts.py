"""The names under which a server may be asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.access.hosts import (
    Authority,
    allowed_hosts,
    is_loopback,
    origin_authority,
    parse_authority,
)
from tianji_core.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost", Authority("localhost", None)),
        ("LocalHost.:6006", Authority("localhost", 6006)),
        ("127.0.0.1:6006", Authority("127.0.0.1", 6006)),
        ("[::1]:6006", Authority("::1", 6006)),
        ("[0:0:0:0:0:0:0:1]", Authority("::1", None)),
        ("gpu_box-2.lan:80", Authority("gpu_box-2.lan", 80)),
    ],
)
def test_names_addresses_and_ports_are_read(text: str, expected: Authority) -> None:
    assert parse_authority(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", ":6006", "localhost:", "localhost:0", "localhost:65536", "localhost:²", "localhost:60 06"),
        *("::1", "::1:6006", "[::1", "[::1]6006", "[localhost]", "[fe80::1%eth0]:1", "[127.0.0.1]"),
        *("user@localhost", "localhost/", "localhost:6006/x", "localhost,evil.test", "localhost evil.test"),
        *("ｌocalhost", "-x", "a" * 254, "localhost..", "http://localhost"),
    ],
)
def test_anything_else_is_no_host(text: str) -> None:
    assert parse_authority(text) is None


@given(st.text())
def test_what_is_read_can_be_written_and_read_again(text: str) -> None:
    authority = parse_authority(text)
    assert authority is None or parse_authority(str(authority)) == authority


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://localhost:6006", Authority("localhost", 6006)),
        ("https://studio.example.com", Authority("studio.example.com", 443)),
        ("HTTP://[::1]", Authority("::1", 80)),
        ("null", None),
        ("file://", None),
        ("chrome-extension://abcdef", None),
        ("http://localhost:6006/", None),
    ],
)
def test_an_origin_is_a_web_page_with_a_port(origin: str, expected: Authority | None) -> None:
    assert origin_authority(origin) == expected


def test_a_server_of_this_machine_only_has_the_local_names() -> None:
    hosts = allowed_hosts("127.0.0.1", 6006)
    for text in ("127.0.0.1:6006", "localhost:6006", "[::1]:6006"):
        assert parse_authority(text) in hosts, text
    for text in ("127.0.0.1", "localhost:80", "evil.test:6006", "192.168.1.7:6006", "127.0.0.2:6006"):
        assert parse_authority(text) not in hosts, text


def test_a_server_of_a_network_also_has_its_addresses() -> None:
    hosts = allowed_hosts("0.0.0.0", 6006)
    for text in ("192.168.1.7:6006", "[fe80::7]:6006", "localhost:6006"):
        assert parse_authority(text) in hosts, text
    for text in ("192.168.1.7:80", "evil.test:6006"):
        assert parse_authority(text) not in hosts, text


def test_further_names_have_every_port_or_the_one_given() -> None:
    hosts = allowed_hosts("127.0.0.1", 6006, ["a.example", "b.example:8443", "https://c.example"])
    for text in ("a.example", "a.example:1234", "b.example:8443", "c.example", "c.example:443"):
        assert parse_authority(text) in hosts, text
    for text in ("b.example", "c.example:80", "x.a.example"):
        assert parse_authority(text) not in hosts, text


@pytest.mark.parametrize("entry", ["*", "a b", "http://", "ftp://a.example", "a.example/path"])
def test_a_setting_that_is_no_name_is_refused(entry: str) -> None:
    with pytest.raises(SettingsError, match="名字:端口"):
        allowed_hosts("127.0.0.1", 6006, [entry])


def test_loopback_is_known() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.0.1", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.7", "gpu-box", "")))
