"""照着写: paste paragraphs, say for whom they are, see the estimate and start."""

import streamlit as st
from pydantic import ValidationError

from pages.generate.asking_teacher import asking_teacher
from pages.generate.imitation_runs import imitation_run_list, show_imitation_run
from pages.generate.teacher_form import TeacherSetup
from pages.shared.cell_words import style_word
from pages.shared.frame import asked_number, remember_notice, report_errors
from pages.shared.kept import kept, kept_at
from pages.shared.teacher_numbers import FORM, SIGNS
from pages.shared.text import plain
from pages.shared.usable import among, any_text, switch, within
from tianji_core.errors import InputError
from tianji_core.generation import RunOptions
from tianji_core.generation.imitation import (
    MOST_AGAIN,
    ImitationSettings,
    create_imitation_run,
    estimate_imitation,
    fitting_style,
    paragraphs_of,
    start_imitation,
)
from tianji_core.i18n import _
from tianji_core.jobs import duration_text
from tianji_core.recipe import Recipe, explain
from tianji_core.workspace import Workspace


def imitation_part(workspace: Workspace, recipe: Recipe) -> None:
    """Draws the run in the address, the form of a new run, and the list of runs."""
    if (linked := asked_number("imitation")) is not None:
        show_imitation_run(workspace, linked)
    st.caption(
        _("贴几段喜欢的文字，造数模型照它们的口吻写新的，再换给别的人和事；和原文太像的不要。写好的进审核。")
    )
    with report_errors():
        left, right = st.columns(2, gap="large")
        with left:
            pasted = st.text_area(
                _("喜欢的文字（几段之间空一行）"),
                "",
                height=150,
                **kept(FORM, "imitated", any_text),
                placeholder=_("贴一段或几段自己喜欢的文字：自己写过的、朋友写的都行。"),
            )
            paragraphs: list[str] = []
            with report_errors():
                paragraphs = paragraphs_of(pasted) if pasted.strip() else []
            settings = _settings(recipe, paragraphs)
        with right:
            refusal = _("离线造句不会照着写：在上面换一个接口模型。")
            setup, options = asking_teacher(workspace, refusal, "_imitation")
        if not pasted.strip():
            st.info(_("贴上文字，就能看到会写多少、要花多少。"), icon="✍️")
        elif paragraphs and setup.provider.can_chat:
            _start(workspace, recipe, paragraphs, settings, setup, options)
    st.divider()
    with report_errors():
        imitation_run_list(workspace, recipe)


def _receiver(recipe: Recipe, paragraphs: list[str]) -> tuple[str, str, str]:
    """Draws for whom the paragraphs are; returns name, scene and style."""
    names = [name.text for name in recipe.names if name.enabled] or [name.text for name in recipe.names]
    scenes = [scene.text for scene in recipe.scenes if scene.enabled] or [s.text for s in recipe.scenes]
    styles = [style.text for style in recipe.styles if style.enabled] or [s.text for s in recipe.styles]
    first, second, third = st.container(key="imitated_cell").columns(3)
    words = recipe.words.shown()
    kept_as = {"name": f"imitated_name_{recipe.key}", "scene": f"imitated_scene_{recipe.key}"}
    name: str | None = names[0]
    if recipe.receivers:
        name = first.selectbox(
            words.to_whom, names, **kept(FORM, "imitated_name", among(names), None, kept_as["name"])
        )
    scene = second.selectbox(
        words.what_for, scenes, **kept(FORM, "imitated_scene", among(scenes), None, kept_as["scene"])
    )
    style = third.selectbox(
        words.style,
        styles,
        **kept_at(
            FORM,
            "imitated_style",
            among(styles),
            fitting_style(recipe, paragraphs).text,
            f"imitated_style_{recipe.key}",
        ),
        help=_("训练输入照这种{kind}写；默认选字数合适的。", kind=style_word()),
    )
    return name or names[0], scene, style


