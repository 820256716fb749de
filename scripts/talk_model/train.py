"""Trains the models that tell blessings from talk about them and writes ``configs/cleaning/talk_model.json``.

Run with ``.venv/bin/python scripts/talk_model/train.py`` (three minutes), or with ``--left-out`` to measure
on texts that are kept from the training. The texts are of two kinds. Whole answers written and labelled by
hand: ``answers*.jsonl`` and the developers' parts of ``tests/data/cleaning_corpus`` (never a held part).
Texts put together at random: blessings of the offline composer and of ``blessing*.txt``, talk of
``talk*.txt`` (wordings with choices, those in ``*_lines.txt`` single lines; ``slots.yaml`` fills them). All
are cut into pieces by the same code as at run time.

The model of the words is trained on all of them. The words of ``classes.yaml`` share a weight, which is added
to those of their n-grams afterwards. The model of the surroundings is trained on scores for texts whose words
were left out of the training (:data:`FOLDS` parts), as it will see them at run time.
"""

import itertools
import json
import random
import re
import sys
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.cleaning_corpus import (  # noqa: E402
    Answer,
    Outcome,
    answers,
    cleaned,
    figures,
    mistakes,
    report,
)
from benchmarks.planted.texts import composed  # noqa: E402
from tianji_core.cleaning import talk, talk_model  # noqa: E402
from tianji_core.cleaning.rule import context_of  # noqa: E402
from tianji_core.cleaning.sentences import Piece, pieces  # noqa: E402
from tianji_core.cleaning.talk_context import NAMES, surroundings  # noqa: E402
from tianji_core.cleaning.talk_model import FILE, SCALE, features, packed, plain  # noqa: E402
from tianji_core.recipe import built_in_recipes, load_recipe  # noqa: E402
from tianji_core.teachers.composer.loading import load_phrases  # noqa: E402
from tianji_core.teachers.composer.phrases import ANY  # noqa: E402
from tianji_core.yaml_reading import read_yaml  # noqa: E402

CORPUS = ROOT / "tests" / "data" / "cleaning_corpus"
PARTS = ("dev", *(f"dev{n}" for n in range(2, 10)))
SEED = 7
TEXTS = 1_200
"""Texts put together for each of the :data:`FOLDS`."""
DROPPED = 0.4
"""Share of the pieces of composed texts of which more than half the words are left out."""
ENDED = 0.25
"""Share of composed texts that end with a sentence which an option asks for."""
FOLDS = 5
STRENGTH = 3.0
CONTEXT_STRENGTH = 0.1
BY_HAND = 8.0
"""Weight of a piece written by hand, against that of one from a text put together."""
LINE = 4.0
"""The same for a single line of ``*_lines.txt``, besides its use in texts put together."""
BY_HAND_CONTEXT = 10.0
"""The same for the surroundings, which are put together at random in the other texts."""
FRAMES = (
    "（{}）",
    "({})",
    "【{}】",
    "[{}]",
    "**{}**",
    "### {}",
    "*{}*",
    "> {}",
    "{}😊",
    "✨{}✨",
    "- {}",
    "——{}",
    "~{}~",
)
"""What talk is framed by now and then."""
SMALLEST = 0.2
"""Weights below this are left out of the file."""
_CHOICE = re.compile(r"\(([^()]*)\)")
_SLOT = re.compile(r"\{(\w+)\}")
_OPTIONAL = re.compile(r"(.)\?(?=\S)")
_STOP = re.compile(r"(?<=[。！？!?~～])")


class Labelled(NamedTuple):
    """A text in pieces, with a label for each: 1 talk, 0 blessing. ``fold`` is the part of the training that
    leaves it out, ``weight`` that of its pieces in the model of the words. A single wording is ``alone``: it
    says nothing about surroundings."""

    cut: list[Piece]
    labels: list[int]
    name: str
    fold: int
    by_hand: bool
    weight: float = 1.0
    alone: bool = False

    @property
    def named(self) -> list[str]:
        """The receiver for each piece, '' where it does not name them."""
        return [self.name if self.name in piece.text else "" for piece in self.cut]


def labelled(parts: list[tuple[str, int]], name: str, fold: int, by_hand: bool) -> Labelled:
    """Returns the text of labelled parts in pieces."""
    text = "".join(part for part, _label in parts)
    owner = [label for part, label in parts for _char in part]
    cut = pieces(text)
    labels = [round(sum(owner[piece.start : piece.end]) / (piece.end - piece.start)) for piece in cut]
    return Labelled(cut, labels, name, fold, by_hand, BY_HAND if by_hand else 1.0)


