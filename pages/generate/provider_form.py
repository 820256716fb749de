"""Changing a provider, or adding one of one's own: what is saved goes into the workspace's providers.yaml."""

import streamlit as st
from pydantic import ValidationError

from pages.generate.teacher_form import OPEN_NEXT
from pages.shared.frame import remember_notice, report_errors
from pages.shared.kept import forget
from pages.shared.teacher_numbers import FORM
from tianji_core import teachers
from tianji_core.errors import SettingsError
from tianji_core.i18n import _, _c
from tianji_core.recipe import explain
from tianji_core.teachers import Provider
from tianji_core.workspace import Workspace


def provider_form(workspace: Workspace, chosen: Provider) -> None:
    """Fields for address, key variable, limits, models and prices of the chosen provider."""
    if chosen.offline:
        return
    with st.expander(_("修改或新增造数模型")), report_errors():
        _fields(workspace, chosen)


def _fields(workspace: Workspace, chosen: Provider) -> None:
    at = chosen.key
    left, right = st.columns(2)
    key = left.text_input(
        _("代号"), at, key=f"own_key_{at}", help=_("换一个代号就是新增一个，原来的不变。")
    ).strip()
    title = right.text_input(_c("provider", "名称"), chosen.title, key=f"own_title_{at}")
    base_url = left.text_input(_("接口地址"), chosen.base_url, key=f"own_url_{at}")
    variable = right.text_input(
        _("密钥的环境变量"),
        chosen.key_variable or "",
        key=f"own_variable_{at}",
        help=_("只写变量名，例如 LAB_API_KEY；密钥本身在设置页填。"),
    )
    first, second, third = st.columns(3)
    concurrency = first.number_input(_("并发数"), 1, 512, chosen.concurrency, key=f"own_concurrency_{at}")
    requests = second.number_input(
        _("每分钟请求数"), 0, 1_000_000, chosen.requests_per_minute or 0, key=f"own_requests_{at}"
    )
    tokens = third.number_input(
        _("每分钟 tokens"), 0, 1_000_000_000, chosen.tokens_per_minute or 0, key=f"own_tokens_{at}"
    )
    rows = [
        {"name": entry.name, "input_price": entry.input_price, "output_price": entry.output_price}
        for entry in chosen.models
    ]
    edited = st.data_editor(
        rows or [{"name": "", "input_price": None, "output_price": None}],
        num_rows="dynamic",
        width="stretch",
        key=f"own_models_{at}",
        column_config={
            "name": st.column_config.TextColumn(_c("field", "模型")),
            "input_price": st.column_config.NumberColumn(_("输入价 / 百万"), min_value=0.0),
            "output_price": st.column_config.NumberColumn(_("输出价 / 百万"), min_value=0.0),
        },
    )
    saved, back = st.columns(2)
    if saved.button(_("保存到工作区"), key="save_provider", icon="💾", width="stretch"):
        changed = chosen.model_dump()
        changed.update(
            key=key,
            title=title,
            base_url=base_url.strip(),
            editable_url=chosen.editable_url,
            key_variable=variable.strip() or None,
            concurrency=int(concurrency),
            requests_per_minute=int(requests) or None,
            tokens_per_minute=int(tokens) or None,
            models=_models(chosen, edited),
        )
        if changed["key_variable"] != chosen.key_variable:
            changed["key_required"] = changed["key_variable"] is not None
        teachers.save_provider(workspace, _checked(changed))
        _follow(chosen, key)
        remember_notice(_("已保存 {title}", title=title))
        st.session_state[OPEN_NEXT] = key
        st.rerun()
    own = teachers.own_providers_path(workspace)
    if (
        own.exists()
        and at in teachers.load_providers(own)
        and back.button(_("去掉工作区里的修改"), key="forget_provider", icon="↩️", width="stretch")
    ):
        teachers.forget_provider(workspace, at)
        _follow(chosen, at)
        remember_notice(_("已恢复"))
        st.rerun()


def _follow(chosen: Provider, key: str) -> None:
    """Let the form above begin with what the provider says now."""
    names = [
        f"{field}_{key}" for field in ("base_url", "concurrency", "requests_per_minute", "tokens_per_minute")
    ]
    names += [f"{kind}_price_{key}_{model.name}" for kind in ("input", "output") for model in chosen.models]
    forget(FORM, {name: name for name in names})


def _models(chosen: Provider, edited: list[dict[str, object]]) -> list[dict[str, object]]:
    """The models of the table; request fields that a model had stay with its name."""
    return [
        {**row, "name": str(row["name"]).strip(), "body": chosen.model(str(row["name"]).strip()).body}
        for row in edited
        if str(row.get("name") or "").strip()
    ]


def _checked(fields: dict[str, object]) -> Provider:
    if not str(fields["key"]).strip():
        raise SettingsError(_("请填写代号"))
    try:
        return Provider.model_validate(fields)
    except ValidationError as error:
        raise SettingsError(explain(error)) from error
