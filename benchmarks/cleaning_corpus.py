"""Measures the cleaning on hand-written answers that no rule was written for
(``tests/data/cleaning_corpus``).

Run with ``python benchmarks/cleaning_corpus.py [--part PART]``; the ``held`` parts are for measuring alone,
so their texts are not shown. Each answer is checked, fixed and checked again, as ``clean --fix`` and
``accept --clean`` do, doubt included: a text in which nothing is found but of which the studio is not sure
is left to a person. Baseline: what the tutorial cleans (first line, outer quotes, a lead-in before a
colon).
"""

import argparse
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tianji_core.cleaning.doubt import doubt  # noqa: E402
from tianji_core.cleaning.rule import Context, context_of  # noqa: E402
from tianji_core.cleaning.rules import check, clean_text  # noqa: E402
from tianji_core.recipe import built_in_recipes, load_recipe  # noqa: E402

CORPUS = ROOT / "tests" / "data" / "cleaning_corpus"
PARTS = ("dev", "dev2", "dev3", "dev4", "dev5", "dev6", "dev7", "dev8", "dev9", "held", "held2", "held9")
BARS = {
    "precision": 0.97,
    "recall": 0.97,
    "right_fixes": 0.90,
    "clean_damaged": 0.0,
    "wrong_accepted": 0.02,
    "clean_left": 0.25,
}


class Answer(NamedTuple):
    """One text of a teacher with its label; ``repaired`` is None where a person must decide."""

    id: str
    output: str
    name: str
    scene: str
    style: str
    kinds: tuple[str, ...]
    repaired: str | None
    options: tuple[tuple[str, str], ...] = ()
    fact: str = ""


class Outcome(NamedTuple):
    """What the cleaning made of an answer."""

    answer: Answer
    found: tuple[str, ...]
    fixed: str
    left: tuple[str, ...]
    """The rules that object to the fixed text."""
    doubtful: bool
    """Whether the fixed text is left to a person though no rule objects."""

    @property
    def accepted(self) -> bool:
        """Whether ``accept --clean`` takes the fixed text."""
        return not self.left and not self.doubtful


def answers(part: str) -> list[Answer]:
    """Returns the answers of one of ``PARTS``."""
    text = (CORPUS / f"{part}.jsonl").read_text(encoding="utf-8")
    lines = [line for line in text.split("\n") if line]  # texts may hold other line separators
    return [
        Answer(
            row["id"],
            row["text"],
            row["name"],
            row["scene"],
            row["style"],
            tuple(row["kinds"]),
            row["repaired"],
        )
        for row in map(json.loads, lines)
    ]


def cleaned(answer: Answer, context: Context) -> Outcome:
    """Checks, fixes and checks an answer."""
    fixed = clean_text(answer, context)
    found = tuple(each.rule for each in check(answer, context))
    after = answer._replace(output=fixed)
    left = tuple(each.rule for each in check(after, context))
    return Outcome(answer, found, fixed, left, not doubt(after, context).is_sure)


def figures(outcomes: list[Outcome]) -> dict[str, float]:
    """Returns the shares that have a bar."""
    clean = [each for each in outcomes if not each.answer.kinds]
    dirty = [each for each in outcomes if each.answer.kinds]
    found = sum(bool(each.found) for each in dirty)
    false = sum(bool(each.found) for each in clean)
    repairable = [each for each in dirty if each.answer.repaired is not None]
    return {
        "precision": found / max(found + false, 1),
        "recall": found / len(dirty),
        "right_fixes": sum(each.fixed == each.answer.repaired for each in repairable) / len(repairable),
        "clean_damaged": sum(each.fixed != each.answer.output for each in clean) / len(clean),
        "wrong_accepted": sum(_wrongly_accepted(each) for each in dirty) / len(dirty),
        "clean_left": sum(not each.accepted for each in clean) / len(clean),
    }


def _wrongly_accepted(outcome: Outcome) -> bool:
    return outcome.accepted and outcome.fixed != outcome.answer.repaired


