"""Checks the ways in which the studio uses two graphics cards, through its command line.

``python benchmarks/two_cards.py [--small] [--folder DIR]`` makes a workspace with a small model of random
weights and composed samples. Then one training takes both cards, is stopped in the middle, goes on, and is
converted and merged; two trainings run at once, one per card, while a third one waits for its card; and a
model server answers from one card while the other one trains. On a machine with one card everything takes
turns on it, and the server stands beside the training. ``--small`` runs what a CPU can: two processes in
place of two cards. The last line is one JSON object.
"""

import argparse
import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.training_overhead import frozen
from benchmarks.training_throughput import TINY, Shape, write_model_apart
from tianji_core import jobs, models, training
from tianji_core.dataset import training_file
from tianji_core.store import training as rows
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training.load import cards
from tianji_core.training.progress import TrainingState
from tianji_core.workspace import Workspace, open_workspace

ROOT = Path(__file__).resolve().parents[1]
SHAPE = Shape(2048, 16, 16, 8, 5632, 32768)
"""0.8 billion parameters."""
SAMPLES = 600


T = TypeVar("T")


class PartFailedError(Exception):
    """What keeps a part from going on."""


@dataclass
class Try:
    """One round: the workspace, the number of cards that are used, and what held so far, by the check's
    name."""

    workspace: Workspace
    count: int
    held: dict[str, Any] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    @property
    def on_cards(self) -> bool:
        """Whether cards train, not the processor."""
        return self.count > 0

    def check(self, name: str, value: Any) -> None:
        """Keeps and prints whether something held."""
        self.held[name] = value
        print(f"{time.monotonic() - self.began:6.1f} s  {name}: {value}", flush=True)

    def part(self, name: str, run: Callable[[], T]) -> T | None:
        """Runs one part; one that breaks does not hold, and the others still run."""
        try:
            return run()
        except PartFailedError as reason:
            self.check(name, False)
            print(reason, flush=True)
            return None

    def verb(self, *words: str) -> Any:
        """Runs a verb of the command line and returns its JSON answer."""
        command = [sys.executable, "-m", "tianji_core", *words, "--json"]
        command += ["--workspace", str(self.workspace.home)]
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400)
        if answer.returncode:
            print(answer.stdout[-3000:], answer.stderr[-3000:], flush=True)
            raise PartFailedError(f"{' '.join(words)}: exit {answer.returncode}")
        return json.loads(answer.stdout)

    def train(self, places: str, epochs: int, save: int) -> int:
        """Starts a training of the small model on these cards; returns its number."""
        preset = "internlm2-chat-1-8b-lora" if self.on_cards else "nano-cpu-lora"
        where = ["--gpus", places] if self.on_cards else ["--nproc", str(len(places.split(",")))]
        base = str(self.workspace.home.parent / "base")
        values = {"epochs": epochs, "save_interval": save, "max_length": 512, "accumulation": 1}
        values |= {"log_interval": 1, "eval_tokens": 8, "keep_checkpoints": 2}
        if not self.on_cards:
            values |= {"batch_size": 1, "max_length": 256}
        changes = [text for name, value in values.items() for text in ("--set", f"{name}={value}")]
        changes += ["--set", "profile=auto"] if self.on_cards else []
        words = ["train", "--preset", preset, "--base", base, "--dataset", "overhead", *where, *changes]
        return int(self.verb(*words, "--detach")["training"])

    def state(self, number: int) -> TrainingState:
        """Returns the state of a training."""
        return training.training_state(self.workspace, rows.get(self.workspace.engine, number))

    def until(
        self, number: int, there: Callable[[TrainingState], object], seconds: float = 240
    ) -> TrainingState:
        """Waits until a training has come so far; ends the round where it cannot any more."""
        deadline = time.monotonic() + seconds
        while not there(state := self.state(number)):
            if not state.active or time.monotonic() > deadline:
                print(training.log_tail(self.workspace, state.run, 4000), flush=True)
                print(jobs.log_tail(self.workspace, state.job.id) if state.job else "", flush=True)
                raise PartFailedError(f"training {number} is {state.state}: {state.reason}")
            time.sleep(0.2)
        return state

    def processes(self) -> list[str]:
        """Returns the command lines of living processes that name the workspace."""
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            command = " ".join(process.info["cmdline"] or [])
            alive = process.info["status"] != psutil.STATUS_ZOMBIE
            if alive and str(self.workspace.home) in command and process.pid != os.getpid():
                found.append(command)
        return found

    def nothing_left(self, seconds: float = 15) -> bool:
        """Whether no process of the workspace is there any more, soon."""
        deadline = time.monotonic() + seconds
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.2)
        if left:
            print(*left, sep="\n", flush=True)
        return not left