class Grammar:
    """The wordings of the files ``name.txt``, * standing for anything, that belong to a fold, every file
    being drawn from equally often."""

    def __init__(self, name: str, slots: dict[str, list[str]], fold: int) -> None:
        self._slots, self._files = slots, []
        for file in sorted(HERE.glob(f"{name}.txt")):
            lines = file.read_text(encoding="utf-8").splitlines()
            wordings = [line for line in lines if line and not line.startswith("# ")]
            self._files.append(wordings[fold::FOLDS])

    def draw(self, source: random.Random) -> str:
        """Returns one text of a wording, all wordings of a file being equally likely."""
        return self._worded(source.choice(source.choice(self._files)), source)

    def all(self, source: random.Random) -> list[str]:
        """Returns one text of each wording."""
        return [self._worded(wording, source) for file in self._files for wording in file]

    def _worded(self, text: str, source: random.Random) -> str:
        text = text.replace("\\(", "\0").replace("\\)", "\1").replace(")?", "|)")
        text = _CHOICE.sub(lambda m: source.choice(m.group(1).split("|")), text)
        text = _OPTIONAL.sub(lambda m: m.group(1) if source.random() < 0.5 else "", text)
        text = text.replace("\0", "(").replace("\1", ")").replace("\\n", "\n").replace("\\", "")
        return _SLOT.sub(lambda m: source.choice(self._slots[m.group(1)]), text)


def blessing_parts(whole: str, hard: Grammar, source: random.Random) -> list[str]:
    """Returns the sentences of a blessing, some of them from ``blessing.txt`` and with the same 你 or 您."""
    parts = [part for part in _STOP.split(whole) if part]
    if source.random() < 0.3:
        parts = source.sample(parts, source.randint(0, len(parts) - 1))
    for _time in range(source.choice((0, 0, 1, 1, 2, 3)) or not parts):
        said = hard.draw(source)
        if "您" in whole and "你" not in whole:
            said = re.sub("你(?!们)", "您", said)
        elif "你" in whole and "您" not in whole:
            said = said.replace("您", "你")
        parts.insert(source.choice((0, len(parts), source.randint(0, len(parts)))), said)
    return parts


def dressed(said: str, source: random.Random) -> str:
    """Returns talk with a frame that it has now and then: brackets, markdown, a mark or an emoji."""
    frame = source.choice(FRAMES) if source.random() < 0.2 else "{}"
    bare = said.rstrip("。：:") if frame[0] in "（(【[*#" else said
    return frame.replace("{}", bare)


def a_text(whole: str, talk: Grammar, hard: Grammar, source: random.Random) -> list[tuple[str, int]]:
    """Returns the parts of a text with their labels (1 talk, 0 blessing), separators included."""
    layout = source.choice(("", "", "", "\n", "\n\n"))
    parts: list[tuple[str, int]] = []
    for part in blessing_parts(whole, hard, source):
        bare = part.rstrip("。！，") if layout and source.random() < 0.2 else part
        parts.append((bare + layout, 0))
    if source.random() < 0.6:
        for before in range(source.choice((0, 1, 1, 1, 2, 2, 3))):
            between = source.choice(("", "", "\n", "\n\n"))
            parts.insert(before, (dressed(talk.draw(source), source) + between, 1))
        for _after in range(source.choice((0, 0, 1, 1, 2, 3))):
            between = source.choice(("", "", "\n", "\n\n", "\n---\n"))
            parts[-1] = (parts[-1][0] + between, parts[-1][1])
            parts.append((dressed(talk.draw(source), source), 1))
    return parts


def endings(style: str, text: str = "") -> list[str]:
    """Returns the sentences that the composer ends texts of a style with where an option asks for them, in
    the way in which ``text`` speaks to its receiver."""
    you = "您" if "您" in text else "你"
    return [said.replace("<you>", you) for bank in banks() for said in bank.get(style, bank.get(ANY, ()))]


@cache
def banks() -> list[dict[str, tuple[str, ...]]]:
    """Returns style → sentences of each option of the composer."""
    return [bank for axis in load_phrases().options.values() for bank in axis.values()]


