"""The words by which pages and requests speak of one task: what a text, a receiver and an occasion are
called. The shipped ones are those of blessings."""

from pydantic import BaseModel, ConfigDict

from tianji_core.i18n import N_, _
from tianji_core.recipe.kinds import Called

OF_SHIPPED = (
    *(N_("感谢的话"), N_("谢的人"), N_("缘由"), N_("笔调"), N_("谢谁"), N_("谢什么")),
    *(N_("敬酒词"), N_("敬的人"), N_("酒桌"), N_("说法"), N_("敬谁"), N_("什么酒桌")),
)
"""The words of the other shipped recipes, which stand in their files."""


class Words(BaseModel):
    """``text`` is what one text is called, ``name``, ``scene`` and ``style`` are the titles of the three
    lists, ``to_whom`` and ``what_for`` the questions for a receiver and an occasion."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Called = N_("祝福")
    name: Called = N_("称谓")
    scene: Called = N_("场景")
    style: Called = N_("风格")
    to_whom: Called = N_("送给谁")
    what_for: Called = N_("什么场合")

    def shown(self) -> "Words":
        """Returns the words as pages show them: the shipped ones in their language, a person's own as they
        are."""
        return Words(**{field: _(word) for field, word in self.model_dump().items()})
