"""What a model learned from besides its dataset version: preference pairs and mixed-in versions."""

from pydantic import BaseModel, ConfigDict, Field

from tianji_core.i18n import _


class LearntPairs(BaseModel):
    """A version of preference pairs: its name, the hash of the pairs that were learnt, and their number, 0
    where an older studio did not write it down."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: str
    sha256: str = ""
    count: int = Field(default=0, ge=0)

    @property
    def sentence(self) -> str:
        """The version with its number of pairs."""
        if not self.count:
            return _("偏好对 {name}", name=self.version)
        return _("偏好对 {name}（{n} 对）", name=self.version, n=self.count)


class LearntPart(BaseModel):
    """A dataset version in a mix, the training's own first: its hash, the ``weight`` asked for (a share of
    all samples, None: all of it, or as many as the training was to draw), the ``size`` of the version in
    samples (0 where an older studio did not write it down), its ``samples`` in the file and their ``share``
    of it, and its share of the tokens, None where an older studio did not count them. Shares from 0 to 1."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: str
    sha256: str = ""
    weight: float | None = None
    size: int = Field(default=0, ge=0)
    samples: int = Field(ge=0)
    share: float = Field(ge=0, le=1)
    token_share: float | None = Field(default=None, ge=0, le=1)

    @property
    def sentence(self) -> str:
        """The version with its number of samples and its shares."""
        values = {"name": self.version, "n": self.samples, "share": f"{self.share:.0%}"}
        if self.token_share is None:
            return _("{name} {n} 条（{share}）", **values)
        return _("{name} {n} 条（{share}，token 的 {tokens}）", **values, tokens=f"{self.token_share:.0%}")