def put_together() -> list[Labelled]:
    """Returns texts put together of the wordings of each fold."""
    source = random.Random(SEED)
    slots = {key: [str(value) for value in values] for key, values in read_yaml(HERE / "slots.yaml").items()}
    recipes = [load_recipe(path) for path in built_in_recipes().values()]
    wholes = []
    for text in composed(load_recipe(built_in_recipes()["wishes"]), 3, SEED):
        ending = source.choice(endings(text.style, text.output)) if source.random() < ENDED else ""
        wholes.append(text.output + ending)
    wholes += 6 * [text for recipe in recipes for style in recipe.styles for text in style.examples]
    source.shuffle(wholes)
    found = []
    for fold in range(FOLDS):
        talk, hard = Grammar("talk*", slots, fold), Grammar("blessing*", slots, fold)
        for whole in wholes[fold::FOLDS][:TEXTS]:
            found.append(labelled(a_text(whole, talk, hard, source), "", fold, by_hand=False))
    return found


def single_lines() -> list[Labelled]:
    """Returns the lines of ``*_lines.txt`` and the composer's :func:`endings`, each by itself, in the fold of
    :class:`Grammar`."""
    slots = {key: [str(value) for value in values] for key, values in read_yaml(HERE / "slots.yaml").items()}
    source, found = random.Random(SEED), []
    for fold in range(FOLDS):
        for name, label in (("talk_lines", 1), ("blessing_lines", 0)):
            for text in Grammar(name, slots, fold).all(source):
                cut = pieces(text)
                found.append(Labelled(cut, [label] * len(cut), "", fold, False, LINE, alone=True))
    styles = [style.text for style in load_recipe(built_in_recipes()["wishes"]).styles]
    said = {text for style in styles for you in "你您" for text in endings(style, you)}
    for n, text in enumerate(sorted(said)):
        cut = pieces(text)
        found.append(Labelled(cut, [0] * len(cut), "", n % FOLDS, False, LINE, alone=True))
    return found


def lines_of(file: Path) -> list[str]:
    """Returns the lines of a file of JSON objects, which may hold other line separators than the newline."""
    return [line for line in file.read_text(encoding="utf-8").split("\n") if line]


def by_hand(leave_out: str = "") -> list[Labelled]:
    """Returns the answers written by hand, the corpus ``leave_out`` excepted."""
    found: list[tuple[str, list[tuple[str, int]]]] = []
    for file in sorted(HERE.glob("answers*.jsonl")):
        for row in map(json.loads, lines_of(file)):
            if not SPOILT.isdisjoint(row.get("faults", ())):
                continue
            found.append((row["name"], [(text, int(label == "talk")) for label, text in row["segments"]]))
    texts = [labelled(parts, name, n % FOLDS, by_hand=True) for n, (name, parts) in enumerate(found)]
    for part in PARTS:
        rows = map(json.loads, lines_of(CORPUS / f"{part}.jsonl") if part != leave_out else ())
        for n, row in enumerate(rows):
            if parts := corpus_parts(row):
                texts.append(labelled(parts, row["name"], n % FOLDS, by_hand=True))
    return texts


SPOILT = frozenset({"prompt_words", "contact", "language", "versions", "refusal", "wrong_person"})
"""Faults of answers whose blessing holds words that are none."""
ALL_TALK = frozenset(
    {
        *("refusal", "question", "lead_only", "error_message", "report", "review", "advice", "moderation"),
        *("off_topic", "ad", "third_person_report", "reader_report", "instructions", "report_to_asker"),
    }
)
"""Kinds of mistakes of the corpus that leave no blessing."""
ALL_BLESSING = frozenset({"too_long", "several_lines"})
"""Kinds of mistakes of the corpus in texts that are blessing throughout."""
STRUCTURE = frozenset({"json", "yaml", "xml", "table", "fence", "html_tags", "csv", "python_repr"})
"""Kinds of mistakes of the corpus that are no wording."""
_WORDS = re.compile(r"[\u3400-\u9fff]{2}|[A-Za-z]{3}")


