"""Measures how well the cleaning rules tell mistakes from good texts: recall and precision of every rule.

Run with ``python benchmarks/cleaning_accuracy.py``. Two measurements: clean texts of the offline composer
(all suitable cells, all nine styles) of which at most 0.5 % may have a finding; and some thousand texts
with one planted mistake each (``benchmarks/planted``), worded independently of the rules. Recall is the
share of a rule's planted mistakes that it finds. Precision is the share of its findings that name the
planted mistake or a consequence of it (``FOLLOWS``). Bar: 0.97 for both, for every rule. Baseline: what
the tutorial cleans (first line, outer quotes, a lead-in before a colon, texts under ten characters).
"""

import argparse
import json
import re
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.planted.mistakes import FOLLOWS, plant  # noqa: E402
from benchmarks.planted.texts import Text, composed  # noqa: E402
from tianji_core import cleaning  # noqa: E402
from tianji_core.cleaning.rules import SET_RULES  # noqa: E402
from tianji_core.recipe import Recipe, built_in_recipes, load_recipe  # noqa: E402
from tianji_core.store import findings, samples  # noqa: E402
from tianji_core.store.database import writing  # noqa: E402
from tianji_core.store.samples import IMPORT, NewSample  # noqa: E402
from tianji_core.workspace import open_workspace  # noqa: E402

BAR = 0.97
CLEAN_BAR = 0.005
COMPARED = {"too_alike", "follow_up_unmet", "fact_unused"}
"""Rules that compare a text with more than its receiver, occasion and style: paragraphs that show the manner,
the answer before, a detail. Composed texts have none of these."""


class Counts(NamedTuple):
    """Counts of one rule: mistakes planted, those of them that it found, and findings that no mistake
    explains."""

    planted: int
    found: int
    wrong: int

    @property
    def recall(self) -> float:
        """Share of the planted mistakes that were found."""
        return self.found / self.planted if self.planted else 0.0

    @property
    def precision(self) -> float:
        """Share of the findings that are right."""
        return self.found / (self.found + self.wrong) if self.found else 0.0


def stored_findings(recipe: Recipe, texts: list[Text]) -> list[set[str]]:
    """Stores and checks all texts together; returns for each the ids of the rules that object to it."""
    with tempfile.TemporaryDirectory() as home:
        workspace = open_workspace(home)
        new = [
            NewSample("wishes", recipe.prompts.system, f"{n}", text.output, text.name, text.scene, text.style)
            for n, text in enumerate(texts)
        ]
        with writing(workspace.engine) as connection:
            ids = samples.insert_new(connection, new, IMPORT)
        cleaning.check_new(workspace, "wishes")
        found: dict[int, list[findings.Finding]] = {}
        for start in range(0, len(ids), 500):
            found |= findings.of(workspace.engine, ids[start : start + 500])
        workspace.engine.dispose()
    return [{each.rule for each in found[number]} for number in ids]


def measure(
    recipe: Recipe, planted: list[tuple[Text, str]]
) -> tuple[dict[str, Counts], list[tuple[str, Text, str]]]:
    """Returns the counts of every rule, and what was missed or found wrongly."""
    opening = [n for n, (_text, rule) in enumerate(planted) if rule == "overused_opening"]
    bound = cleaning.bounds().opening
    alike = sum(text.style == planted[opening[0]][0].style for text, _rule in planted)
    allowed = set(opening[: max(bound.at_least, int(bound.share * alike))])
    found = stored_findings(recipe, [text for text, _rule in planted])
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    remarks: list[tuple[str, Text, str]] = []
    for n, ((text, rule), rules) in enumerate(zip(planted, found, strict=True)):
        if rule and n not in allowed:
            seen[rule]["planted"] += 1
            seen[rule]["found"] += rule in rules
            if rule not in rules:
                remarks.append(("missed", text, rule))
        for other in rules - {rule} - FOLLOWS.get(rule, set()):
            seen[other]["wrong"] += 1
            remarks.append((f"{other}, planted {rule or 'nothing'}", text, other))
    return {
        rule.id: Counts(seen[rule.id]["planted"], seen[rule.id]["found"], seen[rule.id]["wrong"])
        for rule in cleaning.RULES
        if rule not in cleaning.OWN_RULES
        and rule.holds_in(recipe)  # a person writes their own
        and rule.id not in COMPARED
    }, remarks


def clean_share(recipe: Recipe, texts: list[Text]) -> tuple[float, Counter[str]]:
    """Returns the share of clean texts with a finding, and how often each rule found something."""
    found = stored_findings(recipe, texts)
    return sum(map(bool, found)) / len(texts), Counter(rule for rules in found for rule in rules)


def baseline(planted: list[tuple[Text, str]]) -> float:
    """Returns the share of planted mistakes that the tutorial's own cleaning notices."""

    def notices(text: str) -> bool:
        bare = text.strip()
        return (
            "\n" in bare
            or bare[:1] + bare[-1:] in ('""', "“”")
            or re.match(r"^[^，。]{0,20}[:：]", bare) is not None
            or len(bare) < 10
        )

    spoiled = [text.output for text, rule in planted if rule and rule not in {r.id for r in SET_RULES}]
    return sum(map(notices, spoiled)) / len(spoiled)


def main() -> None:
    """Prints the table, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-rule", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5, help="texts per suitable cell and style")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--show", type=int, default=0, help="print so many errors per rule")
    arguments = parser.parse_args()
    recipe = load_recipe(built_in_recipes()["wishes"])
    texts = composed(recipe, arguments.rounds, arguments.seed)
    share, by_rule = clean_share(recipe, texts)
    print(f"clean texts: {len(texts):,}, with a finding {share:.2%} {dict(by_rule)}")
    planted = plant(recipe, arguments.per_rule, arguments.seed)
    counts, remarks = measure(recipe, planted)
    print(f"{'rule':<18}{'planted':>8}{'found':>7}{'wrong':>7}{'recall':>8}{'precision':>11}")
    for rule, each in counts.items():
        shares = f"{each.recall:>8.3f}{each.precision:>11.3f}"
        print(f"{rule:<18}{each.planted:>8}{each.found:>7}{each.wrong:>7}{shares}")
    shown: Counter[str] = Counter()
    for kind, text, rule in remarks:
        if shown[rule] < arguments.show:
            shown[rule] += 1
            print(kind, "|", rule, "|", *text)
    worst = min(min(each.recall, each.precision) for each in counts.values())
    total = sum(each.planted for each in counts.values())
    recall = sum(each.found for each in counts.values()) / total
    base = baseline(planted)
    print(
        json.dumps(
            {
                "benchmark": "cleaning_accuracy",
                "figures": {
                    "planted": total,
                    "worst_rule": round(worst, 3),
                    "recall": round(recall, 4),
                    "clean_texts": len(texts),
                    "clean_share_with_finding": round(share, 5),
                },
                "baseline": {"tutorial_recall": round(base, 3)},
                "ratio": round(recall / base, 2),
                "bar": {"worst_rule": BAR, "clean_share_with_finding": CLEAN_BAR},
                "pass": worst >= BAR and share <= CLEAN_BAR,
            }
        )
    )


if __name__ == "__main__":
    main()
