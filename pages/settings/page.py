"""设置: language, recipe in use, reviewer, download mirror, keys (masked), and the paths of the workspace."""

import os

import streamlit as st
from pydantic import ValidationError

from pages.settings.backups import database_backups
from pages.settings.notices import notices_part
from pages.settings.people import people_part
from pages.shared.frame import remember_notice, report_errors
from pages.shared.header import page_header
from pages.shared.kept import forget_typed, kept_text
from pages.shared.secret_field import forget_secret, secret_field
from pages.shared.teacher_pick import DEFAULT, pick_teacher
from pages.shared.text import plain
from tianji_core import teachers
from tianji_core.i18n import LANGUAGES, _
from tianji_core.model_folders.manifest import size_text
from tianji_core.store import recipes
from tianji_core.workspace import Settings, masked


def changed_settings(language: str, recipe: str, reviewer: str, mirror: str) -> Settings | None:
    """The settings with what was entered, or None where the mirror is not a valid address."""
    entered = {"language": language, "recipe": recipe, "reviewer": reviewer, "model_mirror": mirror}
    try:
        return Settings.model_validate({**workspace.settings().model_dump(), **entered})
    except ValidationError:
        return None


workspace = page_header(
    "settings",
    _("设置"),
    _("语言、密钥和工作区。密钥只放在环境变量或工作区的 .env 里，不会进数据库、日志和导出文件。"),
)

with report_errors():
    settings = workspace.settings()
    titles = recipes.titles(workspace.engine)
    keys = list(titles)
    with st.container(border=True):
        columns = st.columns([2, 2, 2, 3])
        language = columns[0].selectbox(
            "语言 / Language",
            list(LANGUAGES),
            index=list(LANGUAGES).index(settings.language),
            format_func=lambda code: LANGUAGES[code],
            key="language",
        )
        recipe = columns[1].selectbox(
            _("正在用的配方"),
            keys,
            index=keys.index(settings.recipe) if settings.recipe in keys else 0,
            format_func=lambda key: titles.get(key, key),
            key=f"recipe_in_use_{settings.recipe}",
        )
        reviewer = columns[2].text_input(
            _("审核人"),
            settings.reviewer,
            max_chars=40,
            help=_("写进每一步审核记录"),
            **kept_text("reviewer", settings.reviewer),
        )
        mirror = columns[3].text_input(
            _("模型下载镜像"),
            settings.model_mirror,
            max_chars=200,
            **kept_text("model_mirror", settings.model_mirror),
            placeholder="https://",
            help=_("空着就直接连 ModelScope；环境变量 MODELSCOPE_ENDPOINT 优先。内网里填自己的镜像地址。"),
        )
        if st.button(_("保存"), type="primary", key="save_settings"):
            if not reviewer.strip():
                st.error(_("审核人不能为空"), icon="⚠️")
            elif (changed := changed_settings(language, recipe, reviewer.strip(), mirror.strip())) is None:
                st.error(
                    _(
                        "镜像地址“{address}”不对，应当像 https://镜像的域名 这样，不带路径和账号",
                        address=plain(mirror),
                    ),
                    icon="⚠️",
                )
            else:
                workspace.save_settings(changed)
                forget_typed("reviewer", "model_mirror")
                remember_notice(_("设置已保存"))
                st.rerun()

st.subheader(_("造数模型"))
with report_errors():
    st.caption(
        _("列表的建议、适配度打分、补样本、造数、改写、评审都先用它；在哪一处换了别的，那一处就记住别的。")
    )
    pick_teacher(workspace, DEFAULT)

st.subheader(_("密钥"))
with report_errors():
    needing = [p for p in teachers.providers(workspace).values() if p.key_variable is not None]
    for number, provider in enumerate(needing):
        variable = provider.key_variable or ""
        row = st.columns([2.2, 1.2, 3.4, 1.1, 1.5, 1.1], vertical_alignment="center")
        row[0].markdown(f"**{plain(_(provider.title))}**")
        state = teachers.key_state(workspace, provider)
        row[1].markdown(
            f"`{masked(workspace.key(variable))}`"
            if state.present
            else _("未设置")
            if provider.key_required
            else _("可不填")
        )
        entered = secret_field(
            row[2],
            variable,
            f"key_{number}",
            placeholder=variable,
            label_visibility="collapsed",
            autocomplete="off",
        )
        keep = row[3].button(_("保存"), key=f"key_save_{number}", help=_("写进工作区的 .env，只有你能读"))
        once = row[4].button(
            _("仅本次"), key=f"key_once_{number}", help=_("只在这个服务器进程里有效，重启就没有了")
        )
        if (keep or once) and not entered.strip():
            st.error(_("先把 {variable} 的值贴进左边的框里", variable=variable), icon="⚠️")
        elif keep or once:
            if keep:
                workspace.save_key(variable, entered.strip())
            else:
                os.environ[variable] = entered.strip()
            forget_secret(f"key_{number}")
            remember_notice(_("{variable} 已设置", variable=variable))
            st.rerun()
        if row[5].button(_("清除"), key=f"key_clear_{number}", disabled=not state.present):
            workspace.save_key(variable, None)
            os.environ.pop(variable, None)
            remember_notice(_("{variable} 已清除", variable=variable))
            st.rerun()

st.subheader(_("任务做完时通知我"))
with report_errors():
    notices_part(workspace)

st.subheader(_("谁可以登录"))
with report_errors():
    people_part(workspace)

st.subheader(_("工作区"))
facts = st.columns(2)
free = workspace.free_space()
facts[0].metric(_("剩余磁盘"), size_text(free.pop(workspace.home)))
for folder, left in free.items():
    facts[0].caption(_("{folder} 在另一块盘上，剩 {size}", folder=plain(str(folder)), size=size_text(left)))
facts[1].metric(_("数据库"), "PostgreSQL" if workspace.database_url.startswith("postgresql") else "SQLite")
st.code(str(workspace.home), language=None)
with report_errors():
    database_backups(workspace)
st.caption(
    _(
        "换一个工作区：用 make run WORKSPACE=文件夹 启动，或设置环境变量 TIANJI_HOME。团队共用：把 TIANJI_DATABASE_URL 设为 PostgreSQL 地址。"
    )
)
