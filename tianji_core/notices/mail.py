"""Notices by mail, through the person's own mail server."""

import smtplib
import ssl
from email.message import EmailMessage
from ipaddress import ip_address

from tianji_core.errors import NoticeError
from tianji_core.gate import clean_sentence
from tianji_core.i18n import _
from tianji_core.notices.notice import Notice
from tianji_core.notices.preferences import NoticePreferences
from tianji_core.roles import check_may_write

SECONDS = 20.0
"""Longest wait for one answer of the server."""
IMPLICIT_TLS = 465


def send_by_mail(preferences: NoticePreferences, password: str, notice: Notice) -> None:
    """Sends a message to the mailbox of the preferences. Port 465 begins with TLS, any other goes over to it
    with STARTTLS; without encryption nothing is sent but to this machine itself.

    Raises:
        NoticeError: a setting is missing, or the server cannot be reached or refuses.
    """
    if not (preferences.host and preferences.user and preferences.to):
        raise NoticeError(_("邮件的服务器、发件邮箱和收件邮箱都要填"))
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = notice.title, preferences.user, preferences.to
    mail.set_content(notice.text)
    check_may_write()
    try:
        with _connection(preferences) as server:
            server.login(preferences.user, password)
            server.send_message(mail)
    except smtplib.SMTPAuthenticationError as error:
        raise NoticeError(
            _("邮件服务器 {host} 不认这个账号；多数邮箱要用专门的授权码，不是登录密码", host=preferences.host)
        ) from error
    except ssl.SSLError as error:
        raise NoticeError(
            _(
                "和邮件服务器 {host}:{port} 建不了加密连接；常用的端口是 465 和 587",
                host=preferences.host,
                port=preferences.port,
            )
        ) from error
    except smtplib.SMTPResponseException as error:
        raise NoticeError(
            _(
                "邮件服务器 {host} 没有收下：{detail}",
                host=preferences.host,
                detail=clean_sentence(error.smtp_error),
            )
        ) from error
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        raise NoticeError(
            _(
                "邮件没有送出去，服务器 {host}:{port}：{detail}",
                host=preferences.host,
                port=preferences.port,
                detail=clean_sentence(error),
            )
        ) from error


def _connection(preferences: NoticePreferences) -> smtplib.SMTP:
    """A connection that is encrypted, unless it stays on this machine."""
    secure = ssl.create_default_context()
    if preferences.port == IMPLICIT_TLS:
        return smtplib.SMTP_SSL(preferences.host, preferences.port, timeout=SECONDS, context=secure)
    server = smtplib.SMTP(preferences.host, preferences.port, timeout=SECONDS)
    try:
        server.ehlo()
        if server.has_extn("starttls") or not _on_this_machine(preferences.host):
            server.starttls(context=secure)
            server.ehlo()
    except BaseException:
        server.close()
        raise
    return server


def _on_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
