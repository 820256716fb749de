"""The base that comes with the studio, and its place in this installation whatever path was stored for it."""

from functools import lru_cache
from pathlib import Path

from tianji_core.errors import StudioError
from tianji_core.model_folders.base import fingerprint
from tianji_core.project import NANO_FOLDER


def base_here(folder: Path, wanted: str = "") -> Path:
    """Where this installation has a base that was stored as ``folder``. That of another checkout, an earlier
    place or an older release becomes :data:`~tianji_core.project.NANO_FOLDER` where its own folder is gone,
    or where the fingerprint ``wanted`` ('': not known) says that both are the same. Any other folder is
    returned as it is.

    A base that only has the name passes here and fails the comparison of fingerprints that comes before every
    use (:func:`~tianji_core.model_folders.base.check_same_base`), which says what to do.
    """
    if folder == NANO_FOLDER or folder.parts[-3:] != NANO_FOLDER.parts[-3:]:
        return folder
    if not folder.is_dir() or (wanted and wanted == _own_fingerprint()):
        return NANO_FOLDER
    return folder


@lru_cache(maxsize=1)
def _own_fingerprint() -> str:
    try:
        return fingerprint(NANO_FOLDER)
    except StudioError:
        return ""
