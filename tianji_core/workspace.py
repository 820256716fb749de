"""The workspace folder, its settings, and the keys that never leave the environment or ``.env``."""

import contextlib
import json
import os
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.addresses import without_credentials
from tianji_core.errors import DatabaseLostError, InputError, SettingsError
from tianji_core.files import write_json, write_text
from tianji_core.gate import remember_secret, remember_secrets
from tianji_core.i18n import _
from tianji_core.ownership import ROOMS, facts_of, mark
from tianji_core.project import PROJECT
from tianji_core.recipe import DEFAULT_RECIPE
from tianji_core.roles import bookkeeping
from tianji_core.store.backups import Backup, backup, backups
from tianji_core.store.database import database_file, sqlite_address
from tianji_core.store.keeping import open_kept, restore, start_anew

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Settings(BaseModel):
    """Settings of the whole workspace, stored in ``settings.json``."""

    model_config = ConfigDict(extra="ignore")

    language: str = Field(default="zh", pattern="^(zh|en)$")
    recipe: str = Field(default=DEFAULT_RECIPE, max_length=40)
    reviewer: str = Field(default="我", min_length=1, max_length=40)
    zone: str = Field(default="", pattern=r"^[A-Za-z0-9_+/-]*$", max_length=60)
    """The time zone in which times are shown, as in the tz database; '' for that of the browser."""
    model_mirror: str = Field(default="", pattern=r"^(https?://[^\s/@?#]+/?)?$", max_length=200)
    """Address that models are downloaded from instead of ModelScope, '' for ModelScope itself."""


