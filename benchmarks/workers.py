"""Measures several ``tianji worker`` processes on one run in PostgreSQL, while some of them are killed.

Run with ``python benchmarks/workers.py``. A server in a process of its own answers each connection after one
second; of a hundred requests it refuses one with 429, fails two with 500 and cuts one off. One worker with
eight connections writes for 30 seconds: the baseline. Then four such workers write 5,000 texts; every 20
seconds two of them are killed with SIGKILL and two new ones are started. Bars: every task is answered, none
twice, and the four together write at least three times as fast as the one, starts and kills included.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.postgres import fresh_database, private_server, server_programs  # noqa: E402
from tianji_core.generation import create_run  # noqa: E402
from tianji_core.recipe import Plan  # noqa: E402
from tianji_core.store import runs as run_store  # noqa: E402
from tianji_core.store.database import reading  # noqa: E402
from tianji_core.store.runs import Run  # noqa: E402
from tianji_core.store.schema import samples  # noqa: E402
from tianji_core.teachers import Sampling, TeacherChoice  # noqa: E402
from tianji_core.workspace import Workspace, open_workspace  # noqa: E402

BAR = 3.0
CONNECTIONS = 8
LATENCY = 1.0
KILL_SECONDS = 20.0
BASELINE_SECONDS = 30.0


class FaultServer(asyncio.Protocol):
    """Answers one request after the other on each connection, some of them wrongly."""

    source = random.Random(7)
    served = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if separator and len(body) >= int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]):
            self.received = b""
            asyncio.get_running_loop().call_later(LATENCY, self.reply)

    def reply(self) -> None:
        if self.transport.is_closing():
            return
        lot = self.source.random()
        if lot < 0.01:
            self.transport.abort()  # type: ignore[attr-defined]
        elif lot < 0.03:
            self.send(b"500 Internal Server Error", {"error": {"message": "overloaded"}})
        elif lot < 0.04:
            self.send(b"429 Too Many Requests", {"error": {"message": "slow down"}}, b"Retry-After: 1\r\n")
        else:
            FaultServer.served += 1
            self.send(b"200 OK", completion(FaultServer.served))

    def send(self, status: bytes, body: dict[str, object], more: bytes = b"") -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n"
        self.transport.write(head % (status, more, len(data)) + data)  # type: ignore[attr-defined]


def completion(number: int) -> dict[str, object]:
    """Returns an answer that no other equals."""
    message = {"role": "assistant", "content": f"祝您平安喜乐，天天都有好心情，第{number}条。"}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    usage = {"prompt_tokens": 180, "completion_tokens": 24, "total_tokens": 204}
    return {"id": "x", "object": "chat.completion", "model": "bench", "choices": [choice], "usage": usage}


async def serve() -> None:
    """Listens on a free port, prints it, and runs until the parent closes its input."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(FaultServer, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def teacher() -> Iterator[str]:
    """The address of the fault server for the length of a block."""
    command = [sys.executable, str(Path(__file__).resolve()), "--serve"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.stdin.close()
        process.wait()


def new_run(space: Workspace, url: str, number: int) -> Run:
    """Stores a run whose concurrency is enough for eight workers: also for those that were just killed."""
    choice = TeacherChoice(provider="custom", model="bench", base_url=url)
    plan = Plan(styles=(), rounds=1 + number // 3000, limit=number)
    return create_run(space, "wishes", plan, choice, Sampling(), 8 * CONNECTIONS)


def start(space: Workspace, run: Run) -> subprocess.Popen[bytes]:
    """Starts a worker."""
    command = [sys.executable, "-m", "tianji_core", "worker", "--workspace", str(space.home)]
    command += ["--run", str(run.id), "--concurrency", str(CONNECTIONS)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)


def done(space: Workspace, run: Run) -> int:
    """Returns how many tasks are finished, with an answer or without."""
    return run.total - run_store.counts(space.engine, [run.id])[run.id].pending


def one_worker(space: Workspace, url: str) -> float:
    """Returns the texts per second of one worker, from its first text on."""
    run = new_run(space, url, 2000)
    process = start(space, run)
    while not done(space, run):
        time.sleep(0.05)
    began, before = time.monotonic(), done(space, run)
    time.sleep(BASELINE_SECONDS)
    rate = (done(space, run) - before) / (time.monotonic() - began)
    process.terminate()
    process.wait()
    return rate


def killed_workers(space: Workspace, url: str, number: int, workers: int) -> dict[str, float]:
    """Returns what workers make of a run while two of them are killed every 20 seconds."""
    run = new_run(space, url, number)
    crew = [start(space, run) for _number in range(workers)]
    kills = 0
    while not done(space, run):
        time.sleep(0.05)
    began = killed_at = time.monotonic()
    while done(space, run) < run.total:
        if time.monotonic() - killed_at >= KILL_SECONDS:
            killed_at = time.monotonic()
            for victim in crew[:2]:
                victim.send_signal(signal.SIGKILL)
                victim.wait()
                kills += 1
            crew = [*crew[2:], start(space, run), start(space, run)]
        time.sleep(0.1)
    seconds = time.monotonic() - began
    for process in crew:
        process.wait()
    counts = run_store.counts(space.engine, [run.id])[run.id]
    with reading(space.engine) as connection:
        query = select(func.count(), func.count(samples.c.position.distinct()))
        stored, different = connection.execute(query.where(samples.c.run_id == run.id)).one()
    return {
        "tasks": run.total,
        "answered": counts.done,
        "failed": counts.failed,
        "lost": run.total - counts.failed - different,
        "doubled": stored - different,
        "kills": kills,
        "seconds": seconds,
        "rate": run.total / seconds,
    }


def main() -> None:
    """Prints the figures, and one JSON object on the last line, in which ``pass`` is null where there is no
    PostgreSQL."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--tasks", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    programs = server_programs()
    if programs is None:
        print("PostgreSQL's server programs are not installed here")
        print(
            json.dumps(
                {
                    "benchmark": "workers",
                    "figures": {},
                    "baseline": None,
                    "ratio": None,
                    "bar": BAR,
                    "pass": None,
                }
            )
        )
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        private_server(programs) as server,
        fresh_database(server) as address,
        teacher() as url,
    ):
        os.environ["TIANJI_DATABASE_URL"] = address
        space = open_workspace(Path(folder))
        alone = one_worker(space, url)
        print(f"one worker: {alone:.1f} texts/s")
        figures = killed_workers(space, url, options.tasks, options.workers)
        space.engine.dispose()
    ratio = figures["rate"] / alone
    for name, value in figures.items():
        print(f"{name}: {value:,.1f}")
    complete = not figures["lost"] and not figures["doubled"] and not figures["failed"]
    result = {"benchmark": "workers", "figures": figures, "baseline": alone, "ratio": ratio, "bar": BAR}
    print(json.dumps({**result, "pass": complete and ratio >= BAR}))


if __name__ == "__main__":
    main()
