"""Whatever a request says about its host and its origin, it passes where both are the server's own, and
nowhere else."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.types import Message

from tianji_core.access.host_check import HostCheck
from tianji_core.access.hosts import allowed_hosts

PORT = 6006
OWN = {f"{name}:{PORT}" for name in ("127.0.0.1", "localhost", "[::1]", "studio.example.com")} | {
    "studio.example.com"
}
PIECES = [
    *(
        "127.0.0.1",
        "localhost",
        "[::1]",
        "studio.example.com",
        "evil.test",
        ":6006",
        ":80",
        ".",
        "@",
        "/",
        "#",
    ),
    *(" ", "%00", "\t", "\\", "::", "127.1", "0x7f.1", "2130706433", "LOCALHOST", "localhost.", "null"),
]
NAMES = st.one_of(
    st.sampled_from(sorted(OWN)),
    st.lists(st.sampled_from(PIECES), max_size=4).map("".join),
    st.text(st.characters(max_codepoint=255), max_size=30),
)
ORIGINS = st.one_of(
    st.none(), st.tuples(st.sampled_from(["http://", "https://", "HTTP://", "file://", ""]), NAMES)
)


def passes(kind: str, headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a request reaches the application behind the check."""
    reached = []

    async def app(scope, receive, send) -> None:
        reached.append(scope)

    async def receive() -> Message:
        return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

    async def send(_message: Message) -> None:
        pass

    hosts = allowed_hosts("127.0.0.1", PORT, ["studio.example.com"])
    check = HostCheck(app, hosts, lambda reason: PlainTextResponse(reason, 403))
    scope = {"type": kind, "method": "GET", "path": "/", "query_string": b"", "headers": headers}
    asyncio.run(check(scope, receive, send))
    return bool(reached)


def is_own(authority: str) -> bool:
    """Whether these are the letters of an own name, of which only case and a final dot may differ."""
    name, _, port = (
        authority.strip().lower().rpartition(":") if ":" in authority[-6:] else (authority, "", "")
    )
    name = (name or authority).strip().lower().removesuffix(".")
    return name == "studio.example.com" or (name in ("127.0.0.1", "localhost", "[::1]") and port == str(PORT))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["http", "websocket"]), NAMES, ORIGINS)
def test_only_own_hosts_with_own_origins_pass(kind: str, host: str, origin: tuple[str, str] | None) -> None:
    headers = [(b"host", host.encode("latin-1"))]
    if origin is not None:
        headers.append((b"origin", "".join(origin).encode("latin-1")))
    if passes(kind, headers):
        assert is_own(host), host
        assert origin is None or (is_own(origin[1]) and origin[0].lower() in ("http://", "https://")), origin
    if host in OWN and origin in (None, ("http://", host)):
        assert passes(kind, headers), (host, origin)


@given(NAMES, NAMES)
def test_two_hosts_or_none_never_pass(first: str, second: str) -> None:
    hosts = [(b"host", name.encode("latin-1")) for name in (first, second)]
    assert not passes("http", hosts) and not passes("http", [])
    origins = [(b"host", b"localhost:6006")] + [
        (b"origin", f"http://{n}".encode("latin-1")) for n in (first, second)
    ]
    assert not passes("websocket", origins)
