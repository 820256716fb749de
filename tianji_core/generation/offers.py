"""What the providers of a run offer beside their usual answers: batches and off-peak hours; and what its
answers cost at the prices of their hours."""

from collections.abc import Sequence

from tianji_core.dispatch import Clock, Hours, RunOptions, Usage
from tianji_core.errors import PlanError
from tianji_core.i18n import _
from tianji_core.store import run_figures
from tianji_core.teachers import (
    ModelEntry,
    OffPeak,
    Provider,
    TeacherChoice,
    WeightedTeacher,
    price_of,
    provider,
    providers,
)
from tianji_core.workspace import Workspace


def check_offers(workspace: Workspace, mix: Sequence[WeightedTeacher], options: RunOptions) -> None:
    """Checks that every teacher has what the options of a run ask for.

    Raises:
        PlanError: one has no batches, off-peak hours or, with a budget in money, price.
        SettingsError: a provider is no longer there.
    """
    if options.batch and options.cheap_hours:
        raise PlanError(_("批量的价格不分时段：“批量”和“只在优惠时段问”只能选一个"))
    sources = [provider(workspace, entry.choice.provider) for entry in mix]
    for source in sources:
        if options.batch and source.batch is None:
            raise PlanError(_("{title} 没有批量接口，请关掉“批量”再开始", title=_(source.title)))
        if options.cheap_hours:
            _off_peak(source)
    if options.budget_cost is not None:
        _check_prices(mix, sources)


def _off_peak(source: Provider) -> OffPeak:
    if source.off_peak is None:
        raise PlanError(
            _(
                "{title} 没有写优惠时段：在造数页的“修改或新增造数模型”里填上，或者关掉“只在优惠时段问”",
                title=_(source.title),
            )
        )
    return source.off_peak


def _check_prices(mix: Sequence[WeightedTeacher], sources: Sequence[Provider]) -> None:
    currencies = set()
    for entry, source in zip(mix, sources, strict=True):
        price = price_of(source, entry.choice)
        if price.input_price is None or price.output_price is None:
            raise PlanError(
                _("要按金额设预算，先填 {title} · {model} 的价格", title=_(source.title), model=price.name)
            )
        if price.input_price or price.output_price:
            currencies.add(source.currency)
    if len(currencies) > 1:
        raise PlanError(_("几个造数模型的币种不同，不能按金额设预算；请改用 tokens 预算"))


def cheap_hours(workspace: Workspace, mix: Sequence[WeightedTeacher]) -> list[OffPeak]:
    """Returns the off-peak hours of the teachers, each once; [] where one of them has none.

    Raises:
        SettingsError: the providers are not valid.
    """
    known = providers(workspace)
    sources = [known.get(entry.choice.provider) for entry in mix]
    hours = [source.off_peak for source in sources if source is not None and source.off_peak is not None]
    return list(dict.fromkeys(hours)) if len(hours) == len(sources) else []


def hours_of(workspace: Workspace, choice: TeacherChoice, options: RunOptions, clock: Clock | None) -> Hours:
    """Returns the hours in which a teacher of a run is asked.

    Raises:
        PlanError: it has no off-peak hours any more. SettingsError: its provider is no longer there.
    """
    source = provider(workspace, choice.provider)
    off_peak = _off_peak(source) if options.cheap_hours else source.off_peak
    return Hours(off_peak, options.cheap_hours, clock)


def used_at_prices(
    workspace: Workspace, run_id: int, number: int, choice: TeacherChoice, used: Usage, batch: bool = False
) -> list[tuple[Usage, ModelEntry]]:
    """Returns what the stored answers of a teacher of a run ``used``, with the price at which each part
    counts: that of the hour in which the answers came, or that of a batch. ``number`` is the teacher's in the
    list of the run.

    Raises:
        SettingsError: its provider is no longer there.
    """
    source = provider(workspace, choice.provider)
    price = price_of(source, choice, batch)
    if source.off_peak is None or batch:
        return [(used, price)]
    within = outside = Usage()
    for part in run_figures.spent_by_minute(workspace.engine, run_id, number):
        usage = Usage(part.prompt_tokens, part.completion_tokens)
        if source.off_peak.covers(part.minute):
            within += usage
        else:
            outside += usage
    return [(outside, price), (within, price.at_share(source.off_peak.price))]
