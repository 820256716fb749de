"""Options of the verbs that work on some of the samples."""

from dataclasses import dataclass
from typing import Annotated

import typer

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.recipe import Options, option_named
from tianji_core.store import recipes, samples
from tianji_core.store.samples import SOURCE_TITLES, SampleFilter
from tianji_core.verbs.common import LARGEST, option_pairs, words
from tianji_core.workspace import Workspace

CleanOption = Annotated[
    bool, typer.Option("--clean", help="Only samples in which no rule found anything and no doubt is left.")
]
DoubtfulOption = Annotated[
    bool, typer.Option("--doubtful", help="With --clean: the doubtful ones without a finding as well.")
]
HIGHEST = 5.0
"""The best score of a judge."""
StylesOption = Annotated[str, typer.Option(help="Only these styles, separated by commas.")]
NamesOption = Annotated[str, typer.Option(help="Only these names, separated by commas.")]
ScenesOption = Annotated[str, typer.Option(help="Only these scenes, separated by commas.")]
IdsOption = Annotated[str, typer.Option(help="Only these samples, by number.")]


@dataclass(frozen=True)
class MatchingOptions:
    """Which samples: each option is a list separated by commas, '' is all."""

    styles: StylesOption = ""
    names: NamesOption = ""
    scenes: ScenesOption = ""
    run: Annotated[int | None, typer.Option(min=1, max=LARGEST, help="Only this generation run.")] = None
    source: Annotated[str, typer.Option(help=f"Only this source: {', '.join(SOURCE_TITLES)}.")] = ""
    teachers: Annotated[
        str, typer.Option(help="Only texts of these teacher models, separated by commas.")
    ] = ""
    reviewer: Annotated[str, typer.Option(help="Only samples that this person took a step on.")] = ""
    score: Annotated[
        str, typer.Option(help="Only these scores of a judge, 0 to 5, e.g. 3.5-5; leaves out those without.")
    ] = ""

    option: Annotated[
        list[str] | None,
        typer.Option(help="Only these options of an axis: length=short,long.", show_default=False),
    ] = None

    def sample_filter(
        self,
        space: Workspace,
        recipe: str,
        states: tuple[str, ...],
        clean_only: bool = False,
        ids: tuple[int, ...] | None = None,
        doubtful: bool = False,
    ) -> SampleFilter:
        """The filter for samples of a recipe in ``states``; ``ids`` None is every number. ``clean_only``
        leaves out the doubtful ones as well, unless ``doubtful``.

        Raises:
            InputError: --doubtful stands without --clean, there is no such source, or the scores are no range
                within 0 to 5.
            PlanError: an option is neither in the recipe nor in its samples.
        """
        if doubtful and not clean_only:
            raise InputError(_("--doubtful 要和 --clean 一起用"))
        if self.source and self.source not in SOURCE_TITLES:
            known = _("、").join(SOURCE_TITLES)
            raise InputError(_("没有来源“{source}”，有的是：{known}", source=self.source, known=known))
        return SampleFilter(
            recipe,
            states=states,
            styles=words(self.styles),
            names=words(self.names),
            scenes=words(self.scenes),
            clean=True if clean_only else None,
            sure=True if clean_only and not doubtful else None,
            run_id=self.run,
            source=self.source,
            models=words(self.teachers),
            reviewer=self.reviewer.strip(),
            score=_scores(self.score) if self.score else None,
            options=self._options(space, recipe),
            ids=ids,
        )

    def _options(self, space: Workspace, key: str) -> Options:
        """The ids of --option from ids or titles. What a recipe no longer has is named by its ids, where
        samples still carry it."""
        pairs = option_pairs(self.option)
        if not pairs:
            return ()
        recipe = recipes.current(space.engine, key).recipe
        carried = samples.option_counts(space.engine, SampleFilter(key))
        return tuple(
            (axis, option) if option in carried.get(axis, {}) else option_named(recipe, axis, option)
            for axis, option in pairs
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


def _scores(text: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split("-"))
    except ValueError:
        low, high = 1.0, 0.0
    if not 0 <= low <= high <= HIGHEST:
        raise InputError(_("评分要写成范围，例如 3.5-5，在 0 到 5 之间；写的是“{text}”", text=text))
    return low, high
