"""The nine steps from the lists to the comparison, each with what is there already and what to do next."""

from dataclasses import dataclass

import streamlit as st

from pages.shared.frame import current_recipe
from tianji_core import models, serving
from tianji_core.i18n import _
from tianji_core.recipe import Recipe, kept_cells
from tianji_core.store import datasets, samples, training
from tianji_core.store.samples import SampleFilter
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class CorridorStep:
    """A step from the lists to the comparison: its page, what is there, what to do, and whether anything
    is there."""

    page: str
    icon: str
    title: str
    figure: str
    hint: str
    done: bool


def corridor_steps(workspace: Workspace) -> list[CorridorStep]:
    """The nine steps in their order, with what the workspace holds for the recipe in use."""
    recipe = current_recipe().recipe
    return [*_data_steps(workspace, recipe), *_model_steps(workspace)]


def _data_steps(workspace: Workspace, recipe: Recipe) -> list[CorridorStep]:
    states = samples.state_counts(workspace.engine, SampleFilter(recipe.key))
    total, accepted, pending = sum(states.values()), states.get("accepted", 0), states.get("pending", 0)
    versions = len(datasets.listed(workspace.engine, recipe.key))
    cells = len(kept_cells(recipe, recipe.threshold))
    names, scenes = len(recipe.names), len(recipe.scenes)
    lists = _("{n} 称谓 · {s} 场景", n=names, s=scenes)
    reviewed = _("{n} 条待审 · {a} 条已采用", n=pending, a=accepted)
    made, frozen = _("{n} 条样本", n=total), _("{n} 个版本", n=versions)
    chosen = _("{n} 个格子会造数", n=cells)
    return [
        CorridorStep("pages/lists/page.py", "📋", _("列表"), lists, _("改称谓、场景、风格"), True),
        CorridorStep("pages/heatmap/page.py", "🗺️", _("适配度"), chosen, _("划掉不合情理的组合"), True),
        CorridorStep("pages/generate/page.py", "✨", _("造数"), made, _("选风格和造数模型，开始"), total > 0),
        CorridorStep(
            "pages/review/page.py", "🔎", _("审核"), reviewed, _("清洗，然后采用或弃用"), accepted > 0
        ),
        CorridorStep("pages/dataset/page.py", "📦", _("数据集"), frozen, _("把采用的样本定稿"), versions > 0),
    ]


def _model_steps(workspace: Workspace) -> list[CorridorStep]:
    trainings = len(training.listed(workspace.engine))
    trained = len([model for model in models.loadable(workspace) if model.kind != "base"])
    running = len(serving.servers(workspace))
    runs, made = _("{n} 次训练", n=trainings), _("{n} 个适配器和合并模型", n=trained)
    served = _("{n} 个模型服务在运行", n=running)
    compared = _("风格 × 模型")
    return [
        CorridorStep("pages/train/page.py", "🏋️", _("训练"), runs, _("选数据集和预设，开始"), trainings > 0),
        CorridorStep("pages/models/page.py", "🧩", _("模型"), made, _("转换、合并检查点"), trained > 0),
        CorridorStep("pages/chat/page.py", "💬", _("对话"), served, _("和训练好的模型说话"), running > 0),
        CorridorStep("pages/compare/page.py", "⚖️", _("对比"), compared, _("同一句话，并排作答"), False),
    ]


def show_corridor(steps: list[CorridorStep]) -> None:
    """Draws three rows of three cards; the first step with nothing in it is marked as the next one."""
    following = next((step for step in steps if not step.done), steps[-1])
    for start in range(0, len(steps), 3):
        for column, step in zip(st.columns(3), steps[start : start + 3], strict=True):
            with column, st.container(border=True, height="stretch"):
                number = steps.index(step) + 1
                st.page_link(step.page, label=f"**{number} {step.title}**", icon=step.icon)
                st.markdown(f"{'✅ ' if step.done else ''}{step.figure}")
                if step is following:
                    st.badge(_("下一步：{hint}", hint=step.hint), color="red")
                else:
                    st.caption(step.hint)
