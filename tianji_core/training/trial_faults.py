"""What a trial of a base may find, in sentences: the child that tries it sends only the name and the facts,
since its language need not be the person's."""

from collections.abc import Mapping

from tianji_core.i18n import _
from tianji_core.model_folders.own_template import fault_sentence


class BaseFaultError(Exception):
    """A fault of a base; ``fault`` is a name that :func:`sentence_of` knows, ``facts`` fill its sentence."""

    def __init__(self, fault: str, **facts: object) -> None:
        super().__init__(fault)
        self.fault, self.facts = fault, {name: str(value) for name, value in facts.items()}


def sentence_of(fault: str, facts: Mapping[str, str]) -> str:
    """The sentence of a fault for people.

    Raises:
        KeyError: no such fault, or a fact is missing.
    """
    if fault == "weights":
        return _("权重文件里缺 {count} 个权重，例如 {first}；请重新下载基座", **facts)
    if fault == "ids":
        return _(
            "分词器的编号 {id} 超出了模型词表的 {rows} 行；分词器和权重不是一套，请重新下载基座", **facts
        )
    if fault == "scores":
        return _("第一个回答 token 的分数不是数（NaN 或无穷大），权重多半坏了；请重新下载基座")
    return fault_sentence(fault, facts.get("detail", ""))
