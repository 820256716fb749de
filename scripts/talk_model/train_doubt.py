"""Trains what tells sure texts from doubtful ones and writes ``configs/cleaning/doubt_model.json``.

Run with ``.venv/bin/python scripts/talk_model/train_doubt.py`` (three minutes), or with ``--left-out`` to
measure on parts of the corpus that are kept from the training.

``amiss``: whole texts of the developers' parts that no fix makes right, against good texts of all kinds. The
signs of :mod:`tianji_core.cleaning.doubt` are weighed on texts in which nothing was found: those of
``passed.yaml``, which are wrong, against clean and repaired ones, and composed ones. The score of ``amiss``
for a text comes from a model that was trained without its part, as it will be at run time. The edge is laid
where :data:`LEFT` of the clean texts written by hand are doubtful.
"""

import itertools
import json
import random
import sys
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from train import CORPUS, SEED, lines_of, store  # noqa: E402
from train_faults import Case, Fault  # noqa: E402

from benchmarks.planted.texts import composed  # noqa: E402
from tianji_core.cleaning import talk, talk_model  # noqa: E402
from tianji_core.cleaning.doubt import FILE, SIGNS, signs  # noqa: E402
from tianji_core.cleaning.facts import set_phrases  # noqa: E402
from tianji_core.cleaning.rule import Context, Subject, context_of  # noqa: E402
from tianji_core.cleaning.sentences import pieces  # noqa: E402
from tianji_core.cleaning.talk_model import AMISS, FAMILIAR, grams, plain  # noqa: E402
from tianji_core.recipe import built_in_recipes, load_recipe  # noqa: E402
from tianji_core.yaml_reading import read_yaml  # noqa: E402

PARTS = tuple(f"dev{n}" for n in range(2, 10))
LEFT = 0.25
"""Share of the clean texts written by hand that are left to a person."""
COMPOSED = 3_000
STRENGTH = 3.0
SMALLEST = 0.25
"""Weights of ``amiss`` below this are left out of the file."""
SIGN_STRENGTH = 0.01
SEVERAL = 3
"""Composed texts that have a familiar n-gram."""
WRONG, CLEAN, REPAIRED, COMPOSER = "wrong", "clean", "repaired", "composed"
WEIGHTS = {WRONG: 8.0, CLEAN: 1.0, REPAIRED: 0.5, COMPOSER: 1.0}
"""Kinds of texts in which nothing was found, with their weights."""


class Passed(NamedTuple):
    """A text in which nothing was found, of a part ('' for none) and a kind of :data:`WEIGHTS`."""

    part: str
    subject: Subject
    kind: str


def rows(part: str) -> list[dict[str, Any]]:
    """Returns the labelled texts of a part."""
    return [json.loads(line) for line in lines_of(CORPUS / f"{part}.jsonl")]


def whole(text: str, name: str) -> dict[str, float]:
    """Returns the words of a whole text as features."""
    found = [
        g for piece in pieces(text) for g in grams(plain(piece.text, name if name in piece.text else ""))
    ]
    values: dict[str, float] = {}
    for gram in (gram for gram in found if gram not in set_grams()):
        values[gram] = values.get(gram, 0.0) + 1 / len(found) ** 0.5
    return values


@cache
def set_grams() -> frozenset[str]:
    """Returns the pairs of characters of set phrases: they are said in good texts and in bad ones, and a pair
    that only a bad one happens to hold says nothing."""
    return frozenset(phrase[n : n + 2] for phrase in set_phrases() for n in range(3))


def put_together() -> tuple[list[Subject], list[Subject]]:
    """Returns composed texts for ``amiss``, and others for the signs."""
    found = composed(load_recipe(built_in_recipes()["wishes"]), 3, SEED)
    drawn = random.Random(SEED).sample(found, 2 * COMPOSED)
    subjects = [Subject(text.output, text.name, text.scene, text.style) for text in drawn]
    return subjects[:COMPOSED], subjects[COMPOSED:]


def amiss_cases() -> dict[str, list[Case]]:
    """Returns the examples of ``amiss`` by part; those of no part are under ''."""
    found: dict[str, list[Case]] = {"": []}
    for part in ("dev", *PARTS):
        found[part] = []
        for row in rows(part):
            text = row["text"] if row["clean"] else row["repaired"] or row["text"]
            label = int(row["repaired"] is None)
            weight = 3.0 if label else 2.0 if row["clean"] else 1.0
            found[part].append(Case(whole(text, row["name"]), label, weight, 0))
    for file in sorted(HERE.glob("answers*.jsonl")):
        for row in map(json.loads, lines_of(file)):
            said = "".join(text for label, text in row["segments"] if label == "blessing")
            if said and not row.get("faults"):
                found[""].append(Case(whole(said, row["name"]), 0, 1.0, 0))
    for text in put_together()[0]:
        found[""].append(Case(whole(text.output, text.name), 0, 1.0, 0))
    return found


def amiss_without(cases: dict[str, list[Case]], part: str) -> dict[str, Any]:
    """Returns the weights of ``amiss`` from all parts but one."""
    chosen = [case for name, some in cases.items() if name != part or not name for case in some]
    return Fault(chosen, STRENGTH).head(SMALLEST)


