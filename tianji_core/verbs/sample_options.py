"""Options of the verbs that work on some of the samples."""

from dataclasses import dataclass
from typing import Annotated

import typer

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.store.samples import SampleFilter
from tianji_core.verbs.common import LARGEST, words

CleanOption = Annotated[bool, typer.Option("--clean", help="Only samples in which no rule found anything.")]
IdsOption = Annotated[str, typer.Option(help="Only these samples, by number.")]


@dataclass(frozen=True)
class MatchingOptions:
    """Which samples: each option is a list separated by commas, '' is all."""

    styles: Annotated[str, typer.Option(help="Only these styles, separated by commas.")] = ""
    names: Annotated[str, typer.Option(help="Only these names, separated by commas.")] = ""
    scenes: Annotated[str, typer.Option(help="Only these scenes, separated by commas.")] = ""

    def sample_filter(
        self,
        recipe: str,
        states: tuple[str, ...],
        clean_only: bool = False,
        ids: tuple[int, ...] | None = None,
    ) -> SampleFilter:
        """The filter for samples of a recipe in ``states``; ``ids`` None is every number."""
        return SampleFilter(
            recipe,
            states=states,
            styles=words(self.styles),
            names=words(self.names),
            scenes=words(self.scenes),
            clean=True if clean_only else None,
            ids=ids,
        )


def numbers(ids: str) -> tuple[int, ...] | None:
    """Returns the sample numbers of --ids, None where it is empty.

    Raises:
        InputError: not numbers separated by commas.
    """
    given = words(ids)
    if not all(number.isdecimal() and int(number) <= LARGEST for number in given):
        raise InputError(_("--ids 应当是用逗号分开的样本编号，写的是 {ids}", ids=ids))
    return tuple(int(number) for number in given) or None
