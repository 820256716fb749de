"""Trains the model that tells blessings from talk about them and writes ``configs/cleaning/talk_model.json``.

Run with ``.venv/bin/python scripts/talk_model/train.py`` (one minute). Blessings come from the offline
composer, ``blessing.txt`` and ``blessing_lines.txt``, talk from ``talk.txt`` and ``talk_lines.txt``. The
files hold wordings with choices, those in ``*_lines.txt`` single lines; ``slots.yaml`` fills them. Texts are
put together from them at random, cut into pieces by the same code as at run time, and every piece is labelled
by its origin.
"""

import json
import random
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.planted.texts import composed  # noqa: E402
from tianji_core.cleaning.sentences import pieces  # noqa: E402
from tianji_core.cleaning.talk_model import FILE, SCALE, Place, features  # noqa: E402
from tianji_core.recipe import built_in_recipes, load_recipe  # noqa: E402
from tianji_core.yaml_reading import read_yaml  # noqa: E402

SEED = 7
TEXTS = 26_000
SMALLEST = 0.12
"""Weights below this are left out of the file."""
_CHOICE = re.compile(r"\(([^()]*)\)")
_SLOT = re.compile(r"\{(\w+)\}")
_OPTIONAL = re.compile(r"(.)\?(?=\S)")
_STOP = re.compile(r"(?<=[。！？!?~～])")


class Grammar:
    """The wordings of one kind: those with choices and the single lines, drawn equally often."""

    def __init__(self, name: str, slots: dict[str, list[str]]) -> None:
        files = [(HERE / f"{name}{end}.txt").read_text(encoding="utf-8") for end in ("", "_lines")]
        self._files = [
            [line for line in file.splitlines() if line and not line.startswith("# ")] for file in files
        ]
        self._slots = slots

    def draw(self, source: random.Random) -> str:
        """Returns one text of a wording, all wordings of a file being equally likely."""
        text = source.choice(source.choice(self._files))
        text = text.replace("\\(", "\0").replace("\\)", "\1").replace(")?", "|)")
        text = _CHOICE.sub(lambda m: source.choice(m.group(1).split("|")), text)
        text = _OPTIONAL.sub(lambda m: m.group(1) if source.random() < 0.5 else "", text)
        text = text.replace("\0", "(").replace("\1", ")").replace("\\", "")
        return _SLOT.sub(lambda m: source.choice(self._slots[m.group(1)]), text)


def blessing_parts(whole: str, hard: Grammar, source: random.Random) -> list[str]:
    """Returns the sentences of a blessing, some of them from ``blessing.txt``."""
    parts = [part for part in _STOP.split(whole) if part]
    for _time in range(source.choice((0, 0, 1, 1, 2, 3))):
        parts.insert(source.choice((0, len(parts), source.randint(0, len(parts)))), hard.draw(source))
    return parts


def a_text(whole: str, talk: Grammar, hard: Grammar, source: random.Random) -> list[tuple[str, int]]:
    """Returns the parts of a text with their labels (1 talk, 0 blessing), separators included."""
    layout = source.choice(("", "", "", "\n", "\n\n"))
    parts: list[tuple[str, int]] = []
    for part in blessing_parts(whole, hard, source):
        bare = part.rstrip("。！，") if layout and source.random() < 0.2 else part
        parts.append((bare + layout, 0))
    if source.random() < 0.55:
        for before in range(source.choice((0, 1, 1, 1, 2, 2, 3))):
            between = source.choice(("", "", "\n", "\n\n"))
            parts.insert(before, (talk.draw(source) + between, 1))
        for _after in range(source.choice((0, 0, 1, 1, 2, 3))):
            parts[-1] = (parts[-1][0] + source.choice(("", "", "\n", "\n\n")), parts[-1][1])
            parts.append((talk.draw(source), 1))
    return parts


def examples() -> tuple[list[dict[str, float]], list[int]]:
    """Returns the features of all pieces of the texts put together, and their labels."""
    source = random.Random(SEED)
    slots = {key: [str(value) for value in values] for key, values in read_yaml(HERE / "slots.yaml").items()}
    talk, hard = Grammar("talk", slots), Grammar("blessing", slots)
    recipes = [load_recipe(path) for path in built_in_recipes().values()]
    wholes = [text.output for text in composed(load_recipe(built_in_recipes()["wishes"]), 3, SEED)]
    wholes += 6 * [text for recipe in recipes for style in recipe.styles for text in style.examples]
    source.shuffle(wholes)
    values, labels = [], []
    for number in range(TEXTS):
        parts = a_text(wholes[number % len(wholes)], talk, hard, source)
        text = "".join(part for part, _label in parts)
        owner = [label for part, label in parts for _char in part]
        cut = pieces(text)
        for place, piece in enumerate(cut):
            values.append(features(piece.text, Place(place == 0, place == len(cut) - 1, piece.own_line)))
            labels.append(round(sum(owner[piece.start : piece.end]) / (piece.end - piece.start)))
    return values, labels


def main() -> None:
    """Trains and writes the file; prints its size and the accuracy on a tenth of the pieces."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    values, labels = examples()
    edge = len(values) * 9 // 10
    vectorizer = DictVectorizer()
    matrix = vectorizer.fit_transform(values)
    model = LogisticRegression(C=10, solver="liblinear", random_state=SEED)
    model.fit(matrix[:edge], labels[:edge])
    print(f"{edge:,} pieces; accuracy on others {model.score(matrix[edge:], labels[edge:]):.4f}")
    weights = {
        name: round(weight * SCALE)
        for name, weight in zip(vectorizer.feature_names_, model.coef_[0], strict=True)
        if abs(weight) >= SMALLEST
    }
    file = {"bias": round(float(model.intercept_[0]) * SCALE), "weights": dict(sorted(weights.items()))}
    text = json.dumps(file, ensure_ascii=False, indent=0, separators=(",", ":"))
    FILE.write_text(text + "\n", encoding="utf-8")
    print(f"{len(weights):,} weights, {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
