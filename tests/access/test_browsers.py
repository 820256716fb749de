"""Browsers of logins by the names that people know."""

import pytest

from tianji_core.access.browsers import browser_title

LIKE = "AppleWebKit/537.36 (KHTML, like Gecko)"
MAC, PHONE = "Macintosh; Intel Mac OS X 10_15_7", "iPhone; CPU iPhone OS 18_0 like Mac OS X"


@pytest.mark.parametrize(
    ("line", "title"),
    [
        (f"Mozilla/5.0 (X11; Linux x86_64) {LIKE} Chrome/156.0.0.0 Safari/537.36", "Chrome · Linux"),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {LIKE} Chrome/1.0 Safari/537.36 Edg/1.0",
            "Edge · Windows",
        ),
        (
            f"Mozilla/5.0 ({MAC}) {LIKE} Version/18.0 Safari/605.1.15",
            "Safari · macOS",
        ),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox · Linux"),
        (
            f"Mozilla/5.0 ({PHONE}) {LIKE} CriOS/1 Safari/604.1",
            "Chrome · iPhone",
        ),
        (f"Mozilla/5.0 (Linux; Android 14) {LIKE} Chrome/1 Mobile Safari/537.36", "Chrome · Android"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "不知道是什么浏览器"),
    ],
)
def test_a_login_names_its_browser_as_people_do(line: str, title: str) -> None:
    assert browser_title(line) == title
