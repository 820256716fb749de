"""A real server of tiny random models, which boards are filled from."""

from tests.serving.conftest import folders, server  # noqa: F401
