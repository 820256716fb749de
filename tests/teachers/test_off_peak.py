"""The off-peak hours of a provider: which moments they cover, when they begin next, how long work in them
takes, and what is refused."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.errors import SettingsError
from tianji_core.teachers import ModelEntry, OffPeak, provider, providers, save_provider
from tianji_core.teachers.providers import load_providers
from tianji_core.workspace import Workspace

DAY = 24 * 60
FIXED = {"Asia/Shanghai": 480, "UTC": 0, "Asia/Kolkata": 330, "America/Phoenix": -420}
"""Zones whose clocks are never changed → minutes ahead of UTC."""
CHANGED = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago")
"""Zones whose clocks are put forward and back, by an hour or half an hour."""
times = st.integers(0, DAY - 1)
spans = st.tuples(times, times).filter(lambda pair: pair[0] != pair[1])
moments = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


def written(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def hours(first: int, last: int, zone: str) -> OffPeak:
    return OffPeak.model_validate({"from": written(first), "to": written(last), "zone": zone, "price": 0.5})


def minute_of(moment: datetime, zone: str) -> int:
    local = moment.astimezone(ZoneInfo(zone))
    return local.hour * 60 + local.minute


@given(span=spans, zone=st.sampled_from(sorted(FIXED)), moment=moments)
def test_the_hours_cover_what_lies_between_their_times_past_midnight_too(
    span: tuple[int, int], zone: str, moment: datetime
) -> None:
    first, last = span
    since_midnight = int(moment.timestamp()) // 60 + FIXED[zone]
    expected = (since_midnight - first) % DAY < (last - first) % DAY
    assert hours(first, last, zone).covers(moment) == expected
    for elsewhere in ("America/New_York", "Asia/Tokyo"):
        assert hours(first, last, zone).covers(moment.astimezone(ZoneInfo(elsewhere))) == expected


@given(span=spans, zone=st.sampled_from([*FIXED, *CHANGED]), moment=moments, within=st.floats(0, 1))
def test_the_next_begin_is_the_first_moment_that_is_covered(
    span: tuple[int, int], zone: str, moment: datetime, within: float
) -> None:
    off_peak = hours(*span, zone)
    begin = off_peak.next_begin(moment).astimezone(UTC)
    assert off_peak.covers(begin) and begin >= moment
    assert begin - moment <= timedelta(days=2), "a day on which the clocks leave the hours out at most"
    assert begin == moment or not off_peak.covers(moment)
    before = moment + (begin - moment) * within
    assert before >= begin or not off_peak.covers(before)


@pytest.mark.parametrize(
    ("moment", "begin"),
    [
        ("2026-03-29T00:59:59+00:00", "2026-03-29T01:00:00+00:00"),  # 02:30 is left out: 03:00 is the first
        ("2026-10-24T23:00:00+00:00", "2026-10-25T00:30:00+00:00"),  # 02:30 in summer time
        ("2026-10-25T01:00:00+00:00", "2026-10-25T01:30:00+00:00"),  # 02:00 again, and 02:30 once more
        ("2026-10-25T01:45:00+00:00", "2026-10-25T01:45:00+00:00"),
    ],
)
def test_where_the_clocks_are_changed_what_they_show_counts(moment: str, begin: str) -> None:
    berlin = hours(150, 480, "Europe/Berlin")
    found = berlin.next_begin(datetime.fromisoformat(moment))
    assert found.astimezone(UTC) == datetime.fromisoformat(begin)


def test_hours_that_a_changed_clock_leaves_out_begin_a_day_later() -> None:
    short = hours(135, 165, "Europe/Berlin")
    begin = short.next_begin(datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert begin.astimezone(UTC) == datetime(2026, 3, 30, 0, 15, tzinfo=UTC)


@given(span=spans, zone=st.sampled_from(sorted(FIXED)), moment=moments, work=st.integers(1, 3 * DAY))
def test_work_in_the_hours_lasts_until_enough_of_them_have_passed(
    span: tuple[int, int], zone: str, moment: datetime, work: int
) -> None:
    off_peak = hours(*span, zone)
    start = moment.replace(second=0, microsecond=0)
    lasting = off_peak.lasting(start, work * 60)
    length = (span[1] - span[0]) % DAY
    minutes = round(lasting / 60)
    assert lasting == pytest.approx(minutes * 60)
    # Whole days hold the same number of covered minutes wherever they begin; the rest is counted.
    covered = minutes // DAY * length
    rest = start + timedelta(days=minutes // DAY)
    covered += sum(off_peak.covers(rest + timedelta(minutes=n)) for n in range(minutes % DAY))
    assert covered == work
    assert off_peak.covers(start + timedelta(minutes=minutes - 1)), "it ends with work, not with waiting"


@given(span=spans, zone=st.sampled_from(CHANGED), moment=moments, work=st.integers(0, 3 * DAY))
def test_work_never_lasts_shorter_than_it_is(
    span: tuple[int, int], zone: str, moment: datetime, work: int
) -> None:
    off_peak = hours(*span, zone)
    assert off_peak.lasting(moment, work * 60) >= work * 60
    waiting = off_peak.next_begin(moment).astimezone(UTC) - moment
    assert off_peak.lasting(moment, 0) == waiting.total_seconds()


def test_a_price_in_these_hours_is_a_share_and_an_unknown_one_stays_unknown() -> None:
    half = ModelEntry(name="m", input_price=2).at_share(0.5)
    assert (half.input_price, half.output_price, half.name) == (1.0, None, "m")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("8:30", "08:30"), (" 22：00 ", "22:00"), ("24:00", "00:00"), (1320, "22:00"), (510, "08:30")],
)
def test_times_are_read_as_people_and_yaml_write_them(typed: object, shown: str) -> None:
    read = OffPeak.model_validate({"from": typed, "to": "12:00", "zone": "Asia/Shanghai", "price": 0.5})
    assert read.begins == shown and read.words == f"{shown}–12:00 Asia/Shanghai"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{from: "25:00", to: "08:30", zone: Asia/Shanghai, price: 0.5}', "off_peak.from"),
        ('{from: "00:30", to: "8点", zone: Asia/Shanghai, price: 0.5}', "8点"),
        ('{from: "00:30", to: "08:30", zone: Mars/Olympus, price: 0.5}', "Mars/Olympus"),
        ('{from: "00:30", to: "08:30", zone: ../../etc/passwd, price: 0.5}', "Asia/Shanghai"),
        ('{from: "00:30", to: "08:30", zone: Asia/Shanghai, price: 1.5}', "off_peak.price"),
        ('{from: "00:30", to: "08:30", zone: Asia/Shanghai, price: .nan}', "off_peak.price"),
        ('{from: "08:30", to: 8:30, zone: Asia/Shanghai, price: 0.5}', "同一个时间"),
        ('{from: "00:30", to: "08:30", price: 0.5}', "off_peak.zone"),
        ('{from: "00:30", to: "08:30", zone: Asia/Shanghai, price: 0.5, days: 7}', "off_peak.days"),
        ("{from: true, to: [1], zone: 8, price: cheap}", "off_peak.from"),
        ("[00:30, 08:30]", "off_peak"),
        ("night", "off_peak"),
    ],
)
def test_hours_that_are_none_are_refused_in_one_sentence(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "providers.yaml"
    path.write_text(f"lab:\n  title: 实验室\n  sdk: openai\n  off_peak: {line}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_providers(path)
    message = str(caught.value)
    assert said in message and "lab" in message and str(path) in message and "\n" not in message


def test_hours_are_read_from_the_workspace_and_survive_saving(workspace: Workspace) -> None:
    assert all(one.off_peak is None for one in providers(workspace).values()), "none is listed"
    own = "lab:\n  title: 实验室\n  sdk: openai\n"
    own += "  off_peak: {from: 22:00, to: 8:30, zone: Asia/Shanghai, price: 0.25}\n"
    (workspace.home / "providers.yaml").write_text(own, encoding="utf-8")
    lab = provider(workspace, "lab")
    assert lab.off_peak is not None
    assert (lab.off_peak.begins, lab.off_peak.ends, lab.off_peak.price) == ("22:00", "08:30", 0.25)
    save_provider(workspace, lab.model_copy(update={"key": "second"}))
    assert provider(workspace, "second").off_peak == lab.off_peak
    assert provider(workspace, "lab") == lab
