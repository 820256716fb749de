"""Times are shown in the zone of the person who reads them."""

from datetime import date, datetime
from functools import partial

from pages.shared.clock import SECOND, first_moment, local, local_time
from tianji_core.store import steps
from tianji_core.store.database import beginning_of, writing
from tianji_core.store.samples import ACCEPTED, NewSample, SampleFilter
from tianji_core.store.samples import add as add_sample
from tianji_core.store.samples import count as sample_count
from tianji_core.store.schema import samples as samples_table
from tianji_core.store.schema import steps as steps_table
from tianji_core.workspace import Workspace

EARLY = datetime(2026, 1, 31, 23, 30)
"""A moment of the database that is the next day in Shanghai."""


def test_a_time_of_the_database_is_shown_in_the_readers_zone() -> None:
    moment = datetime(2026, 1, 31, 23, 30)
    assert f"{local(moment, 'Asia/Shanghai'):%m-%d %H:%M}" == "02-01 07:30"
    assert f"{local(moment, 'America/New_York'):%m-%d %H:%M}" == "01-31 18:30"


def test_a_zone_that_is_not_known_leaves_the_servers() -> None:
    moment = datetime(2026, 1, 31, 23, 30)
    assert local(moment, "Nowhere/At-All") == local(moment, "../etc/passwd")
    assert len(local_time(moment, SECOND)) == len("2026-01-31 23:30:00")


def test_a_day_begins_when_it_begins_for_the_reader() -> None:
    assert beginning_of("2026-02-01") == datetime(2026, 2, 1)
    assert beginning_of(first_moment(date(2026, 2, 1), "Asia/Shanghai")) == datetime(2026, 1, 31, 16)
    assert beginning_of(first_moment(date(2026, 2, 1), "America/New_York")) == datetime(2026, 2, 1, 5)
    assert beginning_of(first_moment(date(2026, 2, 1), "Nowhere/At-All")).tzinfo is None


def test_samples_and_steps_are_counted_on_the_readers_day(workspace: Workspace) -> None:
    engine = workspace.engine
    add_sample(engine, NewSample("wishes", "送祝福", "祝妹妹生日", "妹妹生日快乐", "妹妹", "生日", "正常"))
    steps.set_state(engine, SampleFilter("wishes"), ACCEPTED, "阿苗")
    with writing(engine) as connection:
        for table in (samples_table, steps_table):
            connection.execute(table.update().values(created_at=EARLY))
    (span,) = steps.pace(engine, "wishes", local=partial(local, zone="Asia/Shanghai"))
    assert (span.start.date(), span.decided) == (date(2026, 2, 1), 1)
    assert steps.pace(engine, "wishes")[0].start.date() == date(2026, 1, 31)
    for zone, day in (("Asia/Shanghai", date(2026, 2, 1)), ("UTC", date(2026, 1, 31))):
        begins = first_moment(day, zone)
        assert sample_count(engine, SampleFilter("wishes", since=begins, until=begins)) == 1
        assert steps.matching_count(engine, steps.StepFilter("wishes", since=begins, until=begins)) == 1
    other = first_moment(date(2026, 1, 31), "Asia/Shanghai")
    assert sample_count(engine, SampleFilter("wishes", since=other, until=other)) == 0
