"""Trains the models of faults that are a matter of meaning and writes ``configs/cleaning/fault_model.json``.

Run with ``.venv/bin/python scripts/talk_model/train_faults.py`` (a minute), or with ``--left-out`` to measure
on fifths that are kept from the training.

``mournful``: sentences of ``mourning.txt`` and of answers labelled so, against ``mourning_near.txt`` and all
good sentences. Of an answer that is labelled as a whole, the sentence that scores highest counts as faulty;
``unkind*.txt`` belong to it. ``loving``: ``romance.txt`` against all good sentences. ``elsewhere``: the whole
texts of ``elsewhere.txt`` and of the corpora that are no blessing, against all good texts.
``modern``, ``slang``: sentences of everyday styles and ``slang.txt``, against those of classical or solemn
styles and ``classical.txt``. ``unfinished``: good texts that are cut inside a clause, against the ends of
their sentences.
"""

import json
import random
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from train import ALL_BLESSING, CORPUS, FOLDS, PARTS, SEED, Grammar, lines_of, store  # noqa: E402

from benchmarks.planted.texts import composed  # noqa: E402
from tianji_core.cleaning.fault_model import (  # noqa: E402
    ELSEWHERE,
    FILE,
    LOVING,
    MODERN,
    MOURNFUL,
    SCALE,
    SLANG,
    UNFINISHED,
    clause_features,
    style_grams,
)
from tianji_core.cleaning.person import PARTNER  # noqa: E402
from tianji_core.cleaning.sentences import pieces  # noqa: E402
from tianji_core.cleaning.talk_model import MARK_VALUE, grams, packed, plain, said_of, unpacked  # noqa: E402
from tianji_core.recipe import built_in_recipes, load_recipe  # noqa: E402
from tianji_core.yaml_reading import read_yaml  # noqa: E402

DRAWS = 6
"""Texts drawn of each wording."""
SHORT = 9
"""Characters below which no sentence is what is wrong with an answer."""
COMPOSED = 3_000
SMALLEST = {MOURNFUL: 0.25, LOVING: 0.25, ELSEWHERE: 0.25, MODERN: 0.25, SLANG: 0.3, UNFINISHED: 0.25}
"""Weights below this are left out of the file."""
STRENGTH = {MOURNFUL: 10.0, LOVING: 10.0, ELSEWHERE: 10.0, MODERN: 3.0, SLANG: 3.0, UNFINISHED: 1.0}
MOURNING = frozenset({"mournful", "hopeless", "mourning", "cruel", "vulgar", "ill_omen", "insult"})
"""How the corpora call the fault."""
FOREIGN = frozenset({"off_topic", "thanks_back"})
"""How they call texts that are no blessing to anybody."""
EVERYDAY = frozenset({"白话", "小红书", "放飞自我", "正常", "短信", "幽默", "朋友圈", "方言"})
CLASSICAL = frozenset({"文言文", "诗词赋", "对联"})
LOUD = frozenset({"小红书", "放飞自我", "幽默", "朋友圈"})
SOLEMN = frozenset({"严肃", "文言文", "诗词赋", "对联", "祝福长文", "致辞", "邮件"})
_LOVER = re.compile("(?:妻子?|丈夫|老[婆公]|爱人|女友|男友|[女男]朋友|对象|媳妇|暗恋的人)$")
_HAN = re.compile(r"[\u3400-\u9fff]")
_ENDS = re.compile(r"(?<=[\u3400-\u9fff])[。！？!~～…]")


class Known(NamedTuple):
    """A text written by hand, its blessing alone if nothing is wrong with it; ``faults`` are its labels."""

    text: str
    name: str
    style: str
    faults: frozenset[str]
    by_hand: bool = True


class Case(NamedTuple):
    """One example of a model: its features, its label, its weight, the fold that leaves it out and the text
    that it belongs to (None: it is labelled by itself)."""

    features: dict[str, float]
    label: int
    weight: float
    fold: int
    text: int | None = None


def known(leave_out: str = "") -> list[Known]:
    """Returns all texts with labels: the developers' corpora without ``leave_out``, whole answers, composed
    texts, examples."""
    found = []
    for part in (part for part in PARTS if part != leave_out):
        for row in map(json.loads, lines_of(CORPUS / f"{part}.jsonl")):
            kinds = frozenset(row["kinds"]) - ALL_BLESSING
            if not kinds or kinds & (MOURNING | FOREIGN | {"mixed_style", "romantic"}):
                found.append(Known(row["text"], row["name"], row["style"], kinds))
    for file in sorted(HERE.glob("answers*.jsonl")):
        for row in map(json.loads, lines_of(file)):
            faults = frozenset(row.get("faults", ()))
            said = [text for label, text in row["segments"] if label == "blessing"]
            found += [Known(text.strip(), row["name"], row["style"], faults) for text in said]
    recipes = [load_recipe(path) for path in built_in_recipes().values()]
    for text in random.Random(SEED).sample(
        composed(load_recipe(built_in_recipes()["wishes"]), 2, SEED), COMPOSED
    ):
        found.append(Known(text.output, text.name, text.style, frozenset(), by_hand=False))
    for style in (style for recipe in recipes for style in recipe.styles):
        found += [Known(text, "", style.text, frozenset()) for text in style.examples]
    return found


