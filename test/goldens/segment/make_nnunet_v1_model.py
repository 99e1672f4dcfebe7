"""A tiny model as nnU-Net v1 saves it, and what nnU-Net v1 makes of an image with it.

    pip install --no-deps nnunet==1.7.1     beside ../train/requirements-nnunet.txt
    python make_nnunet_v1_model.py          writes nnunet-v1-model/ and nnunet-v1-model.json beside this

One fold of a Generic_UNet with 3, 6 and 12 features and random weights. The image has other voxels
than the plan; one channel is normalised in the brain, the other over its whole box. Steps are those
of nnunet.inference.predict (preprocessing, predict_3D, softmax resampled).
"""
import base64
import json
import os
import shutil
import sys
import tempfile
from collections import OrderedDict
from pathlib import Path
from types import ModuleType

work = tempfile.mkdtemp()
for name in ("nnUNet_raw_data_base", "nnUNet_preprocessed", "RESULTS_FOLDER"):
    os.environ[name] = work
# Only its evaluation needs MedPy.
sys.modules["medpy"] = sys.modules["medpy.metric"] = ModuleType("medpy")
sys.modules["medpy"].metric = sys.modules["medpy.metric"]

import numpy as np
import torch
from batchgenerators.utilities.file_and_folder_operations import save_pickle
from nnunet.preprocessing.cropping import crop_to_nonzero
from nnunet.preprocessing.preprocessing import GenericPreprocessor, resample_data_or_seg
from nnunet.training.network_training.nnUNetTrainerV2 import nnUNetTrainerV2

torch.set_num_threads(1)
torch.manual_seed(4)
here = Path(__file__).parent
folder = here / "nnunet-v1-model"

stage = {
    "batch_size": 2,
    "num_pool_per_axis": [1, 2, 2],
    "patch_size": np.array([12, 16, 16]),
    "median_patient_size_in_voxels": np.array([14, 18, 20]),
    "current_spacing": np.array([1.2, 1.0, 1.0]),
    "original_spacing": np.array([1.2, 1.0, 1.0]),
    "do_dummy_2D_data_aug": False,
    "pool_op_kernel_sizes": [[1, 2, 2], [2, 2, 2]],
    "conv_kernel_sizes": [[1, 3, 3], [3, 3, 3], [3, 3, 3]],
}
plans = {
    "num_stages": 1,
    "num_modalities": 2,
    "modalities": {0: "FLAIR", 1: "T1"},
    "normalization_schemes": OrderedDict([(0, "nonCT"), (1, "nonCT")]),
    "dataset_properties": {"all_sizes": [np.array([14, 18, 20])], "intensityproperties": None},
    "num_classes": 1,
    "all_classes": [1],
    "base_num_features": 3,
    "use_mask_for_norm": OrderedDict([(0, True), (1, np.bool_(False))]),
    "keep_only_largest_region": None,
    "min_region_size_per_class": None,
    "transpose_forward": [0, 1, 2],
    "transpose_backward": [0, 1, 2],
    "data_identifier": "nnUNetData_plans_v2.1",
    "plans_per_stage": {0: stage},
    "preprocessor_name": "GenericPreprocessor",
    "conv_per_stage": 2,
}

shutil.rmtree(folder, ignore_errors=True)
fold = folder / "fold_0"
fold.mkdir(parents=True)
save_pickle(plans, str(folder / "plans.pkl"))
trainer = nnUNetTrainerV2("plans.pkl", 0, work, work, True, 0, True, False, False)
trainer.process_plans(plans)
trainer.initialize_network()
trainer.initialize_optimizer_and_scheduler()
with torch.no_grad():
    for weight in trainer.network.parameters():
        weight += 0.3 * torch.randn_like(weight)
outputs = trainer.network(torch.randn(1, 2, *stage["patch_size"]))
sum(output.square().mean() for output in outputs).backward()
trainer.optimizer.step()
trainer.save_checkpoint(str(fold / "model_final_checkpoint.model"))

shape, spacing = (14, 18, 20), (1.5, 0.8, 1.1)
rng = np.random.default_rng(6)
grid = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
brain = sum(g**2 for g in grid) < 0.9
image = np.where(brain, rng.integers(50, 250, (2, *shape)), 0).astype(np.float32)

cropped, seg, bbox = crop_to_nonzero(image.copy())
preprocessor = GenericPreprocessor(plans["normalization_schemes"], plans["use_mask_for_norm"], [0, 1, 2])
data, _, _ = preprocessor.resample_and_normalize(
    cropped, stage["current_spacing"], {"original_spacing": spacing}, seg
)
trainer.network.eval()
trainer.network.do_ds = False
_, softmax = trainer.network.predict_3D(
    data.astype(np.float32), True, (0, 1, 2), True, 0.5, tuple(stage["patch_size"]), None, True,
    "constant", {"constant_values": 0}, False, False, False,
)  # fmt: skip
softmax = resample_data_or_seg(softmax, cropped.shape[1:], False, None, 1, False, 0)
foreground = np.zeros(shape, np.float32)
foreground[tuple(slice(*bounds) for bounds in bbox)] = 1 - softmax[0]
json.dump(
    {
        "shape": shape, "spacingMm": spacing,
        "image": base64.b64encode(image.astype(np.uint8).tobytes()).decode(),
        "foreground": [float(f"{v:.6f}") for v in foreground.ravel()[::7]],
    },
    open(here / "nnunet-v1-model.json", "w"),
)  # fmt: skip
