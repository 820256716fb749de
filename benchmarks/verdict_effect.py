"""Measures whether verdicts change a model for the better: pass rates on held-out cells before and after a
model learns from its own best answers, and how often a scripted voter prefers the new model on prompts that
nobody voted on.

``python benchmarks/verdict_effect.py [--seeds N] [--samples N] [--prompts N] [--clicks N] [--workspace DIR]``
trains the embedded base as ``benchmarks/learning_effect.py`` does, then twice more with ``relearn``: once by
the checks alone, once by the taste of a scripted voter who prefers answers without 愿. The voter clicks on the
model's own answers to training prompts; the blind comparisons are on held-out prompts. Takes about a quarter
of an hour per seed on two free cores. The last line is one JSON object.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.learning_effect import THREE, composed_file, trained
from tianji_core import dataset, jobs, models
from tianji_core.comparison import relearning
from tianji_core.evaluation import Case, held_out_cases, training_cases, wilson
from tianji_core.evaluation.evaluate import folder_answers
from tianji_core.model_folders.own_sampling import USUAL_TOP_P
from tianji_core.models.nano import nano_base
from tianji_core.recipe import Recipe
from tianji_core.store import recipes, votes
from tianji_core.store.samples import SampleFilter
from tianji_core.store.votes import Vote
from tianji_core.workspace import Workspace, open_workspace

SAMPLED_RISES, WINS, TASTE_COSTS = 0.05, 0.75, 0.02
WORD = "愿"
HOURS = 4 * 3600


@dataclass(frozen=True)
class Sizes:
    """Samples of the first training, training prompts that the model answers, and clicks of the voter."""

    samples: int
    prompts: int
    clicks: int


def likes(text: str) -> float:
    """What the scripted voter prefers."""
    return float(WORD not in text)


def vote(space: Workspace, recipe: Recipe, model: Path, name: str, clicks: int, seed: int) -> None:
    """Lets the voter click on the model's answers to training prompts, where it sees a difference."""
    cases = training_cases(recipe, THREE.styles, 4 * clicks, seed + 100)
    (given,) = folder_answers(model, None, cases * 3, [1.0], seed, top_p=USUAL_TOP_P)
    made = 0
    for at, case in enumerate(cases):
        texts = list(dict.fromkeys(given[at :: len(cases)]))
        best = max(texts, key=likes)
        others = [text for text in texts if likes(text) < likes(best)]
        if others and made < clicks:
            made += 1
            votes.decide(
                space.engine, [_vote(recipe, case, name, best, other, made) for other in others], "voter"
            )
    print(f"{made} clicks", flush=True)


def _vote(recipe: Recipe, case: Case, name: str, best: str, other: str, number: int) -> Vote:
    about = (recipe.key, case.system, case.request, name, case.style.text, best, name, case.style.text, other)
    return Vote(*about, name=case.name.text, scene=case.scene.text, ballot=f"scripted-{number}")


def relearnt(space: Workspace, plan: relearning.RelearningPlan) -> relearning.RelearningResult:
    """Runs one further training as the page does."""
    job = jobs.wait(space, relearning.start_relearning(space, plan).id, HOURS)
    result = relearning.newest_result(space, plan.recipe)
    if job.state != "succeeded" or result is None:
        raise SystemExit(jobs.log_tail(space, job.id))
    print("\n".join(relearning.result_lines(result)), flush=True)
    return result


def comparisons(before: Sequence[str], after: Sequence[str]) -> dict[str, float]:
    """How the voter decides between two answers to the same prompts: the share of wins with a tie as half,
    and of the decided pairs alone."""
    margins = [likes(new) - likes(old) for old, new in zip(before, after, strict=True)]
    wins, ties = sum(margin > 0 for margin in margins), sum(margin == 0 for margin in margins)
    decided = len(margins) - ties
    return {
        "wins": round((wins + ties / 2) / len(margins), 4),
        "wins_of_decided": round(wins / decided, 4) if decided else 0.5,
        "decided": decided,
    }


def one_seed(home: Path, seed: int, sizes: Sizes) -> dict[str, object]:
    """Trains, votes, trains twice more; returns the figures."""
    space = open_workspace(home)
    recipe = recipes.current(space.engine, "wishes").recipe
    file = home / "composed.json"
    composed_file(recipe, THREE.styles, sizes.samples, seed, file)
    dataset.import_path(space, recipe.key, file)
    version = dataset.freeze(space, recipe.key, f"verdict-{seed}", SampleFilter(recipe.key))
    trained(space, nano_base(), version)
    first = relearning.learnable_models(space)[0]
    plan = relearning.RelearningPlan(
        model=first.name,
        recipe=recipe.key,
        styles=THREE.styles,
        prompts=sizes.prompts,
        questions=400,
        seed=seed,
    )
    by_checks = relearnt(space, plan.model_copy(update={"by_votes": False}))
    vote(space, recipe, first.path, first.name, sizes.clicks, seed)
    ready = relearning.readiness(space, recipe.key)
    print(relearning.needed_text(ready), flush=True)
    if not ready.enough:
        return {"by_checks": by_checks.model_dump()["measured"], "needed": ready.needed}
    by_votes = relearnt(space, plan)
    cases = held_out_cases(recipe, THREE.styles, 400, seed)
    new = models.artefact(space, by_votes.model)
    before, after = (folder_answers(one.path, None, cases, [0.7], seed)[0] for one in (first, new))
    return {
        "by_checks": by_checks.model_dump()["measured"],
        "by_votes": by_votes.model_dump()["measured"],
        "accuracy": ready.accuracy,
        "voter": comparisons(before, after),
    }


def judged(figures: Sequence[dict[str, object]]) -> bool:
    """Whether every seed meets the bars."""

    def fine(one: dict) -> bool:
        if "by_votes" not in one:
            return False
        (cold, warm), (cold_taste, warm_taste) = one["by_checks"], one["by_votes"]
        spread = wilson(round(cold["before"] * cold["count"]), cold["count"])
        return bool(
            warm["after"] - warm["before"] >= SAMPLED_RISES
            and cold["after"] >= spread[0]
            and one["voter"]["wins"] >= WINS
            and cold_taste["before"] - cold_taste["after"] <= TASTE_COSTS
            and warm_taste["before"] - warm_taste["after"] <= TASTE_COSTS
        )

    return all(map(fine, figures))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, help="keep everything there; default: a temporary folder")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=THREE.samples, help="of the first training")
    parser.add_argument("--prompts", type=int, default=800, help="training prompts that the model answers")
    parser.add_argument("--clicks", type=int, default=80, help="clicks of the scripted voter")
    given = parser.parse_args()
    sizes = Sizes(given.samples, given.prompts, given.clicks)
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(given.seeds):
            home = (given.workspace.resolve() if given.workspace else Path(folder)) / f"seed-{seed}"
            home.mkdir(parents=True, exist_ok=True)
            figures.append(one_seed(home, seed, sizes))
    passed = judged(figures)
    warm = [one["by_checks"][1] for one in figures]  # type: ignore[index]
    before, after = (sum(each[key] for each in warm) / len(warm) for key in ("before", "after"))
    result = {
        "benchmark": "verdict_effect",
        "figures": {"seeds": figures, "sampled_after": round(after, 4)},
        "baseline": round(before, 4),
        "ratio": round(after / before, 3) if before else None,
        "bar": {"sampled_rises": SAMPLED_RISES, "voter_wins": WINS, "taste_costs_at_most": TASTE_COSTS},
        "pass": passed,
    }
    print(json.dumps(result, ensure_ascii=False))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
