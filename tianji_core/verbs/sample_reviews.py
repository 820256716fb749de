"""What two reviewers did in the sample workspace: samples in every state, with findings, edits, notes, stars
and second verdicts. Each part is a review step as a person takes it on the page, and can be undone there."""

from tianji_core import cleaning
from tianji_core.i18n import _
from tianji_core.store import samples, second_verdicts, steps
from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED, SampleFilter
from tianji_core.workspace import Workspace

SECOND_SHARE = 0.2
"""Share of the decided samples that a second reviewer judges again."""
LOUD = ("！", "!", "～", "~")
LEFT_PENDING = 4
"""One in so many occasions is left for whoever looks around."""


def reviewers() -> tuple[str, str]:
    """Returns the names of the two reviewers."""
    return _("小林")[:], _("阿岚")[:]


def review_samples(space: Workspace, recipe: str, run_id: int) -> None:
    """Reviews the samples of a run: fixes half of what can be fixed, decides three occasions in four, edits,
    rates, notes, and judges some again. Does nothing where a step was taken already."""
    engine = space.engine
    if steps.count(engine, recipe):
        return
    first, second = reviewers()
    cleaning.check_new(space, recipe)
    scenes = list(dict.fromkeys(sample.scene for sample in _some(space, SampleFilter(recipe, run_id=run_id))))
    decided = [scene for number, scene in enumerate(scenes) if number % LEFT_PENDING != LEFT_PENDING - 1]
    half = tuple(decided[::2])
    if half:
        cleaning.fix(space, SampleFilter(recipe, run_id=run_id, scenes=half), who=first)
    for number, scene in enumerate(decided):
        who = (first, second)[number % 2]
        clean = SampleFilter(recipe, run_id=run_id, scenes=(scene,), states=(PENDING,), clean=True)
        steps.set_state(engine, clean, ACCEPTED, who)
        faulty = SampleFilter(recipe, run_id=run_id, scenes=(scene,), states=(PENDING,), clean=False)
        if number % 3 == 0:
            steps.set_state(engine, faulty, REJECTED, who, note=_("有毛病，不改了")[:])
    _edit(space, recipe, first)
    _rate_and_reject(space, recipe, second)
    _judge_again(space, recipe, (first, second))


def _some(space: Workspace, matching: SampleFilter, number: int = 5000) -> list[samples.Sample]:
    return samples.page(space.engine, matching, limit=number)


def _edit(space: Workspace, recipe: str, who: str) -> None:
    """Gives every fifteenth of the accepted texts that end loudly a plainer end."""
    taken = _some(space, SampleFilter(recipe, states=(ACCEPTED,)))
    for sample in [each for each in taken if each.output.endswith(LOUD)][::15]:
        plainer = sample.output.rstrip("".join(LOUD)) + "。"
        steps.edit(
            space.engine,
            recipe,
            sample.id,
            sample.version,
            plainer,
            who,
            note=_("结尾太满，改得平实些")[:],
        )


def _rate_and_reject(space: Workspace, recipe: str, who: str) -> None:
    """Gives stars, and rejects a few good ones by taste."""
    taken = _some(space, SampleFilter(recipe, states=(ACCEPTED,)))
    for stars in range(1, 6):
        chosen = tuple(sample.id for sample in taken[stars * 3 :: 23])
        if chosen:
            steps.rate(space.engine, SampleFilter(recipe, ids=chosen), stars, who)
    dull = tuple(sample.id for sample in taken[7::60])
    if dull:
        steps.set_state(space.engine, SampleFilter(recipe, ids=dull), REJECTED, who, note=_("太套话")[:])


def _judge_again(space: Workspace, recipe: str, who: tuple[str, str]) -> None:
    """Lets each reviewer judge some samples that the other one decided; they differ on one in six."""
    second_verdicts.set_share(space.engine, recipe, SECOND_SHARE)
    for person in who:
        matching = SampleFilter(recipe, states=(ACCEPTED, REJECTED))
        for number, sample in enumerate(second_verdicts.waiting(space.engine, matching, person, limit=30)):
            other = REJECTED if sample.state == ACCEPTED else ACCEPTED
            state = other if number % 6 == 5 else sample.state
            second_verdicts.record(space.engine, sample, state, person)
