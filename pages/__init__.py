"""The studio's pages: one folder per page with its parts beside ``page.py``; ``shared`` serves several
pages."""
