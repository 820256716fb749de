"""A real HTTP server on this machine that speaks OpenAI's interface for transcriptions, and misbehaves on
demand."""

import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-right-key-of-the-ear"


@dataclass(frozen=True)
class Heard:
    """One request: the fields of its form, the name and the bytes of its file."""

    fields: dict[str, str]
    filename: str
    audio: bytes


Reply = Callable[["_Handler", Heard], None]


def writes_down(text: Any) -> Reply:
    """Answer with a transcript."""
    return lambda handler, _heard: handler.send(200, {"text": text})


def refuses(status: int, message: str, **headers: str) -> Reply:
    """Answer with an error object."""
    return lambda handler, _heard: handler.send(status, {"error": {"message": message}}, headers)


def sends(body: bytes, kind: str = "application/json") -> Reply:
    """Answer 200 with these very bytes."""
    return lambda handler, _heard: handler.send(200, body, {"Content-Type": kind})


def cuts(handler: "_Handler", _heard: Heard) -> None:
    """Promise a whole answer, and hang up in the middle of it."""
    handler.send(200, b'{"text": "\xe8\x85\x8a', {"Content-Length": "4000"})
    handler.close_connection = True


class TranscriptionApi:
    """The server: ``url`` to talk to it, ``script`` for what the coming requests get, ``default`` for all
    others; it wants the key :data:`KEY`, and records what it heard. With ``released`` cleared it lets
    requests wait."""

    def __init__(self) -> None:
        self.script: deque[Reply] = deque()
        self.default: Reply = writes_down("腊月二十三祭灶。灶王爷这天上天。")
        self.heard: list[Heard] = []
        self.keys: list[str] = []
        self.released = threading.Event()
        self.released.set()
        api = self

        class Bound(_Handler):
            server_api = api

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stops the server."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_api: TranscriptionApi

    def do_POST(self) -> None:
        api = self.server_api
        body = self.rfile.read(int(self.headers["Content-Length"]))
        api.keys.append(self.headers.get("Authorization", ""))
        if self.path != "/v1/audio/transcriptions":
            self.send(404, {"error": {"message": f"no {self.path}"}})
            return
        heard = self._heard(body)
        api.heard.append(heard)
        api.released.wait()
        if api.keys[-1] != f"Bearer {KEY}":
            shown = api.keys[-1].removeprefix("Bearer ")
            self.send(401, {"error": {"message": f"Incorrect API key provided: {shown}"}})
            return
        reply = api.script.popleft() if api.script else api.default
        reply(self, heard)

    def _heard(self, body: bytes) -> Heard:
        kind = self.headers["Content-Type"]
        assert kind.startswith("multipart/form-data; boundary=")
        form = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
        parts = {part.get_param("name", header="content-disposition"): part for part in form.get_payload()}
        file = parts.pop("file")
        fields = {name: part.get_payload(decode=True).decode() for name, part in parts.items()}
        return Heard(fields, file.get_filename(), file.get_payload(decode=True))

    def send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {"Content-Type": "application/json", "Content-Length": str(len(data)), **(headers or {})}
        with contextlib.suppress(OSError):
            self.send_response(status)
            for name, value in named.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


@contextlib.contextmanager
def transcription_api() -> Iterator[TranscriptionApi]:
    """Runs the server for the length of a block."""
    server = TranscriptionApi()
    try:
        yield server
    finally:
        server.close()
