"""The ways a notice can go, and the secrets that each of them needs."""

from dataclasses import dataclass

from tianji_core.i18n import _
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class Channel:
    """One way: ``address`` is the variable of the secret that must be there for it to be used, ``sign`` the
    variable of the one with which a robot wants its messages signed ('' where it knows none)."""

    key: str
    address: str
    sign: str = ""

    @property
    def title(self) -> str:
        """Returns the name that is shown."""
        return {
            "webhook": _("网络钩子（Webhook）"),
            "dingtalk": _("钉钉群机器人"),
            "feishu": _("飞书群机器人"),
            "wecom": _("企业微信群机器人"),
            "mail": _("邮件"),
        }[self.key]

    @property
    def variables(self) -> tuple[str, ...]:
        """Returns the variables of its secrets, the one that must be there first."""
        return (self.address, self.sign) if self.sign else (self.address,)

    def present(self, workspace: Workspace) -> bool:
        """Returns whether it is set up."""
        return workspace.key(self.address) is not None


CHANNELS = (
    Channel("dingtalk", "TIANJI_DINGTALK_SECRET_URL", "TIANJI_DINGTALK_SIGN_SECRET"),
    Channel("feishu", "TIANJI_FEISHU_SECRET_URL", "TIANJI_FEISHU_SIGN_SECRET"),
    Channel("wecom", "TIANJI_WECOM_SECRET_URL"),
    Channel("webhook", "TIANJI_WEBHOOK_SECRET_URL"),
    Channel("mail", "TIANJI_SMTP_PASSWORD"),
)
VARIABLES = frozenset(variable for channel in CHANNELS for variable in channel.variables)
"""The variables of all their secrets."""


def channels_in_use(workspace: Workspace) -> list[Channel]:
    """Returns the channels that are set up.

    Raises:
        SettingsError: the file of the keys cannot be read.
    """
    return [channel for channel in CHANNELS if channel.present(workspace)]
