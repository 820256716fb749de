"""Disk and memory of this machine, before something is installed."""

import shutil
from pathlib import Path

from tianji_core.errors import DiskFullError, InstallError
from tianji_core.i18n import _

MEMORY = 300_000_000
"""Bytes of memory below which set-up does not begin, a careful guess."""
_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def gigabytes(size: float) -> str:
    """Returns a size in bytes for display: 1.9 GB."""
    return f"{size / 1e9:.1f} GB"


def free_memory() -> int:
    """Returns the bytes of memory that a new process may use: of the machine, or of the container where it
    has less."""
    rooms = []
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            rooms.append(int(line.split()[1]) * 1024)
    for limit, used in _LIMITS:
        most, now = _lines(limit), _lines(used)
        if most and now and most[0].isdecimal() and now[0].isdecimal():
            rooms.append(max(0, int(most[0]) - int(now[0])))
    return min(rooms, default=2**62)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="ascii").split("\n")
    except (OSError, ValueError):
        return []


def check_room(folder: Path, need: int) -> None:
    """Checks that ``need`` bytes have room in ``folder``, and that there is memory for pip.

    Raises:
        DiskFullError: not enough disk. InstallError: not enough memory.
    """
    free = shutil.disk_usage(folder).free
    if free < need:
        raise DiskFullError(
            _(
                "要 {need}，{folder} 所在的磁盘只剩 {free}；腾出空间再来一次",
                need=gigabytes(need),
                folder=folder,
                free=gigabytes(free),
            )
        )
    if free_memory() < MEMORY:
        raise InstallError(
            _(
                "安装要 {need} 内存，现在空闲 {free}；关掉别的程序再来一次",
                need=gigabytes(MEMORY),
                free=gigabytes(free_memory()),
            )
        )
