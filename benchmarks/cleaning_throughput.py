"""Measures how fast 100,000 samples are checked and compared, and how many near duplicates that finds.

Run with ``python benchmarks/cleaning_throughput.py``. A quarter of the composed texts has a planted
mistake; 13 % are copies of another text with one to three characters changed. The rules, on all
processors, and the search for near duplicates are timed in a process of their own, then once more through
the database, with the doubts, as the review page runs them.
Recall and precision are measured over 20,000 of the texts, against brute force: all pairs with an Indel
similarity of at least 0.85. Baseline: datasketch's MinHash and LSH over the same 3-grams, its candidates
verified in the same way, in the same run. Bars: 15 s, 1.2 GB, recall 0.98, precision 0.995.
"""

import argparse
import json
import multiprocessing
import pickle
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.planted.texts import Text, composed  # noqa: E402
from tianji_core import cleaning  # noqa: E402
from tianji_core.cleaning.beside import checking, processors  # noqa: E402
from tianji_core.cleaning.near import BANDS, GRAM, ROWS, SIMILAR, band_keys, leaders, near_pairs  # noqa: E402
from tianji_core.recipe import built_in_recipes, load_recipe  # noqa: E402
from tianji_core.store import samples  # noqa: E402
from tianji_core.store.database import writing  # noqa: E402
from tianji_core.store.findings import Unchecked  # noqa: E402
from tianji_core.store.samples import IMPORT, NewSample  # noqa: E402
from tianji_core.workspace import open_workspace  # noqa: E402

BARS = {"seconds": 15.0, "peak_mb": 1200.0, "recall": 0.98, "precision": 0.995}
COPIES = 0.13
"""Share of planted near duplicates."""


def texts(number: int, seed: int) -> list[Text]:
    """Composed texts with planted mistakes and planted near duplicates, shuffled."""
    recipe, source = load_recipe(built_in_recipes()["wishes"]), random.Random(seed)
    items = composed(recipe, 60, seed, limit=int(number * (1 - COPIES)), mistakes=0.25)
    signs = [sign for text in items[:2000] for sign in text.output if "\u4e00" <= sign <= "\u9fff"]
    originals = len(items)
    while len(items) < number:
        text = items[source.randrange(originals)]
        spoiled = list(text.output)
        for _change in range(source.randint(1, 3)):
            spoiled[source.randrange(len(spoiled))] = source.choice(signs)
        items.append(text._replace(output="".join(spoiled)))
    source.shuffle(items)
    return items


def unchecked(text: Text) -> Unchecked:
    """A text as a stored sample that was not checked yet."""
    cell = (text.name, text.scene, text.style)
    return Unchecked(0, IMPORT, *cell, (), "", (), "", text.output, text.output, "", "", 1, 0)


def clean_and_compare(file: str, answer: str) -> None:
    """Runs the rules and the comparison over pickled texts; started as a process, so that its peak memory
    is its own."""
    with Path(file).open("rb") as opened:
        items = [Text(*each) for each in pickle.load(opened)]
    context = cleaning.context_of(load_recipe(built_in_recipes()["wishes"]))
    whole = [unchecked(each) for each in items]
    start, begun = time.perf_counter(), time.process_time()
    with checking(context, len(whole), doubts=False) as check:
        with_finding = sum(bool(each.findings) for each in check(whole)())
    rules = time.perf_counter() - start
    different = list(dict.fromkeys(each.output for each in items))
    pairs = near_pairs(different, band_keys(different))
    repeated = leaders(range(len(different)), pairs)
    seconds = time.perf_counter() - start
    mine, used = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    facts = {
        "seconds": seconds,
        "rules_seconds": rules,
        "near_seconds": seconds - rules,
        "with_finding": with_finding,
        "near_duplicates": len(repeated),
        "processor_seconds": used.ru_utime + used.ru_stime + time.process_time() - begun,
        "peak_mb": (mine.ru_maxrss + processors() * used.ru_maxrss) / 1024,
    }
    Path(answer).write_text(json.dumps(facts), encoding="utf-8")


def through_the_database(items: list[Text]) -> float:
    """Returns the seconds for the same over stored samples, findings and signatures stored too."""
    with tempfile.TemporaryDirectory() as home:
        workspace = open_workspace(home)
        for start in range(0, len(items), 5000):
            new = [
                NewSample("wishes", "系统", f"{start + n}", each.output, each.name, each.scene, each.style)
                for n, each in enumerate(items[start : start + 5000])
            ]
            with writing(workspace.engine) as connection:
                samples.insert_new(connection, new, IMPORT)
        begun = time.perf_counter()
        cleaning.check_new(workspace, "wishes")
        seconds = time.perf_counter() - begun
        workspace.engine.dispose()
    return seconds


