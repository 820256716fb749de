"""The verbs of ``python -m tianji_core``: each does in a terminal what a page does in the browser."""