def corpus_parts(row: dict[str, Any]) -> list[tuple[str, int]]:
    """Returns an answer of a corpus as labelled parts, if all that is wrong is what stands round the text."""
    text, right, kinds = row["text"], row["repaired"], frozenset(row["kinds"])
    if row["clean"] or kinds <= ALL_BLESSING:
        return [(text, 0)]
    if right is None:
        return [(text, 1)] if kinds and kinds <= ALL_TALK else []
    before, found, after = text.partition(right)
    if not found or kinds & STRUCTURE or not _WORDS.search(f"{before}\n{after}"):
        return []
    return [part for part in ((before, 1), (right, 0), (after, 1)) if part[0]]


def class_words() -> dict[str, str]:
    """Returns word → class of ``classes.yaml``, for words of the length of an n-gram."""
    found: dict[str, str] = {}
    for language, classes in read_yaml(HERE / "classes.yaml").items():
        for name, patterns in classes.items():
            for pattern in patterns:
                for word in choices(pattern):
                    bare = word.replace(" ", "")
                    if 1 < len(bare) <= 3 or language == "english":
                        found.setdefault(bare, f"#{name}")
    return found


def choices(pattern: str) -> list[str]:
    """Returns the words that a pattern of ``classes.yaml`` stands for."""
    parts = []
    for match in re.finditer(r"(\[[^\]]+\]|\([^)]+\)|.)(\?|\+)?", pattern):
        one = match.group(1)
        options = list(one[1:-1]) if one[0] == "[" else one[1:-1].split("|") if one[0] == "(" else [one]
        parts.append([*options, ""] if match.group(2) == "?" else options)
    return ["".join(words) for words in itertools.product(*parts)]


features_of = cache(features)


class Words:
    """The model of the words."""

    def __init__(self, texts: list[Labelled]) -> None:
        from sklearn.feature_extraction import DictVectorizer
        from sklearn.linear_model import LogisticRegression

        source, values, labels, weights = random.Random(SEED), [], [], []
        self.classes = class_words()
        for text in texts:
            for piece, label, name in zip(text.cut, text.labels, text.named, strict=True):
                found = self.values(piece.text, name)
                if not text.by_hand and source.random() < DROPPED:  # so that classes carry what words do not
                    found = {key: v for key, v in found.items() if key[0] in "@#" or source.random() < 0.4}
                values.append(found)
                labels.append(label)
                weights.append(text.weight)
        self.vectorizer = DictVectorizer(dtype=np.float32)
        self.model = LogisticRegression(C=STRENGTH, solver="liblinear", random_state=SEED)
        self.model.fit(self.vectorizer.fit_transform(values), labels, weights)

    def values(self, text: str, name: str) -> dict[str, float]:
        """Returns the features of a piece, those of classes included."""
        found = dict(features_of(text, name))
        for word, value in list(found.items()):
            if (group := self.classes.get(word)) is not None:
                found[group] = found.get(group, 0.0) + value
        return found

    def scores(self, text: Labelled) -> list[float]:
        """Returns the scores of the pieces of a text."""
        values = [self.values(piece.text, name) for piece, name in zip(text.cut, text.named, strict=True)]
        return [float(score) for score in self.model.decision_function(self.vectorizer.transform(values))]

    def weights(self) -> dict[str, float]:
        """Returns n-gram → weight, that of its class included."""
        alone = dict(zip(self.vectorizer.feature_names_, map(float, self.model.coef_[0]), strict=True))
        shared = {word: alone.get(group, 0.0) for word, group in self.classes.items()}
        words = {*shared, *(name for name in alone if name[0] != "#" or name not in shared.values())}
        groups = set(self.classes.values())
        return {word: alone.get(word, 0.0) + shared.get(word, 0.0) for word in words - groups}


class Surroundings:
    """The model of the surroundings: ``weights`` are those of :data:`NAMES`."""

    def __init__(self, texts: list[Labelled], scores: list[list[float]]) -> None:
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import StandardScaler

        scores = [score for text, score in zip(texts, scores, strict=True) if not text.alone]
        texts = [text for text in texts if not text.alone]
        rows = [row for text, score in zip(texts, scores, strict=True) for row in numbers(text, score)]
        labels = [label for text in texts for label in text.labels]
        weights = [BY_HAND_CONTEXT if text.by_hand else 1.0 for text in texts for _label in text.labels]
        scaler = StandardScaler().fit(rows)
        model = LogisticRegression(C=CONTEXT_STRENGTH, max_iter=3000, random_state=SEED)
        model.fit(scaler.transform(rows), labels, weights)
        self.weights = model.coef_[0] / scaler.scale_
        self.bias = float(model.intercept_[0] - (self.weights * scaler.mean_).sum())

    @classmethod
    def stored(cls) -> "Surroundings":
        """Returns the model of the studio."""
        model, file = cls.__new__(cls), json.loads(FILE.read_text(encoding="utf-8"))["context"]
        model.weights, model.bias = np.array([file["weights"][name] for name in NAMES]), file["bias"]
        return model

    def scores(self, text: Labelled, words: list[float]) -> list[float]:
        """Returns the scores of the pieces of a text."""
        return [float(self.weights @ row + self.bias) for row in numbers(text, words)]


