"""Faults below the content: statuses, redirects, headers, sockets."""

import asyncio
from collections.abc import Iterator

from tests.hostile.exchange import Act, Exchange, Fault, dumps

PAGE = "<html><head><title>Just a moment...</title></head><body>Ray ID 7</body></html>"


def faults() -> Iterator[Fault]:
    """Every fault of this module."""
    yield from _statuses()
    yield from _fatal()
    yield from _redirects()
    yield from _headers()
    yield from _sockets()


def _says(status: int, body: object = None, **headers: str) -> Act:
    said = {"error": {"message": "hostile", "type": "test"}} if body is None else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = "text/html" if isinstance(said, str) and said.startswith("<") else "application/json"

    async def act(exchange: Exchange) -> None:
        await exchange.send(status, said, kind, named)

    return act


def _statuses() -> Iterator[Fault]:
    for status in (400, 404, 405, 410, 413, 415, 418, 422, 431, 499):
        yield Fault(f"status {status}", _says(status), "request")
    for status in (409, 425, 500, 501, 502, 503, 504, 507, 511, 520, 529, 599, 600, 999):
        yield Fault(f"status {status}", _says(status), "unreachable")
    yield Fault("status 408", _says(408), "timeout")
    yield Fault("status 451", _says(451), "refusal")
    for wait in (
        "0",
        "0.01",
        "soon",
        "nan",
        "inf",
        "-5",
        "1e999",
        "",
        "Mon, 99",
        "Sun, 06 Nov 1994 08:49:37 GMT",
    ):
        yield Fault(f"status 429, wait {wait!r}", _says(429, Retry_After=wait), "rate_limit")
    yield Fault("status 429, long wait", _says(429, Retry_After="9" * 30), "rate_limit", slow=True)
    yield Fault("firewall page 403", _says(403, PAGE), "unreachable")
    yield Fault("gateway page 502", _says(502, PAGE), "unreachable")
    yield Fault("page 200", _says(200, PAGE), "answer")
    yield Fault("status 204", _says(204, b""), "answer")
    yield Fault("status 206", _says(206, b'{"choices": [{"mess'), "answer")
    for name, body in {
        "empty": b"",
        "a list": [1],
        "a number": 7,
        "null": b"null",
        "deep": b"[" * 100_000,
        "bytes": b"\xff\xfe\x00" * 9,
        "message of the wrong type": {"error": {"message": ["no", {"a": 1}]}},
        "detail list": {"detail": [{"loc": ["body"], "msg": "field required"}]},
        "code of digits that are none": {"error": {"code": "²", "message": "?"}},
        "code of 10^40": {"error": {"code": 10**40, "message": "?"}},
    }.items():
        yield Fault(f"error body {name}", _says(500, body), "unreachable")


def _fatal() -> Iterator[Fault]:
    for name, status, body in (
        ("wrong key", 401, {"error": {"message": "invalid api key"}}),
        ("no access", 403, {"error": {"message": "model not enabled"}}),
        ("payment required", 402, {"error": {"message": "pay"}}),
        ("no quota", 429, {"error": {"code": "insufficient_quota", "message": "quota"}}),
        ("Zhipu 1113", 429, {"error": {"code": "1113", "message": "account"}}),
        ("Zhipu 1308", 429, {"error": {"code": "1308", "message": "limit of 5 hours"}}),
        ("region", 403, {"error": {"code": "unsupported_country_region_territory", "message": "no"}}),
        ("balance in 200", 200, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}),
    ):
        yield Fault(name, _says(status, body), "auth", fatal=True)


def _redirects() -> Iterator[Fault]:
    def away(status: int) -> Act:
        async def act(exchange: Exchange) -> None:
            body = exchange.completion("这不是样本")
            await exchange.send(status, body, headers={"Location": f"{exchange.trap}{exchange.path}"})

        return act

    for status in (301, 302, 303, 307, 308):
        yield Fault(f"redirect {status} to another server", away(status), "request")
    for name, location in {
        "a loop": "",
        "a file": "file:///etc/passwd",
        "no address": "http://[",
        "another host": "http://127.0.0.2:9/v1/chat/completions",
        "a name and a password": "http://user:pass@127.0.0.2:9/",
        "a script": "javascript:alert(1)",
        "3,000 characters": "/" + "a" * 3000,
    }.items():

        async def act(exchange: Exchange, location: str = location) -> None:
            await exchange.send(307, b"", headers={"Location": location or exchange.path})

        yield Fault(
            f"redirect 307 to {name}", act, "any" if name in ("a script", "3,000 characters") else "request"
        )
    for status in (300, 304, 305, 306, 399):
        yield Fault(f"status {status} without a place", _says(status), "request")


