"""The nine steps from lists to comparison, each with what is there already and what comes next."""

from dataclasses import dataclass

import streamlit as st

from pages.shared.frame import current_recipe
from tianji_core import models, serving
from tianji_core.i18n import _
from tianji_core.recipe import kept_cells
from tianji_core.store import datasets, samples, training
from tianji_core.store.samples import SampleFilter
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class Station:
    """One step: its page, what is there, what to do, and whether anything is there."""

    page: str
    icon: str
    title: str
    figure: str
    hint: str
    done: bool


def stations(workspace: Workspace) -> list[Station]:
    """The corridor as it stands."""
    engine = workspace.engine
    recipe = current_recipe().recipe
    states = samples.state_counts(engine, SampleFilter(recipe.key))
    total, accepted = sum(states.values()), states.get("accepted", 0)
    waiting = states.get("pending", 0)
    versions = datasets.listed(engine, recipe.key)
    trainings = training.listed(engine)
    trained = [m for m in models.artefacts(workspace) if m.kind != "base"]
    running = serving.servers(workspace)
    cells = len(kept_cells(recipe, recipe.threshold))
    return [
        Station(
            "pages/lists/page.py",
            "📋",
            _("列表"),
            _("{n} 称谓 · {s} 场景", n=len(recipe.names), s=len(recipe.scenes)),
            _("改称谓、场景、风格"),
            True,
        ),
        Station(
            "pages/heatmap/page.py",
            "🗺️",
            _("适配度"),
            _("{n} 个格子会造数", n=cells),
            _("划掉不合情理的组合"),
            True,
        ),
        Station(
            "pages/generate/page.py",
            "✨",
            _("造数"),
            _("{n} 条样本", n=total),
            _("选风格和造数模型，开始"),
            total > 0,
        ),
        Station(
            "pages/review/page.py",
            "🔎",
            _("审核"),
            _("{n} 条待审 · {a} 条已采用", n=waiting, a=accepted),
            _("清洗，然后采用或弃用"),
            accepted > 0,
        ),
        Station(
            "pages/dataset/page.py",
            "📦",
            _("数据集"),
            _("{n} 个版本", n=len(versions)),
            _("把采用的样本定稿"),
            bool(versions),
        ),
        Station(
            "pages/train/page.py",
            "🏋️",
            _("训练"),
            _("{n} 次训练", n=len(trainings)),
            _("选数据集和预设，开始"),
            bool(trainings),
        ),
        Station(
            "pages/models/page.py",
            "🧩",
            _("模型"),
            _("{n} 个适配器和合并模型", n=len(trained)),
            _("转换、合并检查点"),
            bool(trained),
        ),
        Station(
            "pages/chat/page.py",
            "💬",
            _("对话"),
            _("{n} 个模型服务在运行", n=len(running)),
            _("和训练好的模型说话"),
            bool(running),
        ),
        Station("pages/compare/page.py", "⚖️", _("对比"), _("风格 × 模型"), _("同一句话，并排作答"), False),
    ]


def show_corridor(found: list[Station]) -> None:
    """Three rows of three cards; the first step with nothing in it is marked as the next one."""
    following = next((station for station in found if not station.done), found[-1])
    for start in range(0, len(found), 3):
        for column, station in zip(st.columns(3), found[start : start + 3], strict=True):
            with column, st.container(border=True, height="stretch"):
                number = found.index(station) + 1
                st.page_link(station.page, label=f"**{number} {station.title}**", icon=station.icon)
                st.markdown(f"{'✅ ' if station.done else ''}{station.figure}")
                if station is following:
                    st.badge(_("下一步：{hint}", hint=station.hint), color="red")
                else:
                    st.caption(station.hint)