def memory() -> list[int]:
    """The MiB taken from each card."""
    return [round(each.used / 2**20) for each in cards()]


def emptied(idle: list[int], seconds: float = 15) -> bool:
    """Whether the cards hold no more than before all programs, soon. The driver itself takes 0 to 4 MiB."""
    deadline = time.monotonic() + seconds
    while True:
        over = [now - max(then, 4) for now, then in zip(memory(), idle, strict=True)]
        if all(each <= 0 for each in over) or time.monotonic() > deadline:
            return all(each <= 0 for each in over)
        time.sleep(0.2)


def main() -> int:
    """Runs all checks, prints each and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--folder", type=Path, help="where the workspace goes; 10 GB")
    options = parser.parse_args()
    count = 0 if options.small else min(2, len(cards()))
    folder = options.folder or Path(tempfile.mkdtemp(prefix="two-cards-"))
    if options.folder is None:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tried = Try(open_workspace(folder / "workspace"), count)
    idle = memory()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("ended before all parts ran"))
    try:
        run_parts(tried, folder, idle)
    finally:
        for job in jobs.listed(tried.workspace, active=True):  # they would train on without this script
            jobs.stop(tried.workspace, job.id)
    tried.check("nothing_left_at_the_end", tried.nothing_left())
    passed = all(value for value in tried.held.values() if isinstance(value, bool))
    result = {
        "benchmark": "two_cards",
        "figures": {"cards": count, **tried.held},
        "pass": bool(passed) if count > 1 else None,
    }
    print(json.dumps(result, ensure_ascii=False))
    return 0 if passed else 1


def run_parts(tried: Try, folder: Path, idle: list[int]) -> None:
    """Runs the parts one after the other."""
    prepare(tried, folder)
    number = tried.part("stop_and_resume", lambda: stopped_and_resumed(tried, idle))
    merged = tried.part("convert_and_merge", lambda: made(tried, number)) if number else None
    tried.part("at_once", lambda: at_once(tried))
    tried.part("server", lambda: beside_a_server(tried, merged or str(folder / "base"), idle))


def prepare(tried: Try, folder: Path) -> None:
    """Freezes a dataset and writes the base."""
    version: DatasetVersion = frozen(tried.workspace, SAMPLES if tried.on_cards else 120)
    text = training_file(tried.workspace, version).read_text(encoding="utf-8")
    characters = "".join(sorted(set(text) | set("systemuserassistant\n")))
    shape, device = (SHAPE, "cuda") if tried.on_cards else (TINY, "cpu")
    write_model_apart(folder / "base", shape, characters, device)
    tried.check("prepared_mib", memory())


def stopped_and_resumed(tried: Try, idle: list[int]) -> int:
    """Trains on both cards, stops in the middle, goes on; returns the training's number."""
    number = tried.train("0" if tried.count == 1 else "0,1", epochs=3, save=100 if tried.on_cards else 5)
    state = tried.until(number, lambda now: now.checkpoints)
    settings = training.record_of(state.run).settings
    tried.check("profile", settings.profile)
    tried.check("training_mib", memory())
    if tried.on_cards:
        tried.check(
            "all_cards_train", all(now > then + 500 for now, then in zip(memory(), idle, strict=True))
        )
    assert state.job is not None
    tried.verb("jobs", "--stop", str(state.job.id))
    stopped = tried.state(number)
    tried.check("stopped_in_the_middle", stopped.state == "stopped" and not stopped.finished)
    tried.check("stop_leaves_no_process", tried.nothing_left())
    tried.check("after_stop_mib", memory())
    tried.check("stop_leaves_0_mib", emptied(idle))
    tried.verb("train", "--resume", str(number))
    done = tried.state(number)
    steps = [point.iteration for point in done.points]
    tried.check("resumed_to_the_end", done.finished and done.state == "succeeded")
    tried.check("curve_without_a_gap", steps == sorted(set(steps)) and steps[-1] == done.total)
    tried.check("tokens_per_second", round(done.tokens_per_second or 0))
    tried.check("loss", [round(done.points[0].loss or 0, 3), round(done.points[-1].loss or 0, 3)])
    return number