def _caught(outcomes: list[Outcome]) -> float:
    """Returns the share of the dirty answers in which something is found or that are left to a person."""
    dirty = [each for each in outcomes if each.answer.kinds]
    return sum(bool(each.found) or each.doubtful for each in dirty) / len(dirty)


def mistakes(outcomes: list[Outcome]) -> dict[str, list[Outcome]]:
    """Returns the dirty answers that go wrong, by what goes wrong: nothing found, a wrong text accepted, a
    repairable one left to a person."""
    dirty = [each for each in outcomes if each.answer.kinds]
    wrong = [each for each in dirty if each.found and _wrongly_accepted(each)]
    return {
        "missed": [each for each in dirty if not each.found],
        "wrong": wrong,
        "unfixed": [
            each
            for each in dirty
            if each.found
            and each not in wrong
            and each.answer.repaired is not None
            and each.fixed != each.answer.repaired
        ],
    }


def baseline(found: list[Answer]) -> float:
    """Returns the share of the repairable answers that the tutorial's own cleaning makes right."""

    def tutorial(text: str) -> str:
        first = text.strip().splitlines()[0]
        return re.sub(r"^[^，。]{0,20}[:：]", "", first).strip().strip('"“”')

    repairable = [each for each in found if each.kinds and each.repaired is not None]
    return sum(tutorial(each.output) == each.repaired for each in repairable) / len(repairable)


def report(outcomes: list[Outcome]) -> None:
    """Prints what went wrong, by kind of mistake."""
    for each in outcomes:
        answer = each.answer
        if not answer.kinds and (each.found or each.fixed != answer.output):
            print(f"CLEAN  {answer.id} {each.found} | {answer.output!r} -> {each.fixed!r}")
        elif answer.kinds and not each.found:
            print(f"MISSED {answer.id} {answer.kinds} | {answer.output!r}")
        elif answer.kinds and _wrongly_accepted(each):
            print(f"WRONG  {answer.id} {answer.kinds} | {answer.output!r} -> {each.fixed!r}")
        elif answer.kinds and answer.repaired is not None and each.fixed != answer.repaired:
            print(f"UNFIXED {answer.id} {answer.kinds} {each.left} | {answer.output!r} -> {each.fixed!r}")


def main() -> None:
    """Prints one JSON line, before it, with ``--show``, the mistakes of a part for developers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, default="held")
    parser.add_argument("--show", action="store_true", help="print what went wrong; not with a held part")
    arguments = parser.parse_args()
    if arguments.show and arguments.part.startswith("held"):
        parser.error("--show needs a part for developers: a held part is for measuring alone")
    found = answers(arguments.part)
    context = context_of(load_recipe(built_in_recipes()["wishes"]))
    outcomes = [cleaned(answer, context) for answer in found]
    if arguments.show:
        report(outcomes)
    measured = figures(outcomes)
    base = baseline(found)
    kinds = {
        f"{name}_kinds": dict(Counter(kind for each in chosen for kind in each.answer.kinds))
        for name, chosen in mistakes(outcomes).items()
    }
    right = [each for each in outcomes if each.answer.kinds and each.fixed == each.answer.repaired]
    false = Counter(rule for each in outcomes if not each.answer.kinds for rule in each.found)
    print(
        json.dumps(
            {
                "benchmark": "cleaning_corpus",
                "part": arguments.part,
                "figures": {
                    "texts": len(found),
                    **{name: round(value, 4) for name, value in measured.items()},
                    **kinds,
                    "false_rules": dict(false),
                    "right_fixes_left": round(sum(not e.accepted for e in right) / max(len(right), 1), 4),
                    "found_or_left": round(_caught(outcomes), 4),
                },
                "baseline": {"tutorial_right_fixes": round(base, 3)},
                "ratio": round(measured["right_fixes"] / max(base, 0.01), 2),
                "bar": BARS,
                "pass": all(
                    value <= BARS[name] if BARS[name] < 0.5 else value >= BARS[name]
                    for name, value in measured.items()
                ),
            },
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    main()
