"""The form that changes a provider or adds one; it is saved in the workspace's providers.yaml."""

import hashlib
import json
from typing import Any, get_args

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from pages.generate.off_peak_fields import OFF_PEAK_FIELDS, off_peak_fields
from pages.generate.teacher_form import OPEN_NEXT
from pages.shared.frame import remember_notice, report_errors
from pages.shared.kept import TYPED, forget, forget_typed, kept_limit, kept_number, kept_text
from pages.shared.kept_table import forget_table, kept_table
from pages.shared.teacher_numbers import FORM
from tianji_core import teachers
from tianji_core.errors import GateError, SettingsError
from tianji_core.gate import read_json
from tianji_core.i18n import _, _c
from tianji_core.recipe import explain
from tianji_core.teachers import ModelEntry, Provider
from tianji_core.teachers.choice import HIGHEST_PRICE
from tianji_core.teachers.providers import TextForm
from tianji_core.workspace import Workspace


def provider_form(workspace: Workspace, chosen: Provider) -> None:
    """Draws address, key variable, limits, off-peak hours, models and prices of the chosen provider."""
    if chosen.offline:
        return
    with st.expander(_("修改或新增造数模型")), report_errors():
        _fields(workspace, chosen)


def _fields(workspace: Workspace, chosen: Provider) -> None:
    fields = _address_fields(chosen) | _limit_fields(chosen) | {"off_peak": off_peak_fields(chosen)}
    edited = _models_table(chosen)
    if st.button(_("保存到工作区"), key="save_provider", icon="💾", width="stretch"):
        _save(workspace, chosen, fields | {"models": _models(edited)})
    own = teachers.own_providers_path(workspace)
    if (
        own.exists()
        and chosen.key in teachers.load_providers(own)
        and st.button(_("去掉工作区里的修改"), key="forget_provider", icon="↩️", width="stretch")
    ):
        teachers.forget_provider(workspace, chosen.key)
        _forget_typed(chosen, chosen.key)
        remember_notice(_("已恢复"))
        st.rerun()


def _address_fields(chosen: Provider) -> dict[str, object]:
    suffix = chosen.key
    left, right = st.columns(2)
    key = left.text_input(
        _("代号"),
        chosen.key,
        **kept_text(f"own_key_{suffix}", chosen.key),
        help=_("换一个代号就是新增一个，原来的不变。"),
    )
    title = right.text_input(
        _c("provider", "名称"), chosen.title, **kept_text(f"own_title_{suffix}", chosen.title)
    )
    base_url = left.text_input(
        _("接口地址"), chosen.base_url, **kept_text(f"own_url_{suffix}", chosen.base_url)
    )
    variable = right.text_input(
        _("密钥的环境变量"),
        chosen.key_variable or "",
        **kept_text(f"own_variable_{suffix}", chosen.key_variable or ""),
        help=_("只写变量名，例如 LAB_API_KEY；密钥本身在设置页填。"),
    )
    return {
        "key": key.strip(),
        "title": title,
        "base_url": base_url.strip(),
        "key_variable": variable.strip() or None,
    }


def _limit_fields(chosen: Provider) -> dict[str, object]:
    suffix = chosen.key
    first, second, third = st.columns(3)
    concurrency = first.number_input(
        _("并发数"),
        1,
        512,
        chosen.concurrency,
        **kept_number(f"own_concurrency_{suffix}", 1, 512, chosen.concurrency),
    )
    requests = second.number_input(
        _("每分钟请求数"),
        1,
        1_000_000,
        None,
        placeholder=_("不限"),
        **kept_limit(TYPED, f"own_requests_{suffix}", 1_000_000, chosen.requests_per_minute),
    )
    tokens = third.number_input(
        _("每分钟 tokens"),
        1,
        1_000_000_000,
        None,
        placeholder=_("不限"),
        **kept_limit(TYPED, f"own_tokens_{suffix}", 1_000_000_000, chosen.tokens_per_minute),
    )
    return {
        "concurrency": int(concurrency),
        "requests_per_minute": requests,
        "tokens_per_minute": tokens,
    }


