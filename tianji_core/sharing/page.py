"""The page of a shared model: one HTML file with one script, which loads nothing and may ask nobody else."""

import secrets
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template, select_autoescape
from starlette.responses import HTMLResponse

from tianji_core.i18n import LANGUAGES, _, in_language
from tianji_core.recipe import Recipe, enabled_axes, enabled_styles
from tianji_core.sharing.links import Share
from tianji_core.sharing.questions import MOST_QUESTION


def share_page(share: Share, recipe: Recipe, spoken: str) -> HTMLResponse:
    """Returns the page on which the model of ``share`` is asked, in the language ``spoken``."""
    axes = [
        {
            "id": axis.id,
            "title": axis.title,
            "options": [(option.id, option.title) for option in axis.options],
        }
        for axis in enabled_axes(recipe)
    ]
    return _page(
        200,
        spoken,
        title=share.title or recipe.title,
        open=True,
        names=[entry.text for entry in recipe.names if entry.enabled],
        scenes=[entry.text for entry in recipe.scenes if entry.enabled],
        styles=enabled_styles(recipe),
        axes=axes,
        model=share.model,
        ends=share.expires_at,
        most=MOST_QUESTION,
        keep=share.keep,
        receivers=recipe.receivers,
        asked_for={
            "name": in_language(_(recipe.words.to_whom), spoken),
            "scene": in_language(_(recipe.words.what_for), spoken),
            "style": in_language(_(recipe.words.style), spoken),
        },
    )


def closed_page(spoken: str) -> HTMLResponse:
    """Returns the page of every link that opens nothing: it does not say whether there ever was one."""
    return _page(404, spoken, title=in_language(_("天机工坊"), spoken), open=False)


def _page(status: int, spoken: str, **values: object) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    words = {key: in_language(text, spoken) for key, text in _words().items()}
    text = _template().render(
        language="zh-CN" if spoken == "zh" else "en",
        other="en" if spoken == "zh" else "zh",
        other_title=LANGUAGES["en" if spoken == "zh" else "zh"],
        words=words,
        nonce=nonce,
        **values,
    )
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}'",
            f"style-src 'nonce-{nonce}'",
            "connect-src 'self'",
            "form-action 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
    return HTMLResponse(text, status, {"Content-Security-Policy": policy})


def _words() -> dict[str, str]:
    return {
        "none": _("不提条件"),
        "own": _("或者自己写一句（可以不填）"),
        "send": _("写一句"),
        "again": _("再来一句"),
        "stop": _("停下"),
        "take": _("复制"),
        "taken": _("已复制"),
        "waiting": _("正在写…"),
        "failed": _("连不上了，请看看网络再试"),
        "answer": _("回答"),
        "asked": _("问的是"),
        "closed": _("这个链接不对、已经到期或者被收回了"),
        "closed_hint": _("请向给您链接的人要一个新的。"),
        "not_kept": _("您选的和写的都不会被保存。"),
        "kept": _("您的问题和得到的回答会被给您链接的人保存。"),
        "made": _("由模型生成，发出去之前请自己看一遍。"),
        "ends": _("链接到期："),
    }


@cache
def _template() -> Template:
    folder = Path(__file__).parent
    return Environment(loader=FileSystemLoader(folder), autoescape=select_autoescape()).get_template(
        "share_page.html"
    )
