"""列表: the names, scenes, styles, random clauses, prompts and input wordings of the recipe in use."""

import streamlit as st

from pages.components.frame import opened_recipe, page_header, remember_notice, reopen_recipe, report_errors
from pages.components.recipe_tables import lines_table, names_table, scenes_table, styles_table
from tianji_core.i18n import _
from tianji_core.recipe import Plan, Recipe, brief, dump_recipe, parse_recipe, tasks
from tianji_core.recipe.editing import changed, edit_names, edit_scenes, edit_style, edit_styles
from tianji_core.store import recipes

workspace = page_header(
    _("列表"), _("配方里的称谓、场景、风格和提示词。改完一张表就保存，任何一次保存都可以撤销。")
)
stored = opened_recipe("lists")
recipe, revision = stored.recipe, stored.revision


def save(new: Recipe, what: str) -> None:
    """Keep the edited recipe as a new revision and say so."""
    recipes.save(workspace.engine, new, revision, what)
    reopen_recipe("lists")
    remember_notice(_("已保存：{what}", what=what))
    st.rerun()


def save_button(key: str) -> bool:
    """The button under each table."""
    return st.button(_("保存"), key=key, type="primary", icon="💾")


bar = st.columns([3, 1, 1, 1], vertical_alignment="center")
version = _("内置版本，还没有改过") if revision == 0 else _("第 {revision} 版", revision=revision)
bar[0].markdown(f"**{recipe.title}** · {version}")
if bar[1].button(_("撤销上次保存"), key="undo_save", icon="↩️", disabled=revision == 0, width="stretch"):
    with report_errors():
        recipes.restore(workspace.engine, recipe.key, revision - 1, revision)
        reopen_recipe("lists")
        remember_notice(_("已撤销"))
        st.rerun()
bar[2].download_button(
    _("导出 YAML"),
    data=lambda: dump_recipe(recipe),
    file_name=f"{recipe.key}.yaml",
    key="export_recipe",
    on_click="ignore",
    width="stretch",
)
with bar[3].popover(_("导入 YAML"), width="stretch"):
    upload = st.file_uploader(_("配方文件"), type=["yaml", "yml"], key="import_recipe")
    if upload is not None and st.button(_("用它替换当前配方"), key="import_recipe_apply"):
        with report_errors():
            loaded = parse_recipe(upload.getvalue().decode("utf-8-sig", errors="replace"), upload.name)
            save(changed(loaded, key=recipe.key), _("导入 {file}", file=upload.name))

with report_errors():
    tabs = st.tabs(
        [
            _("称谓 {n}", n=len(recipe.names)),
            _("场景 {n}", n=len(recipe.scenes)),
            _("风格 {n}", n=len(recipe.styles)),
            _("随机注入 {n}", n=len(recipe.clauses)),
            _("训练输入 {n}", n=len(recipe.input_templates)),
            _("提示词"),
        ]
    )
    with tabs[0]:
        rows = names_table(recipe, f"names_{revision}")
        if save_button("save_names"):
            save(edit_names(recipe, rows), _("称谓"))
    with tabs[1]:
        rows = scenes_table(recipe, f"scenes_{revision}")
        if save_button("save_scenes"):
            save(edit_scenes(recipe, rows), _("场景"))
    with tabs[2]:
        rows = styles_table(recipe, f"styles_{revision}")
        if save_button("save_styles"):
            save(edit_styles(recipe, rows), _("风格"))
        st.divider()
        chosen = st.selectbox(_("编辑一个风格的写法"), [s.text for s in recipe.styles], key="style_detail")
        style = recipe.style(chosen)
        if style is not None:
            left, right = st.columns(2)
            with left:
                instruction = st.text_area(
                    _("给造数模型的要求"),
                    style.instruction,
                    key=f"instruction_{chosen}_{revision}",
                    height=140,
                )
                examples = lines_table(
                    style.examples, _("示例（每次随机抽一条）"), f"examples_{chosen}_{revision}"
                )
                if save_button("save_style"):
                    save(
                        edit_style(recipe, chosen, instruction=instruction, examples=examples),
                        _("风格“{style}”", style=chosen),
                    )
            with right:
                st.markdown(_("**发给造数模型的原文（抽样）**"))
                edited = edit_style(recipe, chosen, instruction=instruction, examples=examples, enabled=True)
                draw = st.number_input(_("换一个抽样"), min_value=0, step=1, key="preview_draw")
                task = tasks(edited, Plan(styles=(chosen,), seed=int(draw), threshold=0, limit=1))[0]
                preview = brief(edited, task, int(draw))
                st.code(preview.prompt, language=None, wrap_lines=True)
                st.markdown(_("**配套的训练输入**"))
                st.code(preview.input, language=None)
    with tabs[3]:
        st.caption(_("每次请求随机抽一条加进提示词，让同一格子的几轮写得不一样；空行表示这次什么都不加。"))
        clauses = lines_table(recipe.clauses, _("随机注入"), f"clauses_{revision}")
        if save_button("save_clauses"):
            save(changed(recipe, clauses=tuple(clauses)), _("随机注入"))
    with tabs[4]:
        st.caption(
            _(
                "模仿真人会怎么问。可用 {name} {scene} {greeting} {suffix}；第一条最常用，其余随机抽。"
            ).replace("{{", "{")
        )
        templates = lines_table(recipe.input_templates, _("训练输入模板"), f"templates_{revision}")
        if save_button("save_templates"):
            save(changed(recipe, input_templates=tuple(t for t in templates if t.strip())), _("训练输入"))
    with tabs[5]:
        system = st.text_area(_("训练用的系统提示"), recipe.prompts.system, key=f"system_{revision}")
        teacher = st.text_area(
            _("给造数模型的提示词模板"), recipe.prompts.teacher, height=260, key=f"teacher_{revision}"
        )
        example = st.text_input(_("示例的包装"), recipe.prompts.example, key=f"example_{revision}")
        if save_button("save_prompts"):
            save(
                changed(recipe, prompts={"system": system, "teacher": teacher, "example": example}),
                _("提示词"),
            )

with st.expander(_("历史版本")):
    for entry in recipes.history(workspace.engine, recipe.key):
        line = st.columns([5, 1], vertical_alignment="center")
        line[0].write(
            _(
                "第 {revision} 版 · {note} · {time} UTC",
                revision=entry.revision,
                note=entry.note,
                time=f"{entry.created_at:%m-%d %H:%M}",
            )
        )
        if entry.revision != revision and line[1].button(_("恢复"), key=f"restore_{entry.revision}"):
            with report_errors():
                recipes.restore(workspace.engine, recipe.key, entry.revision, revision)
                reopen_recipe("lists")
                remember_notice(_("已恢复到第 {revision} 版", revision=entry.revision))
                st.rerun()
    if revision and st.button(_("恢复内置版本"), key="restore_built_in"):
        with report_errors():
            recipes.restore(workspace.engine, recipe.key, 0, revision)
            reopen_recipe("lists")
            st.rerun()
st.page_link("pages/data/heatmap.py", label=_("下一步：看哪些称谓和场景相配"), icon="🗺️")
