"""Measures how much faster a generation run is than the tutorial's serial loop, against one
OpenAI-compatible server.

Run with ``python benchmarks/generation_throughput.py``. The server is a process of its own on loopback and
answers each request after exactly one second. The baseline sends one request after the other with the
synchronous OpenAI client, collects the texts in a list and writes it as JSON at the end. The studio's
figure covers the whole run: reading tasks from the database, storing the answers, writing the raw file.
Bars: 15× at concurrency 16, 58× at 64, 100× at 128.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tianji_core.generation import create_run  # noqa: E402
from tianji_core.generation.generating import run_generation  # noqa: E402
from tianji_core.jobs import Reporter  # noqa: E402
from tianji_core.jobs.progress import VARIABLE  # noqa: E402
from tianji_core.recipe import Plan, brief, built_in_recipes, load_recipe, tasks  # noqa: E402
from tianji_core.store.footprint import keep_small  # noqa: E402
from tianji_core.teachers import Sampling, TeacherChoice  # noqa: E402
from tianji_core.workspace import open_workspace  # noqa: E402

BARS = {16: 15.0, 64: 58.0, 128: 100.0}
ROUNDS = {16: 24, 64: 16, 128: 16}
"""Texts per worker: long enough that the start of the clients does not decide the figure."""
SERIAL_TEXTS = 12
MEMORY_BAR = 500.0
"""Megabytes."""


class Server(asyncio.Protocol):
    """Speaks only as much HTTP as a client needs, so that it takes few cycles from the run it measures."""

    latency = 1.0
    answer = json.dumps(
        {
            "id": "x",
            "object": "chat.completion",
            "model": "bench",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {
                        "role": "assistant",
                        "content": "大舅生日快乐！愿您身体硬朗，天天都有好心情。",
                    },
                }
            ],
            "usage": {"prompt_tokens": 180, "completion_tokens": 24, "total_tokens": 204},
        },
        ensure_ascii=False,
    ).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) >= length:
            self.received = body[length:]
            asyncio.get_running_loop().call_later(self.latency, self.reply)

    def reply(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self.head + self.answer)  # type: ignore[attr-defined]


async def serve(latency: float) -> None:
    """Listens on a free port, prints it, and runs until the parent closes its input."""
    Server.latency = latency
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def serial(url: str, folder: Path) -> float:
    """Returns the texts per second of the loop that asks one by one."""
    from openai import OpenAI

    client = OpenAI(api_key="none", base_url=url)
    recipe = load_recipe(built_in_recipes()["wishes"])
    plan = Plan(styles=("小红书",), limit=SERIAL_TEXTS)
    conversations = []
    started = time.perf_counter()
    for task in tasks(recipe, plan):
        asked = brief(recipe, task, plan.seed)
        answer = client.chat.completions.create(
            model="bench", messages=[{"role": "user", "content": asked.prompt}], temperature=0.9
        )
        turn = {"input": asked.input, "output": answer.choices[0].message.content}
        conversations.append({"conversation": [turn]})
    text = json.dumps(conversations, ensure_ascii=False, indent=4)
    (folder / "serial.json").write_text(text, encoding="utf-8")
    return len(conversations) / (time.perf_counter() - started)


def engine(url: str, folder: Path, concurrency: int) -> float:
    """Returns the texts per second of a stored run."""
    workspace = open_workspace(folder / f"at-{concurrency}")
    choice = TeacherChoice(provider="custom", model="bench", base_url=url)
    number = concurrency * ROUNDS[concurrency]
    plan = Plan(styles=("正常", "小红书", "严肃"), rounds=5, limit=number)
    run = create_run(workspace, "wishes", plan, choice, Sampling(temperature=0.9), concurrency)
    os.environ[VARIABLE] = str(folder / f"progress-{concurrency}.json")
    started = time.perf_counter()
    state = asyncio.run(run_generation(workspace, run.id, Reporter(total=run.total)))
    seconds = time.perf_counter() - started
    if state.counts.done != number:
        raise SystemExit(f"only {state.counts.done} of {number} texts came: {state.errors}")
    return number / seconds


def large(url: str, folder: Path, number: int) -> None:
    """Runs a stored run of ``number`` tasks and prints texts per second and this process's peak memory in
    megabytes."""
    workspace = open_workspace(folder / "large")
    keep_small(workspace.engine)  # as the worker does
    choice = TeacherChoice(provider="custom", model="bench", base_url=url)
    plan = Plan(rounds=1000, limit=number) if number > 100_000 else Plan(rounds=60, limit=number)
    run = create_run(workspace, "wishes", plan, choice, Sampling(temperature=0.9), 64)
    os.environ[VARIABLE] = str(folder / "progress-large.json")
    started = time.perf_counter()
    state = asyncio.run(run_generation(workspace, run.id, Reporter(total=run.total)))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"done": state.counts.done, "per_second": number / seconds, "peak_mb": round(peak, 1)}))


def memory(url: str, folder: Path, number: int) -> int:
    """Runs :func:`large` in a child process and prints its result; returns 0 when the bar is met."""
    command = [sys.executable, __file__, "--large", str(number), "--url", url, "--folder", str(folder)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    figures = json.loads(said.splitlines()[-1])
    passed = figures["done"] == number and figures["peak_mb"] <= MEMORY_BAR
    result = {
        "benchmark": "generation_memory",
        "figures": figures,
        "baseline": MEMORY_BAR,
        "ratio": round(figures["peak_mb"] / MEMORY_BAR, 2),
        "bar": MEMORY_BAR,
        "pass": passed,
    }
    print(json.dumps(result, ensure_ascii=False))
    return 0 if passed else 1


def main() -> int:
    """Measures and prints; returns 0 when every bar is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", action="store_true", help="be the server (used by the script itself)")
    parser.add_argument(
        "--at", type=int, nargs="*", choices=sorted(BARS), default=sorted(BARS), help="concurrencies"
    )
    parser.add_argument("--memory", type=int, metavar="TASKS", help="measure memory over this many tasks")
    parser.add_argument(
        "--latency", type=float, default=1.0, help="seconds the server takes (used by the script)"
    )
    parser.add_argument(
        "--large", type=int, help="be the process that is measured (used by the script itself)"
    )
    parser.add_argument("--url", help="used by the script itself")
    parser.add_argument("--folder", type=Path, help="used by the script itself")
    arguments = parser.parse_args()
    if arguments.server:
        asyncio.run(serve(arguments.latency))
        return 0
    if arguments.large:
        large(arguments.url, arguments.folder, arguments.large)
        return 0
    latency = "0" if arguments.memory else "1"
    command = [sys.executable, __file__, "--server", "--latency", latency]
    with (
        tempfile.TemporaryDirectory() as name,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdout is not None and server.stdin is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        if arguments.memory:
            code = memory(url, Path(name), arguments.memory)
            server.stdin.close()
            return code
        baseline = serial(url, Path(name))
        print(f"serial loop: {baseline:.2f} texts/s")
        figures = {}
        for concurrency in arguments.at:
            figures[concurrency] = engine(url, Path(name), concurrency)
            ratio = figures[concurrency] / baseline
            print(
                f"engine at {concurrency}: {figures[concurrency]:.1f} texts/s, "
                f"{ratio:.1f} times (bar {BARS[concurrency]:g})"
            )
        server.stdin.close()
    ratios = {str(c): round(rate / baseline, 1) for c, rate in figures.items()}
    passed = all(rate / baseline >= BARS[c] for c, rate in figures.items())
    result = {
        "benchmark": "generation_throughput",
        "figures": {str(c): round(rate, 2) for c, rate in figures.items()},
        "baseline": round(baseline, 3),
        "ratio": ratios,
        "bar": {str(c): BARS[c] for c in figures},
        "pass": passed,
    }
    print(json.dumps(result, ensure_ascii=False))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
