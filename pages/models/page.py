"""模型: checkpoints become adapters and merged models; bases are downloaded or registered."""

from functools import partial
from pathlib import Path

import streamlit as st

from pages.models.bases import known_bases
from pages.models.cards import (
    artefact_card,
    checkpoint_rows,
    code_help,
    code_label,
    last_failure,
    model_jobs,
    running_jobs,
)
from pages.models.merge import merge_options
from pages.models.sharing import shared_models
from pages.models.starting import start
from pages.models.trash import deleted_checkpoints, removed_recipes
from pages.shared.after_start import after_start
from pages.shared.clock import local_time
from pages.shared.frame import remember_notice, report_errors
from pages.shared.header import page_header
from pages.shared.kept import forget_typed, kept_text
from pages.shared.text import plain, signed
from pages.shared.training_part import training_part
from tianji_core import models, training
from tianji_core.i18n import _, _c
from tianji_core.store import training as training_runs

workspace = page_header(
    "models", _("模型"), _("把检查点转成适配器、合并成可以直接用的模型；下载或登记基座模型。")
)
training_part(workspace)


def results(artefacts: list[models.Artefact]) -> None:
    """Draws the adapters and merged models, then the checkpoints they can be made from. What the page asks
    for is to merge the newest training, or to talk to the newest model where one is made of that."""
    made = [artefact for artefact in artefacts if artefact.kind != "base"]
    states = [
        training.training_state(workspace, run) for run in training_runs.listed(workspace.engine, limit=20)
    ]
    states = [state for state in states if state.checkpoints]
    if not made and not states:
        st.info(_("还没有训练出检查点。先训练一次，检查点会出现在这里。"), icon="🏋️")
        st.page_link("pages/train/page.py", label=_("去训练"), icon="🏋️")
        return
    made.sort(key=lambda artefact: artefact.created_at, reverse=True)
    taken = {(each.training_run_id, each.checkpoint) for each in made}
    newest = next((state for state in states if state.state == "succeeded"), None)
    unmade = newest is not None and (newest.run.id, newest.total) not in taken
    foremost = None if unmade else next((each for each in made if each.kind != "gguf"), None)
    shown = st.container()
    options = merge_options()
    names = models.titles(workspace)
    with shown:
        if made:
            st.subheader(_("适配器与合并模型"))
        for each in made:
            called = names.get(each.name, "")
            called = "" if called == each.name else called
            artefact_card(workspace, each, options, called, "primary" if each is foremost else "secondary")
        if states:
            st.subheader(_c("heading", "检查点"))
            st.caption(_("“转换”得到小得多的适配器，可以不合并直接对话；“合并”得到完整的模型。"))
        for state in states:
            checkpoint_rows(workspace, state, options, unmade and state is newest)


def bases(artefacts: list[models.Artefact]) -> None:
    """Draws the base models that are there, the catalogue, and folded the two ways to get another one."""
    for artefact in artefacts:
        if artefact.kind == "base":
            artefact_card(workspace, artefact)
    unfinished()
    known_bases(workspace, artefacts)
    with st.expander(_("从 ModelScope 下载别的模型"), icon="⬇️", key="download_other"):
        download_other()
    with st.expander(_("登记本地文件夹"), icon="📁", key="register_folder"):
        register_folder()


def download_other() -> None:
    """Draws the form that downloads any model of ModelScope by its name."""
    st.caption(
        _(
            "认得的架构用它的对话模板，不认得的用分词器自带的（tokenizer），训练时会自己填好。中途停止后再点会接着下。"
        )
    )
    offered = [base.modelscope for base in models.known_bases()]
    model_id = st.selectbox(
        _("模型（可以自己输入 组织/名字）"),
        offered,
        key="download_model",
        accept_new_options=True,
    )
    trusted = st.checkbox(code_label(), key="download_trust", help=code_help())
    row = st.container(horizontal=True)
    pressed = row.button(_("下载"), key="download_start", icon="⬇️")
    with row:
        follows = after_start("download")
    if pressed:
        download = partial(models.start_download, workspace, model_id or "", trust_remote_code=trusted)
        start(download, "download", follows)


def register_folder() -> None:
    """Draws the form that lists a folder of this machine among the bases."""
    folder = st.text_input(
        _("文件夹的完整路径"), placeholder="/data/models/internlm2-chat-7b", **kept_text("register_path")
    )
    st.caption(_("文件留在原处，只记下位置；要有 config.json、分词器和全部权重。"))
    trusted = st.checkbox(code_label(), key="register_trust", help=code_help())
    if st.button(_("登记"), key="register_start", icon="📁", disabled=not folder.strip()):
        with report_errors():
            listed = models.register_folder(workspace, Path(folder.strip()), trust_remote_code=trusted)
            forget_typed("register_path")
            remember_notice(_("已登记“{name}”", name=listed.name))
            st.rerun()


def unfinished() -> None:
    """Draws the stopped downloads, with buttons that continue or discard them."""
    busy = models.downloading(workspace)
    for download in models.partials(workspace):
        if download.model_id in busy:
            continue
        with st.container(border=True):
            columns = st.columns([4, 1, 1], vertical_alignment="center")
            size = models.size_text(download.size)
            columns[0].markdown(_("⏸️ **{id}** 没有下完，已有 {size}", id=plain(download.model_id), size=size))
            if columns[1].button(_("继续下载"), key=f"download_resume_{download.model_id}", width="stretch"):
                start(partial(models.start_download, workspace, download.model_id))
            if columns[2].button(_("丢弃"), key=f"download_discard_{download.model_id}", width="stretch"):
                with report_errors():
                    models.discard_partial(workspace, download.model_id)
                    st.rerun()


def trash() -> None:
    """Draws the deleted recipes, models and checkpoints, with buttons that restore or remove them."""
    trashed = models.trashed(workspace)
    some = removed_recipes(workspace)
    some = deleted_checkpoints(workspace) or some
    if not some and not trashed:
        st.caption(_("没有删除的配方、模型和检查点。删除的会先放在这里，可以恢复。"))
    for entry in trashed:
        artefact = entry.artefact
        columns = st.columns([5, 1, 1], vertical_alignment="center")
        size = models.size_text(artefact.figures.get("bytes", 0))
        columns[0].markdown(f"**{plain(artefact.title)}** · {models.kind_title(artefact.kind)}")
        made = signed(local_time(artefact.created_at), artefact.who)
        columns[0].caption(plain(f"{artefact.name} · {size} · {made}"))
        if columns[1].button(_("恢复"), key=f"restore_{entry.token}", icon="↩️", width="stretch"):
            with report_errors():
                models.restore(workspace, entry.token)
                remember_notice(_("已恢复“{name}”", name=artefact.name))
                st.rerun()
        with columns[2].popover(_("彻底删除"), width="stretch"):
            st.write(_("文件会从磁盘上删掉，不能恢复。"))
            if st.button(_("确定删除"), key=f"purge_{entry.token}", type="primary"):
                with report_errors():
                    models.purge(workspace, entry.token)
                    st.rerun()


running = model_jobs(workspace, active=True)
running_jobs(workspace, [job.id for job in running])
if not running:
    last_failure(workspace)
with report_errors():
    artefacts = models.artefacts(workspace)
    first, second, shared, third = st.tabs([_("训练结果"), _c("tab", "基座模型"), _("分享"), _("回收站")])
    with first:
        results(artefacts)
    with second:
        bases(artefacts)
    with shared:
        shared_models(workspace)
    with third:
        trash()
