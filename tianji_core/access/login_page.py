"""The login page and the logout page: one HTML file without scripts."""

import secrets
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template, select_autoescape
from starlette.responses import HTMLResponse

from tianji_core.i18n import _, language


def login_page(
    action: str, next_path: str, name: str = "", error: str = "", status: int = 200, single_sign_on: str = ""
) -> HTMLResponse:
    """Returns the form for name and password, with ``error`` above it. ``single_sign_on`` is the address of
    another way in, '' for none."""
    return _page(
        status,
        form="login",
        heading=_("天机工坊"),
        lead=_("请登录后继续"),
        action=action,
        next=next_path,
        name=name,
        error=error,
        single_sign_on=single_sign_on,
        hint=_(
            "没有账号？请工坊的所有者用 python -m tianji_core users add 名字 添加，或打开启动时显示的一次性地址。"
        ),
    )


def logout_page(action: str, back: str, name: str) -> HTMLResponse:
    """Returns the question whether to log out."""
    return _page(
        200,
        form="logout",
        heading=_("退出登录"),
        lead=_("现在以“{name}”的身份登录。", name=name),
        action=action,
        next=back,
    )


def _page(status: int, **values: str) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    words = {
        "name": _("名字"),
        "password": _("密码"),
        "enter": _("登录"),
        "leave": _("退出登录"),
        "stay": _("留在工坊"),
        "single_sign_on": _("单点登录"),
    }
    text = _template().render(
        title=_("天机工坊"),
        language="zh-CN" if language() == "zh" else "en",
        words=words,
        nonce=nonce,
        **values,
    )
    rules = ("default-src 'none'", f"style-src 'nonce-{nonce}'", "form-action 'self'", "base-uri 'none'")
    policy = "; ".join((*rules, "frame-ancestors 'none'"))
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return HTMLResponse(text, status, headers)


@cache
def _template() -> Template:
    folder = Path(__file__).parent
    return Environment(loader=FileSystemLoader(folder), autoescape=select_autoescape()).get_template(
        "login_page.html"
    )
