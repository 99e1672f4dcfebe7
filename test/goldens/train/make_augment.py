"""batchgeneratorsv2's transforms with given parameters, nnU-Net v2's rule for the drawn patch
(requirements-nnunet.txt).

    python make_augment.py     writes augment.json beside this file
"""
import json
import os
import tempfile
from pathlib import Path

os.environ.update({n: tempfile.gettempdir() for n in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")})

import numpy as np
import torch
from batchgeneratorsv2.transforms.intensity.contrast import ContrastTransform
from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from nnunetv2.training.data_augmentation.compute_initial_patch_size import get_patch_size

torch.set_num_threads(1)
rng = np.random.default_rng(20260101)
shape = (7, 9, 8)
image = rng.standard_normal((1, *shape)).round(3)
labels = (rng.random((1, *shape)) * 2.4).astype(np.int16)


def values(array):
    return [float(f"{v:.6g}") for v in np.asarray(array, np.float64).ravel()]


def fresh():
    return torch.from_numpy(image.copy()).float()


one = torch.tensor([0])
rows = []
for factor in (0.8, 1.2):
    out = ContrastTransform((1, 1), True, False, 1)._apply_to_image(
        fresh(), apply_to_channel=one, multipliers=torch.tensor([factor])
    )
    rows.append({"what": "contrast", "factor": factor, "values": values(out)})
for gamma, inverted in ((0.75, False), (1.4, False), (1.3, True)):
    out = GammaTransform((1, 1), 0, False, 1, 1)._apply_to_image(
        fresh(), apply_to_channel=one, retain_stats=torch.tensor([True]),
        invert_image=torch.tensor([inverted]), gamma=torch.tensor([gamma]),
    )  # fmt: skip
    rows.append({"what": "gamma", "gamma": gamma, "inverted": inverted, "values": values(out)})
for sigmas in ((0.5, 0.7, 0.99), (0.93, 0.51, 0.62)):
    out = GaussianBlurTransform((1, 1), False, False, 1)._apply_to_image(
        fresh(), apply_to_channel=torch.tensor([True]), sigmas=[list(sigmas)]
    )
    rows.append({"what": "blur", "sigmas": sigmas, "values": values(out)})
for scale in ((0.6, 0.6, 0.6), (1, 0.73, 0.73)):
    out = SimulateLowResolutionTransform((1, 1), False, True, None)._apply_to_image(
        fresh(), apply_to_channel=one, scales=torch.tensor([scale])
    )
    rows.append({"what": "resolution", "scale": scale, "values": values(out)})
for angles, scale, patch in (
    ((0.3, -0.2, 0.45), 1.0, (5, 5, 6)),
    ((0, 0, 0), 0.8, (5, 7, 6)),
    ((0.1, 0.5, -0.3), 1.3, (7, 9, 8)),
):
    transform = SpatialTransform(
        patch, 0, False, p_rotation=1, rotation=lambda image, dim: angles[dim],
        p_scaling=1, scaling=(scale, scale), p_synchronize_scaling_across_axes=1,
        # the padding label outside, as Dawson has it
        border_mode_seg="constant", padding_value_seg=-1,
    )  # fmt: skip
    parameters = transform.get_parameters(image=fresh())
    rows.append(
        {
            "what": "spatial", "angles": angles, "scale": scale, "patch": patch,
            "values": values(transform._apply_to_image(fresh(), **parameters)),
            "labels": transform._apply_to_segmentation(torch.from_numpy(labels), **parameters).ravel().tolist(),
        }  # fmt: skip
    )
drawn = [
    {"patch": patch, "angle": angle, "drawn": get_patch_size(patch, (-angle, angle), (-angle, angle), (-angle, angle), (0.85, 1.25)).tolist()}
    for patch in ((64, 64, 64), (128, 112, 160), (20, 192, 160))
    for angle in (np.pi / 6, np.pi)
]
result = {"shape": shape, "image": values(image), "labels": labels.ravel().tolist(), "rows": rows, "drawn": drawn}
(Path(__file__).parent / "augment.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
