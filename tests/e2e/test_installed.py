"""The studio installed from a wheel opens in an empty folder, without the checkout."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.driving import Studio, visit
from tests.installed import install_wheel


def test_an_installed_studio_opens_its_pages(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    empty = tmp_path / "empty"
    empty.mkdir()
    studio = Studio(tmp_path / "workspace", [str(install_wheel(tmp_path))], empty)
    studio.start()
    try:
        visit(page, studio, "train")  # its presets and base are files of the wheel
        expect(page.get_by_role("heading", name="训练").first).to_be_visible()
        visit(page, studio, "lists")
        expect(page.get_by_role("heading", name="列表").first).to_be_visible()
    finally:
        studio.stop()
    assert list(empty.iterdir()) == []