@dataclass(frozen=True)
class Workspace:
    """One folder with everything a person makes. :func:`open_workspace` returns one."""

    home: Path
    database_url: str

    @property
    def datasets(self) -> Path:
        """Dataset versions, one folder each."""
        return self.home / "datasets"

    @property
    def runs(self) -> Path:
        """Raw files of generation runs and work folders of trainings."""
        return self.home / "runs"

    @property
    def models(self) -> Path:
        """Downloaded bases, adapters and merged models, one folder each."""
        return self.home / "models"

    @property
    def logs(self) -> Path:
        """Logs and progress files of jobs."""
        return self.home / "logs"

    @property
    def answers(self) -> Path:
        """File of the answers that teachers have given, by request."""
        return self.home / "answers.db"

    def run_folder(self, run_id: int) -> Path:
        """Returns the folder of a generation run."""
        return self.runs / f"run-{run_id}"

    @property
    def exports(self) -> Path:
        """Exported files."""
        return self.home / "exports"

    def free_space(self) -> dict[Path, int]:
        """Returns the free bytes of each disk that holds a part of the workspace, by the first of the folders
        home, runs and models on it. Links are followed."""
        disks: dict[int, Path] = {}
        for folder in (self.home, self.runs, self.models):
            disks.setdefault(folder.stat().st_dev, folder)
        return {folder: shutil.disk_usage(folder).free for folder in disks.values()}

    def cache_variables(self) -> dict[str, str]:
        """Returns the environment variables of child processes that keep the caches of libraries in the
        workspace. Libraries that share a cache between projects keep theirs in the home folder where that can
        be written."""
        cache = self.home / "cache"
        variables = {
            "HF_HOME": str(cache / "huggingface"),
            "HF_MODULES_CACHE": str(cache / "huggingface" / "modules"),
            "HF_DATASETS_CACHE": str(cache / "datasets"),
        }
        home = Path("~").expanduser()
        if not home.is_dir() or not os.access(home, os.W_OK):
            shared = {
                "MODELSCOPE_CACHE": "modelscope",
                "MPLCONFIGDIR": "matplotlib",
                "TRITON_CACHE_DIR": "triton",
            }
            variables |= {name: str(cache / folder) for name, folder in shared.items()}
            variables["XDG_CACHE_HOME"] = str(cache)
        return variables

    @cached_property
    def engine(self) -> "Engine":
        """The database, migrated to the current schema and backed up once a day.

        Raises:
            DatabaseLostError: this is not the database that the workspace has had.
            SettingsError: it cannot be opened.
        """
        with bookkeeping():
            return open_kept(self.home, self.database_url)

    def check_database(self) -> None:
        """Checks that the database is there, also where it was opened before.

        Raises:
            DatabaseLostError: this is not the database that the workspace has had.
            SettingsError: it cannot be opened.
        """
        file = database_file(self.database_url)
        if file is not None and not file.exists():
            self.__dict__.pop("engine", None)
        _ = self.engine

    def database_is_lost(self) -> bool:
        """Returns whether the database is not the one that the workspace has had."""
        try:
            self.check_database()
        except DatabaseLostError:
            return True
        return False

    def backups(self) -> list[Backup]:
        """Returns the backups of the database, newest first."""
        return backups(self.home)

    def back_up(self) -> Backup:
        """Backs the database up.

        Raises:
            InputError: it is on a server. DatabaseLostError: it is lost or damaged. StudioError: the disk is
                full.
        """
        _ = self.engine
        return backup(self.home, self.database_url)

    def restore_database(self, source: Path | None = None) -> Path:
        """Restores a backup (the newest for None) and returns its path; the earlier database is moved to
        ``backups/replaced``.

        Raises:
            InputError: there is no backup, it is damaged, or the database is on a server.
            StudioError: the disk is full.
        """
        self.__dict__.pop("engine", None)
        return restore(self.home, self.database_url, source)

    def start_database_anew(self) -> None:
        """Moves the database to ``backups/replaced``; the next opening makes an empty one.

        Raises:
            InputError: it is on a server. StudioError: it cannot be moved.
        """
        self.__dict__.pop("engine", None)
        start_anew(self.home, self.database_url)

    @property
    def env_file(self) -> Path:
        """File of the saved keys (mode 600)."""
        return self.home / ".env"

    def settings(self) -> Settings:
        """Returns the saved settings, or the defaults.

        Raises:
            SettingsError: the file is not valid.
        """
        path = self.home / "settings.json"
        try:
            return Settings.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return Settings()
        except json.JSONDecodeError as error:
            reason = _("第 {line} 行第 {column} 列不是合法的 JSON", line=error.lineno, column=error.colno)
            raise self._broken_settings(path, reason) from error
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(str(part) for part in first["loc"])
            reason = (
                _(
                    "{key} 的值 {value} 不对",
                    key=key,
                    value=without_credentials(repr(first["input"])[:200])[:80],
                )
                if key
                else _("应当是一个对象")
            )
            raise self._broken_settings(path, reason) from error
        except UnicodeDecodeError as error:
            raise self._broken_settings(path, _("不是 UTF-8 编码的文本")) from error
        except OSError as error:
            raise self._broken_settings(path, str(error.strerror)) from error

    @staticmethod
    def _broken_settings(path: Path, reason: str) -> SettingsError:
        return SettingsError(_("设置文件 {file} 坏了，请修好或删掉它：{detail}", file=path, detail=reason))

    def save_settings(self, settings: Settings) -> None:
        """Replaces the saved settings."""
        write_json(self.home / "settings.json", json.loads(settings.model_dump_json()))

    def key(self, variable: str) -> str | None:
        """Returns a secret by the name of its environment variable: from the process environment, the
        workspace's ``.env``, or the project's, in this order. From then on the gate removes it from every
        text."""
        value = os.environ.get(variable, "").strip()
        if not value:
            found = (values.get(variable) for values in _env_files(self.home))
            value = next(filter(None, (text.strip() for text in found if text)), "")
        remember_secret(value)
        return value or None

    def save_key(self, variable: str, value: str | None) -> None:
        """Saves a secret in the workspace's ``.env`` (mode 600); None or '' removes it. It counts from
        now on, also where this process had another one in its environment.

        Raises:
            SettingsError: it is not one word of ASCII, so it was not copied as a whole or not alone; or the
            file that is there cannot be read.
        """
        if value and not sendable(value):
            raise SettingsError(
                _("{variable} 的值里有空格、换行或中文，不像密钥，请重新复制一次", variable=variable)
            )
        lines = []
        if self.env_file.exists():
            try:
                kept = self.env_file.read_text(encoding="utf-8").splitlines()
            except (OSError, ValueError) as error:
                raise _unreadable(self.env_file) from error
            lines = [line for line in kept if line.split("=", 1)[0].strip() != variable]
        if value:
            quoted = value.replace("\\", "\\\\").replace("'", "\\'")
            lines.append(f"{variable}='{quoted}'")
        write_text(self.env_file, "\n".join(lines) + "\n" if lines else "", mode=stat.S_IRUSR | stat.S_IWUSR)
        os.environ.pop(variable, None)


def sendable(key: str) -> bool:
    """Returns whether a key can be sent in an HTTP header: one word of printable ASCII."""
    return key.isascii() and key.isprintable() and not any(letter.isspace() for letter in key)


