"""Where a training runs (cards, processes, DeepSpeed, machines), the commands that start it by hand, and
filling the form from another training."""

from collections.abc import Collection
from typing import Any

import streamlit as st

from pages.shared.frame import report_errors
from pages.shared.kept import kept_at, kept_text, put
from pages.shared.text import plain
from pages.shared.usable import among, any_text, within
from pages.train.choice import FORM
from pages.train.mix import fill_mix
from tianji_core import training
from tianji_core.drafts import Typed, changing_draft
from tianji_core.i18n import _
from tianji_core.training import Preset, Target, TrainingRun, TrainingState
from tianji_core.training.engine import DEEPSPEED
from tianji_core.training.launch import by_hand
from tianji_core.training.load import cards
from tianji_core.training.presets import OWN
from tianji_core.training.slurm import SlurmRequest, checked_request, slurm_ends
from tianji_core.training.target import field_title
from tianji_core.workspace import Workspace

TARGET = "target"
"""The group of the form's draft that says where to train."""


def target_form(chosen: Preset) -> Target:
    """Draws the widgets of where to train; returns the target. Changed values are kept in the draft, valid
    or not.

    Raises:
        TrainingError: a value is out of bounds; names it.
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
                own = kept_at(FORM, "train_target_address", any_text, "", "address", group=TARGET)
                address = st.text_input(field_title("address"), placeholder="10.0.0.1", **own)
                values["address"] = address.strip()
            with columns[3]:
                values["port"] = _number("port", 29500, 65535, least=1024)
            st.caption(
                _("开始后会给出每台机器要运行的命令和 Slurm 脚本；工作区要放在各台机器路径相同的共享盘上。")
            )
        if values.get("gpus"):
            values["processes"] = len(values["gpus"])
    return training.checked_target(chosen.device, values)


def _card_fields(values: dict[str, Any]) -> None:
    present = {card.index: card for card in cards()}
    left, right = st.columns(2)
    with left:
        # While nvidia-smi gives no answer the chosen cards stay in the draft.
        key = "train_target_gpus" if present else "train_target_gpus_none"
        own = kept_at(
            FORM,
            key,
            lambda gpus: gpus if present and isinstance(gpus, list) else None,
            [],
            "gpus",
            group=TARGET,
        )
        if not set(st.session_state[key]) <= set(present):
            st.session_state[key] = [index for index in st.session_state[key] if index in present]
        chosen = st.multiselect(
            field_title("gpus"),
            list(present),
            format_func=lambda index: _(
                "{n} 号（空闲 {free} GB）",
                n=index,
                free=f"{(present[index].total - present[index].used) / 1e9:.0f}",
            ),
            placeholder=_("不选：哪张空着用哪张") if present else _("这台机器没有找到显卡"),
            **own,
        )
        values["gpus"] = tuple(chosen)
    with right:
        options = ["", *DEEPSPEED]
        own = kept_at(FORM, "train_target_deepspeed", among(options), "", "deepspeed", group=TARGET)
        values["deepspeed"] = st.selectbox(
            field_title("deepspeed"),
            options,
            format_func=lambda name: name or _("不用"),
            help=_("全量微调用 zero3；显存仍不够加 offload，会慢。要先 pip install deepspeed==0.18.9"),
            **own,
        )


def _number(name: str, default: int, most: int, least: int = 1, disabled: bool = False) -> int:
    own = kept_at(FORM, f"train_target_{name}", within(least, most), default, name, group=TARGET)
    return int(st.number_input(field_title(name), least, most, default, disabled=disabled, **own))


def show_commands(workspace: Workspace, state: TrainingState) -> None:
    """Draws the command of each machine and the Slurm script, opened while several machines have not all
    started."""
    nodes = training.record_of(state.run).target.nodes
    if nodes > 1 and state.active:
        said = _("这台机器是第 0 号，由工坊启动；其他 {n} 台请各运行自己的一行，到齐才开始。", n=nodes - 1)
        st.info(said, icon="🖥️")
    elif nodes > 1 and not state.finished and (state.checkpoints or not state.points):
        said = _(
            "{n} 台机器到齐才开始：要么点上面的按钮，由工坊启动第 0 号，其他各运行自己的一行；要么都手动运行，或交给 Slurm。",
            n=nodes,
        )
        st.info(said, icon="🖥️")
    with (
        st.expander(_("手动运行的命令与 Slurm 脚本"), expanded=nodes > 1 and not state.finished),
        report_errors(),
    ):
        lines, script = by_hand(workspace, state.run, _slurm_request())
        for number, command in enumerate(lines):
            if nodes > 1:
                st.caption(_("第 {n} 号机器", n=number))
            st.code(command, language="bash", wrap_lines=True)
        st.caption(_("Slurm：存成 train.sbatch，运行 sbatch train.sbatch"))
        st.code(script, language="bash")
        for job, code in slurm_ends(training.work_folder(workspace, state.run)).items():
            st.caption(_("Slurm 任务 {job} 已结束，退出码 {code}，日志 slurm-{job}.log", job=job, code=code))


def _slurm_request() -> SlurmRequest:
    """The fields for what the Slurm script asks of the cluster."""
    titles = {
        "partition": _("Slurm 分区"),
        "account": _("账户"),
        "time": _("时限，例如 12:00:00"),
        "memory": _("内存，例如 64G"),
        "cpus": _("核数"),
    }
    columns = st.columns(len(titles))
    values = {
        name: column.text_input(title, max_chars=100, **kept_text(f"slurm_{name}")).strip()
        for column, (name, title) in zip(columns, titles.items(), strict=True)
    }
    return checked_request({name: value for name, value in values.items() if value})


def fill_form(workspace: Workspace, run: TrainingRun, known: Collection[str]) -> None:
    """Fills the form of a new training and its draft with what another one had. Where its preset is not
    ``known`` any more nothing is filled in but where it ran, and a line says so."""
    version = training.version_of(workspace, run)
    values: dict[str, Typed] = {"dataset": version.name} if version is not None else {}
    if version is not None:
        put("train_dataset", version.id)
    record = training.record_of(run)
    values |= fill_mix(record.settings.mix)
    groups = {TARGET: _filled("train_target_", record.target.model_dump(), Target().model_dump())}
    if run.preset not in known:
        said = _(
            "那次训练用的预设 {key} 已经不在了，它的设置没有填进来。自己的预设删掉后可以在下面的专家视图里恢复，然后再复制一次。",
            key=plain(run.preset.removeprefix(OWN)),
        )
        st.warning(said, icon="⚠️")
    else:
        values["preset"] = run.preset
        if record.settings.pairs:
            values["pairs"] = record.settings.pairs
            put("train_pairs", record.settings.pairs)
        put("train_preset", run.preset)
        recipe = version.recipe if version is not None else ""
        settings = record.settings.model_dump(exclude={"mix"})
        own = training.default_settings(run.preset, workspace, recipe)
        usual = training.default_settings(run.preset, workspace, recipe, settings["base"]).model_dump()
        usual["base"] = own.base
        groups[run.preset] = _filled(f"train_{run.preset}_", settings, usual)
    with report_errors(), changing_draft(workspace, FORM) as draft:
        draft.values.update(values)
        for group, filled in groups.items():
            expert = {name: value for name, value in draft.part(group).items() if name.startswith("expert_")}
            draft.groups[group] = {**filled, **expert}


def _filled(prefix: str, values: dict[str, Any], usual: dict[str, Any]) -> dict[str, Typed]:
    """Puts values into the widgets with this prefix; returns those that differ from the usual ones, for
    the draft."""
    filled: dict[str, Typed] = {}
    for name, value in values.items():
        shown = "\n".join(value) if name == "eval_prompts" else list(value) if name == "gpus" else value
        put(prefix + name, shown)
        if value != usual[name]:
            filled[name] = shown
    return filled
