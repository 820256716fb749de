"""Mail goes out through a real mail server of this machine."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from tianji_core import notices
from tianji_core.errors import NoticeError
from tianji_core.notices import NoticePreferences
from tianji_core.workspace import Workspace

MAIL = next(channel for channel in notices.CHANNELS if channel.key == "mail")


class Mailbox:
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:
        self.mails.append(envelope.content)  # type: ignore[attr-defined]
        return "250 OK"


def authenticate(_server: object, _session: object, _envelope: object, _how: str, data: object) -> AuthResult:
    right = data.password == b"abcdefghijklmnop"  # type: ignore[attr-defined]
    return AuthResult(success=right, handled=False)


@contextlib.contextmanager
def mail_server(box: Mailbox) -> Iterator[int]:
    """Runs a mail server that wants a login; yields its port."""
    loop = asyncio.new_event_loop()

    def protocol() -> SMTP:
        return SMTP(box, authenticator=authenticate, auth_require_tls=False, auth_required=True, loop=loop)

    server = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()


@pytest.fixture
def mailbox(workspace: Workspace) -> Iterator[Mailbox]:
    box = Mailbox()
    with mail_server(box) as port:
        found = NoticePreferences(host="127.0.0.1", port=port, user="me@example.com", to="you@example.com")
        notices.save_preferences(workspace, found)
        yield box


def test_a_mail_arrives_whole(workspace: Workspace, mailbox: Mailbox) -> None:
    workspace.save_key(MAIL.address, "abcdefghijklmnop")
    notices.send(workspace, MAIL, notices.trial_notice())
    mail = message_from_bytes(mailbox.mails[0], policy=policy.default)
    assert (mail["Subject"], mail["To"]) == ("天机工坊 · 通知能送到", "you@example.com")
    assert "试发" in mail.get_content()


def test_a_wrong_password_is_named_without_it(workspace: Workspace, mailbox: Mailbox) -> None:
    workspace.save_key(MAIL.address, "wrongwrongwrong")
    with pytest.raises(NoticeError, match="授权码") as caught:
        notices.send(workspace, MAIL, notices.trial_notice())
    assert "wrongwrong" not in str(caught.value) and not mailbox.mails


def test_settings_that_lead_nowhere_are_one_sentence(workspace: Workspace, tmp_path: Path) -> None:
    workspace.save_key(MAIL.address, "abcdefghijklmnop")
    with pytest.raises(NoticeError, match="都要填"):
        notices.send(workspace, MAIL, notices.trial_notice())
    for host, port in (("127.0.0.1", 9), ("no such host", 465), ("x" * 200, 587)):
        found = NoticePreferences(host=host, port=port, user="me@example.com", to="you@example.com")
        notices.save_preferences(workspace, found)
        with pytest.raises(NoticeError, match=str(port)):
            notices.send(workspace, MAIL, notices.trial_notice())
