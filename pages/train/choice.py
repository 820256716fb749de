"""What a new training learns from and by which preset, as chosen before or in the address."""

import streamlit as st

from pages.shared.kept import held, kept_at, note, store_value, stored_value
from pages.shared.usable import among
from tianji_core.dataset.pairs import pair_versions
from tianji_core.i18n import _
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training import Preset
from tianji_core.training.machine_checks import gpus
from tianji_core.training.settings import field_help
from tianji_core.workspace import Workspace

FORM = "training"
"""The name of the form's draft. The settings of a preset are the group with the preset's key."""
NEXT = "_train_preset_next"
"""The preset that the coming run of the page opens with."""


def dataset_choice(by_id: dict[int, DatasetVersion]) -> DatasetVersion:
    """The version to learn from: the one in the address, else the one chosen before, else the first: the
    newest of the recipe in use."""
    linked = st.query_params.get("dataset", "")
    named, newest = {version.name: key for key, version in by_id.items()}, next(iter(by_id))
    if st.session_state.get("train_dataset") not in by_id:
        if linked in named:
            store_value(FORM, "dataset", linked)
        stored = str(stored_value(FORM, "dataset"))
        st.session_state["train_dataset"] = named.get(linked, named.get(stored, newest))
    key = st.selectbox(
        _("数据集版本"),
        list(by_id),
        format_func=lambda key: _("{name}（{n} 条）", name=by_id[key].name, n=by_id[key].count),
        key="train_dataset",
        on_change=_note_dataset,
        args=(by_id,),
    )
    version = by_id[key]
    if linked and version.name != linked:
        del st.query_params["dataset"]
    return version


def _note_dataset(by_id: dict[int, DatasetVersion]) -> None:
    if not held("train_dataset"):
        return
    key = st.session_state["train_dataset"]
    # Nothing is stored for the first version, so that a newer one is offered when it comes.
    store_value(FORM, "dataset", None if key == next(iter(by_id)) else by_id[key].name)


def pairs_choice(workspace: Workspace) -> str:
    """Draws the choice among the versions of preference pairs; returns the name, '' where there is none
    yet."""
    known = {one.name: one for one in pair_versions(workspace)}
    if not known:
        st.info(
            _("还没有偏好对版本：先投票、审核，再冻结一个：python -m tianji_core pairs freeze 名字"), icon="🗳️"
        )
        return ""
    own = kept_at(FORM, "train_pairs", among(known), next(iter(known)), "pairs")
    return str(
        st.selectbox(
            _("偏好对版本"),
            list(known),
            format_func=lambda name: _(
                "{name}（{n} 对）", name=name, n=known[name].manifest["train"]["count"]
            ),
            help=field_help("pairs"),
            **own,
        )
    )


def preset_choice(presets: dict[str, Preset]) -> Preset:
    """The preset: one that was just saved, else the one chosen before, else the first that has what it needs
    here: the tutorial's where there is a card."""
    usable = presets if gpus() else [key for key, one in presets.items() if one.device == "cpu"]
    fitting = next(iter(usable))
    if (saved := st.session_state.pop(NEXT, None)) in presets:
        st.session_state["train_preset"] = saved
        store_value(FORM, "preset", saved)
    # Nothing chosen yet, or an own one that was deleted.
    if st.session_state.get("train_preset") not in presets:
        stored = str(stored_value(FORM, "preset"))
        st.session_state["train_preset"] = stored if stored in presets else fitting
    key = st.selectbox(
        _("预设"),
        list(presets),
        format_func=lambda key: _preset_title(presets[key], key == fitting),
        key="train_preset",
        on_change=note,
        args=(FORM, "train_preset", None, "preset"),
    )
    return presets[key]


def _preset_title(preset: Preset, fits: bool) -> str:
    title = f"🛠️ {preset.title}" if preset.own else _(preset.title)
    return _("{title} · 适合这台机器", title=title) if fits else title
