"""The rules applied to stored samples: checking, previewing and fixing in bulk."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from tianji_core.cleaning.comparing import compare_all, forget_outdated, must_compare
from tianji_core.cleaning.rule import Context, context_of
from tianji_core.cleaning.rules import EXACT_DUPLICATE, SAFE_RULES, check, clean_text
from tianji_core.i18n import _
from tianji_core.roles import bookkeeping
from tianji_core.store import findings, recipes, samples, steps
from tianji_core.store.findings import Finding, Unchecked
from tianji_core.store.samples import Sample, SampleFilter
from tianji_core.store.steps import Step
from tianji_core.workspace import Workspace

_BATCH = 1000


@dataclass(frozen=True)
class Proposal:
    """A sample and the text it would get."""

    sample: Sample
    after: str


@dataclass(frozen=True)
class Preview:
    """The effect of a fix in advance: number of matching samples, of samples to be changed, and of samples by
    rule (rule id → samples), with some texts before and after."""

    matching: int
    fixable: int
    by_rule: dict[str, int]
    examples: tuple[Proposal, ...]


def current_context(workspace: Workspace, recipe_key: str) -> Context:
    """Returns the context of the rules for the newest revision of a recipe."""
    return context_of(recipes.current(workspace.engine, recipe_key).recipe)


@bookkeeping()
def check_new(workspace: Workspace, recipe_key: str, limit: int | None = None) -> int:
    """Checks the samples that changed since their last check (at most ``limit``), stores the findings and
    returns how many were checked. All samples are checked if the recipe or the rules have changed. Once none
    is left, the samples are also compared with each other. Takes some short queries if there is nothing to
    do."""
    forget_outdated(workspace, recipe_key)
    done = 0
    context: Context | None = None
    while limit is None or done < limit:
        size = _BATCH if limit is None else min(_BATCH, limit - done)
        batch = findings.unchecked(workspace.engine, recipe_key, size)
        if not batch:
            compare_all(workspace, recipe_key)
            break
        if context is None:
            context = current_context(workspace, recipe_key)
            must_compare(workspace, recipe_key)
        _check_batch(workspace, recipe_key, batch, context)
        done += len(batch)
    return done


def check_again(workspace: Workspace, recipe_key: str) -> int:
    """Checks every sample of a recipe again, after its lists, limits or suitability have changed; returns how
    many."""
    findings.forget_checks(workspace.engine, recipe_key)
    return check_new(workspace, recipe_key)


def _check_batch(workspace: Workspace, recipe_key: str, batch: Sequence[Unchecked], context: Context) -> None:
    twins = findings.twins(workspace.engine, recipe_key, batch, EXACT_DUPLICATE.id)
    by_sample: dict[int, tuple[int, list[Finding]]] = {}
    for sample in batch:
        items = check(sample, context)
        if (twin := twins.get(sample.id)) is not None:
            items.append(Finding(EXACT_DUPLICATE.id, _("与样本 {id} 的内容一样", id=twin)))
        by_sample[sample.id] = (sample.version, items)
    findings.save(workspace.engine, by_sample)


def propose(sample: Sample, context: Context, rules: Collection[str] = SAFE_RULES) -> Proposal | None:
    """Returns the change that ``rules`` would make to a sample, None if there is none."""
    after = clean_text(sample, context, rules)
    return None if after == sample.output else Proposal(sample, after)


def preview(
    workspace: Workspace, sample_filter: SampleFilter, rules: Collection[str] = SAFE_RULES, examples: int = 10
) -> Preview:
    """Returns what :func:`fix` would do with the same arguments, without doing it."""
    context = current_context(workspace, sample_filter.recipe)
    fixable = _fixable(sample_filter, rules)
    counts = findings.rule_counts(workspace.engine, fixable) if rules else {}
    first = samples.page(workspace.engine, fixable, limit=examples) if rules else []
    return Preview(
        matching=samples.count(workspace.engine, sample_filter),
        fixable=samples.count(workspace.engine, fixable) if rules else 0,
        by_rule={rule: number for rule, number in counts.items() if rule in rules},
        examples=tuple(p for sample in first if (p := propose(sample, context, rules)) is not None),
    )


def fix(
    workspace: Workspace,
    sample_filter: SampleFilter,
    rules: Collection[str] = SAFE_RULES,
    who: str = "",
    versions: dict[int, int] | None = None,
) -> Step | None:
    """Applies the fixes of ``rules`` to all matching samples as one step that can be undone, and checks them
    again; None if there was nothing to fix.

    Raises:
        ConflictError: a sample changed meanwhile (or since ``versions``, number → version); nothing was done.
    """
    if not rules:
        return None
    context = current_context(workspace, sample_filter.recipe)
    texts: dict[int, tuple[int, str]] = {}
    for batch in samples.each(workspace.engine, _fixable(sample_filter, rules)):
        for sample in batch:
            if (proposal := propose(sample, context, rules)) is not None:
                version = (versions or {}).get(sample.id, sample.version)
                texts[sample.id] = (version, proposal.after)
    title = _("自动修正 {n} 条", n=len(texts))
    reviewer = who or workspace.settings().reviewer
    step = steps.retext(workspace.engine, sample_filter.recipe, texts, steps.FIX, title, reviewer)
    check_new(workspace, sample_filter.recipe)
    return step


def _fixable(sample_filter: SampleFilter, rules: Iterable[str]) -> SampleFilter:
    """Returns the samples of ``sample_filter`` in which one of ``rules`` has a finding with a fix. A rule
    that the filter itself asks for stays in it."""
    chosen = set(rules)
    narrowed = tuple(sorted(chosen & set(sample_filter.rules) if sample_filter.rules else chosen))
    return replace(sample_filter, rules=narrowed or ("-",), fixable=True)
