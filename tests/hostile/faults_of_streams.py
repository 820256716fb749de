"""Faults of event streams, and keys that come back."""

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from tests.hostile.exchange import Act, Exchange, Fault

SPELLINGS = ("plain", "percent", "escapes", "base64", "spaces", "hexadecimal")


def spelled(key: str, spelling: str) -> str:
    """A key in one of six spellings."""
    return {
        "plain": key,
        "percent": "".join(
            quote(letter, safe="") if not letter.isalnum() else f"%{ord(letter):02X}" for letter in key
        ),
        "escapes": "".join(f"\\u{ord(letter):04x}" for letter in key),
        "base64": base64.b64encode(key.encode()).decode(),
        "spaces": " ".join(key),
        "hexadecimal": key.encode().hex(),
    }[spelling]


def faults() -> Iterator[Fault]:
    """Every fault of this module."""
    yield from _streams()
    yield from _wire()
    yield from _echoes()


def chunk(text: object, finish: object = None, **fields: Any) -> str:
    """One chunk of a stream."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return json.dumps({"id": "1", "model": "m", "choices": [choice], **fields})


def _streams() -> Iterator[Fault]:
    last = chunk("", "stop")
    for name, chunks, outcome in (
        ("no end", [chunk("祝您")], "answer"),
        ("nothing", [], "answer"),
        ("only the end", ["[DONE]"], "answer"),
        ("end, then text", ["[DONE]", chunk("祝您", "stop")], "answer"),
        ("half a chunk", [chunk("祝您"), '{"choices": [{"del'], "answer"),
        ("words", ["hello"], "answer"),
        ("a list", ["[1]", last], "answer"),
        ("an error", [chunk("祝您"), '{"error": {"message": "died", "code": 502}}'], "unreachable"),
        ("an error string", [chunk("祝您"), '{"error": "died"}'], "unreachable"),
        ("choices null", ['{"choices": null}', chunk("祝您"), last], "good"),
        ("[null]", ['{"choices": [null]}', last], "answer"),
        ("delta null", [chunk("祝您"), '{"choices": [{"delta": null, "finish_reason": "stop"}]}'], "good"),
        ("delta string", ['{"choices": [{"delta": "祝您"}]}', last], "answer"),
        ("delta list", ['{"choices": [{"delta": [1]}]}', last], "answer"),
        ("content number", [chunk(7), last], "answer"),
        ("content object", [chunk({"a": 1}), last], "answer"),
        ("half characters", [chunk("祝您\ud83d"), chunk("\ude00"), last], "good"),
        ("finish unknown", [chunk("祝您", "because")], "good"),
        ("finish list", [chunk("祝您", ["stop"])], "good"),
        ("finish length", [chunk("祝您", "length")], "good"),
        ("finish broken", [chunk("祝您", "insufficient_system_resource")], "answer"),
        ("filter", [chunk("祝您"), chunk("", "content_filter")], "refusal"),
        ("usage absurd", [chunk("祝您", "stop", usage={"prompt_tokens": 10**30})], "good"),
        ("id and model absurd", [chunk("祝您", "stop", id=[1], model={"a": 1})], "good"),
        ("1,000 brackets", ["[" * 1000], "answer"),
        ("3,000 chunks", [*[chunk("祝")] * 3000, last], "good"),
        ("150,000 characters", [*[chunk("祝" * 1000)] * 150, last], "answer"),
    ):

        async def act(exchange: Exchange, chunks: list[str] = chunks) -> None:
            await exchange.events(*chunks)

        # The text is a blessing, which a judge or a question about a document cannot use.
        yield Fault(f"stream: {name}", act, outcome)


def _wire() -> Iterator[Fault]:
    def raw(name: str, stream: str, outcome: str) -> Fault:
        async def act(exchange: Exchange) -> None:
            await exchange.send(200, stream, "text/event-stream", length="")

        return Fault(f"stream: {name}", act, outcome)

    one, last = f"data: {chunk('祝您')}", f"data: {chunk('安康', 'stop')}"
    yield raw("comments", f": hi\n\n{one}\n\n: hi\n\n{last}\n\n", "good")
    yield raw("only comments", ": hi\n\n" * 50, "answer")
    yield raw("CRLF", f"{one}\r\n\r\n{last}\r\n\r\n", "good")
    yield raw("CR", f"{one}\r\r{last}\r\r", "good")
    yield raw("event and id lines", f"event: message\nid: 1\nretry: 5\n{one}\n\n{last}\n\n", "good")
    yield raw("blank lines before", f"\n\n\n{one}\n\n{last}\n\n", "good")
    yield raw("BOM", f"\ufeff{one}\n\n{last}\n\n", "good")
    yield raw("no blank line at the end", f"{one}\n\n{last}", "good")
    yield raw("no space after the colon", f"{one}\n\n{last}\n\n".replace("data: ", "data:"), "good")
    yield raw("U+2028 in the data", f"{one}\n\n{last}\n\n".replace("\\u5b89", "\u2028安"), "good")
    yield raw(
        "two lines of data", 'data: {"choices": [{"delta":\ndata: {"content": "祝"}}]}\n\n' + last, "good"
    )
    yield raw("an event of 2 MB", f"data: {'x' * 2_000_000}\n\n", "answer")
    yield raw("an event of error", 'event: error\ndata: {"error": {"message": "died"}}\n\n', "unreachable")

    async def pieces(exchange: Exchange) -> None:
        await exchange.send(200, b"", "text/event-stream", length="")
        for byte in f"{one}\n\n{last}\n\n".encode():
            await exchange.raw(bytes([byte]))

    async def keeps_alive(exchange: Exchange) -> None:
        await exchange.send(200, b"", "text/event-stream", length="")
        while True:
            await exchange.raw(b": still there\n\n")
            await asyncio.sleep(0.05)

    async def says_nothing(exchange: Exchange) -> None:
        await exchange.send(200, b"", "text/event-stream", length="")
        while True:
            await exchange.raw(f"data: {chunk('')}\n\n".encode())
            await asyncio.sleep(0.05)

    async def falls_silent(exchange: Exchange) -> None:
        await exchange.send(200, f"{one}\n\n", "text/event-stream", length="")
        await asyncio.sleep(3600)

    async def floods(exchange: Exchange) -> None:
        await exchange.send(200, b"", "text/event-stream", length="")
        # padded as OpenAI pads its chunks: the bytes that a stream may have are then so many thousand of them
        empty = f"data: {chunk('', obfuscation='x' * 4000)}\n\n".encode() * 20
        while True:
            await exchange.raw(empty)

    yield Fault("stream: byte by byte", pieces, "good")
    yield Fault("stream: comments for ever", keeps_alive, "timeout")
    yield Fault("stream: falls silent", falls_silent, "timeout")
    yield Fault("stream: empty chunks for ever", floods, "any")
    yield Fault("stream: empty chunks now and then", says_nothing, "timeout")


def _echoes() -> Iterator[Fault]:
    def in_text(spelling: str) -> Act:
        async def act(exchange: Exchange) -> None:
            text = f"祝您安康 {spelled(exchange.key, spelling)} 万事如意"
            if exchange.streaming:
                pieces = [text[at : at + 5] for at in range(0, len(text), 5)]
                await exchange.events(*map(chunk, pieces), chunk("", "stop"))
            else:
                await exchange.send(200, exchange.completion(text))

        return act

    def in_error(spelling: str) -> Act:
        async def act(exchange: Exchange) -> None:
            said = spelled(f"Bearer {exchange.key}" if spelling == "base64" else exchange.key, spelling)
            await exchange.send(500, {"error": {"message": f"no such key: {said}", "code": said[:60]}})

        return act

    def in_margin(spelling: str) -> Act:
        async def act(exchange: Exchange) -> None:
            said = spelled(exchange.key, spelling)
            value = exchange.completion(model=said, id=said, finish_reason=said)
            value["choices"][0]["finish_reason"] = said
            value["choices"][0]["message"]["reasoning_content"] = f"key {said}"
            if exchange.streaming:
                await exchange.answer(value)
            else:
                await exchange.send(200, value, headers={"x-request-id": said, "Retry-After": said})

        return act

    for spelling in SPELLINGS:
        yield Fault(f"echo: in the text, {spelling}", in_text(spelling), "good")
        yield Fault(f"echo: in an error, {spelling}", in_error(spelling), "unreachable")
        yield Fault(f"echo: beside the text, {spelling}", in_margin(spelling), "good")

    async def in_a_body_that_is_none(exchange: Exchange) -> None:
        await exchange.send(200, f"<p>{exchange.headers.get('authorization')}</p>", "text/html")

    async def in_a_page(exchange: Exchange) -> None:
        await exchange.send(502, f"<title>{' '.join(exchange.key)}</title>", "text/html")

    async def in_a_redirect(exchange: Exchange) -> None:
        await exchange.send(307, b"", headers={"Location": f"http://127.0.0.2:9/?key={quote(exchange.key)}"})

    yield Fault("echo: in a body that is none", in_a_body_that_is_none, "answer")
    yield Fault("echo: in a page of an error", in_a_page, "unreachable")
    yield Fault("echo: in a redirect", in_a_redirect, "request")