def drawn(name: str, times: int = DRAWS) -> list[tuple[str, int]]:
    """Returns texts of the wordings of a file, with the fold that leaves the wording out."""
    slots = {key: [str(value) for value in values] for key, values in read_yaml(HERE / "slots.yaml").items()}
    source = random.Random(SEED)
    return [
        (text, fold)
        for fold in range(FOLDS)
        for _time in range(times)
        for text in Grammar(name, slots, fold).all(source)
    ]


def worded(text: str, name: str, styled: bool = False) -> dict[str, float]:
    """Returns the features of a sentence, ``styled`` where its style is judged."""
    named = name if name in text else ""
    found = style_grams(text, named) if styled else grams(plain(text, named))
    values: dict[str, float] = {}
    for gram in found:
        values[gram] = values.get(gram, 0.0) + 1 / len(found) ** 0.5
    return values


def sentences(text: str) -> list[str]:
    """Returns the pieces of a text that hold words."""
    return [piece.text for piece in pieces(text) if len(_HAN.findall(piece.text)) > 1]


def cases_of(
    positive: tuple[str, ...], negative: tuple[str, ...], weight: float = 1.0, styled: bool = False
) -> list[Case]:
    """Returns the sentences of files of wordings; ``weight`` is that of the faulty ones."""
    return [
        Case(worded(sentence, "", styled), label, weight if label else 1.0, fold)
        for names, label in ((positive, 1), (negative, 0))
        for name in names
        for text, fold in drawn(name)
        for sentence in sentences(text)
    ]


def mournful(texts: list[Known]) -> list[Case]:
    """Returns the examples of the model of mourning."""
    found = cases_of(("mourning", "unkind"), ("mourning_near", "unkind_near", "blessing_lines"), weight=6.0)
    return found + whole_answers(texts, MOURNING)


def loving(texts: list[Known]) -> list[Case]:
    """Returns the examples of the model of what only lovers say."""
    found = cases_of(("romance",), ("blessing_lines", "unkind_near"), weight=6.0)
    said = [text for text in texts if PARTNER.search(text.name) is None]
    to_lovers = [text for text in texts if text.by_hand and not text.faults and _LOVER.search(text.name)]
    romantic = [text._replace(faults=frozenset({"romantic"})) for text in to_lovers]
    return found + whole_answers(said + romantic, frozenset({"romantic"}))


def whole_answers(texts: list[Known], faults: frozenset[str]) -> list[Case]:
    """Returns the sentences of texts that are labelled as a whole."""
    found = []
    for n, text in enumerate(texts):
        if (text.faults - faults) & (MOURNING | FOREIGN | {"romantic"}):
            continue
        label = int(bool(text.faults & faults))
        weight = 24.0 if label else 2.0 if text.by_hand else 0.3
        for sentence in sentences(text.text):
            if not label or len(sentence) >= SHORT:
                found.append(
                    Case(worded(sentence, text.name), label, weight, n % FOLDS, n if label else None)
                )
    return found


def whole(text: str, name: str) -> dict[str, float]:
    """Returns the features of a whole text."""
    plains = [plain(piece.text, name if name in piece.text else "") for piece in pieces(text)]
    found = [gram for bare in plains for gram in grams(bare)]
    values = dict.fromkeys(said_of(text, "".join(plains)), MARK_VALUE)
    for gram in found:
        values[gram] = values.get(gram, 0.0) + 1 / len(found) ** 0.5
    return values


def elsewhere(texts: list[Known]) -> list[Case]:
    """Returns the examples of the model of texts that are no blessing: whole texts."""
    found = []
    for line, fold in drawn("elsewhere", times=1):
        found.append(Case(whole(line, ""), 1, 6.0, fold))
    for n, text in enumerate(texts):
        if text.faults and not text.faults & FOREIGN:
            continue
        label = int(bool(text.faults & FOREIGN))
        weight = 6.0 if label else 1.0 if text.by_hand else 0.3
        if text.text:
            found.append(Case(whole(text.text, text.name), label, weight, n % FOLDS))
    return found


def register(texts: list[Known], wrong: frozenset[str], right: frozenset[str]) -> list[Case]:
    """Returns examples of a model that tells sentences of the styles ``wrong`` from those of ``right``."""
    found = cases_of(("slang",), ("classical",), styled=True)
    for n, text in enumerate(texts):
        if text.style not in wrong | right or text.faults & (FOREIGN | {"mixed_style", "romantic"}):
            continue
        weight = 2.0 if text.by_hand else 0.3
        for sentence in sentences(text.text):
            found.append(
                Case(worded(sentence, text.name, styled=True), int(text.style in wrong), weight, n % FOLDS)
            )
    return found


