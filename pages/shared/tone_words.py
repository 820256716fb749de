"""What the pages say of the figure of the assistant's tone."""

from tianji_core.i18n import _


def tone_line() -> str:
    """Returns the sentence that explains the figure."""
    return _(
        "助手腔从 0 到 1：数一连串的“愿…愿…”、一样长的分句、抽象名词和套话，减去具体的时间、动作和说话的语气；"
        "人写的平均不到 0.05，助手写的多在 0.9 上下。"
    )