def _settings(recipe: Recipe, paragraphs: list[str]) -> ImitationSettings:
    """Draws for whom the paragraphs are, how many are written and how close they may be."""
    name, scene, style = _receiver(recipe, paragraphs)
    first, second = st.container(key="imitated_numbers").columns(2)
    seeds = first.number_input(_("每段照着写几条"), 1, 20, 3, **kept(FORM, "imitated_seeds", within(1, 20)))
    cells = second.number_input(
        _("每条再换几个对象"),
        0,
        200,
        6,
        **kept(FORM, "imitated_cells", within(0, 200)),
        help=_("写好的每一条，再照着它写别的格子。"),
    )
    only_accepted = st.toggle(
        _("等我审核采用以后再换对象"), False, **kept(FORM, "imitated_only_accepted", switch)
    )
    with st.expander(_("多像算太像，再问几次")):
        again = st.number_input(
            _("太像时最多再问几次"),
            0,
            MOST_AGAIN,
            2,
            **kept(FORM, "imitated_again", within(0, MOST_AGAIN)),
            help=_("照抄的、只换了词的会再问，口气一次比一次重；还是太像就留给人看。"),
        )
        wording, structure = _limits()
    try:
        return ImitationSettings(
            name=name,
            scene=scene,
            style=style,
            seeds=int(seeds),
            cells=int(cells),
            again=int(again),
            wording=wording,
            structure=structure,
            only_accepted=only_accepted,
        )
    except ValidationError as error:
        raise InputError(explain(error)) from error


def _limits() -> tuple[float, float]:
    """Draws from which likeness of wording and structure (0 to 1) a text is too close."""
    left, right = st.columns(2)
    wording = left.slider(
        _("措辞"),
        10,
        100,
        40,
        format="%d%%",
        **kept(FORM, "imitated_wording", within(10, 100)),
        help=_("三个字以上连着相同的占多少。"),
    )
    structure = right.slider(
        _("结构"),
        10,
        100,
        75,
        format="%d%%",
        **kept(FORM, "imitated_structure", within(10, 100)),
        help=_("句子长短、标点、虚词、开头和结尾有多像。"),
    )
    return wording / 100, structure / 100


def _start(
    workspace: Workspace,
    recipe: Recipe,
    paragraphs: list[str],
    settings: ImitationSettings,
    setup: TeacherSetup,
    options: RunOptions,
) -> None:
    """Draws the estimate, the paragraphs as they were understood, and the button that starts the run."""
    choice = setup.mix[0].choice
    expected = estimate_imitation(workspace, recipe, paragraphs, settings, choice, setup.concurrency)
    columns = st.columns(4)
    columns[0].metric(_("要写（条）"), f"{expected.texts:,}", border=True)
    columns[1].metric(_("请求（次）"), f"{expected.texts:,}–{expected.most_requests:,}", border=True)
    sign = SIGNS[setup.provider.currency]
    price = (
        _("未知")
        if expected.least_cost is None or expected.most_cost is None
        else f"{sign}{expected.least_cost:,.2f}–{expected.most_cost:,.2f}"
    )
    tokens = _(
        "约 {least:,} 到 {most:,} tokens；前一个数是每条一次就写好，后一个数是每条都问到最多",
        least=expected.least_tokens,
        most=expected.most_tokens,
    )
    columns[2].metric(_("费用（估）"), price, help=tokens, border=True)
    time = (
        f"{duration_text(max(1.0, expected.least_seconds))}–{duration_text(max(1.0, expected.most_seconds))}"
    )
    columns[3].metric(_("用时（估）"), time, border=True)
    with st.expander(_("看看分成的 {n} 段", n=len(paragraphs)), key="imitated_preview"):
        for number, text in enumerate(paragraphs, start=1):
            st.caption(_("第 {n} 段 · {chars} 字", n=number, chars=len(text)))
            st.text(text)
    if not st.button(
        _("开始照着写（{n} 条）", n=f"{expected.texts:,}"), key="start_imitation", type="primary", icon="✨"
    ):
        return
    run = create_imitation_run(
        workspace, recipe.key, paragraphs, choice, setup.sampling, settings, setup.concurrency, options
    )
    job = start_imitation(workspace, run.id)
    st.query_params["imitation"] = str(run.id)
    remember_notice(_("已开始：{title}", title=plain(job.title)))
    st.rerun()
