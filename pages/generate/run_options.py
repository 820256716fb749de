"""The options of a run: budget, deadline, few-shot examples, and whether frequent openings and phrases are
reported back to the teacher."""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import streamlit as st

from pages.generate.teacher_form import TeacherSetup
from pages.shared.cell_words import style_word
from pages.shared.frame import report_errors
from pages.shared.kept import forget_typed, kept, kept_number
from pages.shared.teacher_numbers import FORM, SIGNS
from pages.shared.text import plain
from pages.shared.usable import switch, within
from tianji_core import generation
from tianji_core.dispatch.options import MOST_COST, MOST_MINUTES, MOST_TOKENS
from tianji_core.generation import RunOptions, cheap_hours
from tianji_core.i18n import _
from tianji_core.recipe import EXAMPLES, MOST_EXAMPLES
from tianji_core.teachers import WeightedTeacher, provider
from tianji_core.workspace import Workspace


class BudgetFields(TypedDict):
    """Cost in the teacher's currency, tokens and minutes that a run may use; None for no limit."""

    budget_cost: float | None
    budget_tokens: int | None
    minutes: float | None


def options_form(workspace: Workspace, setup: TeacherSetup) -> RunOptions:
    """Draws the options of a new run and returns them; a teacher that works offline has none."""
    if setup.offline:
        return RunOptions()
    batch = _batch_switch(workspace, setup)
    cheap = not batch and _cheap_switch(workspace, setup)
    with st.expander(_("预算、时限、示例和开头")):
        return RunOptions(
            **budget_inputs(RunOptions(), SIGNS[setup.provider.currency], ""),
            batch=batch,
            cheap_hours=cheap,
            reuse=st.toggle(
                _("问过的直接用上次的回答"),
                False,
                **kept(FORM, "reuse", switch),
                help=_(
                    "关着时每条都重新问，同一个计划再跑一遍会写得不一样；打开后，模型、提示词、采样参数和随机种子都和以前一样的请求直接用上次的回答，不花钱，只问新的。"
                ),
            ),
            ban_openings=st.toggle(
                _("告诉造数模型哪些开头用得太多"),
                True,
                **kept(FORM, "ban_openings", switch),
                help=_(
                    "每种{kind}写够一些之后，把占比超过 5% 的开头附在提示词后面，让后面的写法不一样。",
                    kind=style_word(),
                ),
            ),
            ban_phrases=st.toggle(
                _("告诉造数模型哪些说法已经用滥了"),
                False,
                **kept(FORM, "ban_phrases", switch),
                help=_(
                    "把最近 300 条里一成以上都有的四到八字说法附在提示词后面，这次不许用；写给谁和写什么里的字不算。"
                ),
            ),
            examples=int(
                st.number_input(
                    _("每次请求带几条示例"),
                    0,
                    MOST_EXAMPLES,
                    EXAMPLES,
                    **kept(FORM, "examples", within(0, MOST_EXAMPLES)),
                    help=_(
                        "从这种{kind}的示例里随机取；多几条更像要的口吻，也更容易写得雷同。",
                        kind=style_word(),
                    ),
                )
            ),
        )


def _batch_switch(workspace: Workspace, setup: TeacherSetup) -> bool:
    """Draws the switch for batches where every teacher takes them; whether it is on."""
    offers = [provider(workspace, entry.choice.provider).batch for entry in setup.mix]
    shares = [offer.price for offer in offers if offer is not None]
    if len(shares) < len(offers):
        return False
    share = f"{max(shares):.0%}"
    return st.toggle(
        _("批量：价格的 {share}，一天之内写完", share=share),
        **kept(FORM, "batch", switch),
        help=_(
            "任务写成文件交给供应商，多数几小时做完，最迟一天；关掉浏览器或重启之后点“继续”就接着等，不会重复花钱。预算照样算。"
        ),
    )


def _cheap_switch(workspace: Workspace, setup: TeacherSetup) -> bool:
    """Draws the switch for the off-peak hours where every teacher has some; whether it is on."""
    told = cheap_hours_told(workspace, setup.mix)
    if not told:
        return False
    on = st.toggle(
        _("只在优惠时段问"),
        **kept(FORM, "cheap_hours", switch),
        help=_(
            "只在这些时段发请求，其余时间等着；可以关掉浏览器，停下来以后再继续，问过的不再问。等的时间也算在时限里；费用按每条回答到的时候的价格算。"
        ),
    )
    st.caption(told)
    return on


def cheap_hours_told(workspace: Workspace, mix: Sequence[WeightedTeacher]) -> str:
    """Returns the off-peak hours of these teachers and their price as Markdown, '' where one has none."""
    hours = cheap_hours(workspace, mix)
    if not hours:
        return ""
    return _(
        "🌙 {hours}，价格是平时的 {share}",
        hours=plain(_("、").join(dict.fromkeys(each.words for each in hours))),
        share=f"{max(each.price for each in hours):.0%}",
    )


def budget_inputs(current: RunOptions, currency: str, suffix: str, keep: bool = True) -> BudgetFields:
    """Draws the fields for budget and deadline, an empty one being no limit, and returns their values.

    ``currency`` is its sign, ``suffix`` ends the keys of the widgets. ``keep`` keeps values over a refresh.
    """
    first, second, third = st.columns(3)

    def key_of(key: str, least: float, most: float) -> dict[str, Any]:
        if keep:
            return kept(FORM, key + suffix, within(least, most))
        # Not given as the field's own value, which Streamlit puts back where a person empties the field.
        st.session_state.setdefault(key + suffix, getattr(current, key))
        return {"key": key + suffix}

    cost = first.number_input(
        _("预算（{sign}）", sign=currency),
        0.01,
        MOST_COST,
        None,
        1.0,
        **key_of("budget_cost", 0.01, MOST_COST),
        placeholder=_("不限"),
    )
    tokens = second.number_input(
        _("预算（tokens）"),
        1,
        MOST_TOKENS,
        None,
        100_000,
        **key_of("budget_tokens", 1, MOST_TOKENS),
        placeholder=_("不限"),
    )
    minutes = third.number_input(
        _("时限（分钟）"),
        0.1,
        MOST_MINUTES,
        None,
        10.0,
        **key_of("minutes", 0.1, MOST_MINUTES),
        placeholder=_("不限"),
        help=_("空着表示不限；到了就自己停下，写好的都在，可以继续。"),
    )
    return BudgetFields(budget_cost=cost, budget_tokens=tokens, minutes=minutes)


def limits_popover(
    options: RunOptions,
    concurrency: int,
    suffix: str,
    save: Callable[[RunOptions, int], None],
    cheap: str | None = None,
) -> None:
    """Draws budget, deadline and concurrency of a run for its next start; ``save`` takes the new ones.
    ``suffix`` ends the keys of the widgets; ``cheap`` tells the off-peak hours below their switch, which is
    left out where it is None."""
    most = generation.MAX_CONCURRENCY
    with st.popover(_("预算和并发"), icon="🎚️"):
        budget = budget_inputs(options, "¥ / $", suffix, keep=False)
        key = f"concurrency{suffix}"
        number = st.number_input(_("并发数"), 1, most, concurrency, **kept_number(key, 1, most, concurrency))
        only = options.cheap_hours
        if cheap is not None:
            only = st.toggle(_("只在优惠时段问"), only, key=f"cheap_hours{suffix}")
            if cheap:
                st.caption(cheap)
        if st.button(_("保存"), key=f"save_limits{suffix}"):
            with report_errors():
                save(options.model_copy(update={**budget, "cheap_hours": only}), int(number))
                forget_typed(key)
                st.rerun()
