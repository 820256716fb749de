"""Trains the model that tells blessings from talk about them and writes ``configs/cleaning/talk_model.json``.

Run with ``.venv/bin/python scripts/talk_model/train.py`` (one minute), or with ``--left-out`` to measure on
wordings that are kept from the training. Blessings come from the offline composer and the files
``blessing*.txt``, talk from ``talk*.txt``. These hold wordings with choices, those in ``*_lines.txt`` single
lines; ``slots.yaml`` fills them. Texts are put together from them at random, cut into pieces by the same code
as at run time, and every piece is labelled by its origin.
"""

import json
import random
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.planted.texts import composed  # noqa: E402
from tianji_core.cleaning.sentences import pieces  # noqa: E402
from tianji_core.cleaning.talk_model import FILE, SCALE, features, places  # noqa: E402
from tianji_core.recipe import built_in_recipes, load_recipe  # noqa: E402
from tianji_core.yaml_reading import read_yaml  # noqa: E402

SEED = 7
TEXTS = 34_000
DROPPED = 0.4
"""Share of the pieces of which more than half the words are left out."""
FOLD = 5
"""One wording of so many is left out for measuring."""
STRENGTH = 3.0
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


class Grammar:
    """The wordings of the files ``name*.txt``, every file being drawn from equally often: all of them,
    ``most``, or the ``few`` that are then left out, one of :data:`FOLD`."""

    def __init__(self, name: str, slots: dict[str, list[str]], part: str = "all") -> None:
        self._slots, self._files = slots, []
        for file in sorted(HERE.glob(f"{name}*.txt")):
            lines = file.read_text(encoding="utf-8").splitlines()
            wordings = [line for line in lines if line and not line.startswith("# ")]
            kept = {"all": range(FOLD), "most": range(1, FOLD), "few": range(1)}[part]
            self._files.append([line for number, line in enumerate(wordings) if number % FOLD in kept])

    def draw(self, source: random.Random) -> str:
        """Returns one text of a wording, all wordings of a file being equally likely."""
        text = source.choice(source.choice(self._files))
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


def examples(part: str = "all", number: int = TEXTS) -> tuple[list[dict[str, float]], list[int]]:
    """Returns the features of all pieces of the texts put together, and their labels."""
    source = random.Random(SEED)
    slots = {key: [str(value) for value in values] for key, values in read_yaml(HERE / "slots.yaml").items()}
    talk, hard = Grammar("talk", slots, part), Grammar("blessing", slots, part)
    recipes = [load_recipe(path) for path in built_in_recipes().values()]
    wholes = [text.output for text in composed(load_recipe(built_in_recipes()["wishes"]), 3, SEED)]
    wholes += 6 * [text for recipe in recipes for style in recipe.styles for text in style.examples]
    source.shuffle(wholes)
    values, labels = [], []
    for place in range(number):
        parts = a_text(wholes[place % len(wholes)], talk, hard, source)
        text = "".join(part for part, _label in parts)
        owner = [label for part, label in parts for _char in part]
        cut = pieces(text)
        for piece, where in zip(cut, places(cut), strict=True):
            found = features(piece.text, where)
            if part != "few" and source.random() < DROPPED:  # so that classes carry what words do not
                found = {name: v for name, v in found.items() if name[0] == "@" or source.random() < 0.4}
            values.append(found)
            labels.append(round(sum(owner[piece.start : piece.end]) / (piece.end - piece.start)))
    return values, labels


def trained(values: list[dict[str, float]], labels: list[int]) -> tuple[Any, Any]:
    """Returns the vectorizer and the model."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = DictVectorizer(dtype=np.float32)
    model = LogisticRegression(C=STRENGTH, solver="liblinear", random_state=SEED)
    model.fit(vectorizer.fit_transform(values), labels)
    return vectorizer, model


def left_out() -> None:
    """Prints how well wordings are judged that the model was not trained on."""
    vectorizer, model = trained(*examples("most"))
    values, labels = examples("few", 4000)
    scores = model.decision_function(vectorizer.transform(values))
    for name, wanted in (("talk", 1), ("blessing", 0)):
        mine = [
            score if wanted else -score
            for score, label in zip(scores, labels, strict=True)
            if label == wanted
        ]
        right, sure = (sum(score > edge for score in mine) / len(mine) for edge in (0, 2))
        print(f"{name}: {len(mine):,} pieces of other wordings, right {right:.4f}, sure {sure:.4f}")


def main() -> None:
    """Trains and writes the file, or with ``--left-out`` measures on wordings left out."""
    if "--left-out" in sys.argv:
        left_out()
        return
    vectorizer, model = trained(*examples())
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
