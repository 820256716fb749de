"""The embedded nano base (内置小模型): a Llama of a few million parameters that writes fluent Chinese and uses its
prompt, but is not trained to answer a request for a blessing. It ships in ``configs/models/nano-base`` and
can be fine-tuned on a CPU in minutes. ``python -m tianji_core.models.nano.build`` builds it again.

Importing this package loads neither torch nor transformers.
"""

from tianji_core.models.nano.folder import FOLDER, MANIFEST, nano_base, write_manifest
from tianji_core.models.nano.split import HELD_OUT_SHARE, held_out, split_cells

__all__ = ["FOLDER", "HELD_OUT_SHARE", "MANIFEST", "held_out", "nano_base", "split_cells", "write_manifest"]
