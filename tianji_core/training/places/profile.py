"""The places of a workspace: how each is reached and what is where on it. They hold no passwords and no
keys: an SSH key is named by its path, and the SSH client reads it."""

import hashlib
import json
import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tianji_core.errors import PlaceError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.training.skypilot import SkyRequest
from tianji_core.training.slurm import SlurmRequest
from tianji_core.workspace import Workspace

FILE = "places.json"
MOST = 50
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_NAME = re.compile(r"\w[\w.-]{0,39}")
_MACHINE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,38}[A-Za-z0-9]")
"""What SkyPilot takes as the name of a machine, on every cloud."""


class Place(BaseModel):
    """运行位置. ``host`` is a name, an address or an alias of the SSH configuration; of a Slurm cluster '' where
    its client programs are on this machine. ``key`` is the path of a private key here, '' for the SSH
    client's own choice. ``folder`` is the workspace there, ``python`` the program there that has the studio,
    ``project`` the folder of a checkout there ('' where the studio is installed as a package). ``base`` is a
    model folder there, or the folder that holds the models; ``send_base`` sends the base where it is missing.
    ``slurm`` is what is asked of a cluster, ``sky`` what is asked of SkyPilot, whose machine is ``machine``;
    a base for it that ``base`` does not name is sent. ``keeps`` leaves that machine running after its
    results are here."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    kind: Literal["ssh", "slurm", "sky"] = "ssh"
    host: str = ""
    user: str = ""
    port: int = Field(default=22, ge=1, le=65535)
    key: str = Field(default="", max_length=1000)
    folder: str = Field(default="tianji-workspace", max_length=1000)
    python: str = Field(default="python3", max_length=1000)
    project: str = Field(default="", max_length=1000)
    base: str = Field(default="", max_length=1000)
    send_base: bool = False
    slurm: SlurmRequest = SlurmRequest()
    sky: SkyRequest = SkyRequest()
    keeps: bool = False

    @field_validator("name")
    @classmethod
    def _named(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError(_("要填 1 到 40 个字母、汉字或数字，中间可以有 . _ -"))
        return value

    @field_validator("host")
    @classmethod
    def _host(cls, value: str) -> str:
        if value and not _HOST.fullmatch(value):
            raise ValueError(_("要填主机名或 IP"))
        return value

    @field_validator("user")
    @classmethod
    def _user(cls, value: str) -> str:
        if value and not _USER.fullmatch(value):
            raise ValueError(_("要填那边的用户名"))
        return value

    @field_validator("key", "folder", "python", "project", "base")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if value and not value.isprintable():
            raise ValueError(_("要填一行路径"))
        return value.removeprefix("~/")  # commands there begin in the home folder

    @property
    def local(self) -> bool:
        """Whether it is used without SSH."""
        return self.kind == "slurm" and not self.host

    @property
    def machine(self) -> str:
        """The name of the machine that SkyPilot rents for it."""
        if self.host:
            return self.host
        plain = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")
        mark = "" if plain == self.name else hashlib.sha256(self.name.encode()).hexdigest()[:6]
        return "-".join(part for part in ("tianji", plain[:20].strip("-"), mark) if part)

    @property
    def address(self) -> str:
        """Where it is, for people."""
        if self.kind == "sky":
            return " ".join(part for part in ("sky", self.sky.infra, self.sky.gpus) if part)
        if self.local:
            return f"sbatch {self.slurm.partition}".strip()
        user = f"{self.user}@" if self.user else ""
        return f"{user}{self.host}:{self.port}"

    @property
    def asks_for_keys(self) -> bool:
        """Whether a person has to compare and accept the key of its host."""
        return self.kind != "sky" and not self.local


def field_title(name: str) -> str:
    """A field of :class:`Place` for people."""
    return {
        "name": _("名字"),
        "kind": _("种类"),
        "host": _("主机"),
        "user": _("用户名"),
        "port": _("端口"),
        "key": _("私钥文件"),
        "folder": _("那边的工作区"),
        "python": _("那边的 Python"),
        "project": _("那边的工坊文件夹"),
        "base": _("那边的基座"),
        "send_base": _("缺基座时送过去"),
        "slurm": "Slurm",
        "sky": "SkyPilot",
        "keeps": _("取回结果以后留着机器"),
    }[name]


def checked_place(values: dict[str, Any]) -> Place:
    """Returns the place that a person described.

    Raises:
        PlaceError: names the field that is not valid.
    """
    try:
        place = Place.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        title = field_title(name) if name in Place.model_fields else name
        reason = str(first.get("ctx", {}).get("error", "")) or _("填得不对")
        raise PlaceError(_("运行位置的“{title}”{reason}", title=title, reason=reason)) from error
    if place.kind == "sky" and place.host and not _MACHINE.fullmatch(place.host):
        raise PlaceError(_("SkyPilot 的机器名要用 2 到 40 个字母、数字和连字符，以字母开头"))
    if place.kind == "ssh" and not place.host:
        raise PlaceError(_("运行位置“{name}”要填主机", name=place.name))
    if place.kind == "ssh" and (not place.folder or not place.python):
        raise PlaceError(_("运行位置“{name}”要填那边的工作区和 Python", name=place.name))
    return place


def places(workspace: Workspace) -> list[Place]:
    """Returns the places of a workspace, in the order in which they were added.

    Raises:
        PlaceError: the file cannot be read.
    """
    path = workspace.home / FILE
    try:
        return [Place.model_validate(each) for each in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise PlaceError(_("运行位置的文件 {file} 坏了，请修好或移走它", file=path)) from error


def place_named(workspace: Workspace, name: str) -> Place:
    """Returns one place.

    Raises:
        PlaceError: there is none with this name.
    """
    known = {place.name: place for place in places(workspace)}
    if name not in known:
        raise PlaceError(
            _("没有运行位置“{name}”，有的是：{known}", name=name, known=_("、").join(known) or "—")
        )
    return known[name]


def save_place(workspace: Workspace, place: Place) -> None:
    """Adds a place, or replaces the one with its name.

    Raises:
        PlaceError: there are too many.
    """
    kept = places(workspace)
    if place.name in [each.name for each in kept]:
        kept = [place if each.name == place.name else each for each in kept]
    else:
        kept.append(place)
    if len(kept) > MOST:
        raise PlaceError(_("运行位置最多 {n} 个，请先删掉不用的", n=MOST))
    _write(workspace, kept)


def remove_place(workspace: Workspace, name: str) -> None:
    """Removes a place. What runs there goes on, and trainings that were sent there keep its description.

    Raises:
        PlaceError: there is none with this name.
    """
    place_named(workspace, name)
    _write(workspace, [each for each in places(workspace) if each.name != name])


def _write(workspace: Workspace, kept: list[Place]) -> None:
    write_json(workspace.home / FILE, [place.model_dump(mode="json") for place in kept])
