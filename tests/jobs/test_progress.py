"""What is said of the time that a job still takes."""

import time

import pytest

from tianji_core.jobs import Progress, left_text


@pytest.mark.parametrize(
    ("done", "total", "said"),
    [(0, 0, ""), (0, 10, ""), (5, 10, "还需 1 分 40 秒"), (10, 10, "正在收尾"), (12, 10, "正在收尾")],
)
def test_a_job_whose_work_is_done_is_being_completed(done: float, total: float, said: str) -> None:
    now = time.time()
    progress = Progress(done=done, total=total, started=now - 100, updated=now + 0.2)
    assert left_text(progress) == said
