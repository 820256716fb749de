"""Copying a good text for another receiver."""

from dataclasses import replace

from tianji_core.cleaning.rule import Context
from tianji_core.cleaning.turns import clean_turns
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.store import steps
from tianji_core.store.samples import NewSample, Sample
from tianji_core.workspace import Workspace


def readdressed(sample: Sample, name: str, context: Context) -> NewSample:
    """Returns the sample addressed to ``name``: the name replaced in every input and answer, 您 and 你 as the
    new receiver requires."""

    def named(text: str) -> str:
        return text.replace(sample.name, name) if sample.name else text

    new = NewSample(
        recipe=sample.recipe,
        system=sample.system,
        input=named(sample.input),
        output=named(sample.output),
        name=name,
        scene=sample.scene,
        style=sample.style,
        options=sample.options,
        fact=sample.fact,
        history=tuple((named(asked), named(answered)) for asked, answered in sample.history),
    )
    output, history = clean_turns(new, context, ["wrong_pronoun"])
    return replace(new, output=output, history=history)


def copy_to(workspace: Workspace, sample: Sample, name: str, context: Context, who: str = "") -> int:
    """Stores a pending copy of a sample for another receiver, as a step in the history of both, and returns
    its id.

    Raises:
        InputError: the name is the sample's own or unknown, or there is such a sample already. ConflictError:
        the sample has changed meanwhile.
    """
    if name == sample.name or name not in context.pronouns:
        raise InputError(_("请选名单里的另一个，“{name}”不行", name=name))
    (number,) = steps.derive(
        workspace.engine,
        sample,
        [readdressed(sample, name, context)],
        steps.COPIED,
        _("把样本 {id} 复制给{name}", id=sample.id, name=name),
        who or workspace.settings().reviewer,
        keep_parent=True,
    )
    return number
