"""The questions that a model answers while it is trained, and the checks of its answers. Training configs
name the class; the trainer asks."""

import contextlib
import json
from pathlib import Path

from tianji_core.errors import DatasetError, PlanError
from tianji_core.evaluation.cases import Case, held_out_cases
from tianji_core.evaluation.checks import Checker
from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.recipe import Recipe

MOST = 100
"""Questions that are asked each time: on two cores they take the nano model a few seconds."""


class HeldOutQuestions:
    """Questions of the held-out cells of the recipe in a file, at most ``most``; ``asked`` are the
    (system prompt, question) pairs. An empty path has none.

    Raises:
        DatasetError: the file cannot be read.
    """

    def __init__(self, path: str, most: int = MOST) -> None:
        self._cases: list[Case] = []
        if path:
            try:
                value = json.loads(Path(path).read_text(encoding="utf-8"))
                recipe, styles = Recipe.model_validate(value["recipe"]), tuple(value["styles"])
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise DatasetError(
                    _("读不了检查用的问题 {file}：{detail}", file=path, detail=first_line(error))
                ) from error
            self._checker = Checker(recipe)
            with contextlib.suppress(PlanError):  # too small a recipe holds out no cell
                self._cases = held_out_cases(recipe, styles, most)
        self.asked = [(case.system, case.request) for case in self._cases]

    def pass_rate(self, answers: list[str]) -> float:
        """Returns the share of answers that pass every check, 0 to 1; ``answers`` are those to ``asked``."""
        passed = [self._checker.check(c, text).passed for c, text in zip(self._cases, answers, strict=True)]
        return sum(passed) / len(passed)
