"""``python -m tianji_core``."""

from tianji_core.cli import main

main()
