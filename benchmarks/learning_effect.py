"""Measures whether a training on the CPU teaches: pass rates on held-out cells before and after one
``nano-cpu-qlora`` run.

``python benchmarks/learning_effect.py [--all-styles] [--workspace DIR] [--samples N] [--epochs N]
[--conditions AXIS …]`` composes samples for the training cells, freezes them with varied receivers and
occasions, trains once with the preset as it stands, converts and merges. Base, adapter, merged model and
the adapter behind the server then answer the same held-out prompts, in three styles or all nine; the
adapter also answers about 40 receivers and 12 occasions that neither lists nor the base's corpus hold.
Takes about ten minutes on two cores. The last line is one JSON object.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.unseen import known_words, unseen_cases, unseen_checker, unseen_recipe
from tianji_core import dataset, jobs, models, serving, training
from tianji_core.evaluation import (
    Case,
    Checker,
    Report,
    evaluate_folder,
    evaluate_server,
    held_out_cases,
    training_pairs,
)
from tianji_core.files import write_json
from tianji_core.models.nano import nano_base, split_cells
from tianji_core.recipe import Plan, Recipe, brief, kept_cells, tasks
from tianji_core.recipe.axis_editing import edit_axis
from tianji_core.store import recipes
from tianji_core.store.samples import SampleFilter
from tianji_core.teachers.composer import Composer
from tianji_core.workspace import Workspace, open_workspace

PRESET = "nano-cpu-qlora"
BASE_AT_MOST, COPIED_AT_MOST, AGREE_WITHIN = 0.30, 0.10, 0.02
PROMPTS_AT_LEAST = 300


@dataclass(frozen=True)
class Lesson:
    """What is taught (no styles means all; ``conditions`` are axes of the recipe, by id), by how many
    samples, and the bars: the lowest pass rates, greedy and at temperature 0.7, and the most seconds of
    training on two free cores."""

    styles: tuple[str, ...]
    samples: int
    trained_at_least: float
    sampled_at_least: float
    seconds_at_most: float
    conditions: tuple[str, ...] = ()

    def bars(self) -> dict[str, float]:
        """What a run is held to, by name."""
        return {
            "baseline_at_most": BASE_AT_MOST,
            "adapter_at_least": self.trained_at_least,
            "sampled_at_least": self.sampled_at_least,
            "training_seconds_at_most": self.seconds_at_most,
            "copied_at_most": COPIED_AT_MOST,
            "merged_and_served_within": AGREE_WITHIN,
        }


THREE = Lesson(("小红书", "正常", "严肃"), 3600, 0.97, 0.95, 300)
ALL = Lesson((), 5000, 0.98, 0.93, 600)


def composed_file(recipe: Recipe, styles: tuple[str, ...], count: int, seed: int, path: Path) -> int:
    """Writes ``count`` composed conversations of the training cells as a training file; returns how many
    it holds."""
    composer = Composer()
    learnt, _kept = split_cells(kept_cells(recipe, recipe.threshold))
    plan = Plan(
        styles=styles, rounds=20, threshold=recipe.threshold, seed=seed, limit=count, cells=tuple(learnt)
    )
    written = []
    for task in tasks(recipe, plan):
        asked = brief(recipe, task, seed)
        turn = {"system": recipe.prompts.system, "input": asked.input, "output": composer.compose(asked).text}
        written.append({"conversation": [turn]})
    write_json(path, written, indent=4)
    return len(written)


@dataclass(frozen=True)
class Spent:
    """What the training took: wall-clock seconds, processor seconds over all cores, and the machine's load
    average at its end (about two on two free cores)."""

    seconds: float
    cpu_seconds: float
    load: float


def children_seconds() -> float:
    """Returns the processor seconds of all ended child processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def lesson_settings(base: Path, epochs: int, as_frozen: bool) -> training.TrainingSettings:
    """The preset's settings for a base and a number of passes; ``as_frozen`` varies nothing beyond what the
    version was frozen with."""
    changed: dict[str, object] = {"base": str(base), "epochs": epochs}
    if as_frozen:
        changed |= {"vary_names": 0.0, "vary_occasions": 0.0}
    return training.default_settings(PRESET).model_copy(update=changed)


