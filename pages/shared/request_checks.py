"""Whether this process checks each request before Streamlit sees it."""

installed = False
"""Set by :mod:`pages.launch`."""