def _models_table(chosen: Provider) -> list[dict[str, Any]]:
    """Draws the editable table of models and prices; returns its lines."""
    lines = [_line(entry) for entry in chosen.models] or [_line(None)]
    frame = pd.DataFrame(lines).astype({"input_price": float, "output_price": float})
    rows = kept_table(
        FORM,
        _table_name(chosen),
        frame,
        _table_key(chosen),
        columns={
            "text": st.column_config.TextColumn(_c("field", "模型")),
            "input_price": st.column_config.NumberColumn(
                _("输入价 / 百万"), min_value=0.0, max_value=HIGHEST_PRICE
            ),
            "output_price": st.column_config.NumberColumn(
                _("输出价 / 百万"), min_value=0.0, max_value=HIGHEST_PRICE
            ),
            "response_format": st.column_config.SelectboxColumn(
                _("结构化回答"),
                options=list(get_args(TextForm)),
                help=_(
                    "让造数模型把成品放进 JSON 的 text 字段，前后就夹不进别的话；服务器不支持时自动改回普通回答。"
                ),
            ),
            "body": st.column_config.TextColumn(
                _("附加请求字段（JSON）"),
                help=_(
                    '原样加进每个请求，例如 {"enable_thinking": false}、{"thinking": {"type": "disabled"}}、'
                    '{"max_completion_tokens": 2048}；写 null 就不发这个字段。'
                ),
            ),
        },
    )
    return [
        {
            "name" if field == "text" else field: None if pd.isna(value) else value
            for field, value in cells.items()
        }
        for _place, cells in rows
    ]


def _table_name(chosen: Provider) -> str:
    return f"models_{chosen.key}"


def _table_key(chosen: Provider) -> str:
    """The key of the table's widget, which changes with the saved models."""
    saved = repr([entry.model_dump() for entry in chosen.models])
    return f"own_models_{chosen.key}_{hashlib.sha256(saved.encode()).hexdigest()[:8]}"


def _line(entry: ModelEntry | None) -> dict[str, Any]:
    """The line of a model in the table, whose first column is its name; None is a new one."""
    if entry is None:
        return {"text": "", "input_price": None, "output_price": None, "response_format": "", "body": ""}
    body = json.dumps(entry.body, ensure_ascii=False) if entry.body else ""
    return {"text": entry.name, **entry.model_dump(exclude={"body", "name"}), "body": body}


def _save(workspace: Workspace, chosen: Provider, fields: dict[str, object]) -> None:
    """Saves the provider and chooses it in the form above."""
    changed = chosen.model_dump() | fields
    if changed["key_variable"] != chosen.key_variable:
        changed["key_required"] = changed["key_variable"] is not None
    provider = _checked(changed)
    teachers.save_provider(workspace, provider)
    _forget_typed(chosen, provider.key)
    remember_notice(_("已保存 {title}", title=provider.title))
    st.session_state[OPEN_NEXT] = provider.key
    st.rerun()


def _forget_typed(chosen: Provider, key: str) -> None:
    """Forgets what was typed in the form above, which then shows the saved values of the provider."""
    names = [
        f"{field}_{key}" for field in ("base_url", "concurrency", "requests_per_minute", "tokens_per_minute")
    ]
    names += [f"{kind}_price_{key}_{model.name}" for kind in ("input", "output") for model in chosen.models]
    forget(FORM, {name: name for name in names})
    own = ("key", "title", "url", "variable", "concurrency", "requests", "tokens", *OFF_PEAK_FIELDS)
    forget_typed(*(f"own_{field}_{chosen.key}" for field in own))
    forget_table(FORM, _table_name(chosen), _table_key(chosen))


def _models(edited: list[dict[str, Any]]) -> list[dict[str, object]]:
    """Returns the models of the table.

    Raises:
        SettingsError: the further request fields of a model are no JSON object.
    """
    return [
        {
            **line,
            "name": name,
            "body": _body(name, line.get("body")),
            "response_format": line.get("response_format") or "",
        }
        for line in edited
        if (name := str(line.get("name") or "").strip())
    ]


def _body(model: str, typed: object) -> dict[str, Any]:
    text = str(typed or "").strip()
    if not text:
        return {}
    try:
        body = read_json(text)
    except GateError as error:
        raise SettingsError(_("{model} 的附加请求字段{detail}", model=model, detail=error)) from error
    if not isinstance(body, dict):
        raise SettingsError(
            _(
                "{model} 的附加请求字段应当是一个 JSON 对象，例如 {example}",
                model=model,
                example='{"enable_thinking": false}',
            )
        )
    return body


def _checked(fields: dict[str, object]) -> Provider:
    if not str(fields["key"]).strip():
        raise SettingsError(_("请填写代号"))
    try:
        return Provider.model_validate(fields)
    except ValidationError as error:
        raise SettingsError(explain(error)) from error
