"""Measures how fast a person can page, search and change 100,000 samples, against the tutorial's one JSON
file.

Run with ``python benchmarks/review_latency.py``. The store holds composed texts, a quarter of them with a
planted mistake, all checked by the cleaning rules. A page is fifty samples with their findings, at any
depth, under one of several filters; a view adds the number of matches and the counts by state. A search is
the first page and the number of matches for a two-character word. The samples are also frozen and
exported, and the frozen file is imported into another workspace. The baseline reads the JSON file, filters
it in memory and takes fifty. Bars: page p95 50 ms, search p95 150 ms, a step over 10,000 samples with its
undo 1 s, import 20 s, freezing and exporting 5 s, checking 5,000 samples/s.
"""

import argparse
import json
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tianji_core import cleaning, dataset  # noqa: E402
from tianji_core.recipe import Plan, brief, built_in_recipes, load_recipe, tasks  # noqa: E402
from tianji_core.store import datasets, findings, samples, steps  # noqa: E402
from tianji_core.store.database import writing  # noqa: E402
from tianji_core.store.datasets import DatasetVersion  # noqa: E402
from tianji_core.store.samples import (  # noqa: E402
    ACCEPTED,
    IMPORT,
    PENDING,
    REJECTED,
    NewSample,
    SampleFilter,
)
from tianji_core.teachers.composer import Composer  # noqa: E402
from tianji_core.workspace import Workspace, open_workspace  # noqa: E402

BARS = {
    "page_p95_ms": 50.0,
    "search_p95_ms": 150.0,
    "bulk_10k_with_undo_s": 1.0,
    "import_s": 20.0,
    "freeze_and_export_s": 5.0,
    "check_per_s": 5000.0,
}
WORDS = ("蛋糕", "平安", "月亮", "升职", "龙舟", "奶奶", "喜乐", "火锅", "前程", "没字")
"""Two characters each, from everywhere to nowhere."""
ALL = SampleFilter("wishes")
FILTERS = {
    "all": {},
    "pending": {"states": (PENDING,)},
    "style": {"states": (PENDING,), "styles": ("小红书",)},
    "cell": {"names": ("赵老师",), "scenes": ("生日",)},
    "finding": {"rules": ("too_long",)},
    "clean": {"states": (PENDING,), "clean": True},
    "text": {"text": "蛋糕"},
    "rare text": {"text": "没有这几个字"},
}


