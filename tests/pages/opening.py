"""Opening one page of the app in a test, by its address as a browser would, and pressing its buttons."""

from pathlib import Path

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

APP = Path(__file__).resolve().parents[2] / "app.py"


def opened(page: str, **address: str) -> AppTest:
    """Opens the page ``pages/<page>/page.py`` with these query parameters and checks that it draws without an
    exception.

    ``AppTest.switch_page`` finds a page by its file only after a first run of the app; the page's hash, made
    from its address, saves that run.
    """
    app = AppTest.from_file(str(APP), default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    app._page_hash = calc_hash("" if page == "home" else page)
    app.run()
    assert not app.exception
    return app


def press(app: AppTest, key: str) -> AppTest:
    """Click a button; what follows is drawn without an exception."""
    app.button(key=key).click().run()
    assert not app.exception
    return app
