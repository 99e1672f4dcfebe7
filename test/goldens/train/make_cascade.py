"""What the second network of a cascade sees in nnU-Net v2's training, and what its augmentation makes of
the labels that the first one found (../segment/requirements-trainers.txt).

    python make_cascade.py     writes cascade.json beside this file

The images are those of dataset/ (make_nnunet.py), the labels of the stage before the expert's, grown and
moved by a voxel, with a block of another. They lie on the grid of the images, and are prepared as nnU-Net prepares
them where it predicts.
"""
import base64
import json
import os
import tempfile
import zlib
from pathlib import Path

os.environ.update(
    {n: tempfile.gettempdir() for n in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}
)

import numpy as np
import SimpleITK as sitk
import torch
from acvl_utils.cropping_and_padding.bounding_boxes import crop_and_pad_nd
from batchgeneratorsv2.transforms.nnunet import random_binary_operator as operators
from batchgeneratorsv2.transforms.nnunet.remove_connected_components import (
    RemoveRandomConnectedComponentFromOneHotEncodingTransform,
)
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from scipy import ndimage
from skimage.morphology import ball

here = Path(__file__).parent
torch.set_num_threads(1)
rng = np.random.default_rng(20261201)
targets = {"isotropic": ([1.0, 1.0, 1.0], [0, 1, 2]), "transposed": ([3.5, 1.2, 0.9], [2, 0, 1])}
patch = (9, 10, 8)


def packed(array, dtype):
    values = np.ascontiguousarray(array).astype(dtype)
    return base64.b64encode(zlib.compress(values.tobytes(), 9)).decode()


def found_before(truth):
    found = np.roll(ndimage.maximum_filter(truth, 3), 1, axis=1)
    middle = tuple(slice(n // 3, n // 3 + 3) for n in truth.shape)
    found[middle] = 2
    # Also outside of the brain.
    found[-1, :2, :3] = 1
    return found


def seen():
    description = json.loads((here / "dataset" / "dataset.json").read_text())
    plans = json.loads((here / "nnunet-preprocess.json").read_text())["plans"]["plain"]
    configurations = plans["configurations"]
    configurations["3d_cascade_fullres"] = {
        "inherits_from": "3d_fullres", "previous_stage": "3d_lowres",
    }  # fmt: skip
    transforms = nnUNetTrainer.get_validation_transforms(None, True, [1, 2])
    rows = []
    for target, (spacing, order) in targets.items():
        plans["transpose_forward"] = order
        configurations["3d_fullres"]["spacing"] = spacing
        manager = PlansManager(plans)
        configuration = manager.get_configuration("3d_cascade_fullres")
        for name in ("iso", "thick-x", "thick-z"):
            files = [str(here / "dataset" / "imagesTr" / f"{name}_{c:04d}.nii.gz") for c in (0, 1)]
            truth = str(here / "dataset" / "labelsTr" / f"{name}.nii.gz")
            image = sitk.ReadImage(truth)
            found = sitk.GetImageFromArray(found_before(sitk.GetArrayFromImage(image)))
            found.CopyInformation(image)
            with tempfile.TemporaryDirectory() as folder:
                before = str(Path(folder) / f"{name}.nii.gz")
                sitk.WriteImage(found, before)
                run = lambda labels: DefaultPreprocessor(verbose=False).run_case(
                    files, labels, manager, configuration, description
                )
                data, seg, _ = run(truth)
                previous = np.maximum(run(before)[1], 0)
            # Around one of the voxels, often beyond the border.
            last = np.argwhere(previous[0] > 0)[-1]
            start = [int(a) - n // 2 for a, n in zip(last, patch)]
            box = [[a, a + n] for a, n in zip(start, patch)]
            # As the data loader of the trainer does.
            image = torch.from_numpy(crop_and_pad_nd(data, box, 0)).float()
            labels = [torch.from_numpy(crop_and_pad_nd(s, box, -1)).to(torch.int16) for s in (seg, previous)]
            out = transforms(image=image, segmentation=torch.cat(labels))
            rows.append({
                "case": name, "target": target, "spacing": spacing, "transposeForward": order,
                "found": packed(sitk.GetArrayFromImage(found), "i1"), "start": start,
                "image": packed(out["image"][:2], "<f4"), "labels": packed(out["segmentation"], "i1"),
                "channels": packed(out["image"][2:], "i1"),
            })  # fmt: skip
    return rows


def changed():
    shape = (11, 13, 12)
    near = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"))
    labels = np.zeros(shape, np.int16)
    for index in range(14):
        centre = rng.uniform(0, 12, 3)[:, None, None, None]
        labels[((near - centre) ** 2).sum(0) < rng.uniform(0.5, 9)] = 1 + index % 3
    one_hot = np.stack([labels == label for label in (1, 2, 3)]).astype(np.float32)
    fresh = lambda: torch.from_numpy(one_hot.copy())
    rows = []
    for change in ("dilation", "erosion", "closing", "opening"):
        for index, radius in enumerate((1, 1.5, 1.7, 2, 2.6, 3.5, 7.9)):
            transform = operators.ApplyRandomBinaryOperatorTransform([-3, -2, -1])
            label = 1 + index % 3
            out = transform._apply_to_image(
                fresh(), apply_to_channels=[label - 4], strel_size=[radius],
                operators=[getattr(operators, f"binary_{change}_torch")],
            )  # fmt: skip
            rows.append({"label": label, "change": change, "radius": radius, "channels": packed(out, "i1")})
    lost = []
    for label, which in ((1, 0.0), (1, 0.6), (2, 0.99), (3, 0.5)):
        np.random.choice = lambda ids: ids[int(which * len(ids))]
        transform = RemoveRandomConnectedComponentFromOneHotEncodingTransform([-3, -2, -1], 0, 0.15)
        out = transform._apply_to_image(fresh(), apply_to_channels=[label - 4])
        lost.append({"label": label, "which": which, "channels": packed(out, "i1")})
    return {"shape": shape, "labels": packed(labels, "i1"), "changes": rows, "losses": lost}


def balls():
    """Fewest and most voxels of a ball of so many from side to side: radii differ by rounding alone."""
    by_size = {}
    for radius in np.linspace(1, 8, 2000, endpoint=False):
        footprint = ball(radius, dtype=bool)
        by_size.setdefault(len(footprint), []).append(int(footprint.sum()))
    return {str(size): [min(counts), max(counts)] for size, counts in by_size.items()}


if __name__ == "__main__":
    result = {"patch": patch, "seen": seen(), "changed": changed(), "balls": balls()}
    (here / "cascade.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
