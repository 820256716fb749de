"""What a new training learns from and by which preset, as chosen before or in the address."""

import streamlit as st

from pages.components.training_expert import NEXT
from tianji_core.i18n import _
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training import Preset
from tianji_core.training.draft import Draft


def dataset_choice(by_id: dict[int, DatasetVersion], draft: Draft) -> DatasetVersion:
    """The version to learn from: the one in the address, else the one chosen before, else the newest."""
    linked = st.query_params.get("dataset", "")
    named = {each.name: key for key, each in by_id.items()}
    if st.session_state.get("train_dataset") not in by_id:
        first = next(iter(by_id))
        st.session_state["train_dataset"] = named.get(linked, named.get(draft.dataset, first))
    key = st.selectbox(
        _("数据集版本"),
        list(by_id),
        format_func=lambda key: _("{name}（{n} 条）", name=by_id[key].name, n=by_id[key].count),
        key="train_dataset",
    )
    version = by_id[key]
    if linked and version.name != linked:
        del st.query_params["dataset"]
    draft.dataset = version.name
    return version


def preset_choice(presets: dict[str, Preset], draft: Draft) -> Preset:
    """The preset: one that was just saved, else the one chosen before, else the first."""
    if (wanted := st.session_state.pop(NEXT, None)) in presets:
        st.session_state["train_preset"] = wanted
    if (
        st.session_state.get("train_preset") not in presets
    ):  # nothing chosen yet, or an own one that was deleted
        st.session_state["train_preset"] = draft.preset if draft.preset in presets else next(iter(presets))
    draft.preset = st.selectbox(
        _("预设"),
        list(presets),
        format_func=lambda each: f"🛠️ {presets[each].title}" if presets[each].own else _(presets[each].title),
        key="train_preset",
    )
    return presets[draft.preset]
