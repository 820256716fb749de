"""设置: language, time zone, recipe in use, reviewer, download mirror, keys (masked), and the paths of the
workspace."""

from collections.abc import Mapping

import streamlit as st
from pydantic import ValidationError

from pages.settings.notices import notices_part, notices_title
from pages.settings.people import people_part, people_title
from pages.settings.place_rows import places_part, places_title
from pages.settings.problem_part import problem_part
from pages.settings.provider_keys import provider_rows
from pages.settings.workspace_part import workspace_part, workspace_title
from pages.shared.clock import zones
from pages.shared.frame import remember_notice, report_errors
from pages.shared.header import page_header
from pages.shared.kept import forget_typed, kept_text
from pages.shared.teacher_pick import DEFAULT, pick_teacher
from pages.shared.text import plain
from tianji_core.i18n import LANGUAGES, _
from tianji_core.release import version
from tianji_core.store import recipes
from tianji_core.workspace import Settings


def changed_settings(entered: Mapping[str, str]) -> Settings | None:
    """The settings with what was entered, or None where the mirror is not a valid address."""
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
        columns = st.columns(3)
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
        known_zones = list(dict.fromkeys(["", settings.zone, *zones()]))
        zone = columns[0].selectbox(
            _("时区"),
            known_zones,
            index=known_zones.index(settings.zone),
            format_func=lambda name: name or _("跟随浏览器"),
            key=f"zone_{settings.language}",  # a field keeps the words that its value had
        )
        mirror = columns[1].text_input(
            _("模型下载镜像"),
            settings.model_mirror,
            max_chars=200,
            **kept_text("model_mirror", settings.model_mirror),
            placeholder="https://",
            help=_("空着就直接连 ModelScope；环境变量 MODELSCOPE_ENDPOINT 优先。内网里填自己的镜像地址。"),
        )
        columns[2].caption(_("外观跟随系统的浅色和深色；要固定成一种，在右上角 ⋮ 里选，这台设备会记住。"))
        entered = {
            "language": language,
            "recipe": recipe,
            "reviewer": reviewer.strip(),
            "zone": zone,
            "model_mirror": mirror.strip(),
        }
        if st.button(_("保存"), type="primary", key="save_settings"):
            if not reviewer.strip():
                st.error(_("审核人不能为空"), icon="⚠️")
            elif (changed := changed_settings(entered)) is None:
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

st.subheader(_("造数模型和密钥"))
with report_errors():
    st.caption(
        _("列表的建议、适配度打分、补样本、造数、改写、评审都先用它；在哪一处换了别的，那一处就记住别的。")
    )
    pick_teacher(workspace, DEFAULT)

with report_errors():
    provider_rows(workspace)

st.subheader(_("其他"))
with report_errors(), st.expander(notices_title(workspace), icon="🔔", key="settings_notices"):
    notices_part(workspace)
with report_errors(), st.expander(places_title(workspace), icon="🛰️", key="settings_places"):
    places_part(workspace)
with report_errors(), st.expander(people_title(workspace), icon="👤", key="settings_people"):
    people_part(workspace)
with report_errors(), st.expander(workspace_title(workspace), icon="🗄️", key="settings_workspace"):
    workspace_part(workspace)
with report_errors(), st.expander(_("报告问题"), icon="🛟", key="settings_problem"):
    problem_part(workspace)

st.caption(_("天机工坊 {version}", version=version()))
