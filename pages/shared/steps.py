"""The nine steps from the lists to the comparison: how far the recipe in use has come in each."""

from collections.abc import Sequence
from dataclasses import dataclass

from pages.shared.cell_words import style_words
from pages.shared.frame import current_recipe
from pages.shared.list_titles import list_title
from pages.shared.page_table import reaches
from tianji_core import models, serving
from tianji_core.comparison import board_keys
from tianji_core.i18n import _
from tianji_core.recipe import Recipe, kept_cells
from tianji_core.store import datasets, samples, training
from tianji_core.store.samples import SampleFilter
from tianji_core.training import can_be_converted
from tianji_core.workspace import Workspace

_MOST = 10_000
"""The number of trainings that are counted."""
_TRIED = 50
"""The newest of them, among which one that has left a checkpoint is looked for."""


@dataclass(frozen=True)
class CorridorStep:
    """A step from the lists to the comparison: its page, what is there in a word (``count``) and in full
    (``figure``), what to do, and whether anything is there."""

    page: str
    icon: str
    title: str
    count: str
    figure: str
    hint: str
    done: bool

    @property
    def path(self) -> str:
        """The file of the page, as Streamlit names it."""
        return f"pages/{self.page}/page.py"


def corridor_steps(workspace: Workspace) -> list[CorridorStep]:
    """The nine steps in their order, with what the workspace holds for the recipe in use."""
    recipe = current_recipe().recipe
    return [*_data_steps(workspace, recipe), *_model_steps(workspace, recipe)]


def next_step(steps: Sequence[CorridorStep]) -> CorridorStep | None:
    """Returns the first step with nothing in it that the person reaches; the last step where each has
    something in it, and None where the person reaches none."""
    reached = [step for step in steps if reaches(step.page)]
    return next((step for step in reached if not step.done), reached[-1] if reached else None)


def _data_steps(workspace: Workspace, recipe: Recipe) -> list[CorridorStep]:
    states = samples.state_counts(workspace.engine, SampleFilter(recipe.key))
    total, accepted, pending = sum(states.values()), states.get("accepted", 0), states.get("pending", 0)
    versions = len(datasets.listed(workspace.engine, recipe.key))
    cells = len(kept_cells(recipe, recipe.threshold))
    names, scenes = len(recipe.names), len(recipe.scenes)
    listed = [(names, list_title(recipe, "name"))] if recipe.receivers else []
    lists = " · ".join(f"{n} {word}" for n, word in [*listed, (scenes, list_title(recipe, "scene"))])
    reviewed = _("{n} 条待审 · {a} 条已采用", n=pending, a=accepted)
    made, frozen = _("{n} 条样本", n=total), _("{n} 个版本", n=versions)
    chosen = _("{n} 个格子会造数", n=cells)
    return [
        CorridorStep("lists", "📋", _("列表"), f"{names}×{scenes}", lists, _("改三张表和提示词"), True),
        CorridorStep("heatmap", "🗺️", _("适配度"), str(cells), chosen, _("划掉不合情理的组合"), True),
        CorridorStep(
            "generate",
            "✨",
            _("造数"),
            _short(total),
            made,
            _("选{kinds}和造数模型，开始", kinds=style_words()),
            total > 0,
        ),
        CorridorStep(
            "review", "🔎", _("审核"), _short(accepted), reviewed, _("清洗，然后采用或弃用"), accepted > 0
        ),
        CorridorStep(
            "dataset",
            "📦",
            _("数据集"),
            _short(versions),
            frozen,
            _("把采用的样本冻结成数据集"),
            versions > 0,
        ),
    ]


def _model_steps(workspace: Workspace, recipe: Recipe) -> list[CorridorStep]:
    known = {run.id for run in training.listed(workspace.engine, limit=_MOST)}
    begun = training.listed(workspace.engine, recipe.key, _MOST)
    own, trainings = {run.id for run in begun}, len(begun)
    of_recipes = [model for model in models.loadable(workspace) if model.kind != "base"]
    trained = len([model for model in of_recipes if model.training_run_id not in known - own])
    ready = trained > 0 or any(can_be_converted(workspace, run) for run in begun[:_TRIED])
    running = len(serving.server_jobs(workspace))
    runs, made = _("{n} 次训练", n=trainings), _("{n} 个适配器和合并模型", n=trained)
    served = _("{n} 个模型服务在运行", n=running)
    boards = len(board_keys(workspace))
    compared = _("{n} 次对比", n=boards)
    to_train = _("还没有训完的，看看到哪里了") if begun and not ready else _("选数据集和预设，开始")
    return [
        CorridorStep("train", "🏋️", _("训练"), _short(trainings), runs, to_train, ready),
        CorridorStep("models", "🧩", _("模型"), _short(trained), made, _("转换、合并检查点"), trained > 0),
        CorridorStep("chat", "💬", _("对话"), _short(running), served, _("和训练好的模型说话"), running > 0),
        CorridorStep(
            "compare", "⚖️", _("对比"), _short(boards), compared, _("同一句话，并排作答"), boards > 0
        ),
    ]


def _short(count: int) -> str:
    """A count in at most five characters, empty for none."""
    if count < 100_000:
        return str(count) if count else ""
    return f"{count / 1000:.0f}k" if count < 1_000_000 else f"{count / 1_000_000:.1f}M"
