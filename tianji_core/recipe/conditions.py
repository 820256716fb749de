"""The options of a recipe's axes applied to a task: which go together, and what they change in a style and
in a training input."""

import random
from collections.abc import Iterable
from itertools import product

from tianji_core.errors import PlanError
from tianji_core.i18n import _
from tianji_core.recipe.axes import Axis, AxisOption, Options
from tianji_core.recipe.model import Recipe, Style


def enabled_axes(recipe: Recipe) -> list[Axis]:
    """Returns the axes that plans use."""
    return [axis for axis in recipe.axes if axis.enabled]


def known_options(recipe: Recipe, options: Iterable[tuple[str, str]]) -> list[tuple[Axis, AxisOption]]:
    """Returns the axes and options that the recipe still has among ``options``, in its order."""
    chosen = dict(options)
    found = ((axis, axis.option(chosen[axis.id])) for axis in recipe.axes if axis.id in chosen)
    return [(axis, option) for axis, option in found if option is not None]


def options_text(recipe: Recipe, options: Iterable[tuple[str, str]]) -> str:
    """Returns the titles of options, for people; '' for none."""
    return " · ".join(option.title for _axis, option in known_options(recipe, options))


def option_labels(axes: Iterable[Axis]) -> dict[str, tuple[str, str]]:
    """Returns the title of each option with that of its axis → (axis, option) by id."""
    return {f"{axis.title}：{option.title}": (axis.id, option.id) for axis in axes for option in axis.options}


def crossed(recipe: Recipe, pairs: Iterable[tuple[str, str]]) -> list[Options]:
    """Returns every combination of one option per axis among ``pairs``, in the order of the recipe; one empty
    combination where there are none."""
    chosen = set(pairs)
    by_axis = [[(axis.id, o.id) for o in axis.options if (axis.id, o.id) in chosen] for axis in recipe.axes]
    return list(product(*(of_axis for of_axis in by_axis if of_axis)))


def option_named(recipe: Recipe, axis: str, option: str) -> tuple[str, str]:
    """Returns the ids of an axis and its option from ids or titles.

    Raises:
        PlanError: the recipe has no such axis or option; names those that it has.
    """
    found = next((a for a in recipe.axes if axis in (a.id, a.title)), None)
    if found is None:
        known = _("、").join(f"{a.title}（{a.id}）" for a in recipe.axes) or _("（没有）")
        raise PlanError(
            _(
                "配方“{recipe}”里没有条件“{axis}”，有的是：{known}",
                recipe=recipe.title,
                axis=axis,
                known=known,
            )
        )
    chosen = next((o for o in found.options if option in (o.id, o.title)), None)
    if chosen is None:
        known = _("、").join(f"{o.title}（{o.id}）" for o in found.options)
        raise PlanError(
            _(
                "条件“{axis}”里没有选项“{option}”，有的是：{known}",
                axis=found.title,
                option=option,
                known=known,
            )
        )
    return found.id, chosen.id


