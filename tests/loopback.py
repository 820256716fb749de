"""A real HTTP server on this machine that speaks OpenAI's chat API and misbehaves on demand."""

import contextlib
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[["Handler", dict[str, Any]], None]


def completion(content: Any, finish_reason: str | None = "stop", **message: Any) -> dict[str, Any]:
    """The JSON of an ordinary chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "loopback-model",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish_reason,
                "message": {"role": "assistant", "content": content, **message},
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }


def says(content: Any, finish_reason: str | None = "stop", **message: Any) -> Reply:
    """Answer with a completion."""
    return lambda handler, _body: handler.send_json(200, completion(content, finish_reason, **message))


def sends(status: int, body: Any, headers: dict[str, str] | None = None) -> Reply:
    """Answer with a status and JSON, or with text as it is."""

    def reply(handler: "Handler", _body: dict[str, Any]) -> None:
        handler.send_json(status, body, headers or {})

    return reply


def sends_bytes(data: bytes, content_type: str = "application/json") -> Reply:
    """Answer 200 with these very bytes."""
    return lambda handler, _body: handler.send_bytes(200, data, {"Content-Type": content_type})


def streams(*pieces: str) -> Reply:
    """Answer in pieces, as servers stream."""
    events = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return sends_bytes(("".join(lines) + "data: [DONE]\n\n").encode(), "text/event-stream")


def trickles(seconds: float, pause: float = 0.05) -> Reply:
    """Send an answer byte by byte, for so long that no read of its own takes too long."""

    def reply(handler: "Handler", _body: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        with contextlib.suppress(OSError):
            for _number in range(int(seconds / pause)):
                handler.wfile.write(b" ")
                time.sleep(pause)
        handler.close_connection = True

    return reply


def fails(
    status: int, message: str = "broken", headers: dict[str, str] | None = None, **fields: Any
) -> Reply:
    """Answer with an error object."""
    return sends(status, {"error": {"message": message, **fields}}, headers)


def echoes_key(status: int) -> Reply:
    """An error that repeats the key it was sent, as some servers do."""

    def reply(handler: "Handler", _body: dict[str, Any]) -> None:
        handler.send_json(status, {"error": {"message": f"bad key {handler.headers['Authorization']}"}})

    return reply


def hangs(seconds: float) -> Reply:
    """Say nothing for a while, then answer."""

    def reply(handler: "Handler", body: dict[str, Any]) -> None:
        time.sleep(seconds)
        with contextlib.suppress(OSError):
            says("迟到的祝福")(handler, body)

    return reply


def resets(handler: "Handler", _body: dict[str, Any]) -> None:
    """Cut the connection with a TCP reset."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def blesses(handler: "Handler", body: dict[str, Any]) -> None:
    """The default: a text that no other default answer equals."""
    handler.send_json(200, completion(f"祝您平安喜乐，第{handler.server.api.next_number()}条。"))


class LoopbackApi:
    """The server: ``url`` to talk to it, ``script`` for what the coming requests get, ``default`` for all
    others; ``models`` is what it lists, [] for no list, None for a list that is broken. It records every
    request and the most that were in flight at once. Between :meth:`answer_only` and :meth:`answer_all` it
    lets requests wait, so that what a test does meanwhile happens in the middle of the work."""

    def __init__(self) -> None:
        self.script: deque[Reply] = deque()
        self.default: Reply = blesses
        self.models: list[str] | None = ["loopback-model", "other-model"]
        self.latency = 0.0
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.numbered = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.lock = threading.Lock()
        self.answerable: int | None = None
        self.released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.api = self
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def next_number(self) -> int:
        """A number that no other answer carries, so that no two default answers are equal."""
        with self.lock:
            self.numbered += 1
            return self.numbered - 1

    def answer_only(self, count: int) -> None:
        """Answers as many further requests and lets the others wait."""
        with self.lock:
            self.answerable = len(self.requests) + count
        self.released.clear()

    def answer_all(self) -> None:
        """Answers the requests that wait, and all others."""
        with self.lock:
            self.answerable = None
        self.released.set()

    def wait_quiet(self) -> None:
        """Waits until requests of a client that was killed have arrived and none is being answered."""
        seen = -1
        while self.in_flight or len(self.requests) != seen:
            seen = len(self.requests)
            time.sleep(0.5)

    def prompts(self) -> list[str]:
        """The user messages received so far."""
        with self.lock:
            return [request["messages"][-1]["content"] for request in self.requests]

    def close(self) -> None:
        """Stop listening."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512
    api: LoopbackApi

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the game."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        api = self.server.api
        if api.models and self.path.endswith("/models"):
            self.send_json(
                200, {"object": "list", "data": [{"id": m, "object": "model"} for m in api.models]}
            )
        elif api.models is None:
            self.send_json(500, "Internal Server Error")
        else:
            self.send_json(404, {"error": {"message": "no such page"}})

    def do_POST(self) -> None:
        api = self.server.api
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with api.lock:
            api.requests.append(body)
            api.headers.append({name.lower(): value for name, value in self.headers.items()})
            api.in_flight += 1
            api.most_in_flight = max(api.most_in_flight, api.in_flight)
            reply = api.script.popleft() if api.script else api.default
            waits = api.answerable is not None and len(api.requests) > api.answerable
        try:
            if waits:
                api.released.wait()
            if api.latency:
                time.sleep(api.latency)
            reply(self, body)
        finally:
            with api.lock:
                api.in_flight -= 1

    def send_json(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_bytes(status, data, {"Content-Type": "application/json", **(headers or {})})

    def send_bytes(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextlib.contextmanager
def loopback_api() -> Iterator[LoopbackApi]:
    """A server for the length of a block."""
    api = LoopbackApi()
    try:
        yield api
    finally:
        api.close()