def unfinished(texts: list[Known]) -> list[Case]:
    """Returns the examples of the model of broken-off clauses."""
    source, found = random.Random(SEED), []
    for n, text in enumerate(texts):
        said = text.text
        if text.faults & (FOREIGN | {"cut_off", "refusal"}) or not said:
            continue
        ends = [match.start() for match in _ENDS.finditer(said)]
        ends += [len(said)] if _HAN.match(said[-1]) else []
        cuts = [i for i in range(4, len(said) - 1) if _HAN.match(said[i - 1]) and _HAN.match(said[i])]
        cuts = source.sample(cuts, min(4 if text.by_hand else 1, len(cuts)))
        weight = 1.0 if text.by_hand else 0.3
        for label, places in ((0, ends), (1, cuts)):
            for place in places:
                values = dict.fromkeys(clause_features(said[:place]), 1.0)
                found.append(Case(values, label, weight, n % FOLDS))
    return found


class Fault:
    """A trained model of one fault."""

    def __init__(self, cases: list[Case], strength: float) -> None:
        from sklearn.feature_extraction import DictVectorizer
        from sklearn.linear_model import LogisticRegression

        self._vectorizer = DictVectorizer(dtype=np.float32)
        self._model = LogisticRegression(C=strength, solver="liblinear", random_state=SEED)
        values = self._vectorizer.fit_transform([case.features for case in cases])
        labels = np.array([case.label for case in cases])
        weights = np.array([case.weight for case in cases])
        chosen = np.array([case.text is None for case in cases])
        self._model.fit(values[chosen], labels[chosen], weights[chosen])
        for _round in range(2):  # of a faulty text, the worst sentence is the faulty one
            scores = self._model.decision_function(values)
            worst: dict[int, int] = {}
            for n, case in enumerate(cases):
                if case.text is not None and scores[n] > scores[worst.setdefault(case.text, n)]:
                    worst[case.text] = n
            if not worst:
                return
            now = chosen.copy()
            now[list(worst.values())] = True
            self._model.fit(values[now], labels[now], weights[now])

    def scores(self, cases: list[Case]) -> Any:
        """Returns the log-odds of examples."""
        return self._model.decision_function(self._vectorizer.transform([case.features for case in cases]))

    def head(self, smallest: float) -> dict[str, Any]:
        """Returns the weights as the file holds them."""
        names, weights = self._vectorizer.feature_names_, self._model.coef_[0]
        kept = {
            name: round(float(weight) * SCALE)
            for name, weight in zip(names, weights, strict=True)
            if abs(weight) >= smallest
        }
        return {
            "bias": round(float(self._model.intercept_[0]) * SCALE),
            "weights": packed(kept),
        }


EXAMPLES: dict[str, Callable[[list[Known]], list[Case]]] = {
    MOURNFUL: mournful,
    LOVING: loving,
    ELSEWHERE: elsewhere,
    MODERN: partial(register, wrong=EVERYDAY, right=CLASSICAL),
    SLANG: partial(register, wrong=LOUD, right=SOLEMN),
    UNFINISHED: unfinished,
}


def left_out(name: str, cases: list[Case]) -> None:
    """Prints which share of sentences is found, and of good ones is found wrongly, by models that have not
    seen the wording or text."""
    good: list[float] = []
    bad: list[float] = []
    for fold in range(FOLDS):
        mine = [case for case in cases if case.fold == fold]
        model = Fault([case for case in cases if case.fold != fold], STRENGTH[name])
        worst: dict[int, float] = {}
        for case, score in zip(mine, model.scores(mine), strict=True):
            if case.text is not None:
                worst[case.text] = max(score, worst.get(case.text, -99.0))
            else:
                (bad if case.label else good).append(score)
        bad += worst.values()
    for edge in (0.0, 1.0, 2.0, 3.0):
        found, false = (sum(score >= edge for score in some) / len(some) for some in (bad, good))
        print(f"{name} at {edge:+.0f}: {found:.3f} of {len(bad)}, wrongly {false:.4f} of {len(good)}")


def written(texts: list[Known], file: Path) -> None:
    """Trains on texts and writes the weights to a file."""
    heads = {
        name: Fault(examples(texts), STRENGTH[name]).head(SMALLEST[name])
        for name, examples in EXAMPLES.items()
    }
    store(file, heads)
    number = sum(len(unpacked(head["weights"])) for head in heads.values())
    print(f"{file.name}: {number:,} weights, {file.stat().st_size:,} bytes")


def main() -> None:
    """Trains and writes the file, or with ``--left-out`` measures on fifths left out."""
    texts = known()
    if "--left-out" not in sys.argv:
        written(texts, FILE)
        return
    for name, examples in EXAMPLES.items():
        left_out(name, examples(texts))


if __name__ == "__main__":
    main()
