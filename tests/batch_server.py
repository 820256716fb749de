"""A real HTTP server on this machine that speaks the interface for batches of OpenAI, Bailian and Zhipu:
files, batches, results; and misbehaves on demand."""

import contextlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.loopback import completion

BATCH = re.compile(r"/batches/([^/?]+)(/cancel)?$")


class BatchApi:
    """The server. ``failing`` decides from a request's name and how often it was asked whether it fails;
    ``looks`` is how often a batch is looked at until it has ended, ``ending`` how it ends, and ``share`` how
    much of it is answered then. ``said`` gives the text for a request, and ``usage`` are the tokens of each,
    both directions. Without ``keeps_tags`` it drops what it does not know of a batch's metadata, as Bailian
    may; where ``lost`` is set, results cannot be fetched. At most
    ``queue`` requests may wait here at once. ``slow`` holds paths (with their method) that
    answer after ``delay`` seconds."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.asked: Counter[str] = Counter()
        self.bodies: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.keys: set[str] = set()
        self.failing = lambda name, times: False
        self.looks, self.ending, self.share = 2, "completed", 1.0
        self.queue: int | None = None
        self.usage = (11, 7)
        self.keeps_tags, self.lost = True, False
        self.said = lambda name: f"祝您平安喜乐，{name}。"
        self.slow: set[str] = set()
        self.delay = 0.0
        self._lock = threading.Lock()
        api = self

        class Bound(_Handler):
            server_api = api

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stops the server."""
        self._server.shutdown()
        self._server.server_close()

    def called(self, call: str) -> bool:
        """Whether this call has come since the list of calls was emptied."""
        return call in self.calls

    def upload(self, content: bytes) -> dict[str, Any]:
        with self._lock:
            name = f"file-{len(self.files) + 1}"
            self.files[name] = content
        return self._file(name)

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            name = f"batch-{len(self.batches) + 1}"
            lines = self.files[body["input_file_id"]].decode().splitlines()
            self.batches[name] = {
                "id": name,
                "object": "batch",
                "endpoint": body["endpoint"],
                "completion_window": body.get("completion_window") or "24h",
                "input_file_id": body["input_file_id"],
                "metadata": body.get("metadata") if self.keeps_tags else {"ds_name": ""},
                "created_at": 1,
                "status": "validating",
                "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
                "looks": 0,
            }
            return self.shown(name)

    def shown(self, name: str) -> dict[str, Any]:
        return {key: value for key, value in self.batches[name].items() if key != "looks"}

    def look(self, name: str) -> dict[str, Any]:
        with self._lock:
            batch = self.batches[name]
            batch["looks"] += 1
            if batch["status"] == "validating" and self._full(batch):
                batch["status"] = "failed"
                said = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}
                batch["errors"] = {"object": "list", "data": [said]}
            elif batch["status"] == "validating":
                batch["status"] = "in_progress"
            if batch["status"] == "in_progress" and batch["looks"] >= self.looks:
                self._end(batch)
            return self.shown(name)

    def _full(self, batch: dict[str, Any]) -> bool:
        working = [each for each in self.batches.values() if each["status"] == "in_progress"]
        total = sum(each["request_counts"]["total"] for each in (*working, batch))
        return self.queue is not None and total > self.queue

    def cancel(self, name: str) -> dict[str, Any]:
        with self._lock:
            batch = self.batches[name]
            if batch["status"] in ("validating", "in_progress"):
                self.ending, self.share = "cancelled", 0.0
                self._end(batch)
            return self.shown(name)

    def _end(self, batch: dict[str, Any]) -> None:
        batch["status"] = self.ending
        if self.ending == "failed":
            said = {"code": "invalid_json", "message": "line 3 is no request", "line": 3}
            batch["errors"] = {"object": "list", "data": [said]}
            return
        good, bad = [], []
        requests = [json.loads(line) for line in self.files[batch["input_file_id"]].decode().splitlines()]
        reached = int(len(requests) * self.share)
        for number, request in enumerate(requests):
            name = request["custom_id"]
            if number >= reached:
                if self.ending == "expired":
                    error = {"code": "batch_expired", "message": "too late"}
                    bad.append({"custom_id": name, "response": None, "error": error})
                continue
            self.asked[name] += 1
            self.bodies[name] = request["body"]
            if self.failing(name, self.asked[name]):
                body: Any = {"error": {"message": "overloaded", "code": "server_error"}}
                bad.append({"custom_id": name, "response": {"status_code": 500, "body": body}})
                continue
            text = self.said(name)
            asked = "response_format" in request["body"]
            body = completion(json.dumps({"text": text}) if asked else text)
            body["usage"] = {"prompt_tokens": self.usage[0], "completion_tokens": self.usage[1]}
            response = {"status_code": 200, "request_id": f"r-{name}", "body": body}
            good.append({"id": "x", "custom_id": name, "response": response, "error": None})
        good.reverse()  # results come in any order
        for lines, field in ((good, "output_file_id"), (bad, "error_file_id")):
            if lines:
                batch[field] = f"file-{len(self.files) + 1}"
                self.files[batch[field]] = "".join(json.dumps(line) + "\n" for line in lines).encode()
                if self.lost:
                    del self.files[batch[field]]
        batch["request_counts"].update(completed=len(good), failed=len(bad))

    def _file(self, name: str) -> dict[str, Any]:
        size = len(self.files[name])
        described = {"id": name, "object": "file", "bytes": size, "created_at": 1, "filename": "f.jsonl"}
        return described | {"purpose": "batch", "status": "processed"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_api: BatchApi

    def do_GET(self) -> None:
        self._answer("GET", b"")

    def do_POST(self) -> None:
        self._answer("POST", self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _answer(self, method: str, body: bytes) -> None:
        api, path = self.server_api, self.path.partition("?")[0].removeprefix("/v1")
        api.keys.add(self.headers.get("Authorization", ""))
        result = self._result(api, method, path, body)
        status = 404 if result is None else 200
        call = f"{method} {re.sub(r'(file|batch)-[0-9]+', 'ID', path)}"
        api.calls.append(call)
        if call in api.slow:
            time.sleep(api.delay)  # what was asked is done; the answer is late
        data = result if isinstance(result, bytes) else json.dumps(result).encode()
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def _result(self, api: BatchApi, method: str, path: str, body: bytes) -> Any:
        if path == "/files" and method == "POST":
            kind = self.headers["Content-Type"]
            form = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
            parts = {
                part.get_param("name", header="content-disposition"): part for part in form.get_payload()
            }
            assert parts["purpose"].get_payload() == "batch"
            return api.upload(parts["file"].get_payload(decode=True))
        if path.startswith("/files/"):
            return api.files.get(path.split("/")[2])
        if path == "/batches" and method == "POST":
            return api.create(json.loads(body))
        if path == "/batches":
            shown = [api.shown(name) for name in reversed(api.batches)]
            return {"object": "list", "data": shown, "has_more": False}
        found = BATCH.match(path)
        assert found is not None, path
        return api.cancel(found[1]) if found[2] else api.look(found[1])

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


@contextlib.contextmanager
def batch_api() -> Iterator[BatchApi]:
    """Runs the server for the length of a block."""
    server = BatchApi()
    try:
        yield server
    finally:
        server.close()