def numbers(text: Labelled, words: list[float]) -> list[tuple[float, ...]]:
    """Returns the numbers of the surroundings of the pieces of a text."""
    plains = [plain(piece.text, name) for piece, name in zip(text.cut, text.named, strict=True)]
    return surroundings(text.cut, plains, words)


def left_out_scores(texts: list[Labelled]) -> list[list[float]]:
    """Returns for each text the scores of a model of words that was trained without its fold."""
    found: list[list[float]] = [[] for _text in texts]
    for fold in range(FOLDS):
        words = Words([text for text in texts if text.fold != fold])
        for n, text in enumerate(texts):
            if text.fold == fold:
                found[n] = words.scores(text)
    return found


def store(file: Path, content: dict[str, Any]) -> None:
    """Writes a file of weights, each on a line."""
    text = json.dumps(content, ensure_ascii=False, indent=0, separators=(",", ":"))
    file.write_text(text + "\n", encoding="utf-8")


def written(words: Words, context: Surroundings, file: Path) -> None:
    """Writes the weights of both models to a file."""
    weights = {
        word: round(weight * SCALE) for word, weight in words.weights().items() if abs(weight) >= SMALLEST
    }
    content = {
        "bias": round(float(words.model.intercept_[0]) * SCALE),
        "context": {
            "bias": round(context.bias, 4),
            "weights": {n: round(float(w), 4) for n, w in zip(NAMES, context.weights, strict=True)},
        },
        "weights": packed(weights),
    }
    store(file, content)
    print(f"{file.name}: {len(weights):,} weights, {file.stat().st_size:,} bytes")


def outcomes(words: Words, context: Surroundings, answers: list[Answer]) -> list[Outcome]:
    """Returns what the whole cleaning makes of answers with these models."""
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(talk_model, "FILE", Path(folder) / FILE.name),
    ):
        written(words, context, talk_model.FILE)
        talk_model.forget()
        talk.reading.cache_clear()
        rules = context_of(load_recipe(built_in_recipes()["wishes"]))
        return [cleaned(answer, rules) for answer in answers]


def reported(title: str, found: list[Outcome]) -> None:
    """Prints the figures of the benchmark, and the kinds that go wrong."""
    print(title, {name: round(value, 3) for name, value in figures(found).items()})
    for name, chosen in mistakes(found).items():
        print(" ", name, dict(Counter(kind for each in chosen for kind in each.answer.kinds).most_common()))
    if "--show" in sys.argv:
        report(found)


def left_out() -> None:
    """Prints how well the cleaning does on answers that the models were not trained on: those of a fold, then
    each of two corpora by another writer than the rest."""
    texts = [*by_hand(), *single_lines(), *put_together()]
    scores = left_out_scores(texts)
    found = []
    for fold in range(FOLDS):
        rest = [n for n, text in enumerate(texts) if text.fold != fold]
        words = Words([texts[n] for n in rest])
        context = Surroundings([texts[n] for n in rest], [scores[n] for n in rest])
        mine = [answer for part in PARTS for answer in answers(part)[fold::FOLDS]]
        found += outcomes(words, context, mine)
    reported("each fifth by the other four", found)
    for part in PARTS[1:]:
        texts = [*by_hand(part), *single_lines(), *put_together()]
        context = Surroundings(texts, left_out_scores(texts))
        reported(f"{part} by the rest", outcomes(Words(texts), context, answers(part)))


def main() -> None:
    """Trains and writes the file, or with ``--left-out`` measures on texts left out."""
    if "--left-out" in sys.argv:
        left_out()
        return
    texts = [*by_hand(), *single_lines(), *put_together()]
    context = Surroundings(texts, left_out_scores(texts))
    written(Words(texts), context, FILE)


if __name__ == "__main__":
    main()
