"""Where a training runs: cards, processes, DeepSpeed, machines; the commands that start it by hand; and filling the form
with what another training had."""

from typing import Any

import streamlit as st

from tianji_core import training
from tianji_core.i18n import _
from tianji_core.training import Preset, Target, TrainingRun, TrainingState
from tianji_core.training.launch import by_hand
from tianji_core.training.load import cards
from tianji_core.training.target import DEEPSPEED, field_title, target_of
from tianji_core.workspace import Workspace


def target_form(chosen: Preset) -> Target:
    """The widgets of where to train, folded away.

    Raises:
        TrainingError: what was typed does not fit; names it.
    """
    values: dict[str, Any] = {}
    with st.expander(_("在哪里训练"), icon="🖥️"):
        if chosen.device == "cpu":
            st.caption(
                _("在这台机器的 CPU 上。几个进程分担同一个训练，每步的样本数随之加倍；核少时一个最快。")
            )
        else:
            _card_fields(values)
        columns = st.columns(4)
        with columns[0]:
            values["processes"] = _number("processes", 1, 64, disabled=bool(values.get("gpus")))
        with columns[1]:
            values["nodes"] = _number("nodes", 1, 512)
        if values["nodes"] > 1:
            with columns[2]:
                values["address"] = st.text_input(
                    field_title("address"), key="train_target_address", placeholder="10.0.0.1"
                ).strip()
            with columns[3]:
                values["port"] = _number("port", 29500, 65535, least=1024)
            st.caption(
                _("开始后会给出每台机器要运行的命令和 Slurm 脚本；工作区要放在各台机器路径相同的共享盘上。")
            )
        if values.get("gpus"):
            values["processes"] = len(values["gpus"])
    return training.checked_target(chosen.device, values)


def _card_fields(values: dict[str, Any]) -> None:
    found = {each.index: each for each in cards()}
    left, right = st.columns(2)
    with left:
        values["gpus"] = tuple(
            st.multiselect(
                field_title("gpus"),
                list(found),
                format_func=lambda index: _(
                    "{n} 号（空闲 {free} GB）",
                    n=index,
                    free=f"{(found[index].total - found[index].used) / 1e9:.0f}",
                ),
                key="train_target_gpus",
                placeholder=_("不选：哪张空着用哪张") if found else _("这台机器没有找到显卡"),
            )
        )
    with right:
        values["deepspeed"] = st.selectbox(
            field_title("deepspeed"),
            ["", *DEEPSPEED],
            format_func=lambda name: name or _("不用"),
            key="train_target_deepspeed",
            help=_(
                "全量微调用 zero3；显存仍不够加 offload，会慢。要先 pip install -r requirements-deepspeed.txt"
            ),
        )


def _number(name: str, default: int, most: int, least: int = 1, disabled: bool = False) -> int:
    return int(
        st.number_input(
            field_title(name), least, most, default, key=f"train_target_{name}", disabled=disabled
        )
    )


def remember_target(run: TrainingRun) -> None:
    """Fill the widgets with where a training ran."""
    for name, value in target_of(run).model_dump().items():
        st.session_state[f"train_target_{name}"] = list(value) if name == "gpus" else value


def show_commands(workspace: Workspace, state: TrainingState) -> None:
    """The command of each machine and the Slurm script; open where there are several machines that have not begun."""
    nodes = target_of(state.run).nodes
    if nodes > 1 and state.active:
        said = _("这台机器是第 0 号，由工坊启动；其他 {n} 台请各运行自己的一行，到齐才开始。", n=nodes - 1)
        st.info(said, icon="🖥️")
    elif nodes > 1 and not state.finished and (state.checkpoints or not state.points):
        said = _(
            "{n} 台机器到齐才开始：要么点上面的按钮，由工坊启动第 0 号，其他各运行自己的一行；要么都手动运行，或交给 Slurm。",
            n=nodes,
        )
        st.info(said, icon="🖥️")
    lines, script = by_hand(workspace, state.run)
    with st.expander(_("手动运行的命令与 Slurm 脚本"), expanded=nodes > 1 and not state.finished):
        for number, command in enumerate(lines):
            if nodes > 1:
                st.caption(_("第 {n} 号机器", n=number))
            st.code(command, language="bash", wrap_lines=True)
        st.caption(_("Slurm：存成 train.sbatch，运行 sbatch train.sbatch"))
        st.code(script, language="bash")


def fill_form(workspace: Workspace, run: TrainingRun) -> None:
    """Fill the form of a new training with what another one had, once for each time it is asked for."""
    if st.session_state.get("_train_cloned") == run.id:
        return
    st.session_state["_train_cloned"] = run.id
    st.session_state["train_preset"] = run.preset
    if training.version_of(workspace, run) is not None:
        st.session_state["train_dataset"] = run.dataset_version_id
    for name, value in training.settings_of(run).model_dump().items():
        shown = "\n".join(value) if isinstance(value, list) else value
        st.session_state[f"train_{run.preset}_{name}"] = shown
    remember_target(run)