def _headers() -> Iterator[Fault]:
    def wire(head: str, body: bytes | None = None) -> Act:
        async def act(exchange: Exchange) -> None:
            data = dumps(exchange.completion()) if body is None else body
            await exchange.raw(head.format(n=len(data)).encode("latin-1") + data)

        return act

    ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    for name, head, outcome in (
        ("length too large", ok + "Content-Length: 99999\r\n\r\n", "unreachable"),
        ("length too small", ok + "Content-Length: 9\r\n\r\n", "answer"),
        ("length negative", ok + "Content-Length: -1\r\n\r\n", "unreachable"),
        ("length no number", ok + "Content-Length: many\r\n\r\n", "unreachable"),
        ("length twice", ok + "Content-Length: {n}\r\nContent-Length: 7\r\n\r\n", "unreachable"),
        ("no colon", ok + "Nonsense\r\nContent-Length: {n}\r\n\r\n", "unreachable"),
        ("NUL in a header", ok + "X-A: a\0b\r\nContent-Length: {n}\r\n\r\n", "any"),
        ("empty name", ok + ": x\r\nContent-Length: {n}\r\n\r\n", "unreachable"),
        ("no status line", "Content-Length: {n}\r\n\r\n", "unreachable"),
        ("status of letters", "HTTP/1.1 abc OK\r\nContent-Length: {n}\r\n\r\n", "unreachable"),
        ("status 99", "HTTP/1.1 99 OK\r\nContent-Length: {n}\r\n\r\n", "unreachable"),
        ("HTTP/0.9", "", "unreachable"),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "unreachable"),
        ("a greeting of SSH", "SSH-2.0-OpenSSH_9.9\r\n", "unreachable"),
        ("100,000 bytes of header", ok + "X-A: " + "a" * 100_000 + "\r\nContent-Length: {n}\r\n\r\n", "any"),
        ("2,000 headers", ok + "X-A: a\r\n" * 2000 + "Content-Length: {n}\r\n\r\n", "any"),
        (
            "early hints",
            "HTTP/1.1 103 Early\r\nLink: <x>\r\n\r\n" * 3 + ok + "Content-Length: {n}\r\n\r\n",
            "any",
        ),
        ("switching protocols", "HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "any"),
        ("bad chunk size", ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "unreachable"),
        ("huge chunk size", ok + "Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n", "unreachable"),
        ("chunks cut off", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\n", "unreachable"),
        ("two transfer encodings", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "unreachable"),
        ("bytes in the reason", "HTTP/1.1 200 \xff\xfe\r\nContent-Length: {n}\r\n\r\n", "any"),
        (
            "a cookie of 30,000 bytes",
            ok + "Set-Cookie: a=" + "b" * 30_000 + "\r\nContent-Length: {n}\r\n\r\n",
            "good",
        ),
    ):
        yield Fault(f"header: {name}", wire(head), outcome)


def _sockets() -> Iterator[Fault]:
    async def closes(exchange: Exchange) -> None:
        exchange.writer.close()

    async def resets(exchange: Exchange) -> None:
        exchange.reset()

    async def resets_in_the_body(exchange: Exchange) -> None:
        await exchange.send(200, b'{"choices"', length="4000")
        exchange.reset()

    async def half_closes(exchange: Exchange) -> None:
        await exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")
        exchange.writer.write_eof()
        await asyncio.sleep(3600)

    async def hangs(exchange: Exchange) -> None:
        await asyncio.sleep(3600)

    async def hangs_after_the_head(exchange: Exchange) -> None:
        await exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        await asyncio.sleep(3600)

    async def trickles_the_head(exchange: Exchange) -> None:
        await exchange.raw(b"HTTP/1.1 200 OK\r\n")
        await exchange.trickle(b"X-A: a\r\n")

    async def trickles_the_body(exchange: Exchange) -> None:
        await exchange.raw(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999\r\n\r\n"
        )
        await exchange.trickle(b" ")

    async def continues_for_ever(exchange: Exchange) -> None:
        await exchange.trickle(b"HTTP/1.1 100 Continue\r\n\r\n", 0.01)

    yield Fault("socket: closes at once", closes, "unreachable")
    yield Fault("socket: resets", resets, "unreachable")
    yield Fault("socket: resets in the body", resets_in_the_body, "unreachable")
    yield Fault("socket: half-closes in the body", half_closes, "unreachable")
    yield Fault("socket: hangs", hangs, "timeout")
    yield Fault("socket: hangs after the head", hangs_after_the_head, "timeout")
    yield Fault("socket: trickles the head", trickles_the_head, "timeout")
    yield Fault("socket: trickles the body", trickles_the_body, "timeout")
    yield Fault("socket: continues for ever", continues_for_ever, "timeout")
