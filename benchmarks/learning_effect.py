"""Whether a training on the CPU teaches: pass rate on held-out cells before and after one ``nano-cpu-qlora`` run.

``python benchmarks/learning_effect.py [--workspace DIR] [--samples N] [--base DIR]``. Composes samples for the cells to
learn from, freezes them, trains once with the preset as it stands, converts, merges, and asks the base, the adapter and
the merged model the same held-out prompts. Takes about five minutes on two cores. The last line is one JSON object.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tianji_core import dataset, models, training
from tianji_core.evaluation import Checker, Report, evaluate_folder, held_out_cases, training_pairs
from tianji_core.files import write_json
from tianji_core.models.nano import nano_base, split_cells
from tianji_core.recipe import Plan, Recipe, brief, kept_cells, tasks
from tianji_core.store import recipes
from tianji_core.store.samples import SampleFilter
from tianji_core.teachers.composer import Composer
from tianji_core.workspace import Workspace, open_workspace

STYLES = ("小红书", "正常", "严肃")
PRESET = "nano-cpu-qlora"
BASE_AT_MOST, TRAINED_AT_LEAST, COPIED_AT_MOST, MERGED_WITHIN = 0.30, 0.95, 0.10, 0.02
PROMPTS_AT_LEAST = 300


def composed_file(recipe: Recipe, count: int, seed: int, path: Path) -> int:
    """Write ``count`` composed conversations of cells to learn from as a training file; how many it holds."""
    composer = Composer()
    learnt, _kept = split_cells(kept_cells(recipe, recipe.threshold))
    plan = Plan(
        styles=STYLES, rounds=20, threshold=recipe.threshold, seed=seed, limit=count, cells=tuple(learnt)
    )
    written = []
    for task in tasks(recipe, plan):
        asked = brief(recipe, task, seed)
        turn = {"system": recipe.prompts.system, "input": asked.input, "output": composer.compose(asked).text}
        written.append({"conversation": [turn]})
    write_json(path, written, indent=4)
    return len(written)


def trained(workspace: Workspace, base: Path, version: dataset.DatasetVersion) -> tuple[Path, Path, float]:
    """(adapter folder, merged folder, seconds of the training) of one run of the preset."""
    settings = training.default_settings(PRESET).model_copy(update={"base": str(base)})
    run = training.prepare_training(workspace, PRESET, settings, version)
    started = time.monotonic()
    training.run_training(workspace, run)
    seconds = time.monotonic() - started
    adapter, merged = models.convert_and_merge(workspace, run)
    return adapter.path, merged.path, seconds


def show(title: str, report: Report) -> None:
    """Print a report's table and a few answers."""
    print(f"\n{title}\n{report.table()}")
    for one in [j for j in report.judged if not j.verdict.passed][:4]:
        print(f"  x {one.case.request} -> {one.answer} {one.verdict.faults}")
    for one in [j for j in report.judged if j.verdict.passed][:4]:
        print(f"  + {one.case.request} -> {one.answer}")
    sys.stdout.flush()


def measure(home: Path, base: Path, count: int, seed: int) -> int:
    """Run everything in the workspace ``home``; returns the exit code."""
    workspace = open_workspace(home)
    recipe = recipes.current(workspace.engine, "wishes").recipe
    file = home / "composed.json"
    samples = composed_file(recipe, count, seed, file)
    dataset.import_path(workspace, recipe.key, file)
    version = dataset.freeze(workspace, recipe.key, f"learning-{seed}-{samples}", SampleFilter(recipe.key))
    cases = held_out_cases(recipe, STYLES, seed=seed)
    checker = Checker(recipe, training_pairs(recipe, dataset.training_file(workspace, version)))
    print(f"{version.count} samples, {len(cases)} held-out prompts", flush=True)
    before = evaluate_folder(base, None, cases, checker)
    show("base, greedy", before)
    adapter, merged, seconds = trained(workspace, base, version)
    after = evaluate_folder(base, adapter, cases, checker)
    show(f"adapter, greedy; trained in {seconds:.0f} s", after)
    sampled = evaluate_folder(base, adapter, cases, checker, temperature=0.7, seed=seed)
    show("adapter, temperature 0.7", sampled)
    whole = evaluate_folder(merged, None, cases, checker)
    show("merged, greedy", whole)
    passed = (
        len(cases) >= PROMPTS_AT_LEAST
        and before.overall.passed <= BASE_AT_MOST
        and after.overall.passed >= TRAINED_AT_LEAST
        and after.overall.copied <= COPIED_AT_MOST
        and abs(whole.overall.passed - after.overall.passed) <= MERGED_WITHIN
    )
    result = {
        "benchmark": "learning_effect",
        "figures": {
            "adapter": round(after.overall.passed, 4),
            "adapter_95": [round(after.overall.low, 4), round(after.overall.high, 4)],
            "adapter_sampled": round(sampled.overall.passed, 4),
            "merged": round(whole.overall.passed, 4),
            "copied": round(after.overall.copied, 4),
            "prompts": len(cases),
            "samples": version.count,
            "training_seconds": round(seconds, 1),
        },
        "baseline": round(before.overall.passed, 4),
        "ratio": round(after.overall.passed / max(before.overall.passed, 1 / len(cases)), 1),
        "bar": {
            "baseline_at_most": BASE_AT_MOST,
            "adapter_at_least": TRAINED_AT_LEAST,
            "copied_at_most": COPIED_AT_MOST,
            "merged_within": MERGED_WITHIN,
        },
        "pass": passed,
    }
    print(json.dumps(result, ensure_ascii=False))
    return 0 if passed else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, help="keep everything there; default: a temporary folder")
    parser.add_argument("--base", type=Path, help="base model folder; default: the built-in nano base")
    parser.add_argument("--samples", type=int, default=3600)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    base = given.base or nano_base()
    if given.workspace:
        return measure(given.workspace.resolve(), base, given.samples, given.seed)
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder), base, given.samples, given.seed)


if __name__ == "__main__":
    sys.exit(main())
