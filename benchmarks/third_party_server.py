"""A stored run against an OpenAI-compatible server that is not ours.

``transformers serve`` (4.57) is one that pip can install; it needs an environment of its own, because the
studio keeps transformers 4.53.3, whose ``serve`` does not speak this API yet::

    python -m venv DIR && DIR/bin/pip install "transformers[serving]==4.57.6" torch
    DIR/bin/transformers serve --port 8765 --device cpu --force_model WORKSPACE/models/MERGED
    python benchmarks/third_party_server.py --url http://127.0.0.1:8765/v1 --model WORKSPACE/models/MERGED

Passes when every task is stored exactly once and the connection test agrees.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tianji_core.generation import create_run  # noqa: E402
from tianji_core.generation.generating import run_generation  # noqa: E402
from tianji_core.jobs import Reporter  # noqa: E402
from tianji_core.recipe import Plan  # noqa: E402
from tianji_core.store import run_lines  # noqa: E402
from tianji_core.teachers import Sampling, TeacherChoice, test_connection  # noqa: E402
from tianji_core.workspace import open_workspace  # noqa: E402


def main() -> int:
    """Runs and prints; returns 0 when nothing is lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True, help="address of the server, ending in /v1")
    parser.add_argument("--model", required=True, help="name of the model as the server knows it")
    parser.add_argument("--tasks", type=int, default=12)
    parser.add_argument("--concurrency", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        workspace = open_workspace(name)
        choice = TeacherChoice(provider="custom", model=arguments.model, base_url=arguments.url, timeout=120)
        report = asyncio.run(test_connection(workspace, choice))
        print(report.message)
        plan = Plan(styles=("正常",), limit=arguments.tasks)
        sampling = Sampling(temperature=0.7, max_tokens=60)
        run = create_run(workspace, "wishes", plan, choice, sampling, arguments.concurrency)
        started = time.perf_counter()
        state = asyncio.run(run_generation(workspace, run.id, Reporter(total=run.total)))
        seconds = time.perf_counter() - started
        positions = [line.position for line in run_lines.each_line(workspace.engine, run.id)]
        for line in run_lines.latest(workspace.engine, run.id, 3):
            print(f"{line.input} → {line.output}")
        for error in state.errors:
            print(f"{error.kind} × {error.count}: {error.example}")
    passed = report.ok and positions == list(range(arguments.tasks))
    figures = {"stored": len(positions), "failed": state.counts.failed, "seconds": round(seconds, 1)}
    result = {
        "benchmark": "third_party_server",
        "figures": figures,
        "baseline": arguments.tasks,
        "ratio": len(positions) / arguments.tasks,
        "bar": 1.0,
        "pass": passed,
    }
    print(json.dumps(result, ensure_ascii=False))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
