"""Measures the whole cleaning on each developers' part of the corpus with judges that have not learnt from
it.

Run with ``.venv/bin/python scripts/talk_model/left_out.py [PART …]`` (a quarter of an hour for all parts).
Words, faults and doubt are trained anew without the part; the model of the surroundings, which has fifty
numbers and knows no wording, is the studio's. The rules were made with all parts in view. ``--show`` prints
what goes wrong, ``--models FOLDER`` keeps the models there and takes those that it holds.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from unittest import mock

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import train  # noqa: E402
import train_doubt  # noqa: E402
import train_faults  # noqa: E402

from benchmarks.cleaning_corpus import BARS, Outcome, answers, cleaned, figures, report  # noqa: E402
from tianji_core.cleaning import fault_model, talk_model  # noqa: E402
from tianji_core.cleaning.rule import context_of  # noqa: E402
from tianji_core.recipe import built_in_recipes, load_recipe  # noqa: E402

doubt = import_module("tianji_core.cleaning.doubt")  # the package has a function of this name
PLACES = (
    (talk_model, "FILE", talk_model.FILE),
    (talk_model, "FAULTS", talk_model.FAULTS),
    (talk_model, "DOUBT", talk_model.DOUBT),
    (fault_model, "FILE", fault_model.FILE),
    (doubt, "FILE", doubt.FILE),
)
"""Where the modules of the judges look for their files."""


@contextmanager
def judged_by(folder: Path) -> Iterator[None]:
    """Lets the cleaning use the models of a folder."""
    with ExitStack() as stack:
        for module, name, file in PLACES:
            stack.enter_context(mock.patch.object(module, name, folder / file.name))
        forget()
        yield
    forget()


def forget() -> None:
    """Forgets what was computed with other weights."""
    talk_model.forget()
    for name, module in list(sys.modules.items()):
        if name.startswith("tianji_core.cleaning"):
            for cached in vars(module).values():
                if hasattr(cached, "cache_clear") and not isinstance(cached, type):
                    cached.cache_clear()


@cache
def drawn() -> list[train.Labelled]:
    """Returns the texts of wordings, which no part holds."""
    return [*train.single_lines(), *train.put_together()]


def train_without(part: str, folder: Path) -> None:
    """Trains the words, the faults and ``amiss`` without a part ('': with all) and keeps them in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (file := folder / talk_model.FILE.name).exists():
        words = train.Words([*train.by_hand(part), *drawn()])
        train.written(words, train.Surroundings.stored(), file)
    if not (file := folder / talk_model.FAULTS.name).exists():
        train_faults.written(train_faults.known(part), file)
    if not (file := folder / talk_model.DOUBT.name).exists():
        head = train_doubt.amiss_without(train_doubt.amiss_cases(), part)
        train.store(file, {talk_model.AMISS: head, talk_model.FAMILIAR: train_doubt.familiar()})


def weigh(folder: Path) -> None:
    """Adds the weights of the signs of doubt to the models of each part, found on signs of the other parts by
    judges that have not seen them."""
    context = context_of(load_recipe(built_in_recipes()["wishes"]))
    texts, values = [], []
    for part in ("", *train_doubt.PARTS):
        mine = [text for text in train_doubt.passed() if text.part == part]
        with judged_by(folder / part):
            values += [doubt.signs(text.subject, context)[0] for text in mine]
        texts += mine
    numbers = np.array(values)
    edge = train_doubt.edge_of(texts, train_doubt.left_out_scores(texts, numbers))
    for part in train_doubt.PARTS:
        rest = np.array([text.part != part for text in texts])
        file = folder / part / doubt.FILE.name
        content = json.loads(file.read_text(encoding="utf-8"))
        others = [text for text, kept in zip(texts, rest, strict=True) if kept]
        train.store(file, content | train_doubt.weights_of(others, numbers[rest], edge))


def measured(part: str, folder: Path) -> list[Outcome]:
    """Returns what the cleaning makes of a part with the models of a folder."""
    context = context_of(load_recipe(built_in_recipes()["wishes"]))
    with judged_by(folder):
        return [cleaned(answer, context) for answer in answers(part)]


def main() -> None:
    """Prints the table, a row for each part and one for all together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*train_doubt.PARTS, []])
    parser.add_argument("--show", action="store_true", help="print what goes wrong")
    parser.add_argument("--models", type=Path, help="folder that keeps the models")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.models or Path(temporary)
        for part in ("", *train_doubt.PARTS):
            train_without(part, folder / part)
        weigh(folder)
        found, rows = [], []
        for part in arguments.parts or train_doubt.PARTS:
            some = measured(part, folder / part)
            if arguments.show:
                report(some)
            found += some
            rows.append(row(part, some))
    print(row("judged", None), "|---" * 7 + "|", *rows, row("all", found), sep="\n")


def row(title: str, found: list[Outcome] | None) -> str:
    """Returns a row of the table, its head where nothing was measured."""
    values = list(BARS) if found is None else [f"{v:.3f}" for v in figures(found).values()]
    return f"| {' | '.join((title, *values))} |"


if __name__ == "__main__":
    main()
