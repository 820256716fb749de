"""What a trainer leaves in its work folder."""

import json
import zipfile


def write_sitting(work_dir, stamp, rows, total=10):
    folder = work_dir / stamp
    (folder / "vis_data").mkdir(parents=True)
    lines = [json.dumps({"lr": 1e-3, "loss": loss, "time": 0.5, "iter": i, "step": i}) for i, loss in rows]
    (folder / "vis_data" / "scalars.json").write_text("\n".join(lines) + '\n{"lr": 0.1, "lo')
    log = [
        f"2026/01/01 00:00:00 - mmengine - INFO - Iter(train) [{i:>3}/{total}]  loss: {v}" for i, v in rows
    ]
    (folder / f"{stamp}.log").write_text("\n".join(log))
    return folder


def write_checkpoint(path):
    """As torch does it: a zip archive."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"x" * 100)
    return path.read_bytes()
