"""A process that checks batches of samples for another one: see :mod:`tianji_core.cleaning.beside`, which
starts it. The first line it reads holds the recipe, each later one a batch; each line it writes holds what
was found in one. All are JSON."""

import gc
import json
import sys
from typing import Any

from tianji_core import i18n
from tianji_core.cleaning.alone import OwnResult, checked
from tianji_core.cleaning.rule import context_of
from tianji_core.recipe.loading import validate_recipe
from tianji_core.store.findings import Unchecked

_OBJECTS = 200_000
"""New objects between two looks for circles among them; the rules make hardly any."""


def main() -> None:
    """Checks batches until the other process closes its end."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing else may stand between the answers
    begun = json.loads(asked.readline())
    context = context_of(validate_recipe(begun["recipe"], ""))
    gc.freeze()
    gc.set_threshold(_OBJECTS)
    for line in asked:
        batch = [_sample(row) for row in json.loads(line)]
        found = [_row(each) for each in checked(batch, context, begun["doubts"])]
        answers.write(json.dumps(found).encode() + b"\n")
        answers.flush()


def _sample(row: list[Any]) -> Unchecked:
    sample = Unchecked(*row)
    options = tuple((axis, option) for axis, option in sample.options)
    return sample._replace(options=options, history=tuple((asked, said) for asked, said in sample.history))


def _row(found: OwnResult) -> list[object]:
    findings = [(each.rule, i18n.stored(each.detail), each.fixed, each.turn) for each in found.findings]
    return [findings, found.doubt]


if __name__ == "__main__":
    main()
