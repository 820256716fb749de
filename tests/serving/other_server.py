"""A small real server of another make, in place of vLLM, LMDeploy or Ollama: it takes the options that ours
writes for the first two, lists its models, and streams answers as OpenAI's API has it."""

import contextlib
import itertools
import json
import sys
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NAMES = ("--served-model-name", "--model-name")
PORTS = ("--port", "--server-port")
ADAPTERS = ("--lora-modules", "--adapters")


def install(folder: Path, program: str) -> Path:
    """Put the server under a program's name into a folder for ``PATH``."""
    path = folder / program
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "$@"\n')
    path.chmod(0o755)
    return path


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    models: Sequence[str]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        body = json.dumps(
            {"object": "list", "data": [{"id": each, "object": "model"} for each in self.server.models]}
        )
        self._begin("application/json")
        self.wfile.write(body.encode())

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        sys.stdout.write(f"asked {asked['model']}\n")  # in one piece: several are asked at once
        sys.stdout.flush()
        self._begin("text/event-stream")
        for word in (asked["model"], "：", asked["messages"][-1]["content"], "，平安喜乐"):
            self._event(asked, [{"index": 0, "delta": {"content": word}, "finish_reason": None}])
        self._event(asked, [{"index": 0, "delta": {}, "finish_reason": "stop"}])
        self.wfile.write(b"data: [DONE]\n\n")

    def _begin(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def _event(self, asked: dict, choices: list) -> None:
        value = {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": asked["model"],
            "choices": choices,
        }
        self.wfile.write(f"data: {json.dumps(value)}\n\n".encode())

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def made(models: Sequence[str], port: int = 0) -> _Server:
    """The server, listening."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.models = models
    return server


@contextlib.contextmanager
def serving(*models: str) -> Iterator[str]:
    """The address of such a server for the length of a block."""
    server = made(models)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def main(words: list[str]) -> None:
    """Serve the models that the command line names, until the process is ended."""
    value = dict(itertools.pairwise(words))
    names = [value[option] for option in NAMES if option in value]
    for option in ADAPTERS:
        if option in words:
            names += [word.partition("=")[0] for word in words[words.index(option) + 1 :]]
    port = next(int(value[option]) for option in PORTS if option in value)
    print("serving", *names, "on", port, flush=True)
    made(names, port).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
