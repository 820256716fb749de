"""One request and everything that a server can do with it: the raw socket, well-formed answers, broken
ones."""

import asyncio
import json
import re
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

BLESSING = "祝您平安喜乐，万事如意，福寿安康。"
PAIRS = '[{{"question": "第{number}条说的是哪一天？", "answer": "腊月二十三。"}}]'
VERDICT = '{"fit": 4, "style": 4.5, "naturalness": 5, "reason": "得体"}'
TRICKLE_SECONDS = 0.05


@dataclass
class Exchange:
    """A request with its socket. ``key`` is the one that the client sent; ``streaming`` says that it asked
    for a stream; ``trap`` is the address of a server that nobody may be sent to."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    trap: str = ""

    @property
    def key(self) -> str:
        """The key in the request."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def streaming(self) -> bool:
        """Whether the client asked for a stream."""
        return bool(self.body.get("stream"))

    @property
    def text(self) -> str:
        """A right answer to the question."""
        prompt = json.dumps(self.body.get("messages"), ensure_ascii=False)
        if "组问答" in prompt:
            number = re.search(r"第(\d+)条", prompt)
            return PAIRS.format(number=number[1] if number else 0)
        return VERDICT if "打分" in prompt else BLESSING

    def completion(self, text: object = None, finish: object = "stop", **fields: Any) -> dict[str, Any]:
        """The JSON of a right answer, with ``fields`` laid over its top level."""
        message = {"role": "assistant", "content": self.text if text is None else text}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": "hostile-model",
            "choices": [{"index": 0, "finish_reason": finish, "message": message}],
            "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
            **fields,
        }

    async def raw(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def send(
        self,
        status: int = 200,
        body: Any = b"",
        kind: str | None = "application/json",
        headers: Mapping[str, str] | None = None,
        reason: str = "Said",
        length: str | None = None,
    ) -> None:
        """Sends a response. ``length`` is what Content-Length claims, the truth by default, '' for no such
        header."""
        data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else dumps(body)
        lines = [f"HTTP/1.1 {status} {reason}", "Connection: close"]
        if kind is not None:
            lines.append(f"Content-Type: {kind}")
        if length != "":
            lines.append(f"Content-Length: {len(data) if length is None else length}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        await self.raw("\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + data)

    async def answer(self, value: Any) -> None:
        """Sends a JSON value as the client asked: whole, or as the one chunk of a stream."""
        if self.streaming:
            await self.events(dumps(as_chunk(value)).decode(), "[DONE]")
        else:
            await self.send(200, value)

    async def events(self, *data: str, ends: str = "\n\n", headers: Mapping[str, str] | None = None) -> None:
        """Sends an event stream and closes."""
        stream = "".join(f"data: {each}{ends}" for each in data)
        await self.send(200, stream, "text/event-stream", headers, length="")

    async def trickle(self, data: bytes, pause: float = TRICKLE_SECONDS) -> None:
        """Sends byte by byte, for ever."""
        while True:
            for byte in data:
                await self.raw(bytes([byte]))
                await asyncio.sleep(pause)

    def reset(self) -> None:
        """Cuts the connection with a TCP reset."""
        plug: socket.socket = self.writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Act = Callable[[Exchange], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """One kind of answer. ``outcome`` is what a teacher makes of it: 'good' for an answer that is stored, or
    the kind of its error. ``fatal`` kinds stop a run, so they are left out of mixtures; so are ``slow`` ones
    that a server may ask for in earnest."""

    name: str
    act: Act
    outcome: str
    fatal: bool = False
    slow: bool = False


def dumps(value: Any) -> bytes:
    """JSON as a careless server writes it: bare NaN, halves of characters escaped."""
    return json.dumps(value).encode()


def as_chunk(value: Any) -> Any:
    """A completion as the only chunk of its stream."""
    if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
        return value
    choices = [
        {("delta" if name == "message" else name): part for name, part in choice.items()}
        if isinstance(choice, dict)
        else choice
        for choice in value["choices"]
    ]
    return {**value, "choices": choices}
