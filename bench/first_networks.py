"""nnunet 1.7.1's side of bench/first-networks.js (test/goldens/segment/requirements-trainers.txt).

    python first_networks.py save RESULTS CHANNELS CLASSES             a network with random weights
    python first_networks.py predict RESULTS IMAGES OUT THREADS MIRROR by nnU-Net's own steps
    python first_networks.py compare DAWSON NNUNET

The last line that each prints is JSON. nnU-Net runs in single precision: half is for graphics cards.
"""
import json
import os
import resource
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


def plans_of(channels, classes):
    shape = np.array([160, 190, 160])
    stage = {
        "batch_size": 2, "num_pool_per_axis": [5, 5, 5], "patch_size": np.array([128] * 3),
        "median_patient_size_in_voxels": shape, "current_spacing": np.array([1.0] * 3),
        "original_spacing": np.array([1.0] * 3), "do_dummy_2D_data_aug": False,
        "pool_op_kernel_sizes": [[2, 2, 2]] * 5, "conv_kernel_sizes": [[3, 3, 3]] * 6,
    }  # fmt: skip
    return {
        "num_stages": 1, "num_modalities": channels,
        "modalities": {channel: f"channel {channel}" for channel in range(channels)},
        "normalization_schemes": OrderedDict((channel, "nonCT") for channel in range(channels)),
        "dataset_properties": {"all_sizes": [shape], "intensityproperties": None},
        "num_classes": classes, "all_classes": list(range(1, classes + 1)), "base_num_features": 32,
        "use_mask_for_norm": OrderedDict((channel, True) for channel in range(channels)),
        "keep_only_largest_region": None, "min_region_size_per_class": None,
        "min_size_per_class": None, "transpose_forward": [0, 1, 2], "transpose_backward": [0, 1, 2],
        "data_identifier": "nnUNetData_plans_v2.1", "plans_per_stage": {0: stage},
        "preprocessor_name": "GenericPreprocessor", "conv_per_stage": 2,
    }  # fmt: skip


def trainer_of(plans):
    from nnunet.training.network_training.nnUNetTrainerV2 import nnUNetTrainerV2

    trainer = nnUNetTrainerV2("plans.pkl", 0, work, work, True, 0, True, False, False)
    trainer.plans = plans
    trainer.process_plans(plans)
    trainer.setup_DA_params()
    trainer.initialize_network()
    return trainer


def save(results, channels, classes):
    import torch

    torch.manual_seed(1)
    trainer = trainer_of(plans_of(int(channels), int(classes)))
    fold = Path(results) / "fold_0"
    fold.mkdir(parents=True)
    trainer.optimizer = trainer.lr_scheduler = None
    trainer.save_checkpoint(str(fold / "model_final_checkpoint.model"), False)
    print("{}")


def predict(results, images, out, threads, mirror):
    import torch
    from batchgenerators.utilities.file_and_folder_operations import load_pickle
    from nnunet.inference.segmentation_export import save_segmentation_nifti_from_softmax

    torch.set_num_threads(int(threads))
    os.makedirs(out)
    checkpoint = Path(results) / "fold_0" / "model_final_checkpoint.model"
    trainer = trainer_of(load_pickle(f"{checkpoint}.pkl")["plans"])
    saved = torch.load(checkpoint, weights_only=False)
    trainer.network.load_state_dict(saved["state_dict"])
    trainer.network.eval()
    trainer.network.do_ds = False
    data, _, properties = trainer.preprocess_patient(sorted(str(p) for p in Path(images).iterdir()))
    _, softmax = trainer.network.predict_3D(
        data, mirror == "true", (0, 1, 2), True, 0.5, tuple(trainer.patch_size), None, True,
        "constant", {"constant_values": 0}, False, False, False,
    )  # fmt: skip
    save_segmentation_nifti_from_softmax(
        softmax, os.path.join(out, "exam.nii.gz"), properties, 1, None,
        resampled_npz_fname=os.path.join(out, "exam.npz"), verbose=False,
    )  # fmt: skip
    with open(os.path.join(out, "box.json"), "w") as file:
        json.dump(np.array(properties["crop_bbox"]).tolist(), file)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print()
    print(json.dumps({"cpuS": usage.ru_utime + usage.ru_stime, "peakGib": usage.ru_maxrss / 2**20}))


def compare(ours, theirs):
    import SimpleITK as sitk

    read = lambda file: sitk.GetArrayFromImage(sitk.ReadImage(str(file)))
    own, mask = read(Path(ours) / "exam.nii.gz"), read(Path(theirs) / "exam.nii.gz")
    box = tuple(slice(*bounds) for bounds in json.loads((Path(theirs) / "box.json").read_text()))
    softmax = np.load(Path(theirs) / "exam.npz")["softmax"].astype(np.float32)
    worst = max(
        float(np.abs(read(Path(ours) / f"exam_class-{k}.nii.gz")[box] - softmax[k]).max())
        for k in range(1, len(softmax))
    )
    print(json.dumps({
        "voxels": int(mask.size), "labelled": int((mask > 0).sum()),
        "differing": int((mask != own).sum()), "worst": worst,
    }))  # fmt: skip


if __name__ == "__main__":
    {"save": save, "predict": predict, "compare": compare}[sys.argv[1]](*sys.argv[2:])
