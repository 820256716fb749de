"""Measures what the studio costs a training: seconds per iteration of one config as a job of the studio
(supervisor, worker, load samples, and a reader that asks for the state as often as the open page does),
against bare xtuner.

``python benchmarks/training_overhead.py [--turns N] [--seconds N]`` trains the built-in nano base by QLoRA
on the CPU. Both trainings exist at once but run in turns of a few seconds, in changing order, while a
signal stops the other one, so a change in the machine's speed meets both alike. The iterations of each
one's turns are counted. The second figure is the processor time of everything but the trainer. Takes about
six minutes. The last line is one JSON object.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tianji_core import dataset, generation, jobs, training
from tianji_core.project import PROJECT
from tianji_core.recipe import Plan
from tianji_core.store import steps
from tianji_core.store import training as rows
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.samples import ACCEPTED, SampleFilter
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.training.child import tool_environment
from tianji_core.training.engine import curve
from tianji_core.training.xtuner_engine.health import xtuner_tool
from tianji_core.workspace import Workspace, open_workspace

PRESET = "nano-cpu-qlora"
AT_MOST = 1.02
WARM = 10
"""Iterations at the beginning that do not count."""
LOOK = 2.0
"""Seconds between two looks of the open page."""


def frozen(workspace: Workspace, count: int) -> DatasetVersion:
    """Freezes a dataset version of ``count`` composed samples."""
    plan = Plan(styles=("小红书", "正常", "严肃"), limit=count)
    run = generation.create_run(workspace, "wishes", plan, TeacherChoice(), Sampling())
    jobs.wait(workspace, generation.start_generation(workspace, run.id).id, 120)
    steps.set_state(workspace.engine, SampleFilter("wishes"), ACCEPTED, "benchmark")
    return dataset.freeze(workspace, "wishes", "overhead")


def settings() -> training.TrainingSettings:
    """Returns the preset's settings, with more iterations than are measured and no checkpoint among them."""
    changes = {"save_interval": 100_000, "eval_tokens": 8, "epochs": 100}
    return training.default_settings(PRESET).model_copy(update=changes)


@dataclass
class Way:
    """One training with its processes. ``look`` is what the page asks during a turn; ``seconds``,
    ``iterations`` and ``spent`` (processor seconds of all but the trainer) are sums over its turns."""

    work_dir: Path
    processes: list[psutil.Process]
    beside: list[psutil.Process] = field(default_factory=list)
    look: Callable[[], object] = lambda: None
    seconds: float = 0.0
    iterations: int = 0
    spent: float = 0.0

    def done(self) -> int:
        """Returns the last iteration that was logged."""
        points = curve(self.work_dir)
        return points[-1].iteration if points else 0

    def beside_seconds(self) -> float:
        """Returns the processor seconds of everything but the trainer so far."""
        return sum(sum(each.cpu_times()[:2]) for each in self.beside)

    def stand(self) -> None:
        """Stops all its processes by a signal."""
        for each in self.processes:
            each.suspend()

    def go(self) -> None:
        """Lets its processes go on."""
        for each in self.processes:
            each.resume()

    def turn(self, seconds: float) -> None:
        """Runs for ``seconds`` and counts."""
        before, spent, began = self.done(), self.beside_seconds(), time.monotonic()
        self.go()
        while (left := began + seconds - time.monotonic()) > 0:
            time.sleep(min(LOOK, left))
            self.look()
        self.stand()
        self.seconds += time.monotonic() - began
        self.spent += self.beside_seconds() - spent
        self.iterations += self.done() - before

    def warm(self) -> None:
        """Runs until the first iterations are done."""
        deadline = time.monotonic() + 300
        while self.done() < WARM:
            if time.monotonic() > deadline or not all(each.is_running() for each in self.processes):
                raise SystemExit(f"no iterations in {self.work_dir}")
            time.sleep(0.5)
        self.stand()


def bare(workspace: Workspace, version: DatasetVersion) -> Way:
    """Starts xtuner alone and stops it after its first iterations."""
    run = training.prepare_training(workspace, PRESET, settings(), version, "bare")
    folder = training.work_folder(workspace, run)
    command = [sys.executable, str(xtuner_tool("train.py")), str(folder / "config.py")]
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(
            [*command, "--work-dir", str(folder)],
            env=tool_environment(workspace, "cpu"),
            stdout=output,
            stderr=output,
            cwd=PROJECT,
        )
    way = Way(folder, [psutil.Process(process.pid)])
    way.warm()
    return way


def studio(workspace: Workspace, version: DatasetVersion) -> Way:
    """Starts the same as a job of the studio and stops it after its first iterations."""
    run = training.start_training(workspace, PRESET, settings(), version, "studio")
    way = Way(training.work_folder(workspace, run), [])
    while not way.done():
        if not (state := training.training_state(workspace, rows.get(workspace.engine, run.id))).active:
            raise SystemExit(f"the training ended as {state.state}: {state.reason}")
        time.sleep(0.5)
    job = jobs.get(workspace, run.job_id or 0)
    supervisor, worker = psutil.Process(job.supervisor_pid), psutil.Process(job.pid)
    way.processes = [supervisor, worker, *worker.children(recursive=True)]
    way.beside = [supervisor, worker, psutil.Process()]
    way.look = lambda: training.training_state(workspace, rows.get(workspace.engine, run.id))
    way.warm()
    return way


def measured(workspace: Workspace, turns: int, seconds: float) -> tuple[Way, Way]:
    """Returns (bare, studio) after ``turns`` turns of each."""
    version, ways = frozen(workspace, 700), []
    try:
        ways.append(bare(workspace, version))
        ways.append(studio(workspace, version))
        for number in range(turns):
            for way in ways if number % 2 == 0 else ways[::-1]:
                way.turn(seconds)
            done = [f"{way.seconds / max(1, way.iterations):.4f} s" for way in ways]
            print(f"turn {number + 1}: bare {done[0]}, studio {done[1]} an iteration", flush=True)
    finally:
        for way in ways:
            for each in way.processes:
                each.kill()
    return ways[0], ways[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=8.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        theirs, ours = measured(open_workspace(Path(folder)), given.turns, given.seconds)
    baseline, pace = theirs.seconds / theirs.iterations, ours.seconds / ours.iterations
    ratio = pace / baseline
    result = {
        "benchmark": "training_overhead",
        "figures": {
            "seconds_per_iteration": round(pace, 4),
            "iterations": ours.iterations,
            "studio_share_of_a_core": round(ours.spent / ours.seconds, 4),
        },
        "baseline": {"seconds_per_iteration": round(baseline, 4), "iterations": theirs.iterations},
        "ratio": round(ratio, 4),
        "bar": {"ratio_at_most": AT_MOST},
        "pass": ratio <= AT_MOST,
    }
    print(json.dumps(result, ensure_ascii=False))
    return 0 if result["pass"] else 1


if __name__ == "__main__":
    sys.exit(main())
