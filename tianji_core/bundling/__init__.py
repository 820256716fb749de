"""离线安装包: a folder from which the studio is installed on a machine without a network."""

from tianji_core.bundling.bundle import bundle_install

__all__ = ["bundle_install"]
