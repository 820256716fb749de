"""The models of a running server by name. Adapters can be added and removed while it answers. Imported by
the server process only."""

import asyncio
import contextlib
import ctypes
import gc
import time
from pathlib import Path

import psutil
import torch

from tianji_core.errors import InputError, ModelError
from tianji_core.i18n import _
from tianji_core.model_folders.adapter import adapter_base
from tianji_core.model_folders.folders import NamedFolder
from tianji_core.model_folders.roots import SHOWN, checked_root
from tianji_core.serving.engine import Engine
from tianji_core.serving.loading import Served, load_adapter, owner_of
from tianji_core.workspace import Workspace


class Registry:
    """The models that requests can use. Changed only from the event loop."""

    def __init__(
        self, served: list[Served], device: torch.device, workspace: Workspace | None = None
    ) -> None:
        """``workspace`` is a folder from which requests may always load adapters, beside those of
        :mod:`~tianji_core.model_folders.roots`."""
        self._by_name = {entry.name: (entry, int(time.time())) for entry in served}
        self._changing = asyncio.Lock()
        self._workspace = workspace
        self.device = device

    @property
    def names(self) -> list[str]:
        """All names, in the order of loading."""
        return list(self._by_name)

    @property
    def entries(self) -> list[tuple[Served, int]]:
        """All models, each with its time of loading in seconds since 1970."""
        return list(self._by_name.values())

    @property
    def engines(self) -> list[Engine]:
        """The engine of each base."""
        return list({id(entry.engine): entry.engine for entry, _since in self._by_name.values()}.values())

    def get(self, name: str) -> Served | None:
        """Returns the model of a name, or None."""
        entry = self._by_name.get(name)
        return None if entry is None else entry[0]

    async def load(self, name: str, folder: Path, base: str = "") -> Served:
        """Loads an adapter under ``name``; ``base`` names its base when there are several.

        Raises:
            InputError: the name is taken, no such base, or a folder from which no model may be loaded.
            ModelError: the adapter cannot be loaded on it.
        """
        async with self._changing:
            if name in self._by_name:
                raise InputError(_("已经有叫 {name} 的模型了，请换个名字或先卸载它", name=name))
            full = [entry for entry, _since in self._by_name.values() if not entry.parent]
            if base:
                full = [entry for entry in full if entry.name == base]
                if not full:
                    raise InputError(_("没有叫 {name} 的基座", name=base))
            made = await asyncio.to_thread(self._loaded, name, folder, full)
            self._by_name[name] = (made, int(time.time()))
            return made

    def _loaded(self, name: str, folder: Path, full: list[Served]) -> Served:
        real = checked_root(self._workspace, folder)
        if not real.is_dir():
            raise ModelError(_("没有文件夹 {folder}，请检查模型的路径", folder=str(real)[:SHOWN]))
        owner = owner_of(name, adapter_base(real), full)
        return load_adapter(owner, NamedFolder(name, real))

    async def unload(self, name: str) -> None:
        """Removes an adapter: new requests are refused at once, running ones end first, then its memory is
        freed.

        Raises:
            InputError: no such adapter.
        """
        async with self._changing:
            entry = self.get(name)
            if entry is None or not entry.parent:
                raise InputError(_("没有叫 {name} 的适配器", name=name))
            del self._by_name[name]
            await asyncio.wrap_future(entry.engine.remove_adapter(entry.adapter))
            await asyncio.to_thread(_give_back)

    def memory(self) -> tuple[int, int]:
        """Returns the bytes of the process in RAM and of tensors on the GPU (0 on a CPU)."""
        on_gpu = torch.cuda.memory_allocated(self.device) if self.device.type == "cuda" else 0
        return psutil.Process().memory_info().rss, on_gpu


def _give_back() -> None:
    """Returns freed memory to the system, which the C library would keep."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # only glibc has malloc_trim
        ctypes.CDLL(None).malloc_trim(0)
