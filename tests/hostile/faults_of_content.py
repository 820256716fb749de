"""Faults of what is said: JSON that is none, wrong types, absurd values, sizes."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from tests.hostile.exchange import Act, Exchange, Fault, dumps

BOMB_BYTES = 100 * 1024 * 1024


def faults() -> Iterator[Fault]:
    """Every fault of this module."""
    yield from _bodies()
    yield from _choices()
    yield from _margins()
    yield from _errors_in_200()
    yield from _sizes()


def _sends(body: bytes | Callable[..., bytes], kind: str = "application/json", **headers: str) -> Act:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def act(exchange: Exchange) -> None:
        await exchange.send(200, body if isinstance(body, bytes) else body(exchange), kind, named)

    return act


def _answers(change: Callable[..., Any]) -> Act:
    async def act(exchange: Exchange) -> None:
        await exchange.answer(change(exchange))

    return act


def _bodies() -> Iterator[Fault]:
    def whole(exchange: Exchange) -> bytes:
        return dumps(exchange.completion())

    for name, body, outcome in (
        ("nothing", b"", "answer"),
        ("white space", b" \n\n ", "answer"),
        ("cut off", b'{"choices": [{"mess', "answer"),
        ("words", b"I am a teapot", "answer"),
        ("null", b"null", "answer"),
        ("true", b"true", "answer"),
        ("a number", b"7", "answer"),
        ("a number of 5,000 digits", b'{"choices": ' + b"9" * 5000 + b"}", "answer"),
        ("a string", b'"hello"', "answer"),
        ("a list", b"[1, 2]", "answer"),
        ("an empty object", b"{}", "answer"),
        ("single quotes", b"{'choices': []}", "answer"),
        ("not UTF-8", b'{"choices": "\xff\xfe"}', "answer"),
        ("a bare surrogate", b'{"choices": "\xed\xa0\x80"}', "answer"),
        ("100,000 brackets", b"[" * 100_000, "answer"),
        ("1,000 objects deep", b'{"a":' * 1000 + b"1" + b"}" * 1000, "answer"),
        ("300,000 empty lists", b'{"choices": [' + b"[]," * 300_000 + b"[]]}", "answer"),
        ("tail", lambda exchange: whole(exchange) + b"}}", "answer"),
        ("two objects", lambda exchange: whole(exchange) * 2, "answer"),
        ("BOM", lambda exchange: b"\xef\xbb\xbf" + whole(exchange), "good"),
        ("blank lines before", lambda exchange: b"\n\n\n" + whole(exchange), "good"),
        ("NaN beside", lambda exchange: whole(exchange)[:-1] + b', "x": NaN}', "good"),
        ("key twice", lambda exchange: b'{"id": 7,' + whole(exchange)[1:], "good"),
    ):
        yield Fault(f"body: {name}", _sends(body), outcome)
    for charset in ("punycode", "zlib", "undefined", "utf-7", "x" * 300):
        kind = f"application/json; charset={charset}"
        yield Fault(f"body: charset {charset[:10]}", _sends(b'{"a": "\xff"}' * 50, kind), "answer")
    yield Fault("body: no content type", _plain, "good")
    yield Fault("body: content type of bytes", _sends(whole, "\xe9\xff/\xfe"), "good")


async def _plain(exchange: Exchange) -> None:
    await exchange.send(200, exchange.completion(), None)


def _choices() -> Iterator[Fault]:
    for name, choices, outcome in (
        ("null", None, "answer"),
        ("empty", [], "answer"),
        ("an object", {}, "answer"),
        ("a string", "x", "answer"),
        ("a number", 7, "answer"),
        ("[null]", [None], "answer"),
        ("[[]]", [[]], "answer"),
        ("[string]", ["x"], "answer"),
        ("no message", [{"index": 0}], "answer"),
        ("message null", [{"message": None}], "answer"),
        ("message string", [{"message": "x"}], "answer"),
        ("message list", [{"message": [1]}], "answer"),
        ("content number", [{"message": {"content": 7}}], "answer"),
        ("content true", [{"message": {"content": True}}], "answer"),
        ("content object", [{"message": {"content": {"text": "x"}}}], "answer"),
        ("content parts without text", [{"message": {"content": [7, None, {"text": 7}]}}], "answer"),
        ("content empty", [{"message": {"content": ""}}], "answer"),
        ("only thinking", [{"message": {"content": "<think>嗯"}, "finish_reason": "length"}], "answer"),
        ("10,000 tags of thinking", [{"message": {"content": "<think>" * 10_000}}], "answer"),
        ("refusal", [{"message": {"content": None, "refusal": "I cannot"}}], "refusal"),
        ("filter", [{"message": {"content": "一半"}, "finish_reason": "content_filter"}], "refusal"),
        ("broken off", [{"message": {"content": "一半"}, "finish_reason": "network_error"}], "answer"),
    ):
        yield Fault(f"choices: {name}", _answers(lambda e, c=choices: e.completion(choices=c)), outcome)
    yield Fault(
        "choices: 3,000", _answers(lambda e: e.completion(choices=e.completion()["choices"] * 3000)), "good"
    )
    parts = [{"type": "text", "text": "祝您"}, {"type": "image"}, {"type": "text", "text": "安康"}]
    yield Fault("content: parts", _answers(lambda e: e.completion(parts)), "good")
    yield Fault("content: half characters", _answers(lambda e: e.completion(f"{e.text}\ud83d")), "good")
    yield Fault("content: NUL", _answers(lambda e: e.completion(f"{e.text}\0")), "good")
    for finish in (None, "because", "x" * 100_000, "\ud800", ["stop"], {"type": "stop"}, 7, True, "²"):
        name = f"finish: {str(finish)[:12]!a}"
        yield Fault(name, _answers(lambda e, f=finish: e.completion(finish=f)), "good")


def _margins() -> Iterator[Fault]:
    absurd = {
        "null": None,
        "list": ["x"],
        "object": {"a": {"b": 1}},
        "number": 10**30,
        "half a character": "\ud800",
        "100,000 characters": "x" * 100_000,
        "NUL": "\0",
        "markup": "<script>alert(1)</script>![](http://127.0.0.2/a.png)",
    }
    for field in ("id", "model"):
        for name, value in absurd.items():
            yield Fault(
                f"{field}: {name}", _answers(lambda e, f=field, v=value: e.completion(**{f: v})), "good"
            )
    for name, usage in {
        "list": [1],
        "string": "many",
        "10^30": {"prompt_tokens": 10**30, "completion_tokens": 10**30},
        "2^63": {"prompt_tokens": 2**63, "completion_tokens": 2**62},
        "negative": {"prompt_tokens": -1, "completion_tokens": -(10**18)},
        "floats": {"prompt_tokens": 1e300, "completion_tokens": 7.5},
        "NaN": {"prompt_tokens": float("nan"), "completion_tokens": float("inf")},
        "strings": {"prompt_tokens": "7", "completion_tokens": "²"},
        "true": {"prompt_tokens": True, "completion_tokens": [7]},
    }.items():
        yield Fault(f"usage: {name}", _answers(lambda e, u=usage: e.completion(usage=u)), "good")
    for name, thought in {"list": ["x"], "number": 7, "300,000 characters": "想" * 300_000}.items():
        yield Fault(f"reasoning: {name}", _answers(lambda e, t=thought: _thinking(e, t)), "good")


def _thinking(exchange: Exchange, thought: object) -> dict[str, Any]:
    value = exchange.completion()
    value["choices"][0]["message"]["reasoning_content"] = thought
    return value


def _errors_in_200() -> Iterator[Fault]:
    for name, body, outcome in (
        ("object", {"error": {"message": "busy", "code": 503}}, "unreachable"),
        ("string", {"error": "busy"}, "unreachable"),
        ("list", {"error": [{"message": "busy"}]}, "unreachable"),
        ("true", {"error": True}, "answer"),
        ("deep", {"error": {"error": {"error": {"message": "busy"}}}}, "unreachable"),
        ("rate", {"error": {"message": "slow down", "code": 429}}, "rate_limit"),
        ("code of digits that are none", {"error": {"message": "?", "code": "²"}}, "unreachable"),
        ("base_resp", {"base_resp": {"status_code": 1000, "status_msg": "unknown"}}, "unreachable"),
        ("code and msg", {"code": 1302, "msg": "too fast", "success": False}, "rate_limit"),
        ("error_msg", {"error_code": 18, "error_msg": "qps limit"}, "rate_limit"),
        ("sensitive", {"base_resp": {"status_code": 1027, "status_msg": "output"}}, "refusal"),
    ):
        yield Fault(f"error in 200: {name}", _answers(lambda _exchange, b=body: b), outcome)


@lru_cache(maxsize=2)
def _bomb(raw: bool) -> bytes:
    """100 MiB of spaces, compressed to 100 KiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS if raw else 16 + zlib.MAX_WBITS)
    piece = b" " * (1 << 20)
    return b"".join(packer.compress(piece) for _number in range(BOMB_BYTES >> 20)) + packer.flush()


