"""Servers of other programs that the studio knows, as ``configs/serving`` describes them."""

from pydantic import BaseModel, ConfigDict, Field

from tianji_core.errors import InputError, ModelError
from tianji_core.i18n import _
from tianji_core.project import CONFIGS
from tianji_core.yaml_reading import read_yaml

FOLDER = CONFIGS / "serving"


class Program(BaseModel):
    """One file of ``configs/serving``: argument lists with {placeholders}. ``requirement`` is the package in
    the one version that is installed, ``ranks`` the largest ranks of adapters that it can be told ([]: any),
    ``variables`` what its process finds in its environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    program: str
    requirement: str
    licence: str
    command: list[str]
    adapters: list[str] = Field(default_factory=list)
    ranks: list[int] = Field(default_factory=list)
    template: list[str] = Field(default_factory=list)
    code: list[str] = Field(default_factory=list)
    variables: dict[str, str] = Field(default_factory=dict)

    @property
    def version(self) -> str:
        """The version that is installed."""
        return self.requirement.partition("==")[2]

    def rank_for(self, wanted: int) -> int:
        """Returns the smallest rank that it can be told and that is at least ``wanted``.

        Raises:
            ModelError: none is.
        """
        fitting = [rank for rank in self.ranks or [wanted] if rank >= wanted]
        if not fitting:
            raise ModelError(
                _(
                    "{program} 的适配器秩最大是 {most}，这个是 {rank}；先把它合并成一个模型",
                    program=self.title,
                    most=max(self.ranks),
                    rank=wanted,
                )
            )
        return min(fitting)


def programs() -> dict[str, Program]:
    """Returns every known program by name."""
    by_name = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        by_name[path.stem] = Program.model_validate(read_yaml(path))
    return by_name


def program_named(name: str) -> Program:
    """Returns a known program.

    Raises:
        InputError: there is none with this name.
    """
    known = programs()
    if name not in known:
        raise InputError(_("没有程序 {name}，有的是：{known}", name=name, known=_("、").join(known)))
    return known[name]


def program_title(name: str) -> str:
    """Returns how a program is called in a sentence; every name that is none of them is the studio's own
    server."""
    known = programs()
    return known[name].title if name in known else _("工坊自己的服务")