def made(tried: Try, number: int) -> str:
    """Converts and merges; returns the merged model's name."""
    tried.verb("convert", "--training", str(number), "--merge", "--device", "auto")
    kinds = {each.kind: each for each in models.artefacts(tried.workspace) if each.training_run_id == number}
    tried.check("converted_and_merged", {"adapter", "merged"} <= kinds.keys())
    return kinds["merged"].name


def at_once(tried: Try) -> None:
    """Two trainings, one per card, and a third one that waits for the first one's card."""
    first = tried.train("0", 1, 500)
    second = tried.train("1" if tried.count > 1 else "0", 2, 500)
    third = tried.train("0", 1, 500)
    tried.until(first, lambda now: now.iteration)
    if tried.count > 1:
        tried.until(second, lambda now: now.iteration)
        both = tried.state(first).active and tried.state(second).active and not tried.state(first).ahead
        held = [training.record_of(tried.state(each).run).held for each in (first, second)]
        tried.check("two_at_once", both and held == [("gpu0",), ("gpu1",)])
        tried.check("two_at_once_mib", memory())
    tried.check("third_waits", tried.state(third).state == "waiting")
    for number in (first, second, third):
        tried.until(number, lambda now: now.finished, 300)
    began = [training.record_of(tried.state(each).run).began or 0.0 for each in (first, third)]
    tried.check("third_began_by_itself", 0 < began[0] < began[1])


def beside_a_server(tried: Try, merged: str, idle: list[int]) -> None:
    """A model server on one card while the other one trains, each way round."""
    for card in range(max(1, tried.count)):
        number = tried.train(str(card), 100 if tried.on_cards else 40, 5000)
        tried.until(number, lambda now: now.iteration)
        before = memory()
        server = tried.verb("serve", "--model", merged)
        answer = ask(server["url"], server["models"][0])
        after, state = memory(), tried.state(number)
        tried.check(f"answers_beside_card_{card}", answer > 0 and state.active)
        if tried.on_cards:
            grown = [now - then for now, then in zip(after, before, strict=True)]
            tried.check(f"server_grown_mib_beside_{card}", grown)
        if tried.count > 1:
            tried.check(f"server_beside_card_{card}_takes_the_other", grown[1 - card] > 500 > grown[card])
        reached = tried.state(number).iteration
        tried.until(number, lambda now, reached=reached: now.iteration > reached)  # type: ignore[misc]
        assert state.job is not None
        for job in (server["job"], state.job.id):
            tried.verb("jobs", "--stop", str(job))
    tried.check("after_server_no_process", tried.nothing_left())
    tried.check("after_server_0_mib", emptied(idle))


def ask(url: str, model: str) -> int:
    """The tokens of one answer."""
    body = {"model": model, "messages": [{"role": "user", "content": "祝妹妹生日"}], "max_tokens": 32}
    base = url.rstrip("/")
    base = base if base.endswith("/v1") else base + "/v1"
    request = urllib.request.Request(
        f"{base}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return int(json.load(answer)["usage"]["completion_tokens"])


if __name__ == "__main__":
    sys.exit(main())
