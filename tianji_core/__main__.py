"""``python -m tianji_core``."""

import sys

try:
    from tianji_core.cli import main
except KeyboardInterrupt:  # Ctrl-C while the program is still being loaded
    sys.exit(130)

main()
