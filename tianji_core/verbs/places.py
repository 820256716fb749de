"""The verb for the places to train elsewhere: ``places add lab --host 10.0.0.5``, ``places test lab`` and so
on."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated

import typer

from tianji_core.errors import InputError, PlaceError
from tianji_core.i18n import _
from tianji_core.training.places.profile import Place, checked_place, place_named, remove_place, save_place
from tianji_core.training.places.profile import places as stored_places
from tianji_core.training.places.ssh_client import accept_keys, offered_keys
from tianji_core.training.places.trying import PlaceFinding, try_place
from tianji_core.training.skypilot import checked_sky
from tianji_core.training.slurm import SlurmRequest, checked_request
from tianji_core.verbs.common import JsonOption, WorkspaceOption, opened, show
from tianji_core.verbs.interruption import command_line
from tianji_core.verbs.tables import show_table
from tianji_core.workspace import Workspace


class PlaceAction(StrEnum):
    """What to do with the places."""

    LIST = "list"
    ADD = "add"
    TEST = "test"
    ACCEPT = "accept"
    REMOVE = "remove"


@dataclass(frozen=True)
class PlaceOptions:
    """How a place is reached, and what is where on it."""

    host: Annotated[str, typer.Option(help="With add: host name, address or alias of ~/.ssh/config.")] = ""
    user: Annotated[str, typer.Option(help="With add: user there.")] = ""
    port: Annotated[int, typer.Option(help="With add: port of SSH.")] = 22
    key: Annotated[str, typer.Option(help="With add: file of a private key on this machine.")] = ""
    folder: Annotated[str, typer.Option(help="With add: workspace folder there.")] = "tianji-workspace"
    python: Annotated[str, typer.Option(help="With add: the Python there that has the studio.")] = "python3"
    project: Annotated[
        str, typer.Option(help="With add: folder of the studio's checkout there, if it is not installed.")
    ] = ""
    base: Annotated[
        str, typer.Option(help="With add: base model there, or the folder that holds the models.")
    ] = ""
    send_base: Annotated[
        bool, typer.Option("--send-base", help="With add: send the base where it is missing there.")
    ] = False
    slurm: Annotated[
        bool,
        typer.Option(
            "--slurm", help="With add: a Slurm cluster; without --host its programs are on this machine."
        ),
    ] = False
    partition: Annotated[str, typer.Option(help="With --slurm: partition.")] = ""
    account: Annotated[str, typer.Option(help="With --slurm: account.")] = ""
    time: Annotated[str, typer.Option(help="With --slurm: time limit, e.g. 12:00:00.")] = ""
    memory: Annotated[str, typer.Option(help="With --slurm: memory of each machine, e.g. 64G.")] = ""
    cpus: Annotated[int, typer.Option(help="With --slurm: cores of each machine; 0: chosen.")] = 0
    modules: Annotated[str, typer.Option(help="With --slurm: modules to load, e.g. 'cuda/12.4'.")] = ""
    container: Annotated[
        str, typer.Option(help="With --slurm: pyxis:IMAGE or apptainer:IMAGE to train in.")
    ] = ""
    sky: Annotated[
        bool,
        typer.Option(
            "--sky", help="With add: a machine from SkyPilot, whose name --host may give; 'sky' must be here."
        ),
    ] = False
    infra: Annotated[
        str, typer.Option(help="With --sky: cloud, region and zone, e.g. aws/us-east-1 or slurm/lab.")
    ] = ""
    gpus: Annotated[str, typer.Option(help="With --sky: cards of the machine, e.g. L4:1.")] = ""
    volume: Annotated[str, typer.Option(help="With --sky: SkyPilot volume for the workspace there.")] = ""
    keeps: Annotated[
        bool, typer.Option("--keep", help="With --sky: keep the machine after its results are here.")
    ] = False

    def place(self, name: str) -> Place:
        """Returns the place that was described.

        Raises:
            PlaceError: a field is not valid. TrainingError: one of what is asked of Slurm or SkyPilot is not.
            InputError: both are asked.
        """
        given = asdict(self)
        asked = {field: given.pop(field) for field in SlurmRequest.model_fields}
        rented = {field: given.pop(field) for field in ("infra", "gpus", "volume")}
        slurm, sky = given.pop("slurm"), given.pop("sky")
        if slurm and sky:
            raise InputError(_("--slurm 和 --sky 只能用一个"))
        kind = "sky" if sky else "slurm" if slurm else "ssh"
        described = {"slurm": checked_request(asked), "sky": checked_sky(rented)}
        return checked_place({"name": name, "kind": kind, **given, **described})


def places(
    action: Annotated[PlaceAction, typer.Argument(help="What to do.")] = PlaceAction.LIST,
    name: Annotated[str, typer.Argument(help="The place's name.")] = "",
    described: PlaceOptions = PlaceOptions(),
    fingerprint: Annotated[
        str, typer.Option(help="With accept: the fingerprint that you compared, SHA256:….")
    ] = "",
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """List, add, test or remove the places to train elsewhere, or accept the host key of one."""
    space = opened(workspace)
    if action is PlaceAction.LIST:
        listed = stored_places(space)
        rows = [(place.name, place.kind, place.address) for place in listed]
        facts = [place.model_dump(mode="json") for place in listed]
        none = _("还没有运行位置；添加一个：python -m tianji_core places add 名字 --host 主机")
        show_table(facts, as_json, (_("名字"), _("种类"), _("地址")), rows, none)
        return
    if not name:
        raise PlaceError(
            _("请写上运行位置的名字，例如 python -m tianji_core places {action} lab", action=action.value)
        )
    if action is PlaceAction.ADD:
        made = described.place(name)
        save_place(space, made)
        command = command_line(f"places {'accept' if made.asks_for_keys else 'test'} {name}")
        if not made.asks_for_keys:
            said = _("已保存运行位置 {name}；试一下：{command}", name=name, command=command)
        else:
            said = _("已保存运行位置 {name}；先接受它的主机密钥：{command}", name=name, command=command)
    elif action is PlaceAction.REMOVE:
        remove_place(space, name)
        said = _("已删除运行位置 {name}，正在那边训练的不受影响", name=name)
    elif action is PlaceAction.ACCEPT and not place_named(space, name).asks_for_keys:
        raise PlaceError(_("{name} 没有要接受的主机密钥，直接试一下就行", name=name))
    elif action is PlaceAction.ACCEPT and not fingerprint:
        _show_fingerprints(place_named(space, name), as_json)
        return
    elif action is PlaceAction.ACCEPT:
        place = place_named(space, name)
        known = _("、").join(accept_keys(space, place, [fingerprint]))
        said = _("已接受 {host} 的主机密钥：{known}", host=place.host, known=known)
    else:
        found = _tried(space, place_named(space, name))
        show(found, as_json, "\n".join(f"{'✓' if each.good else '!'} {each.sentence}" for each in found))
        if not all(each.good for each in found):
            raise typer.Exit(1)
        return
    show({"action": action.value, "name": name}, as_json, said)


def _tried(space: Workspace, place: Place) -> list[PlaceFinding]:
    """Returns what a place has and lacks; one that refuses is what a test found, no bad input: exit code 1.

    Raises:
        PlaceError: it refuses. PlaceUnreachableError: it does not answer.
    """
    try:
        return try_place(space, place)
    except PlaceError as error:
        error.exit_code = 1
        raise


def _show_fingerprints(place: Place, as_json: bool) -> None:
    """Prints the fingerprints that a host shows now, for a person to compare; accepts none.

    Raises:
        PlaceUnreachableError: the host does not answer.
    """
    shown = [fingerprint for _line, fingerprint in offered_keys(place)]
    said = _("{host} 现在给出的主机密钥，先和那边的管理员或网页上写的核对：", host=place.host)
    then = _("一致的话，加上 --fingerprint SHA256:… 接受")
    show({"accepted": False, "fingerprints": shown}, as_json, "\n".join([said, *shown, then]))
