"""``python -m tianji_core.jobs JOB --workspace DIR`` supervises one stored job."""

import sys

from tianji_core.jobs.supervisor import main

sys.exit(main(sys.argv[1:]))
