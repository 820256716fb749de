"""The licence that a pushed repository names."""

from tianji_core.errors import PushError
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import Artefact
from tianji_core.models import KnownBase, artefacts, known_bases
from tianji_core.models.nano import FOLDER as NANO_FOLDER
from tianji_core.workspace import Workspace

OTHER = "other"
LICENCES = ("apache-2.0", "mit", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc0-1.0", OTHER)
"""Identifiers that both hubs know; ``other`` where nobody has chosen one."""


def checked_licence(licence: str) -> str:
    """Returns a licence's identifier.

    Raises:
        PushError: none of :data:`LICENCES`.
    """
    if licence.lower() not in LICENCES:
        raise PushError(
            _("不认识许可“{licence}”，可以选 {known}", licence=licence, known=_("、").join(LICENCES))
        )
    return licence.lower()


def default_licence(workspace: Workspace, model: Artefact | None) -> str:
    """Returns the licence of a model's base, which its weights follow; ``other`` where that is not known, and
    for a dataset (None)."""
    if model is None:
        return OTHER
    origin = original_base(workspace, model)
    if origin is not None:
        return origin.licence.lower() if origin.licence.lower() in LICENCES else OTHER
    return "apache-2.0" if _root(workspace, model).base == NANO_FOLDER else OTHER


def original_base(workspace: Workspace, model: Artefact) -> KnownBase | None:
    """Returns the known base that a model was trained on, None for any other base."""
    folder = _root(workspace, model).base
    if folder is None:
        return None
    names = {folder.name.lower()}
    for listed in artefacts(workspace):
        if listed.kind == "base" and listed.path == folder:
            names |= {listed.title.rpartition("/")[2].lower(), listed.name.lower()}
    for known in known_bases():
        own = {known.title, known.modelscope.partition("/")[2], known.huggingface.partition("/")[2]}
        if names & {name.lower() for name in own}:
            return known
    return None


def _root(workspace: Workspace, model: Artefact) -> Artefact:
    """Returns the trained model: a GGUF file's merged model where that is still there."""
    if model.kind != "gguf":
        return model
    merged = (each for each in artefacts(workspace) if each.kind == "merged" and each.path == model.base)
    return next(merged, model)
