"""混入: the further dataset versions of a training, and how many of their samples it learns from."""

import re
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from tianji_core.errors import InputError
from tianji_core.i18n import _

MOST_PARTS = 8
"""Further versions in one training."""
_PART = re.compile(r"([^:：=＝]{1,60})[:：=＝]([^:：=＝]+)")


class MixPart(BaseModel):
    """A further dataset version that a training learns from. ``share`` is its part (above 0, below 1) of all
    training samples; None takes every sample once."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    version: str = Field(min_length=1, max_length=60)
    share: float | None = Field(default=None, gt=0, lt=1)

    @property
    def text(self) -> str:
        """The part as :func:`read_part` reads it."""
        return f"{self.version}:{'all' if self.share is None else f'{self.share:g}'}"


def read_part(text: str) -> MixPart:
    """Returns the part written as ``VERSION:SHARE`` or ``VERSION=SHARE``; the share as :func:`read_share`
    reads it.

    Raises:
        InputError: another form, or a share that is not between 0 and 1.
    """
    version, written = split_part(text)
    return MixPart(version=version, share=read_share(version, written))


def split_part(text: str) -> tuple[str, str]:
    """Returns the version and what stands behind the sign in ``VERSION:SHARE`` or ``VERSION=SHARE``.

    Raises:
        InputError: another form.
    """
    found = _PART.fullmatch(text.strip())
    if found is None:
        raise InputError(_("混入要写成 版本:份额，份额是 0.2、20% 或 all；写的是 {text}", text=text))
    return found[1].strip(), found[2].strip()


def read_share(version: str, written: str) -> float | None:
    """Returns the share of a version, written as a number such as 0.2, a percentage such as 20%, or ``all``,
    which is None.

    Raises:
        InputError: another form, or not between 0 and 1.
    """
    if written == "all":
        return None
    try:
        share = float(written.removesuffix("%")) / (100 if written.endswith("%") else 1)
    except ValueError as error:
        text = f"{version}:{written}"
        raise InputError(
            _("混入要写成 版本:份额，份额是 0.2、20% 或 all；写的是 {text}", text=text)
        ) from error
    if not 0 < share < 1:
        raise InputError(
            _(
                "混入的份额要大于 0、小于 1（全部样本写 all），“{name}”写的是 {share}",
                name=version,
                share=written,
            )
        )
    return share


def check_parts(parts: Sequence[MixPart]) -> None:
    """Checks the parts of one training together.

    Raises:
        ValueError: a version occurs twice, or the shares leave nothing for the training's own version.
    """
    names = [part.version for part in parts]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise ValueError(_("里“{name}”写了两次，请合成一行", name=twice))
    whole = sum(part.share or 0 for part in parts)
    if whole >= 1 - 1e-9:
        raise ValueError(
            _("的份额加起来是 {share}，没有给训练自己的数据集留下样本；合计要小于 100%", share=f"{whole:.0%}")
        )


def drawn_counts(own: int, sizes: Sequence[int], parts: Sequence[MixPart]) -> list[int]:
    """Returns how many samples each part gives to a training whose own version has ``own`` samples and uses
    each of them once; ``sizes`` are the samples that the parts have. A part may give more than it has."""
    whole = own + sum(size for size, part in zip(sizes, parts, strict=True) if part.share is None)
    total = whole / (1 - sum(part.share or 0 for part in parts))
    return [
        size if part.share is None else round(part.share * total)
        for size, part in zip(sizes, parts, strict=True)
    ]
