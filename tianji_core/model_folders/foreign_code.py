"""Lets transformers run the Python code that model folders bring. Imported by subprocess entries only: each
process that loads models calls :func:`prepare_transformers` first.

transformers copies that code into its module cache under the name of the model's folder. A name with a dot
in it (``internlm2.5-chat``) is no module name, so that every relative import in the code fails; two folders
of one name overwrite each other's code. Therefore the code of every folder is read through a link whose name
is a module name and belongs to that folder alone.

Some code was written for an older transformers; :func:`_restore_removed_names` says which names it needs.
"""

import atexit
import functools
import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from tianji_core.model_folders.quick_imports import import_transformers
from tianji_core.ownership import put_link

LINKS = "model_links"
"""The folder of the links, inside the module cache."""
_SHOWN = 40
"""Characters of a folder's name that the name of its link repeats."""


def prepare_transformers() -> None:
    """Prepares the transformers of this process for models that bring code; a second call does nothing.

    Where the module cache cannot be written, this process uses a temporary one.
    """
    import_transformers()
    from transformers import dynamic_module_utils

    original = dynamic_module_utils.get_cached_module_file
    if hasattr(original, "__wrapped__"):
        return
    _ensure_cache(dynamic_module_utils)

    @functools.wraps(original)
    def linked(folder: str | os.PathLike[str], module_file: str, *positional: Any, **named: Any) -> str:
        path = Path(folder)
        if path.is_dir():
            folder = str(link_to(path, Path(dynamic_module_utils.HF_MODULES_CACHE)))
        return original(folder, module_file, *positional, **named)

    setattr(dynamic_module_utils, "get_cached_module_file", linked)  # noqa: B010
    _restore_removed_names()


def link_to(folder: Path, cache: Path) -> Path:
    """Returns the link in ``cache`` that leads to ``folder``; its name is a valid module name.

    Raises:
        OSError: the link cannot be created.
    """
    real = folder.resolve()
    readable = re.sub(r"[^A-Za-z0-9]+", "_", real.name).strip("_")[:_SHOWN]
    digest = hashlib.sha256(os.fsencode(real)).hexdigest()[:16]
    link = cache / LINKS / f"m_{readable}_{digest}"
    if link.is_symlink() and link.resolve() == real:
        return link
    link.parent.mkdir(parents=True, exist_ok=True)
    put_link(link, real)
    return link


def _ensure_cache(modules: Any) -> None:
    try:
        Path(modules.HF_MODULES_CACHE).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=modules.HF_MODULES_CACHE):
            return
    except OSError:
        cache = tempfile.TemporaryDirectory(prefix="tianji-modules-", ignore_cleanup_errors=True)
    atexit.register(cache.cleanup)
    modules.HF_MODULES_CACHE = cache.name


def _restore_removed_names() -> None:
    """Gives this transformers the names that the code of older models calls.

    - InternLM2 of January 2024 needs none: it passes its cache as tuples.
    - InternLM2 and InternLM2.5 of July 2024 call ``Cache.get_max_length``, which became
      ``get_max_cache_shape`` in transformers 4.48. Other models of that year (DeepSeek-V2, Phi-3) do, too.
    - Newer revisions call ``get_max_cache_shape`` and need none.
    """
    from transformers.cache_utils import Cache

    if not hasattr(Cache, "get_max_length"):
        setattr(Cache, "get_max_length", lambda cache: cache.get_max_cache_shape())  # noqa: B010
