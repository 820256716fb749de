"""``python -m tianji_core``, and ``tianji`` where it is installed. Ctrl-C while the program is still being
loaded is one sentence."""

import sys

from tianji_core.i18n import _

try:
    from tianji_core.cli import main
except KeyboardInterrupt:
    print("tianji_core: " + _("还没打开就停下了，什么都没有做"), file=sys.stderr)
    sys.exit(130)

if __name__ == "__main__":
    main()