def masked(secret: str | None) -> str:
    """Returns a secret as it may be shown: its last four characters at most."""
    if not secret:
        return ""
    return "••••" + secret[-4:] if len(secret) > 8 else "••••"


def _env_files(home: Path) -> Iterator[dict[str, str | None]]:
    """Yields the variables in the ``.env`` of the workspace, then of the project; values are taken as they
    stand.

    Raises:
        SettingsError: a file cannot be read or is no text.
    """
    for path in (home / ".env", PROJECT / ".env"):
        try:
            if path.exists():
                yield dotenv_values(path, interpolate=False)
        except (OSError, ValueError) as error:
            raise _unreadable(path) from error


def _unreadable(file: Path) -> SettingsError:
    return SettingsError(_("密钥文件 {file} 读不了，或者不是 UTF-8 文本；请修好或删掉它", file=file))


def workspace_folder(home: str | Path | None = None) -> Path:
    """Returns the folder that :func:`open_workspace` opens, absolute, without making it.

    Raises:
        SettingsError: its links form a circle.
    """
    named = _named(home)
    try:
        return named.expanduser().resolve()
    except RuntimeError as error:  # a circle of links
        raise SettingsError(_("工作区文件夹 {folder} 的链接绕成了圈，请换一个", folder=named)) from error


def open_workspace(home: str | Path | None = None) -> Workspace:
    """Returns the workspace at ``home``, or ``TIANJI_HOME``, or ``./workspace``; absent folders are created.

    The workspace holds what people and teachers wrote, so it is private: from here on, this process and its
    children make files that only the user can read (umask 077), and the folder is closed to others. Every key
    in the environment and in ``.env`` is made known to the gate, which removes it from texts.

    Raises:
        SettingsError: the folder cannot be made or written.
    """
    folder = workspace_folder(home)
    os.umask(0o077)
    try:
        for name in ROOMS:
            (folder / name).mkdir(parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077 and folder.stat().st_uid == os.getuid():
            folder.chmod(0o700)
        if os.access(folder, os.W_OK):
            _mark(folder)
    except OSError as error:
        raise SettingsError(
            _(
                "工作区文件夹 {folder} 不能使用（{detail}），请换一个或改权限",
                folder=home or folder,
                detail=error.strerror or error,
            )
        ) from error
    if not os.access(folder, os.W_OK):
        raise SettingsError(_("工作区文件夹 {folder} 不可写，请换一个或改权限", folder=folder))
    remember_secrets(os.environ)
    with contextlib.suppress(SettingsError):  # said where a key is needed; everything else works without
        for variables in _env_files(folder):
            remember_secrets(variables)
    return _at(folder)


def existing_workspace(home: str | Path | None = None) -> Workspace:
    """Returns a workspace that is there, as :func:`open_workspace` finds it, and changes nothing in it.

    Raises:
        InputError: there is none.
    """
    folder = _named(home).expanduser().absolute()
    if not (folder / ROOMS[0]).is_dir():
        raise InputError(_("没有工作区 {folder}，请检查路径", folder=folder))
    return _at(folder.resolve())


def _named(home: str | Path | None) -> Path:
    return Path(home or os.environ.get("TIANJI_HOME") or "workspace")


def _at(folder: Path) -> Workspace:
    url = os.environ.get("TIANJI_DATABASE_URL") or sqlite_address(folder / "studio.db")
    return Workspace(home=folder, database_url=url)


def _mark(folder: Path) -> None:
    """Marks a workspace, and in one of an older release the folders that it made."""
    facts = facts_of(folder)
    if "workspace" in facts:
        return
    new = not (folder / "studio.db").exists() and not any(any((folder / name).iterdir()) for name in ROOMS)
    for pattern in () if new else ("runs/training-*", "models/.making-*", "models/.download-*"):
        for made in folder.glob(pattern):
            if made.is_dir() and not made.is_symlink():
                mark(made)
    mark(folder, workspace=uuid4().hex, **({"made_at": time.time()} if new else {}))


def highest_number(folder: Path, prefix: str) -> int:
    """Returns the highest N of the names ``<prefix>N`` or ``<prefix>N.…`` in a folder, 0 where there is
    none."""
    numbers = (path.name.removeprefix(prefix).partition(".")[0] for path in folder.glob(f"{prefix}*"))
    return max((int(number) for number in numbers if number.isascii() and number.isdecimal()), default=0)
