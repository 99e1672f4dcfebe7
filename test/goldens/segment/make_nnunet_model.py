"""A tiny model as nnU-Net v2 saves it, and what nnU-Net makes of an image with it
(../train/requirements-nnunet.txt).

    python make_nnunet_model.py     writes nnunet-model/ and nnunet-model.json beside this file

Two folds of a PlainConvUNet with 4, 8 and 8 features, random weights, after one step of the optimiser,
so that the checkpoints hold its state as well. The image has other voxels than the plan.
nnU-Net sums windows in half precision; here it is made to sum in single precision.
"""
import base64
import functools
import json
import os
import shutil
import tempfile
from pathlib import Path

work = Path(tempfile.mkdtemp())
for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
    os.environ[name] = str(work / name)
    os.makedirs(os.environ[name])

import numpy as np
import torch
from nnunetv2.inference import predict_from_raw_data
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.inference.sliding_window_prediction import compute_gaussian
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

torch.set_num_threads(1)
torch.manual_seed(3)
here = Path(__file__).parent
folder = here / "nnunet-model"

plans = json.loads((here.parent / "train" / "nnunet-preprocess.json").read_text())["plans"]["plain"]
full = plans["configurations"]["3d_fullres"]
plans["configurations"] = {"3d_fullres": full}
full["patch_size"] = [12, 16, 16]
full["spacing"] = [1.2, 1.0, 1.0]
arch = full["architecture"]["arch_kwargs"]
arch.update(
    n_stages=3, features_per_stage=[4, 8, 8], kernel_sizes=[[1, 3, 3], [3, 3, 3], [3, 3, 3]],
    strides=[[1, 1, 1], [1, 2, 2], [2, 2, 2]], n_conv_per_stage=[1, 1, 1],
    n_conv_per_stage_decoder=[1, 1],
)  # fmt: skip
dataset = {
    "channel_names": {"0": "FLAIR", "1": "T1"},
    "labels": {"background": 0, "lesion": 1, "other": 2},
    "numTraining": 3,
    "file_ending": ".nii.gz",
}

shutil.rmtree(folder, ignore_errors=True)
# The trainer looks at the kind of its prepared files.
prepared = Path(os.environ["nnUNet_preprocessed"]) / plans["dataset_name"] / full["data_identifier"]
prepared.mkdir(parents=True)
(prepared / "case.b2nd").touch()
for fold in (0, 1):
    trainer = nnUNetTrainer(plans, "3d_fullres", fold, dataset, device=torch.device("cpu"))
    trainer.initialize()
    with torch.no_grad():
        for weight in trainer.network.parameters():
            weight += 0.3 * torch.randn_like(weight)
    outputs = trainer.network(torch.randn(1, 2, *full["patch_size"]))
    sum(output.square().mean() for output in outputs).backward()
    trainer.optimizer.step()
    trainer._best_ema = np.float64(0.5)
    trainer.inference_allowed_mirroring_axes = (0, 1, 2)
    place = folder / f"fold_{fold}"
    place.mkdir(parents=True)
    trainer.save_checkpoint(str(place / "checkpoint_final.pth"))
(folder / "plans.json").write_text(json.dumps(plans, indent=1) + "\n")
(folder / "dataset.json").write_text(json.dumps(dataset, indent=1) + "\n")

torch.half = torch.float32
predict_from_raw_data.compute_gaussian = functools.partial(compute_gaussian, dtype=torch.float32)
predictor = nnUNetPredictor(
    tile_step_size=0.5, use_mirroring=True, perform_everything_on_device=False,
    device=torch.device("cpu"), allow_tqdm=False,
)  # fmt: skip
predictor.initialize_from_trained_model_folder(str(folder), (0, 1))
shape, spacing = (14, 18, 20), (1.5, 0.8, 1.1)
rng = np.random.default_rng(5)
grid = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
brain = sum(g**2 for g in grid) < 0.9
image = np.where(brain, rng.integers(50, 250, (2, *shape)), 0).astype(np.float32)
_, probabilities = predictor.predict_single_npy_array(image, {"spacing": spacing}, None, None, True)
json.dump(
    {
        "shape": shape, "spacingMm": spacing,
        "image": base64.b64encode(image.astype(np.uint8).tobytes()).decode(),
        "foreground": [float(f"{v:.6f}") for v in 1 - probabilities[0].ravel()[::7]],
    },
    open(here / "nnunet-model.json", "w"),
)  # fmt: skip
