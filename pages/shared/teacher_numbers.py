"""The numeric settings of a teacher: sampling, speed and prices."""

from dataclasses import dataclass

import streamlit as st

from pages.shared.kept import kept, kept_limit
from pages.shared.text import plain
from pages.shared.usable import between, switch, within
from tianji_core.generation import MAX_CONCURRENCY
from tianji_core.i18n import _
from tianji_core.teachers import USUAL, USUAL_TOKENS, ModelEntry, Provider, SamplingPlan
from tianji_core.teachers.choice import HIGHEST_PRICE

FORM = "generate"
"""The form of the generate page, to which these widgets belong."""
MOST_REQUESTS, MOST_MINUTE_TOKENS = 1_000_000, 1_000_000_000
SIGNS = {"CNY": "¥", "USD": "$"}


@dataclass(frozen=True)
class Speed:
    """How fast a teacher is asked: ``timeout`` in seconds per request; a limit of None means no limit."""

    concurrency: int
    timeout: float
    requests_per_minute: int | None
    tokens_per_minute: int | None


def sampling_inputs(provider: Provider) -> SamplingPlan:
    """Draws the sampling parameters, fixed or as ranges; returns them."""
    drawn = st.toggle(
        _("每条任务在范围里随机取参数"),
        **kept(FORM, "draw_sampling", switch),
        help=_("同一个种子取到的参数不变，随样本保存。"),
    )
    left, middle, right = st.columns(3)
    temperature = left.slider(
        _("温度"),
        0.0,
        2.0,
        (0.6, 1.0) if drawn else USUAL.temperature,
        0.05,
        **kept(FORM, f"temperature_{drawn}", between(0.0, 2.0)),
        help=_("越高写得越不一样；作为请求参数发送，不写进提示词。"),
    )
    top_p = middle.slider(
        "top_p",
        0.05,
        1.0,
        (0.85, 0.95) if drawn else USUAL.top_p,
        0.05,
        **kept(FORM, f"top_p_{drawn}", between(0.05, 1.0)),
    )
    max_tokens = right.number_input(
        _("最多 tokens"),
        16,
        32_768,
        USUAL_TOKENS,
        64,
        **kept(FORM, "max_tokens", within(16, 32_768)),
        help=_("会思考的模型要留得多一些。"),
    )
    if provider.sdk == "zhipu" and provider.note:
        st.caption(_(provider.note))
    return SamplingPlan(temperature=temperature, top_p=top_p, max_tokens=int(max_tokens), seed_per_task=drawn)


def speed_inputs(provider: Provider) -> Speed:
    """Draws concurrency, timeout and rate limits; returns them."""
    first, second, third, fourth = st.columns(4, vertical_alignment="bottom")
    concurrency = first.number_input(
        _("并发数"),
        1,
        MAX_CONCURRENCY,
        provider.concurrency,
        **kept(FORM, f"concurrency_{provider.key}", within(1, MAX_CONCURRENCY), provider.concurrency),
        help=_("同时在等回答的请求数；被限流（429）时自动减半，回答顺利时再慢慢加回来。"),
    )
    timeout = second.number_input(_("单次超时（秒）"), 5, 600, 60, 5, **kept(FORM, "timeout", within(5, 600)))
    requests = third.number_input(
        _("每分钟请求数"),
        1,
        MOST_REQUESTS,
        None,
        10,
        **kept_limit(
            FORM, f"requests_per_minute_{provider.key}", MOST_REQUESTS, provider.requests_per_minute
        ),
        placeholder=_("不限"),
        help=_("空着表示不限。"),
    )
    tokens = fourth.number_input(
        _("每分钟 tokens"),
        1,
        MOST_MINUTE_TOKENS,
        None,
        10_000,
        **kept_limit(
            FORM, f"tokens_per_minute_{provider.key}", MOST_MINUTE_TOKENS, provider.tokens_per_minute
        ),
        placeholder=_("不限"),
        help=_("输入和输出合计；空着表示不限。"),
    )
    return Speed(int(concurrency), float(timeout), requests, tokens)


def price_inputs(provider: Provider, entry: ModelEntry) -> ModelEntry:
    """Draws the prices of a model per million tokens; returns the model with the corrected ones."""
    sign = SIGNS[provider.currency]
    left, right = st.columns(2)
    name = f"{provider.key}_{entry.name}"
    asked = left.number_input(
        _("输入价（{sign} / 百万 tokens）", sign=sign),
        0.0,
        HIGHEST_PRICE,
        entry.input_price,
        **kept(FORM, f"input_price_{name}", within(0.0, HIGHEST_PRICE), entry.input_price),
    )
    answered = right.number_input(
        _("输出价（{sign} / 百万 tokens）", sign=sign),
        0.0,
        HIGHEST_PRICE,
        entry.output_price,
        **kept(FORM, f"output_price_{name}", within(0.0, HIGHEST_PRICE), entry.output_price),
    )
    if provider.prices_checked is not None:
        when = _("价格核对于 {date}，只用来估算，请以服务商公布的为准。", date=provider.prices_checked)
    else:
        when = _("价格未知，填上后才能估算费用；以服务商公布的为准。")
    st.caption(f"{when}{plain(_(provider.note)) if provider.sdk != 'zhipu' else ''}")
    return entry.model_copy(update={"input_price": asked, "output_price": answered})