def fill(workspace: Workspace, number: int) -> None:
    """Stores composed samples in batches. Each round asks every cell and style once."""
    recipe = load_recipe(built_in_recipes()["wishes"])
    composer = Composer(mistakes=0.25)
    new: list[NewSample] = []
    for task in tasks(recipe, Plan(rounds=max(60, number // 1000), limit=number)):
        asked = brief(recipe, task, 11)
        answer = composer.compose(asked)
        new.append(
            NewSample(
                "wishes",
                recipe.prompts.system,
                f"{asked.input} {task.round}",
                answer.text,
                task.name,
                task.scene,
                task.style,
                prompt=asked.prompt,
                model=answer.model,
            )
        )
        if len(new) == 5000:
            store(workspace, new)
            new.clear()
    store(workspace, new)


def store(workspace: Workspace, new: Sequence[NewSample]) -> None:
    """Stores a batch of samples."""
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, new, IMPORT)


def peak() -> str:
    """Returns the most memory that this process has had so far, for display."""
    return f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"


def timed(action: Callable[[], object]) -> float:
    """Returns the seconds that one call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def one_page(workspace: Workspace, wanted: SampleFilter, after: int) -> None:
    """Reads fifty samples and their findings."""
    page = samples.page(workspace.engine, wanted, after_id=after)
    findings.of(workspace.engine, [s.id for s in page])


def first_page(workspace: Workspace, wanted: SampleFilter) -> int:
    """Reads what a search shows (fifty samples with their findings); returns the number of matches."""
    found = samples.page(workspace.engine, wanted, limit=51)
    findings.of(workspace.engine, [s.id for s in found[:50]])
    last = found[49].id if len(found) > 50 else None
    _before, after = samples.count_beside(workspace.engine, wanted, None, last)
    return min(len(found), 50) + after


def counts(workspace: Workspace, wanted: SampleFilter) -> None:
    """Reads the counts that the page shows beside the samples."""
    samples.count(workspace.engine, wanted)
    samples.state_counts(workspace.engine, ALL)


def page_times(workspace: Workspace, number: int, repeats: int) -> dict[str, list[tuple[float, float]]]:
    """Returns filter → (page, view) in milliseconds, at random depths."""
    source = random.Random(3)
    times: dict[str, list[tuple[float, float]]] = {}
    for title, fields in FILTERS.items():
        wanted = SampleFilter("wishes", **fields)  # type: ignore[arg-type]
        for _repeat in range(repeats):
            after = source.randrange(number)
            page = 1000 * timed(partial(one_page, workspace, wanted, after))
            rest = 1000 * timed(partial(counts, workspace, wanted))
            times.setdefault(title, []).append((page, page + rest))
    return times


def search_times(workspace: Workspace, repeats: int) -> list[float]:
    """Returns the milliseconds of each search over all samples: first page and number of matches."""
    times = []
    for _repeat in range(repeats):
        for word in WORDS:
            wanted = SampleFilter("wishes", text=word)
            times.append(1000 * timed(partial(first_page, workspace, wanted)))
    return times


def import_seconds(file: Path) -> float:
    """Returns the seconds for importing a file of conversations into an empty workspace."""
    with tempfile.TemporaryDirectory() as home:
        workspace = open_workspace(home)
        workspace.engine  # noqa: B018  opened and migrated before the clock starts
        seconds = timed(lambda: dataset.import_path(workspace, "wishes", file))
        added = samples.total(workspace.engine)
        workspace.engine.dispose()
    print(f"import {added:,}: {seconds:.1f} s, {peak()}")
    return seconds


def p95(values: Sequence[float]) -> float:
    """Returns the 95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


def file_page_ms(path: Path) -> float:
    """Returns the milliseconds for one page from a JSON file, with the same filter on the text."""

    def read() -> list[dict]:
        items = json.loads(path.read_text(encoding="utf-8"))
        return [item for item in items if "蛋糕" in item["conversation"][0]["output"]][:50]

    return 1000 * min(timed(read) for _try in range(3))


def reading(workspace: Workspace, number: int, repeats: int) -> dict[str, float]:
    """Returns the figures of opening pages under every filter, and of searching."""
    times = page_times(workspace, number, repeats)
    for title, values in times.items():
        pages, views = zip(*values, strict=True)
        print(
            f"{title}: page median {statistics.median(pages):.1f} ms, p95 {p95(pages):.1f} ms, "
            f"view median {statistics.median(views):.1f} ms"
        )
    search = p95(search_times(workspace, max(2, repeats // 4)))
    print(f"two-character search: p95 {search:.1f} ms, {peak()}")
    return {
        "page_p95_ms": round(p95([page for values in times.values() for page, _view in values]), 1),
        "view_p95_ms": round(p95([view for values in times.values() for _page, view in values]), 1),
        "search_p95_ms": round(search, 1),
    }


def changing(workspace: Workspace) -> float:
    """Returns the seconds for rejecting 10,000 samples at once and undoing it."""
    first = samples.page(workspace.engine, ALL, limit=10_000)
    ten = SampleFilter("wishes", ids=tuple(s.id for s in first))
    bulk = timed(lambda: steps.set_state(workspace.engine, ten, REJECTED, "bench"))
    undo = timed(lambda: steps.undo(workspace.engine, "wishes"))
    print(f"bulk {len(first):,}: {bulk:.2f} s, undo {undo:.2f} s, {peak()}")
    return bulk + undo


def freezing(workspace: Workspace) -> tuple[float, DatasetVersion]:
    """Returns the seconds for freezing everything and exporting it, and the version."""
    steps.set_state(workspace.engine, ALL, ACCEPTED, "bench")
    freeze = timed(lambda: dataset.freeze(workspace, "wishes", "bench"))
    version = datasets.by_name(workspace.engine, "bench")
    export = timed(lambda: dataset.export(workspace, version, dataset.SHAREGPT))
    print(f"freeze {version.count:,}: {freeze:.2f} s, export {export:.2f} s, {peak()}")
    return freeze + export, version


def main() -> None:
    """Prints the figures, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        workspace = open_workspace(home)
        print(f"fill: {timed(lambda: fill(workspace, arguments.samples)):.1f} s, {peak()}")
        number = samples.total(workspace.engine)
        check = number / timed(lambda: cleaning.check_new(workspace, "wishes"))
        print(f"check: {check:,.0f} samples/s, {peak()}")
        third = SampleFilter("wishes", states=(PENDING,), styles=("正常", "严肃", "诗词赋"))
        steps.set_state(workspace.engine, third, ACCEPTED, "bench")
        figures = {"samples": number, **reading(workspace, number, arguments.repeats)}
        bulk = changing(workspace)
        frozen, version = freezing(workspace)
        imported = import_seconds(dataset.training_file(workspace, version))
        baseline = file_page_ms(dataset.training_file(workspace, version))
        print(f"one page from the JSON file: {baseline:.0f} ms")
    figures |= {
        "bulk_10k_with_undo_s": round(bulk, 2),
        "import_s": round(imported, 2),
        "freeze_and_export_s": round(frozen, 2),
        "check_per_s": round(check),
    }
    passed = all(
        figures[key] >= bar if key == "check_per_s" else figures[key] <= bar for key, bar in BARS.items()
    )
    result = {
        "benchmark": "review_latency",
        "figures": figures,
        "baseline": {"json_file_page_ms": round(baseline, 1)},
        "ratio": round(baseline / figures["page_p95_ms"], 1),
        "bar": BARS,
        "pass": passed,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
