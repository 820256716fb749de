"""The part of the settings about the places to train elsewhere."""

from typing import Any

import streamlit as st

from pages.shared.cells import cells
from pages.shared.frame import remember_notice, report_errors
from pages.shared.kept import forget_typed, kept_number, kept_text
from pages.shared.text import plain
from tianji_core.i18n import _
from tianji_core.training.places.profile import (
    Place,
    checked_place,
    field_title,
    places,
    remove_place,
    save_place,
)
from tianji_core.training.places.ssh_client import accept_keys, offered_keys
from tianji_core.training.places.trying import try_place
from tianji_core.training.skypilot import checked_sky
from tianji_core.training.slurm import checked_request
from tianji_core.workspace import Workspace

TEXTS = ("name", "host", "user", "key", "folder", "python", "project", "base")
RENTED_TEXTS = ("name", "host", "base")
"""Of a machine that SkyPilot rents, whose name may be given."""
USUAL = {"folder": "tianji-workspace", "python": "python3"}
EXAMPLES = {
    "name": "lab",
    "host": "10.0.0.5",
    "user": "root",
    "key": "~/.ssh/id_ed25519",
    "project": "~/tianji",
    "base": "/data/models",
}


def places_title(workspace: Workspace) -> str:
    """The title of the part, with the names of the places."""
    known = [place.name for place in places(workspace)]
    return _("运行位置：{names}", names=plain(_("、").join(known))) if known else _("运行位置：只有这台机器")


def places_part(workspace: Workspace) -> None:
    """Draws the places and the form of a new one."""
    st.caption(
        _(
            "有显卡的另一台机器（那边要装工坊）、一个 Slurm 集群，或者 SkyPilot 租来的机器。训练送过去以后，这台机器可以关掉，结果会取回来。"
        )
    )
    for place in places(workspace):
        _row(workspace, place)
    _form(workspace)


def _row(workspace: Workspace, place: Place) -> None:
    row = st.columns([3, 1.4, 1.6, 1.4], vertical_alignment="center")
    row[0].markdown(f"**{plain(place.name)}** `{place.address}`")
    if row[1].button(_("试一下"), key=f"place_try_{place.name}", width="stretch"):
        with report_errors():
            for found in try_place(workspace, place):
                (st.success if found.good else st.warning)(plain(found.sentence))
    shown = f"place_keys_{place.name}"
    if place.asks_for_keys and row[2].button(
        _("看主机密钥"), key=f"place_look_{place.name}", width="stretch"
    ):
        with report_errors():
            st.session_state[shown] = [known for _line, known in offered_keys(place)]
    if row[3].button(_("删除"), key=f"place_drop_{place.name}", width="stretch"):
        with report_errors():
            remove_place(workspace, place.name)
            remember_notice(_("已删除运行位置 {name}，正在那边训练的不受影响", name=place.name))
            st.rerun()
    if known := st.session_state.get(shown):
        st.caption(_("{host} 现在给出的主机密钥，先和那边的管理员或网页上写的核对：", host=place.host))
        st.code("\n".join(known), language=None)
        if st.button(_("核对过了，接受"), key=f"place_accept_{place.name}"):
            with report_errors():
                accept_keys(workspace, place, known)
                del st.session_state[shown]
                remember_notice(_("已接受 {host} 的主机密钥", host=place.host))
                st.rerun()


def _slurm_fields() -> dict[str, Any]:
    """Draws what is asked of a cluster; returns what is typed."""
    titles = {
        "partition": _("Slurm 分区"),
        "account": _("账户"),
        "time": _("时限，例如 12:00:00"),
        "memory": _("内存，例如 64G"),
        "modules": _("环境模块，例如 cuda/12.4"),
        "container": _("容器：pyxis:镜像 或 apptainer:镜像"),
    }
    cell = cells(3)
    return {
        name: next(cell).text_input(title, max_chars=300, **kept_text(f"place_{name}")).strip()
        for name, title in titles.items()
    }


def _sky_fields() -> dict[str, Any]:
    """Draws what is asked of SkyPilot; returns what is typed."""
    fields = {
        "infra": (_("云或集群"), "aws/us-east-1, kubernetes, slurm/lab"),
        "gpus": (_("显卡"), "L4:1"),
        "volume": (_("卷（可以空着）"), "tianji-data"),
    }
    cell = cells(3)
    return {
        name: next(cell)
        .text_input(title, max_chars=200, placeholder=example, **kept_text(f"place_{name}"))
        .strip()
        for name, (title, example) in fields.items()
    }


def _form(workspace: Workspace) -> None:
    kinds = {
        "ssh": _("SSH：一台机器"),
        "slurm": _("Slurm：一个集群"),
        "sky": _("SkyPilot：租一台"),
    }
    kind = st.radio(
        field_title("kind"), list(kinds), format_func=kinds.get, horizontal=True, key="place_kind"
    )
    values: dict[str, Any] = {"kind": kind}
    asked, rented = {}, {}
    if kind == "slurm":
        st.caption(_("这台机器就能运行 sbatch、和集群共享磁盘的，主机空着；不然填登录节点，用 SSH 提交。"))
        asked = _slurm_fields()
    if kind == "sky":
        st.caption(_("这台机器要装好 SkyPilot、登录过云；机器由它去找，装好工坊再训练，结果取回来以后退掉。"))
        rented = _sky_fields()
    cell = cells(3)
    shown = RENTED_TEXTS if kind == "sky" else TEXTS
    for name in shown:
        machine = kind == "sky" and name == "host"
        values[name] = (
            next(cell)
            .text_input(
                _("机器名（可以空着）") if machine else field_title(name),
                USUAL.get(name, ""),
                max_chars=1000,
                placeholder="tianji-lab" if machine else EXAMPLES.get(name, ""),
                **kept_text(f"place_{name}", USUAL.get(name, "")),
            )
            .strip()
        )
    if kind == "sky":
        values["keeps"] = st.checkbox(field_title("keeps"), key="place_keeps")
    else:
        values["port"] = int(
            next(cell).number_input(
                field_title("port"), 1, 65535, 22, **kept_number("place_port", 1, 65535, 22)
            )
        )
        values["send_base"] = st.checkbox(field_title("send_base"), key="place_send_base")
    if st.button(_("保存运行位置"), key="place_save"):
        with report_errors():
            described = {"slurm": checked_request(asked), "sky": checked_sky(rented)}
            place = checked_place({**values, **described})
            save_place(workspace, place)
            forget_typed(*(f"place_{name}" for name in (*TEXTS, *asked, *rented, "port")))
            remember_notice(_("已保存运行位置 {name}；点“试一下”看能不能连上", name=place.name))
            st.rerun()
