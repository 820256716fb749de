"""What of a dataset on a hub is fetched: the chosen files, within bounds of size and time."""

import contextlib
import shutil
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tianji_core import ownership
from tianji_core.dataset.conversation_version import MOST_KEPT
from tianji_core.dataset.reading import NO_DATA, SUFFIXES
from tianji_core.errors import ImportFileError, InputError, StudioError
from tianji_core.i18n import _
from tianji_core.recipe import explain

Hub = Literal["huggingface", "modelscope"]
HUB_TITLES: dict[Hub, str] = {"huggingface": "Hugging Face", "modelscope": "ModelScope"}
GIGABYTES, HOURS = 5.0, 6.0
"""How much is fetched, and for how long, where a person says nothing else."""
MOST_FILES = 2000
"""Files of one dataset."""
_WATCH = 0.5

Pattern = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Progress = Callable[[float, float], None]
"""Called with the bytes downloaded so far and in total."""


class HubBounds(BaseModel):
    """The files that match one of the patterns ``files`` (such as ``zh/*.jsonl``; none: all), together at
    most ``gigabytes`` (1e9 bytes), fetched in at most ``hours``. A version of conversations gets at most
    ``rows`` of them."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    files: tuple[Pattern, ...] = Field(default=(), max_length=20)
    gigabytes: float = Field(default=GIGABYTES, gt=0, le=200)
    hours: float = Field(default=HOURS, gt=0, le=72)
    rows: int = Field(default=MOST_KEPT, ge=1, le=MOST_KEPT)


def checked_bounds(**values: object) -> HubBounds:
    """Returns the bounds that a person has chosen.

    Raises:
        InputError: a value is out of bounds.
    """
    try:
        return HubBounds.model_validate(values)
    except ValidationError as error:
        raise InputError(explain(error, whole="")) from error


def importable(sizes: Mapping[str, int]) -> dict[str, int]:
    """Returns those of the files of a dataset, path → bytes, that an import can read.

    Raises:
        ImportFileError: a path leads out of the dataset.
    """
    for name in sizes:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or len(name) > 500:
            raise ImportFileError(_("数据集里有个文件的路径不对：{path}，没有下载", path=name[:200]))
    return {
        name: size
        for name, size in sizes.items()
        if Path(name).suffix.lower() in SUFFIXES and Path(name).name not in NO_DATA
    }


def chosen_files(sizes: Mapping[str, int], bounds: HubBounds) -> dict[str, int]:
    """Returns the files that the bounds choose.

    Raises:
        ImportFileError: none matches, or they are too many or too large.
    """
    found = {
        name: size
        for name, size in sizes.items()
        if not bounds.files or any(fnmatchcase(name, pattern) for pattern in bounds.files)
    }
    if not found:
        known, more = list(sizes)[:5], _(" 等 {n} 个", n=len(sizes)) if len(sizes) > 5 else ""
        patterns = _("、").join(bounds.files)
        raise ImportFileError(
            _(
                "没有文件符合 {patterns}；里面有的是 {files}{more}",
                patterns=patterns,
                files=_("、").join(known),
                more=more,
            )
        )
    if len(found) > MOST_FILES:
        raise ImportFileError(
            _("要下载 {n} 个文件，最多 {most} 个；请写明只要哪些文件", n=len(found), most=MOST_FILES)
        )
    total = sum(found.values())
    if total > bounds.gigabytes * 1e9:
        raise ImportFileError(
            _(
                "一共 {size} GB，超过了 {most} GB；请写明只要哪些文件（例如 {example}），或把上限调大",
                size=f"{total / 1e9:.1f}",
                most=f"{bounds.gigabytes:g}",
                example=min(found, key=lambda name: (found[name], name)),
            )
        )
    return found


def keep_only(folder: Path, files: Collection[str]) -> None:
    """Removes from the folder of a dataset what an import would read beside ``files``: what the dataset held
    at another time. Parts of downloads stay."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        if not hidden and path.suffix.lower() in SUFFIXES and str(name) not in files and not path.is_dir():
            ownership.discard(path)


def check_disk(folder: Path, files: Mapping[str, int]) -> None:
    """Checks that the rest of the files fits on the disk of ``folder``.

    Raises:
        StudioError: it does not.
    """
    needed, free = sum(files.values()) - folder_size(folder), shutil.disk_usage(folder).free
    if free < needed:
        raise StudioError(
            _(
                "要下载 {need} GB，磁盘只剩 {free} GB，请先清理",
                need=f"{needed / 1e9:.1f}",
                free=f"{free / 1e9:.1f}",
            )
        )


class _OutOfTime(BaseException):
    """Raised in the midst of a download, through the libraries' own handling of errors."""


@contextlib.contextmanager
def within_hours(hours: float) -> Iterator[None]:
    """Ends what stands under it after so many hours; for the main thread of a process.

    Raises:
        StudioError: the time was up.
    """

    def out(_number: int, _frame: object) -> None:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, out)
    signal.setitimer(signal.ITIMER_REAL, hours * 3600)
    try:
        yield
    except _OutOfTime as error:
        raise StudioError(
            _("下了 {n} 小时还没下完，先停下；再导入会接着下，或把时间上限调大", n=f"{hours:g}")
        ) from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fetch_each(
    folder: Path, files: Mapping[str, int], progress: Progress, download: Callable[[str], object]
) -> None:
    """Calls ``download`` for each file and tells meanwhile how much of all lies in ``folder``."""
    total, done = sum(files.values()), threading.Event()

    def watch() -> None:
        while not done.wait(_WATCH):
            progress(min(folder_size(folder), total), total)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        for name in files:
            download(name)
    finally:
        done.set()
        watcher.join()
    progress(total, total)


def folder_size(folder: Path) -> int:
    """Returns the bytes of all files in a folder."""
    sizes = []
    for path in folder.rglob("*"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:  # renamed between the listing and the question
            continue
    return sum(sizes)