def trained(
    workspace: Workspace,
    base: Path,
    version: dataset.DatasetVersion,
    epochs: int = 1,
    as_frozen: bool = False,
) -> tuple[Path, Path, Spent]:
    """Runs the preset once; returns (adapter folder, merged folder, what it took)."""
    settings = lesson_settings(base, epochs, as_frozen)
    run = training.prepare_training(workspace, PRESET, settings, version)
    started, before = time.monotonic(), children_seconds()
    training.run_training(workspace, run)
    spent = Spent(time.monotonic() - started, children_seconds() - before, os.getloadavg()[1])
    adapter, merged = models.convert_and_merge(workspace, run)
    return adapter.path, merged.path, spent


def behind_server(
    workspace: Workspace, base: Path, adapter: Path, cases: list[Case], checker: Checker
) -> Report:
    """Evaluates the adapter over HTTP."""
    models_served = [serving.ModelRef("base", str(base))]
    job = serving.start_server(workspace, models_served, [serving.ModelRef("adapter", str(adapter))])
    try:
        url = serving.wait_ready(workspace, job.id).url
        return evaluate_server(url, "adapter", cases, checker)
    finally:
        jobs.stop(workspace, job.id)


def unseen(
    recipe: Recipe, file: Path, base: Path, adapter: Path, lesson: Lesson, seed: int
) -> dict[str, list[float]]:
    """Pass rates of the adapter for receivers and occasions that nothing held: [share, low, high] of a 95 %
    Wilson interval, greedy and at 0.7."""
    wider, known = unseen_recipe(recipe), known_words() + file.read_text(encoding="utf-8")
    fresh = [name.text for name in wider.names[len(recipe.names) :]]
    fresh += [scene.text for scene in wider.scenes[len(recipe.scenes) :]]
    met = {text for text in fresh if text in known}
    checker, told = unseen_checker(recipe, training_pairs(recipe, file)), {}
    parts = zip(("names", "occasions"), unseen_cases(recipe, lesson.styles, seed), strict=True)
    for kind, cases in parts:
        asked = [case for case in cases if not met & {case.name.text, case.scene.text}]
        for temperature in (0.0, 0.7):
            report = evaluate_folder(base, adapter, asked, checker, temperature=temperature, seed=seed)
            show(f"unseen {kind}, temperature {temperature}", report)
            rates = (report.overall.passed, report.overall.low, report.overall.high)
            told[f"{kind} at {temperature}"] = [round(rate, 4) for rate in rates]
    return told


def show(title: str, report: Report) -> None:
    """Prints a report's table and a few answers."""
    print(f"\n{title}\n{report.table()}")
    for one in [j for j in report.judged if not j.verdict.passed][:4]:
        print(f"  x {one.case.request} -> {one.answer} {one.verdict.faults}")
    for one in [j for j in report.judged if j.verdict.passed][:4]:
        print(f"  + {one.case.request} -> {one.answer}")
    sys.stdout.flush()


def rates(name: str, report: Report) -> dict[str, object]:
    """The pass rate under ``name`` and its 95 % interval."""
    overall = report.overall
    return {
        name: round(overall.passed, 4),
        f"{name}_95": [round(overall.low, 4), round(overall.high, 4)],
    }


def by_part(report: Report) -> dict[str, dict[str, float]]:
    """Pass rates by style and by option, and how often an option's length was met."""
    return {
        "styles": {row.title: round(row.passed, 4) for row in report.styles},
        "conditions": {row.title: round(row.passed, 4) for row in report.options},
        "asked_length_met": {row.title: round(row.length, 4) for row in report.options},
    }


def frozen(
    workspace: Workspace, recipe: Recipe, lesson: Lesson, count: int, variation: dataset.Variation
) -> dataset.DatasetVersion:
    """Composes, imports and freezes the samples to learn from."""
    file, seed = workspace.home / "composed.json", variation.seed
    samples = composed_file(recipe, lesson.styles, count, seed, file)
    dataset.import_path(workspace, recipe.key, file)
    name, everything = f"learning-{seed}-{samples}", SampleFilter(recipe.key)
    return dataset.freeze(workspace, recipe.key, name, everything, variation=variation)


