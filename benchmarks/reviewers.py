"""Measures twenty people who review one recipe at once, on PostgreSQL.

Run with ``python benchmarks/reviewers.py``. The store holds 100,000 samples. Each reviewer is a process with
its own connections, which does what the review page does with a key: stores the decision on the sample on
screen, reads the next pending one that nobody else has on screen with its findings, and leases it. A key
every second each: faster than a person reads. Bars: key to next sample p95 300 ms; every decision is stored
once, on the text that was seen, and no two reviewers have decided on the same sample. What a key takes of
the processors, here and in the server, and its statements, ``BEGIN`` and ``COMMIT`` among them, do not
depend on what else the machine does; ``load`` says what it did.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil
from sqlalchemy import Engine, event, func, select

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.postgres import fresh_database, private_server, server_programs  # noqa: E402
from tianji_core.errors import ConflictError  # noqa: E402
from tianji_core.store import findings, leases, samples, steps  # noqa: E402
from tianji_core.store.database import open_engine, reading, writing  # noqa: E402
from tianji_core.store.samples import (  # noqa: E402
    ACCEPTED,
    IMPORT,
    PENDING,
    REJECTED,
    NewSample,
    SampleFilter,
)
from tianji_core.store.schema import changes  # noqa: E402
from tianji_core.workspace import open_workspace  # noqa: E402

BAR = 300.0
"""Milliseconds."""
PENDING_ONES = SampleFilter("wishes", states=(PENDING,))


def next_sample(engine, who: str) -> samples.Sample | None:  # type: ignore[no-untyped-def]
    """Returns the first pending sample that nobody has on screen, leased to this reviewer."""
    while True:
        page = samples.page(engine, replace(PENDING_ONES, free_for=who), limit=3)
        if not page:
            return None
        for sample in page:
            if leases.take(engine, sample.id, who, version=sample.version):
                findings.of(engine, [sample.id])
                return sample


class Effort:
    """What this process has asked of the database: statements and transactions, and the seconds of processor
    that it and its own process in the server have taken."""

    def __init__(self, engine: Engine) -> None:
        self.statements = 0
        for name in ("before_cursor_execute", "begin", "commit", "rollback"):
            event.listen(engine, name, self._count)
        with engine.connect() as connection:
            self._backend = psutil.Process(connection.execute(select(func.pg_backend_pid())).scalar_one())
        self._before = self._now()

    def _count(self, *_arguments: object) -> None:
        self.statements += 1

    def _now(self) -> tuple[int, float, float]:
        there = self._backend.cpu_times()
        return self.statements, time.process_time(), there.user + there.system

    def since(self) -> tuple[float, float, float]:
        """Returns the statements, the milliseconds here and those in the server since the start."""
        statements, here, there = (now - was for now, was in zip(self._now(), self._before, strict=True))
        return statements, here * 1000, there * 1000


def review(address: str, who: str, keys: int, pause: float) -> None:
    """Decides on samples and prints the milliseconds of each key, and how many decisions were stored."""
    engine = open_engine(address)
    sample = next_sample(engine, who)
    print("ready", flush=True)
    sys.stdin.readline()
    taken, stored, conflicts, effort = [], 0, 0, Effort(engine)
    for number in range(keys):
        if sample is None:
            break
        time.sleep(pause)
        began = time.perf_counter()
        only = SampleFilter("wishes", ids=(sample.id,))
        state = REJECTED if number % 5 == 0 else ACCEPTED
        try:
            steps.set_state(engine, only, state, who, {sample.id: sample.version})
            stored += 1
        except ConflictError:
            conflicts += 1
        sample = next_sample(engine, who)
        taken.append((time.perf_counter() - began) * 1000)
    result = {"ms": taken, "stored": stored, "conflicts": conflicts, "effort": effort.since()}
    print(json.dumps(result), flush=True)


def fill(address: str, number: int) -> None:
    """Stores samples in batches."""
    engine = open_engine(address)
    for start in range(0, number, 5000):
        new = [
            NewSample("wishes", "系统", f"祝妹妹生日{n}", f"妹妹，第{n}个生日快乐！", "妹妹", "生日", "正常")
            for n in range(start, min(start + 5000, number))
        ]
        with writing(engine) as connection:
            samples.insert_new(connection, new, IMPORT)
    engine.dispose()


def together(address: str, reviewers: int, keys: int, pause: float) -> dict[str, float]:
    """Returns the figures of reviewers who start together."""
    me = [sys.executable, str(Path(__file__).resolve()), "--keys", str(keys), "--pause", str(pause)]
    people = [
        subprocess.Popen(
            [*me, "--who", f"审核人{n}", "--address", address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(reviewers)
    ]
    for person in people:
        assert person.stdout is not None and person.stdout.readline() == "ready\n"
    for person in people:
        assert person.stdin is not None
        person.stdin.write("go\n")
        person.stdin.flush()
    results = [json.loads(person.communicate()[0]) for person in people]
    taken = sorted(ms for result in results for ms in result["ms"])
    stored = sum(result["stored"] for result in results)
    statements, here, there = (sum(result["effort"][n] for result in results) / len(taken) for n in range(3))
    engine = open_engine(address)
    with reading(engine) as connection:
        once = select(func.count(), func.count(changes.c.sample_id.distinct()))
        recorded, different = connection.execute(once).one()
    states = samples.state_counts(engine, SampleFilter("wishes"))
    engine.dispose()
    return {
        "reviewers": reviewers,
        "keys": len(taken),
        "p50_ms": statistics.median(taken),
        "p95_ms": taken[int(0.95 * len(taken))],
        "most_ms": taken[-1],
        "statements_per_key": statements,
        "processor_ms_per_key": here,
        "server_ms_per_key": there,
        "load": os.getloadavg()[0],
        "lost": stored - min(recorded, states[ACCEPTED] + states[REJECTED]),
        "decided_twice": recorded - different + sum(result["conflicts"] for result in results),
    }


def main() -> None:
    """Prints the figures, and one JSON object on the last line, in which ``pass`` is null where there is no
    PostgreSQL."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--reviewers", type=int, default=20)
    parser.add_argument("--keys", type=int, default=50, help="Decisions of each reviewer.")
    parser.add_argument("--pause", type=float, default=1.0, help="Seconds between a sample and its key.")
    parser.add_argument("--who", help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.who:
        review(options.address, options.who, options.keys, options.pause)
        return
    programs = server_programs()
    if programs is None:
        print("PostgreSQL's server programs are not installed here")
        print(
            json.dumps(
                {
                    "benchmark": "reviewers",
                    "figures": {},
                    "baseline": BAR,
                    "ratio": None,
                    "bar": 1.0,
                    "pass": None,
                }
            )
        )
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        private_server(programs) as server,
        fresh_database(server) as address,
    ):
        os.environ["TIANJI_DATABASE_URL"] = address
        open_workspace(Path(folder)).engine.dispose()
        fill(address, options.samples)
        figures = together(address, options.reviewers, options.keys, options.pause)
    for name, value in figures.items():
        print(f"{name}: {value:,.1f}")
    fine = not figures["lost"] and not figures["decided_twice"] and figures["p95_ms"] <= BAR
    ratio = BAR / figures["p95_ms"]
    print(
        json.dumps(
            {
                "benchmark": "reviewers",
                "figures": figures,
                "baseline": BAR,
                "ratio": ratio,
                "bar": 1.0,
                "pass": fine,
            }
        )
    )


if __name__ == "__main__":
    main()
