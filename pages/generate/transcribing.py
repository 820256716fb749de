"""Recordings among the offered documents: who writes them down, said and asked before any is sent."""

from collections.abc import Collection, Sequence

import streamlit as st

from pages.generate.connection import key_line
from pages.shared.frame import report_errors
from pages.shared.job_progress import follow_job
from pages.shared.kept import kept, kept_at
from pages.shared.kept_files import OfferedFile
from pages.shared.teacher_numbers import FORM
from pages.shared.teacher_pick import checked_choice
from pages.shared.text import plain
from pages.shared.usable import among, any_text
from tianji_core import teachers
from tianji_core.errors import TeacherAuthError
from tianji_core.generation.knowledge import REQUEST_SECONDS, keys_of, reading_job, start_reading
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import size_text
from tianji_core.teachers import Provider, TeacherChoice
from tianji_core.workspace import Workspace

NOBODY = ""
"""The choice of no provider, which is the default."""


def offer_transcription(
    workspace: Workspace, recordings: Sequence[OfferedFile], keys: Collection[str]
) -> None:
    """Draws who writes down the recordings, whose documents have these ``keys``, and the button that sends
    them; while a job reads, that job."""
    job = reading_job(workspace)
    if job is not None and job.active:
        follow_job(workspace, job.id, "stop_reading")
        st.caption(_("转写要等服务器听完，一小时的录音几分钟；这时可以做别的，关掉页面也不会停。"))
        return
    if job is not None and job.state != "succeeded" and keys_of(job) & set(keys):
        st.warning(plain(job.note) or _("停下了，还有 {n} 个文件没有读", n=len(recordings)), icon="⏹️")
    with st.container(border=True), report_errors():
        choice = _transcriber(workspace)
        if choice is None:
            st.info(
                _(
                    "录音要先转写成文字：在上面选一个服务商，填它会转写的模型（例如 whisper-1）；不选就哪里也不发。"
                ),
                icon="🎙️",
            )
            return
        try:
            server = teachers.transcription_server(workspace, choice)
        except TeacherAuthError:
            return  # the line about the key says so
        st.warning(
            _(
                "录音本身会发到 {title}（{url}），按它的价格收费；文件名不发，转写过的不会再发一次。",
                title=plain(server.title),
                url=plain(server.base_url),
            ),
            icon="📤",
        )
        size = size_text(sum(len(file.getvalue()) for file in recordings))
        label = _("发出 {n} 个录音去转写（{size}）", n=len(recordings), size=size)
        if st.button(label, key="transcribe", icon="🎙️", type="primary"):
            start_reading(workspace, [(file.name, file.getvalue()) for file in recordings], choice)
            st.rerun()


def _transcriber(workspace: Workspace) -> TeacherChoice | None:
    """Draws the choice of provider, model and address; returns it, or None while nobody is chosen.

    Raises:
        SettingsError: providers.yaml is not valid, or the address cannot be one.
    """
    known = {
        key: provider for key, provider in teachers.providers(workspace).items() if provider.can_transcribe
    }
    left, right = st.columns(2)
    chosen = left.selectbox(
        _("录音由谁转写"),
        [NOBODY, *known],
        format_func=lambda key: _(known[key].title) if key in known else _("不转写"),
        **kept(FORM, "transcriber", among(known), NOBODY),
    )
    if chosen not in known:
        return None
    provider = known[chosen]
    usual = next(iter(provider.transcribers), "")
    model = right.text_input(
        _("转写的模型"),
        **kept_at(FORM, f"transcriber_model_{chosen}", any_text, usual),
        placeholder="whisper-1",
    )
    base_url = _address(provider) if provider.editable_url else ""
    key_line(workspace, provider)
    return checked_choice(provider=chosen, model=model.strip(), base_url=base_url, timeout=REQUEST_SECONDS)


def _address(provider: Provider) -> str:
    typed = st.text_input(
        _("接口地址"),
        **kept_at(FORM, f"transcriber_url_{provider.key}", any_text, provider.base_url),
        placeholder="http://127.0.0.1:8000/v1",
    ).strip()
    return "" if typed == provider.base_url else typed
