"""Opening one page of the app in a test, by its address as a browser would, and pressing its buttons."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

APP = Path(__file__).resolve().parents[2] / "app.py"


def opened(page: str, **address: str) -> AppTest:
    """The page ``pages/<page>.py`` with these query parameters, drawn without an exception."""
    app = AppTest.from_file(str(APP), default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception
    return app


def press(app: AppTest, key: str) -> AppTest:
    """Click a button; what follows is drawn without an exception."""
    app.button(key=key).click().run()
    assert not app.exception
    return app