def prepare() -> None:
    """Packs the bombs, which takes a second each."""
    for raw in (False, True):
        _bomb(raw)


def _sizes() -> Iterator[Fault]:
    yield Fault("size: 6 MB of text", _answers(lambda e: e.completion("祝" * 2_000_000)), "answer")
    yield Fault("size: 150,000 characters", _answers(lambda e: e.completion("祝" * 150_000)), "answer")
    yield Fault("size: 20 MB of spaces", _sends(b" " * 20_000_000), "answer")
    yield Fault("size: gzip bomb", _sends(lambda _e: _bomb(False), Content_Encoding="gzip"), "answer")
    yield Fault("size: deflate bomb", _sends(lambda _e: _bomb(True), Content_Encoding="deflate"), "answer")
    for encoding in ("br", "zstd", "compress", "gzip, gzip", "x-own", "identity, br"):
        yield Fault(f"encoding: {encoding}", _sends(b"\x1b\x07", Content_Encoding=encoding), "answer")
    packed: dict[str, Callable[..., bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}
    for encoding, pack in packed.items():
        act = _sends(lambda e, p=pack: p(dumps(e.completion())), Content_Encoding=encoding)
        yield Fault(f"encoding: honest {encoding}", act, "good")
        act = _sends(lambda e, p=pack: p(dumps(e.completion()))[:-9], Content_Encoding=encoding)
        yield Fault(f"encoding: {encoding} cut off", act, "answer")
        yield Fault(
            f"encoding: {encoding} of nonsense", _sends(b"nonsense", Content_Encoding=encoding), "answer"
        )

    async def large_error(exchange: Exchange) -> None:
        await exchange.send(500, {"error": {"message": "x" * 5_000_000}})

    async def bomb_error(exchange: Exchange) -> None:
        await exchange.send(503, _bomb(False), headers={"Content-Encoding": "gzip"})

    yield Fault("size: error of 5 MB", large_error, "unreachable")
    yield Fault("size: error that is a bomb", bomb_error, "unreachable")
