"""提示词: the prompts that write a text, and the other requests to teachers, each with its placeholders."""

from collections.abc import Callable

import streamlit as st

from pages.lists.placeholders import offer_placeholders, placeholder_row
from pages.lists.prompt_preview import prompt_preview
from pages.shared.bound import bound
from pages.shared.frame import report_errors
from pages.shared.kept import forget, kept, note, save_bar
from pages.shared.usable import any_text
from tianji_core.i18n import _, _c
from tianji_core.recipe import Prompts, Recipe
from tianji_core.recipe.editing import changed
from tianji_core.recipe.model import TEACHER_FIELDS
from tianji_core.recipe.requests import REQUESTS
from tianji_core.store import recipes
from tianji_core.workspace import Workspace

Save = Callable[[Recipe, str, Callable[[], None] | None], None]
_FIELDS = ("system", "teacher_system", "teacher", "example", "fact")

_WIDE = 60
"""Characters of a line, about."""


def prompts_part(workspace: Workspace, recipe: Recipe, revision: int, save: Save) -> None:
    """Draws the prompts that write a text beside what they give, or one of the other requests."""
    views = {"writing": _("写文本用的"), "requests": _("别的请求")}
    view = st.segmented_control(
        _c("view", "看什么"),
        list(views),
        default="requests" if "request_kind" in st.query_params else "writing",
        required=True,
        **bound("prompts_of", views, lambda name: views[name]),
        label_visibility="collapsed",
    )
    if view == "requests":
        kind = _request(recipe, revision, save)
        fields = {f".st-key-request_{kind}_{revision} textarea": REQUESTS[kind].fields}
    else:
        _writing(workspace, recipe, revision, save)
        fields = {
            f".st-key-teacher_{revision} textarea": TEACHER_FIELDS,
            f".st-key-example_{revision} input": ("example",),
            f".st-key-fact_{revision} input": ("fact",),
        }
    offer_placeholders("offered_prompts", fields)  # a second offer would take the place of the first


def _writing(workspace: Workspace, recipe: Recipe, revision: int, save: Save) -> None:
    form = f"prompts-{recipe.key}"
    keys = {name: f"{name}_{revision}" for name in _FIELDS}
    saved = recipe.prompts
    left, right = st.columns([6, 5], gap="medium")
    with left:
        typed = _fields(saved, form, keys)
        unsaved = any(text != getattr(saved, name) for name, text in typed.items())
        first = recipes.first(workspace.engine, recipe.key).prompts
        with st.container(horizontal=True, gap="small"):
            pressed = save_bar("save_prompts", form, unsaved, lambda: forget(form, keys))
            reset = st.button(_("恢复成最初的"), key="reset_prompts", icon="↩️", disabled=saved == first)
    with right, report_errors():
        prompt_preview(changed(recipe, prompts=typed))
    if pressed or reset:
        with report_errors():
            new = changed(recipe, prompts=first if reset else typed)
            save(new, _("恢复最初的提示词") if reset else _("提示词"), lambda: forget(form, keys))


def _fields(saved: Prompts, form: str, keys: dict[str, str]) -> dict[str, str]:
    """Draws the fields, the template first, and returns their texts."""
    kept_fields = {name: kept(form, key, any_text, getattr(saved, name), name) for name, key in keys.items()}
    teacher = st.text_area(_("给造数模型的提示词模板"), saved.teacher, height=200, **kept_fields["teacher"])
    placeholder_row(
        keys["teacher"],
        teacher,
        TEACHER_FIELDS,
        lambda: note(form, keys["teacher"], saved.teacher, "teacher"),
    )
    teacher_system = st.text_area(
        _("给造数模型的系统消息"),
        saved.teacher_system,
        height=80,
        **kept_fields["teacher_system"],
        help=_("作为系统消息发送，不进训练数据；留空就不发。"),
    )
    system = st.text_area(_("训练用的系统提示"), saved.system, height=80, **kept_fields["system"])
    example = st.text_input(_("示例的包装"), saved.example, **kept_fields["example"])
    fact = st.text_input(
        _("细节怎么交代"),
        saved.fact,
        **kept_fields["fact"],
        help=_("模板里写了 {fact} 就放在那里，没写就放在最后；没有细节的请求不带这一行。"),
    )
    return dict(zip(_FIELDS, (system, teacher_system, teacher, example, fact), strict=True))


def _request(recipe: Recipe, revision: int, save: Save) -> str:
    """Draws the choice of a request and its text; returns its name."""
    st.caption(
        _("造文本之外也会请模型做事，用的原文都在这里。单独占一行的占位没有内容时整行不写；花括号要写两遍。")
    )
    changed_ones = set(recipe.requests)

    def called(name: str) -> str:
        said = _(REQUESTS[name].title)
        return f"{said}  ✏️" if name in changed_ones else said

    key = st.selectbox(
        _("哪一条"),
        list(REQUESTS),
        **bound("request_kind", REQUESTS, called),
    )
    kind = REQUESTS[key]
    form, name = f"requests-{recipe.key}", f"request_{key}"
    widget = f"{name}_{revision}"
    saved = recipe.requests.get(key, kind.text)
    text = st.text_area(
        _(kind.title),
        saved,
        height=_height(saved),
        **kept(form, widget, any_text, saved, name),
        label_visibility="collapsed",
    )
    placeholder_row(widget, text, kind.fields, lambda: note(form, widget, saved, name))
    with st.container(horizontal=True, gap="small"):
        pressed = save_bar("save_request", form, text != saved, lambda: forget(form, {name: widget}))
        reset = st.button(
            _("恢复成自带的"), key="reset_request", icon="↩️", disabled=key not in recipe.requests
        )
    if pressed or reset:
        with report_errors():
            requests = {**recipe.requests, key: kind.text if reset else text}
            title = _("提示词“{title}”", title=_(kind.title))
            save(changed(recipe, requests=requests), title, lambda: forget(form, {name: widget}))
    return str(key)


def _height(text: str) -> int:
    """The height in pixels of a field in which the text is in sight, with room for two more lines."""
    lines = sum(1 + len(line) // _WIDE for line in text.splitlines())
    return min(320, 60 + 20 * (lines + 2))
