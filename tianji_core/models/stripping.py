"""Makes an adapter without the parts that servers of other programs cannot load."""

from tianji_core.i18n import _
from tianji_core.model_folders.adapter import WEIGHTS
from tianji_core.model_folders.heads import outside_parts, without_outside
from tianji_core.model_folders.manifest import Artefact, read_artefact, write_artefact
from tianji_core.models.card import write_card
from tianji_core.models.catalogue import free_name, made_from, making
from tianji_core.models.merged import run_of
from tianji_core.store.database import now
from tianji_core.workspace import Workspace


def stripped(workspace: Workspace, adapter: Artefact) -> Artefact:
    """Returns an adapter without what ``adapter`` changes at the head and the embeddings: the one that was
    made before, or a new one, which answers a little differently.

    Raises:
        ModelError: its files are broken, or nothing would be left.
    """
    for known in reversed(made_from(workspace, adapter, "adapter")):
        if not outside_parts(known.path):
            return known
    name = free_name(workspace, f"{adapter.name}-layers")
    with making(workspace, name) as folder:
        without_outside(adapter.path, folder)
        made = adapter.model_copy(
            update={
                "name": name,
                "title": _("{title}（不带输出层）", title=adapter.title),
                "path": folder,
                "adapter": adapter.name,
                "figures": {"bytes": float((folder / WEIGHTS).stat().st_size)},
                "sample": "",
                "samples": {},
                "created_at": now(),
            }
        )
        write_card(folder, made, run_of(workspace, made))
        write_artefact(folder, made, workspace.home)
    return read_artefact(workspace.models / name, workspace.home)