def datasketch_pairs(different: list[str]) -> tuple[set[tuple[int, int]], float]:
    """Returns the verified pairs that datasketch finds, and the seconds it takes."""
    from datasketch import MinHash, MinHashLSH
    from rapidfuzz.distance import Indel

    start = time.perf_counter()
    lsh = MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    found = set()
    for number, text in enumerate(different):
        sketch = MinHash(num_perm=BANDS * ROWS, seed=1)
        sketch.update_batch([text[i : i + GRAM].encode() for i in range(max(1, len(text) - GRAM + 1))])
        for other in lsh.query(sketch):
            if Indel.normalized_similarity(different[other], text, score_cutoff=SIMILAR):
                found.add((other, number))
        lsh.insert(number, sketch)
    return found, time.perf_counter() - start


def brute_force(different: list[str]) -> set[tuple[int, int]]:
    """Returns all pairs whose similarity reaches the threshold."""
    import numpy as np
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cdist

    truth = set()
    step = 1000
    for start in range(0, len(different), step):
        likeness = cdist(
            different[start : start + step],
            different[start:],
            scorer=Indel.normalized_similarity,
            score_cutoff=SIMILAR,
            dtype=np.float32,
            workers=-1,
        )
        for row, column in zip(*np.nonzero(likeness), strict=True):
            if column > row:
                truth.add((int(start + row), int(start + column)))
    return truth


def in_a_process_of_its_own(items: list[Text]) -> dict[str, float]:
    """Returns what :func:`clean_and_compare` measures over the texts."""
    with tempfile.TemporaryDirectory() as folder:
        file, answer = f"{folder}/texts.pickle", f"{folder}/answer.json"
        with Path(file).open("wb") as opened:
            pickle.dump([tuple(each) for each in items], opened)
        child = multiprocessing.get_context("spawn").Process(target=clean_and_compare, args=(file, answer))
        child.start()
        child.join()
        facts: dict[str, float] = json.loads(Path(answer).read_text(encoding="utf-8"))
    for key, value in facts.items():
        print(f"{key}: {value:,.1f}")
    return facts


class Pairs(NamedTuple):
    """Results of the search for near duplicates and of datasketch, both against brute force; times in
    seconds."""

    recall: float
    precision: float
    seconds: float
    datasketch_recall: float
    datasketch_seconds: float


def against_brute_force(texts: list[str]) -> Pairs:
    """Returns how well both searches do over ``texts``, which all differ."""
    truth = brute_force(texts)
    start = time.perf_counter()
    near = {(pair.first, pair.second) for pair in near_pairs(texts, band_keys(texts))}
    mine = time.perf_counter() - start
    other, seconds = datasketch_pairs(texts)
    hits = len(near & truth)
    pairs = Pairs(hits / len(truth), hits / len(near), mine, len(other & truth) / len(truth), seconds)
    print(f"pairs by brute force over {len(texts):,} texts: {len(truth):,}")
    print(f"here: {mine:.1f} s, recall {pairs.recall:.4f}, precision {pairs.precision:.4f}")
    print(f"datasketch: {seconds:.1f} s, recall {pairs.datasketch_recall:.4f}")
    return pairs


def main() -> None:
    """Print the figures, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--brute", type=int, default=20_000, help="texts compared by brute force")
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    items = texts(arguments.samples, arguments.seed)
    facts = in_a_process_of_its_own(items)
    stored = through_the_database(items)
    print(f"through the database: {stored:.1f} s")
    pairs = against_brute_force(list(dict.fromkeys(each.output for each in items[: arguments.brute])))
    figures = {
        "samples": len(items),
        "seconds": round(facts["seconds"], 2),
        "near_seconds": round(facts["near_seconds"], 2),
        "peak_mb": round(facts["peak_mb"]),
        "stored_seconds": round(stored, 2),
        "recall": round(pairs.recall, 4),
        "precision": round(pairs.precision, 4),
        "near_duplicates": facts["near_duplicates"],
    }
    passed = (
        facts["seconds"] <= BARS["seconds"]
        and figures["peak_mb"] <= BARS["peak_mb"]
        and pairs.recall >= BARS["recall"]
        and pairs.precision >= BARS["precision"]
    )
    result = {
        "benchmark": "cleaning_throughput",
        "figures": figures,
        "baseline": {
            "datasketch_seconds": round(pairs.datasketch_seconds, 2),
            "datasketch_recall": round(pairs.datasketch_recall, 4),
        },
        "ratio": round(pairs.datasketch_seconds / pairs.seconds, 2),
        "bar": BARS,
        "pass": passed,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
