"""What the studio costs a training: time per iteration of one config run by bare xtuner and as a job of the studio, with
supervisor, worker, load samples, and a reader that asks for its state as often as the open page does.

``python benchmarks/training_overhead.py [--pairs N] [--samples N]``. The built-in nano base, QLoRA on the CPU; the two
ways take turns, in changing order, so that a machine that gets slower does it to both. xtuner logs the mean of every ten
iterations; compared are the lower quartiles of these means, without each run's first: what else the machine does makes
iterations slower, never faster. Runs of one and the same way differ by a few percent, so that several pairs are needed;
the second figure, the processor time of everything but the trainer from its first iteration to its last, is steady. Takes
about a minute and a half for each pair on two free cores. The last line is one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path
from statistics import mean, quantiles

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tianji_core import dataset, generation, jobs, training
from tianji_core.recipe import Plan
from tianji_core.store import steps
from tianji_core.store import training as rows
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.samples import ACCEPTED, SampleFilter
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.training.child import child_environment, xtuner_tool
from tianji_core.training.curve import curve
from tianji_core.workspace import PROJECT, Workspace, open_workspace

PRESET = "nano-cpu-qlora"
AT_MOST = 1.02
WARM = 10
"""Iterations at the beginning that do not count."""
LOOK = 2.0
"""Seconds between two looks of the open page."""


def frozen(workspace: Workspace, count: int) -> DatasetVersion:
    """A dataset version of ``count`` composed samples."""
    plan = Plan(styles=("小红书", "正常", "严肃"), limit=count)
    run = generation.create_run(workspace, "wishes", plan, TeacherChoice(), Sampling())
    jobs.wait(workspace, generation.start_generation(workspace, run.id).id, 120)
    steps.set_state(workspace.engine, SampleFilter("wishes"), ACCEPTED, "benchmark")
    return dataset.freeze(workspace, "wishes", "overhead")


def settings() -> training.TrainingSettings:
    """The preset's own, one checkpoint at the end, a point for every ten iterations."""
    changes = {"save_interval": 100_000, "log_interval": WARM, "eval_tokens": 8}
    return training.default_settings(PRESET).model_copy(update=changes)


def per_iteration(work_dir: Path) -> list[float]:
    """Seconds per iteration of a finished run, one mean for every ten of them."""
    return [point.seconds for point in curve(work_dir) if point.iteration > WARM]


def quartile(values: list[float]) -> float:
    """The value that a quarter of them lie below."""
    return quantiles(values, n=4, method="inclusive")[0]


def bare(workspace: Workspace, version: DatasetVersion) -> list[float]:
    """One run by xtuner alone; seconds per iteration."""
    run = training.prepare_training(workspace, PRESET, settings(), version, "bare")
    folder = training.work_folder(workspace, run)
    command = [
        sys.executable,
        str(xtuner_tool("train.py")),
        str(folder / "config.py"),
        "--work-dir",
        str(folder),
    ]
    with (folder / "output.txt").open("w") as output:
        subprocess.run(
            command,
            env=child_environment(workspace, "cpu"),
            stdout=output,
            stderr=output,
            cwd=PROJECT,
            check=True,
        )
    return per_iteration(folder)


def studio(workspace: Workspace, version: DatasetVersion) -> tuple[list[float], float]:
    """One run through the studio: (seconds per iteration, the share of a core that everything but the trainer takes while
    it iterates)."""
    run = training.start_training(workspace, PRESET, settings(), version, "studio")
    looks: list[tuple[float, float]] = []
    while (state := training.training_state(workspace, rows.get(workspace.engine, run.id))).active:
        if state.points and (spent := _processor(state.job)) is not None:
            looks.append((time.monotonic(), spent))
        time.sleep(LOOK)
    if state.state != "succeeded":
        raise SystemExit(f"the training ended as {state.state}: {state.reason}")
    (began, before), (ended, after) = looks[0], looks[-1]
    return per_iteration(training.work_folder(workspace, run)), (after - before) / (ended - began)


def _processor(job: jobs.Job | None) -> float | None:
    """Seconds of processor time of a job's supervisor and worker and of this reader; None once one of them is gone."""
    pids = (os.getpid(), job.supervisor_pid, job.pid) if job is not None else ()
    try:
        return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)
    except psutil.NoSuchProcess:
        return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--samples", type=int, default=700)
    given = parser.parse_args()
    alone: list[list[float]] = []
    through: list[list[float]] = []
    shares: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder))
        version = frozen(workspace, given.samples)
        for pair in range(given.pairs):
            for way in ("bare", "studio") if pair % 2 == 0 else ("studio", "bare"):
                if way == "bare":
                    alone.append(bare(workspace, version))
                else:
                    seconds, share = studio(workspace, version)
                    through.append(seconds)
                    shares.append(share)
            theirs, ours = mean(alone[-1]), mean(through[-1])
            print(f"pair {pair + 1}: bare {theirs:.4f} s, studio {ours:.4f} s an iteration", flush=True)
    bottom, ours = quartile([*chain.from_iterable(alone)]), quartile([*chain.from_iterable(through)])
    ratio = ours / bottom
    result = {
        "benchmark": "training_overhead",
        "figures": {
            "seconds_per_iteration": round(ours, 4),
            "quartile_of_each_run": [round(quartile(each), 4) for each in through],
            "studio_share_of_a_core": round(mean(shares), 4),
        },
        "baseline": {
            "seconds_per_iteration": round(bottom, 4),
            "quartile_of_each_run": [round(quartile(each), 4) for each in alone],
        },
        "ratio": round(ratio, 4),
        "bar": {"ratio_at_most": AT_MOST},
        "pass": ratio <= AT_MOST,
    }
    print(json.dumps(result, ensure_ascii=False))
    return 0 if result["pass"] else 1


if __name__ == "__main__":
    sys.exit(main())