def lesson_recipe(workspace: Workspace, lesson: Lesson) -> Recipe:
    """Switches the lesson's conditions on in the recipe of the workspace, and returns it."""
    stored = recipes.current(workspace.engine, "wishes")
    recipe = stored.recipe
    for axis in lesson.conditions:
        recipe = edit_axis(recipe, axis, enabled=True)
    if recipe is not stored.recipe:
        recipes.save(workspace.engine, recipe, stored.revision, "conditions of the lesson")
    return recipe


def measure(
    home: Path, base: Path, lesson: Lesson, count: int, epochs: int, variation: dataset.Variation
) -> int:
    """Runs everything in the workspace ``home``; returns the exit code."""
    workspace = open_workspace(home)
    recipe, seed = lesson_recipe(workspace, lesson), variation.seed
    version = frozen(workspace, recipe, lesson, count, variation)
    cases = held_out_cases(recipe, lesson.styles, seed=seed)
    checker = Checker(recipe, training_pairs(recipe, dataset.training_file(workspace, version)))
    print(f"{version.count} samples, {len(cases)} held-out prompts", flush=True)
    before = evaluate_folder(base, None, cases, checker)
    show("base, greedy", before)
    adapter, merged, spent = trained(workspace, base, version, epochs, as_frozen=True)
    after = evaluate_folder(base, adapter, cases, checker)
    show(f"adapter, greedy; trained in {spent.seconds:.0f} s", after)
    sampled = evaluate_folder(base, adapter, cases, checker, temperature=0.7, seed=seed)
    show("adapter, temperature 0.7", sampled)
    whole = evaluate_folder(merged, None, cases, checker)
    show("merged, greedy", whole)
    served = behind_server(workspace, base, adapter, cases, checker)
    show("adapter behind the server, greedy", served)
    beyond = unseen(recipe, dataset.training_file(workspace, version), base, adapter, lesson, seed)
    passed = (
        len(cases) >= PROMPTS_AT_LEAST
        and before.overall.passed <= BASE_AT_MOST
        and after.overall.passed >= lesson.trained_at_least
        and sampled.overall.passed >= lesson.sampled_at_least
        and spent.seconds <= lesson.seconds_at_most
        and after.overall.copied <= COPIED_AT_MOST
        and all(abs(r.overall.passed - after.overall.passed) <= AGREE_WITHIN for r in (whole, served))
    )
    result = {
        "benchmark": "learning_effect",
        "figures": {
            **rates("adapter", after),
            **rates("adapter_sampled", sampled),
            "merged": round(whole.overall.passed, 4),
            "served": round(served.overall.passed, 4),
            **by_part(after),
            "unseen": beyond,
            "copied": round(after.overall.copied, 4),
            "prompts": len(cases),
            "samples": version.count,
            "training_seconds": round(spent.seconds, 1),
            "training_cpu_seconds": round(spent.cpu_seconds, 1),
            "load_average": round(spent.load, 1),
        },
        "baseline": round(before.overall.passed, 4),
        "ratio": round(after.overall.passed / max(before.overall.passed, 1 / len(cases)), 1),
        "bar": lesson.bars(),
        "pass": passed,
    }
    print(json.dumps(result, ensure_ascii=False))
    return 0 if passed else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, help="keep everything there; default: a temporary folder")
    parser.add_argument("--base", type=Path, help="base model folder; default: the built-in nano base")
    parser.add_argument("--samples", type=int, help="default: 3600 for three styles, 5000 for all")
    parser.add_argument("--epochs", type=int, default=1, help="passes; more than two copy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--all-styles", action="store_true", help="teach and judge all nine styles, not three"
    )
    parser.add_argument("--conditions", nargs="*", default=(), help="axes to switch on, such as length tone")
    parser.add_argument("--vary-names", type=float, default=0.5, help="share of samples, 0 to 1")
    parser.add_argument("--vary-occasions", type=float, default=0.5, help="share of samples, 0 to 1")
    given = parser.parse_args()
    variation = dataset.Variation(given.vary_names, given.vary_occasions, given.seed)
    lesson = replace(ALL if given.all_styles else THREE, conditions=tuple(given.conditions))
    base, samples = given.base or nano_base(), given.samples or lesson.samples
    if given.workspace:
        return measure(given.workspace.resolve(), base, lesson, samples, given.epochs, variation)
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder), base, lesson, samples, given.epochs, variation)


if __name__ == "__main__":
    sys.exit(main())