class Combinations:
    """The combinations of options that a plan uses. ``only`` restricts axes to some of their options; an axis
    that it does not name keeps all.

    Raises:
        PlanError: ``only`` names an axis or option that the recipe lacks, or an axis that is switched off.
    """

    def __init__(self, recipe: Recipe, only: Options = ()) -> None:
        wanted: dict[str, set[str]] = {}
        for axis_id, option_id in only:
            option_named(recipe, axis_id, option_id)
            wanted.setdefault(axis_id, set()).add(option_id)
        self._recipe = recipe
        self._axes = [
            (axis, [option for option in axis.options if option.id in wanted.get(axis.id, {option.id})])
            for axis in enabled_axes(recipe)
        ]
        for off in set(wanted) - {axis.id for axis, _options in self._axes}:
            title = next(axis.title for axis in recipe.axes if axis.id == off)
            raise PlanError(_("条件“{axis}”没有启用，先在清单里启用它", axis=title))
        self._known: dict[tuple[str, str, str], list[Options]] = {}
        self._alike: dict[tuple[str, Options], list[Options]] = {}

    def __bool__(self) -> bool:
        return bool(self._axes)

    def of(self, style: str, name: str, scene: str) -> list[Options]:
        """Returns the combinations for a style and cell. An axis none of whose options fits there is left
        out; options whose lengths exclude each other do not go together."""
        receiver = self._recipe.name(name)
        if not self._axes or receiver is None:
            return [()]
        key = (style, receiver.relation, scene)
        if key not in self._known:
            self._known[key] = self._combined(*key)
        return self._known[key]

    def _combined(self, style: str, relation: str, scene: str) -> list[Options]:
        fitting = [
            [(axis.id, option) for option in options if option.fits(style, relation, scene)]
            for axis, options in self._axes
        ]
        # In nearly all cells of a style the same options fit.
        alike = style, tuple((axis_id, option.id) for options in fitting for axis_id, option in options)
        if alike not in self._alike:
            self._alike[alike] = self._products(style, fitting)
        return self._alike[alike]

    @staticmethod
    def _products(style: str, fitting: list[list[tuple[str, AxisOption]]]) -> list[Options]:
        combined: list[Options] = []
        for chosen in product(*(options for options in fitting if options)):
            low, high = _limits(style, [option for _id, option in chosen])
            if low is None or high is None or low <= high:
                combined.append(tuple((axis_id, option.id) for axis_id, option in chosen))
        return combined

    def unused(self, used: Iterable[Options]) -> list[str]:
        """Returns the titles of the axes that no combination in ``used`` has an option of: they fit
        nowhere."""
        met = {axis for options in used for axis, _option in options}
        return [axis.title for axis, _options in self._axes if axis.id not in met]


def _limits(style: str, options: Iterable[AxisOption]) -> tuple[int | None, int | None]:
    """Returns the limits that several options set together; None where none says anything."""
    pairs = [option.limits(style) for option in options]
    lows = [low for low, _high in pairs if low is not None]
    highs = [high for _low, high in pairs if high is not None]
    return max(lows, default=None), min(highs, default=None)


def styled(recipe: Recipe, style: Style, options: Iterable[tuple[str, str]]) -> Style:
    """Returns a style as the options change it: their length limits override its own, their instructions
    follow its own, their examples replace its own. Where they have none, the style's examples of a fitting
    length are kept, or all where none fits."""
    chosen = [option for _axis, option in known_options(recipe, options)]
    if not chosen:
        return style
    low, high = _limits(style.text, chosen)
    least = low if low is not None else min(style.min_chars, high or style.min_chars)
    most = high if high is not None else max(style.max_chars, least)
    examples = tuple(example for option in chosen for example in option.examples_in(style.text))
    fitting = tuple(example for example in style.examples if least <= len(example) <= most)
    instruction = style.instruction + "".join(option.instruction.strip() for option in chosen)
    return style.model_copy(
        update={
            "min_chars": least,
            "max_chars": most,
            "instruction": instruction,
            "examples": examples or fitting or style.examples,
        }
    )


def telling(recipe: Recipe, style: Style, fact: str) -> Style:
    """Returns the style with a suffix that tells a fact first, where the recipe wants facts in training
    inputs."""
    if not fact or not recipe.facts_in_input:
        return style
    return style.model_copy(update={"suffix": f",{fact}{style.suffix}"})


def asking(recipe: Recipe, style: Style, options: Options, source: random.Random | None = None) -> Style:
    """Returns the style with a suffix that asks for the options, too: one of the words of each, drawn by
    ``source``, or the first ones."""
    said = [option.words for _axis, option in known_options(recipe, options) if option.words]
    drawn = [words[0] if source is None else source.choice(words) for words in said]
    if not drawn:
        return style
    return style.model_copy(update={"suffix": style.suffix + "".join(f",{word}" for word in drawn)})