def passed() -> list[Passed]:
    """Returns the texts on which the signs are weighed."""
    found = []
    wrong = {part: frozenset(ids) for part, ids in read_yaml(HERE / "passed.yaml").items()}
    for part in PARTS:
        for row in rows(part):
            cell = (row["name"], row["scene"], row["style"])
            if row["id"] in wrong[part]:
                found.append(Passed(part, Subject(row["text"], *cell), WRONG))
            elif row["clean"]:
                found.append(Passed(part, Subject(row["text"], *cell), CLEAN))
            elif row["repaired"]:
                found.append(Passed(part, Subject(row["repaired"], *cell), REPAIRED))
    found += [Passed("", subject, COMPOSER) for subject in put_together()[1]]
    return found


@cache
def familiar() -> str:
    """Returns the n-grams that several composed texts have, with a space between them."""
    texts = [
        (text.output, text.name) for text in composed(load_recipe(built_in_recipes()["wishes"]), 3, SEED)
    ]
    counts = Counter(gram for text, name in texts for gram in whole(text, name))
    known = {gram for gram, number in counts.items() if number >= SEVERAL and " " not in gram}
    return " ".join(sorted(known | set_grams()))


def signs_with(head: dict[str, Any], texts: list[Passed], context: Context) -> list[list[float]]:
    """Returns the signs of texts where ``amiss`` has these weights."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / FILE.name
        store(file, {AMISS: head, FAMILIAR: familiar()})
        with mock.patch.object(talk_model, "DOUBT", file):
            forget()
            found = [signs(text.subject, context)[0] for text in texts]
        forget()
    return found


def forget() -> None:
    """Forgets what was computed with other weights."""
    talk_model.forget()
    talk.reading.cache_clear()


class Weighed:
    """Trained weights of the signs."""

    def __init__(self, texts: list[Passed], values: Any) -> None:
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import StandardScaler

        weights = np.array([WEIGHTS[text.kind] for text in texts])
        scaler = StandardScaler().fit(values, sample_weight=weights)
        model = LogisticRegression(C=SIGN_STRENGTH, max_iter=3000, random_state=SEED)
        model.fit(scaler.transform(values), [text.kind == WRONG for text in texts], weights)
        self.weights = model.coef_[0] / scaler.scale_
        self.bias = float(model.intercept_[0] - (self.weights * scaler.mean_).sum())

    def scores(self, values: Any) -> Any:
        """Returns the log-odds of texts."""
        return values @ self.weights + self.bias


def edge_of(texts: list[Passed], scores: Any) -> float:
    """Returns the score from which :data:`LEFT` of the clean texts written by hand are doubtful."""
    clean = [score for text, score in zip(texts, scores, strict=True) if text.kind == CLEAN]
    return float(np.quantile(clean, 1 - LEFT))


def left_out_scores(texts: list[Passed], values: Any) -> Any:
    """Returns the scores of weights that were found without the part of a text."""
    scores = np.zeros(len(texts))
    halves = np.array([f"{text.part}{n % 2}" if not text.part else text.part for n, text in enumerate(texts)])
    for part in dict.fromkeys(halves):
        mine = halves == part
        rest = [text for text, kept in zip(texts, ~mine, strict=True) if kept]
        scores[mine] = Weighed(rest, values[~mine]).scores(values[mine])
    return scores


def weights_of(texts: list[Passed], values: Any, edge: float) -> dict[str, Any]:
    """Returns the weights of the signs as the file holds them, doubtful from a score on."""
    weighed = Weighed(texts, values)
    usual = values[np.array([text.kind != WRONG for text in texts])].mean(axis=0)
    return {
        "bias": round(weighed.bias - edge, 4),
        "weights": {name: round(float(w), 4) for name, w in zip(SIGNS, weighed.weights, strict=True)},
        "usual": {name: round(float(v), 4) for name, v in zip(SIGNS, usual, strict=True)},
    }


def report(texts: list[Passed], scores: Any) -> None:
    """Prints by part which share of wrong texts would be left to a person, and of good ones."""
    edge = edge_of(texts, scores)
    for part in (*PARTS, ""):
        said = []
        for kind in WEIGHTS:
            some = [s for t, s in zip(texts, scores, strict=True) if (t.part, t.kind) == (part, kind)]
            if some:
                said.append(f"{kind} {sum(s >= edge for s in some)} of {len(some)}")
        print(part, ", ".join(said))


def main() -> None:
    """Trains and writes the file, or with ``--left-out`` measures."""
    context = context_of(load_recipe(built_in_recipes()["wishes"]))
    cases, texts = amiss_cases(), passed()
    head = amiss_without(cases, "")
    by_part = {"": head} | {part: amiss_without(cases, part) for part in PARTS}
    values = np.array(
        list(
            itertools.chain.from_iterable(
                signs_with(by_part[part], [text for text in texts if text.part == part], context)
                for part in (*PARTS, "")
            )
        )
    )
    scores = left_out_scores(texts, values)
    report(texts, scores)
    if "--left-out" in sys.argv:
        return
    content = {AMISS: head, FAMILIAR: familiar()} | weights_of(texts, values, edge_of(texts, scores))
    store(FILE, content)
    print(f"{FILE.name}: {FILE.stat().st_size:,} bytes", content["weights"])


if __name__ == "__main__":
    main()
