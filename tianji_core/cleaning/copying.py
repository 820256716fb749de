"""A good text for one person as a start for another one."""

from dataclasses import replace

from tianji_core.cleaning.rule import Context, Subject
from tianji_core.cleaning.rules import clean_text
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.store import samples
from tianji_core.store.samples import COPY, NewSample, Sample
from tianji_core.workspace import Workspace


def readdressed(sample: Sample, name: str, context: Context) -> NewSample:
    """The sample for ``name``: the name replaced in input and output, 您 and 你 as the new receiver wants them."""
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


def copy_to(workspace: Workspace, sample: Sample, name: str, context: Context) -> int:
    """Store a pending copy of a sample for another person; its number.

    Raises:
        InputError: the name is the sample's own or unknown, or there is such a sample already.
    """
    if name == sample.name or name not in context.pronouns:
        raise InputError(_("请选另一个称谓，“{name}”不行", name=name))
    number = samples.add(workspace.engine, readdressed(sample, name, context), COPY)
    if number is None:
        raise InputError(_("已经有一条一模一样的“{name}”样本了", name=name))
    return number
