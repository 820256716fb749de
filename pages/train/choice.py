"""What a new training learns from and by which preset, as chosen before or in the address."""

import streamlit as st

from pages.train.draft import moved
from pages.train.expert import NEXT
from tianji_core.i18n import _
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training import Preset
from tianji_core.training.draft import Draft


def dataset_choice(by_id: dict[int, DatasetVersion], draft: Draft) -> DatasetVersion:
    """The version to learn from: the one in the address, else the one chosen before, else the newest."""
    linked = st.query_params.get("dataset", "")
    named, newest = {each.name: key for key, each in by_id.items()}, next(iter(by_id))
    if st.session_state.get("train_dataset") not in by_id:
        st.session_state["train_dataset"] = named.get(linked, named.get(draft.dataset, newest))
        draft.dataset = linked if linked in named else draft.dataset
    key = st.selectbox(
        _("数据集版本"),
        list(by_id),
        format_func=lambda key: _("{name}（{n} 条）", name=by_id[key].name, n=by_id[key].count),
        key="train_dataset",
    )
    version = by_id[key]
    if linked and version.name != linked:
        del st.query_params["dataset"]
    if moved("train_dataset", key):
        draft.dataset = "" if key == newest else version.name  # '': the newest, whichever that is
    return version


def preset_choice(presets: dict[str, Preset], draft: Draft) -> Preset:
    """The preset: one that was just saved, else the one chosen before, else the first."""
    if (wanted := st.session_state.pop(NEXT, None)) in presets:
        st.session_state["train_preset"] = wanted
    # Nothing chosen yet, or an own one that was deleted.
    if st.session_state.get("train_preset") not in presets:
        st.session_state["train_preset"] = draft.preset if draft.preset in presets else next(iter(presets))
    key = st.selectbox(
        _("预设"),
        list(presets),
        format_func=lambda each: f"🛠️ {presets[each].title}" if presets[each].own else _(presets[each].title),
        key="train_preset",
    )
    if moved("train_preset", key):
        draft.preset = key
    return presets[key]
