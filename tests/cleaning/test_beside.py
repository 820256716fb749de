"""Processes beside this one find in samples what this one would."""

import os
import time

from tianji_core import i18n
from tianji_core.cleaning import Context, beside
from tianji_core.cleaning.alone import checked
from tianji_core.store.findings import Unchecked

TEXTS = (
    "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。",
    "好的，以下是祝福语：\n妹妹，生日快乐！愿你天天开心。",
    "妹妹，生日快乐！愿你\ufffd开心，<b>事事</b>如意。",
    "妹妹,中秋快乐!愿你天天开心，还有最美好的",
    "王叔让我转告你，二楼那间房子已经租出去了，生日快乐。",
)


def sample(number: int, output: str, **fields: object) -> Unchecked:
    whole = Unchecked(
        number, "import", "妹妹", "生日", "正常", (), "", (), "祝妹妹生日", output, output, "stop", "", 1, 0
    )
    return whole._replace(**fields)


SAMPLES = [
    *(sample(number, text) for number, text in enumerate(TEXTS * 120, 1)),
    sample(901, TEXTS[0], history=(("祝妹妹生日", TEXTS[1]), ("再短一点", ""))),
    sample(902, TEXTS[0], fact="她刚考下驾照", options=(("长短", "短"),), finish_reason="length"),
]


def test_what_is_found_is_the_same(context: Context) -> None:
    expected = checked(SAMPLES, context)
    with beside.checking(context, beside.MANY) as check:
        first, second = check(SAMPLES), check(SAMPLES[:3])
        found = first()
        assert second() == expected[:3]
    assert found == expected
    assert any(each.doubt for each in found) and any(each.findings for each in found)
    details = [finding.detail for each in found for finding in each.findings]
    known = [finding.detail for each in expected for finding in each.findings]
    assert list(map(i18n.stored, details)) == list(map(i18n.stored, known))


def test_without_doubts_there_are_none(context: Context) -> None:
    with beside.checking(context, beside.MANY, doubts=False) as check:
        assert all(each.doubt == 0 for each in check(SAMPLES)())


def test_few_samples_start_no_process(context: Context) -> None:
    before = children()
    with beside.checking(context, beside.MANY - 1) as check:
        assert check(SAMPLES[:2])() == checked(SAMPLES[:2], context)
        assert children() == before


def test_a_process_that_dies_loses_nothing_and_none_is_left(context: Context) -> None:
    before = children()
    with beside.checking(context, beside.MANY) as check:
        started = children() - before
        for number in started:
            os.kill(number, 9)
        time.sleep(0.2)
        assert check(SAMPLES[:5])() == checked(SAMPLES[:5], context)
    assert children() == before


def children() -> set[int]:
    """The checking processes that this one has started and that still run."""
    import psutil

    mine = psutil.Process().children()
    return {each.pid for each in mine if "tianji_core.cleaning.checker" in each.cmdline()}
