"""Copying a good text for another receiver."""

from dataclasses import replace

from tianji_core.cleaning.rule import Context, Subject
from tianji_core.cleaning.rules import clean_text
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.store import steps
from tianji_core.store.samples import NewSample, Sample
from tianji_core.workspace import Workspace


def readdressed(sample: Sample, name: str, context: Context) -> NewSample:
    """Returns the sample addressed to ``name``: the name replaced in input and output, 您 and 你 as the new
    receiver requires."""
    new = NewSample(
        recipe=sample.recipe,
        system=sample.system,
        input=sample.input.replace(sample.name, name) if sample.name else sample.input,
        output=sample.output.replace(sample.name, name) if sample.name else sample.output,
        name=name,
        scene=sample.scene,
        style=sample.style,
    )
    subject = Subject(new.output, name, new.scene, new.style)
    return replace(new, output=clean_text(subject, context, ["wrong_pronoun"]))


def copy_to(workspace: Workspace, sample: Sample, name: str, context: Context, who: str = "") -> int:
    """Stores a pending copy of a sample for another receiver, as a step in the history of both, and returns
    its id.

    Raises:
        InputError: the name is the sample's own or unknown, or there is such a sample already. ConflictError:
        the sample has changed meanwhile.
    """
    if name == sample.name or name not in context.pronouns:
        raise InputError(_("请选另一个称谓，“{name}”不行", name=name))
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
