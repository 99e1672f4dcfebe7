"""nnU-Net v2's sliding window over a made-up network (requirements-nnunet.txt).

    python make_sliding_window.py     writes sliding-window.json beside this file

The network knows where in its patch it is, so that overlap, weights and mirroring all show:
two channels x0, x1 to two classes x0 * r and x1 - r, with r = d + 2 h / H + 3 w / W + 1.
nnU-Net sums in half precision, in which the weights of a patch's corners (4e-10) are 0 or coarse;
here it is made to sum in single precision.
"""
import functools
import json
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

os.environ.update({n: tempfile.gettempdir() for n in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")})

import numpy as np
import torch
from nnunetv2.inference import predict_from_raw_data
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.inference.sliding_window_prediction import (
    compute_gaussian,
    compute_steps_for_sliding_window,
)

torch.set_num_threads(1)
torch.half = torch.float32
predict_from_raw_data.compute_gaussian = functools.partial(compute_gaussian, dtype=torch.float32)


class Network(torch.nn.Module):
    def forward(self, x):
        d, h, w = (torch.arange(n, dtype=torch.float32) for n in x.shape[2:])
        r = d[:, None, None] / len(d) + 2 * h[:, None] / len(h) + 3 * w / len(w) + 1
        return torch.stack([x[:, 0] * r, x[:, 1] - r], 1)


def run(shape, patch, step, mirror):
    axes = np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")
    image = np.stack([np.sin(axes[0] + 0.5 * axes[1] - 0.3 * axes[2]), np.cos(0.7 * axes[2] * axes[0])])
    predictor = nnUNetPredictor(
        tile_step_size=step, use_mirroring=mirror, perform_everything_on_device=False,
        device=torch.device("cpu"), allow_tqdm=False,
    )  # fmt: skip
    predictor.network = Network()
    predictor.configuration_manager = SimpleNamespace(patch_size=patch)
    predictor.label_manager = SimpleNamespace(num_segmentation_heads=2)
    predictor.allowed_mirroring_axes = (0, 1, 2)
    logits = predictor.predict_sliding_window_return_logits(torch.from_numpy(image).float())
    return {
        "shape": shape, "patch": patch, "step": step, "mirror": mirror,
        "logits": [float(f"{v:.5g}") for v in logits.float().numpy().ravel()[::5]],
    }  # fmt: skip


result = {
    "steps": [
        {"shape": s, "patch": p, "step": t, "steps": compute_steps_for_sliding_window(s, p, t)}
        for s, p, t in (
            ((110, 64, 65), (64, 64, 64), 0.5),
            ((152, 181, 147), (128, 96, 96), 0.5),
            ((40, 41, 42), (16, 16, 16), 0.3),
            ((20, 33, 50), (20, 16, 24), 1),
        )
    ],
    "gaussian": {
        "shape": [6, 8, 5],
        "values": compute_gaussian((6, 8, 5), 1 / 8, 10, torch.float64, torch.device("cpu")).ravel().tolist(),
    },
    "runs": [
        run((9, 12, 10), (6, 6, 8), 0.5, False),
        run((9, 12, 10), (6, 6, 8), 0.5, True),
        run((5, 9, 13), (8, 6, 6), 0.7, True),
    ],
}
(Path(__file__).parent / "sliding-window.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
