"""The rules applied to stored samples: checking, previewing and fixing in bulk."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tianji_core.cleaning.beside import Answer, Check, checking
from tianji_core.cleaning.comparing import compare_all, forget_outdated, must_compare
from tianji_core.cleaning.rule import Context, context_of
from tianji_core.cleaning.rules import EXACT_DUPLICATE, SAFE_RULES, TOO_ALIKE
from tianji_core.cleaning.turns import Turns, clean_turns
from tianji_core.i18n import _
from tianji_core.roles import bookkeeping
from tianji_core.store import findings, imitation, recipes, samples, steps
from tianji_core.store.findings import Finding, Repairs, RuleCount, Unchecked
from tianji_core.store.samples import IMITATION, Sample, SampleFilter
from tianji_core.store.steps import SampleRevision, Step
from tianji_core.workspace import Workspace

Progress = Callable[[int, int], None]
_BATCH = 1000


@dataclass(frozen=True)
class Proposal:
    """A sample and the answers it would get: the last one, and the earlier turns as (input, output)."""

    sample: Sample
    after: str
    history: Turns

    @property
    def revision(self) -> SampleRevision:
        """The change as a revision of the sample as it was read."""
        after = self.after if self.after != self.sample.output else None
        return SampleRevision(self.sample.version, after, history=self.history)

    @property
    def changes(self) -> list[tuple[int, str, str]]:
        """The answers that change: (turn, before, after) with the turn as in a finding."""
        pairs = zip(self.sample.history, self.history, strict=True)
        turns = [(number, old, new) for number, ((_in, old), (_asked, new)) in enumerate(pairs, 1)]
        turns.append((0, self.sample.output, self.after))
        return [change for change in turns if change[1] != change[2]]


@dataclass(frozen=True)
class Preview:
    """The effect of a fix in advance: number of matching samples, of samples to be changed, and of samples by
    rule (rule id → samples), with some texts before and after."""

    matching: int
    fixable: int
    by_rule: dict[str, int]
    examples: tuple[Proposal, ...]


@dataclass(frozen=True)
class Overview:
    """The findings of the matching samples. The three numbers of ``repairs`` add up to ``total``, the samples
    with findings; ``by_rule`` (rule id → counts) begins with the most frequent one, and counts as fixable
    what a safe fix repairs."""

    total: int
    repairs: Repairs
    by_rule: dict[str, RuleCount]


def overview(workspace: Workspace, sample_filter: SampleFilter) -> Overview:
    """Returns how many of the matching samples have findings, and how many of those the safe fixes repair."""
    engine = workspace.engine
    repairs = findings.repairs(engine, sample_filter, SAFE_RULES)
    counts = {
        rule: count if rule in SAFE_RULES else RuleCount(count.samples, 0)
        for rule, count in findings.rule_counts(engine, sample_filter).items()
    }
    return Overview(sum(repairs), repairs, counts)


def current_context(workspace: Workspace, recipe_key: str) -> Context:
    """Returns the context of the rules for the newest revision of a recipe."""
    return context_of(recipes.current(workspace.engine, recipe_key).recipe)


@bookkeeping()
def check_new(
    workspace: Workspace, recipe_key: str, limit: int | None = None, progress: Progress | None = None
) -> int:
    """Checks the samples that changed since their last check (at most ``limit``), stores the findings and
    returns how many were checked. All samples are checked if the recipe or the rules have changed. Once none
    is left, the samples are also compared with each other. Takes some short queries if there is nothing to
    do. ``progress`` is called with (checked, all that are waiting)."""
    forget_outdated(workspace, recipe_key)
    waiting = findings.unchecked_count(workspace.engine, recipe_key)
    total = waiting if limit is None else min(waiting, limit)
    done = 0
    if total:
        context = current_context(workspace, recipe_key)
        must_compare(workspace, recipe_key)
        with checking(context, total) as check:
            for batch, answer in _each_checked(workspace, recipe_key, check, limit):
                _check_batch(workspace, recipe_key, batch, answer)
                done += len(batch)
                if progress is not None:
                    progress(done, max(done, total))
    if limit is None or done < limit:
        compare_all(workspace, recipe_key)
    return done


def _each_checked(
    workspace: Workspace, recipe_key: str, check: Check, limit: int | None
) -> Iterator[tuple[Sequence[Unchecked], Answer]]:
    """Yields the batches of unchecked samples, each with what waits for the answer about it; the next one is
    begun before."""
    left, after = limit, 0
    last: tuple[Sequence[Unchecked], Answer] | None = None
    while True:
        size = _BATCH if left is None else min(_BATCH, left)
        batch = findings.unchecked(workspace.engine, recipe_key, size, after) if size else []
        begun = (batch, check(batch)) if batch else None
        if last is not None:
            yield last
        if last is None and begun is None:
            return
        # Behind the end, what was changed meanwhile is looked for from the beginning.
        last, after = begun, batch[-1].id if batch else 0
        left = None if left is None else left - len(batch)


def check_again(workspace: Workspace, recipe_key: str, progress: Progress | None = None) -> int:
    """Checks every sample of a recipe again, after its lists, limits or suitability have changed; returns how
    many."""
    findings.forget_checks(workspace.engine, recipe_key)
    return check_new(workspace, recipe_key, progress=progress)


def _check_batch(workspace: Workspace, recipe_key: str, batch: Sequence[Unchecked], answer: Answer) -> None:
    seen = dict(zip((sample.id for sample in batch), answer(), strict=True))
    own = {number: each.findings for number, each in seen.items()}
    doubts = {number: each.doubt for number, each in seen.items() if each.doubt}
    save_findings(workspace, recipe_key, batch, own, doubts)


def save_findings(
    workspace: Workspace,
    recipe_key: str,
    batch: Sequence[Unchecked],
    own: Mapping[int, list[Finding]],
    doubts: Mapping[int, float],
) -> None:
    """Stores what was found in each sample of ``batch`` alone (by number), with what follows from the samples
    beside it, and the ``doubts`` about those in which nothing was found."""
    twins = findings.twins(workspace.engine, recipe_key, batch, EXACT_DUPLICATE.id)
    imitated = [sample.id for sample in batch if sample.source == IMITATION]
    alike = imitation.too_close(workspace.engine, imitated)
    by_sample: dict[int, tuple[int, list[Finding]]] = {}
    for sample in batch:
        items = list(own[sample.id])
        if (twin := twins.get(sample.id)) is not None:
            items.append(Finding(EXACT_DUPLICATE.id, _("与样本 {id} 的内容一样", id=twin)))
        if sample.id in alike and sample.output == sample.original:
            items.append(Finding(TOO_ALIKE.id, alike[sample.id]))
        by_sample[sample.id] = (sample.version, items)
    findings.save(workspace.engine, by_sample, doubts)


def propose(sample: Sample, context: Context, rules: Collection[str] = SAFE_RULES) -> Proposal | None:
    """Returns the change that ``rules`` would make to a sample, None if there is none."""
    after, history = clean_turns(sample, context, rules)
    if after == sample.output and history == sample.history:
        return None
    return Proposal(sample, after, history)


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
        by_rule={rule: count.fixable for rule, count in counts.items() if rule in rules and count.fixable},
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
    revisions: dict[int, SampleRevision] = {}
    for batch in samples.each(workspace.engine, _fixable(sample_filter, rules)):
        for sample in batch:
            if (proposal := propose(sample, context, rules)) is not None:
                version = (versions or {}).get(sample.id, sample.version)
                revisions[sample.id] = replace(proposal.revision, version=version)
    title = _("自动修正 {n} 条", n=len(revisions))
    reviewer = who or workspace.settings().reviewer
    step = steps.revise(workspace.engine, sample_filter.recipe, revisions, steps.FIX, title, reviewer)
    check_new(workspace, sample_filter.recipe)
    return step


def _fixable(sample_filter: SampleFilter, rules: Iterable[str]) -> SampleFilter:
    """Returns the samples of ``sample_filter`` in which one of ``rules`` has a finding with a fix. A rule
    that the filter itself asks for stays in it."""
    chosen = set(rules)
    narrowed = tuple(sorted(chosen & set(sample_filter.rules) if sample_filter.rules else chosen))
    return replace(sample_filter, rules=narrowed or ("-",), fixable=True)
