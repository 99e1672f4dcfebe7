"""nnunet 1.7.1's side of bench/first-networks.js (test/goldens/segment/requirements-trainers.txt).

    python first_networks.py save RESULTS CHANNELS CLASSES             a network with random weights
    python first_networks.py predict RESULTS IMAGES OUT THREADS MIRROR PRECISION  by nnU-Net's own steps
    python first_networks.py compare OUT OUT                           of Dawson, or of nnU-Net

The last line that each prints is JSON. nnU-Net runs in single precision: half is for graphics cards.
With the precision "double" the arithmetic of its network alone is in double precision, and slow.
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

median_brain = (138, 170, 138)
many_cases = 300


def stage_of(shape, channels, classes):
    """What nnU-Net v1's own planner makes of many brains of this median size, in voxels of 1 mm."""
    from nnunet.experiment_planning.experiment_planner_baseline_3DUNet_v21 import (
        ExperimentPlanner3D_v21,
    )  # fmt: skip

    # As it sets itself up, but for the images, which it would read.
    planner = ExperimentPlanner3D_v21.__new__(ExperimentPlanner3D_v21)
    planner.unet_base_num_features, planner.unet_max_num_filters = 32, 320
    planner.unet_max_numpool, planner.unet_min_batch_size = 999, 2
    planner.unet_featuremap_min_edge_length, planner.conv_per_stage = 4, 2
    planner.anisotropy_threshold, planner.batch_size_covers_max_percent_of_dataset = 3, 0.05
    spacing = np.array([1.0] * 3)
    return planner.get_properties_for_stage(
        spacing, spacing, shape, many_cases, channels, classes + 1
    )


def plans_of(channels, classes):
    shape = np.array(median_brain)
    stage = stage_of(shape, channels, classes)
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


def in_double(network):
    """Runs a network in double precision, convolutions in slabs: their columns would fill the memory."""
    import torch

    network.double()
    slab = 4

    def convolve(layer, x):
        (stride, *in_plane), (edge, *_), (pad, *others) = layer.stride, layer.kernel_size, layer.padding
        x = torch.nn.functional.pad(x, (0, 0, 0, 0, pad, pad))
        depth = (x.shape[2] - edge) // stride + 1
        parts = []
        for start in range(0, depth, slab):
            end = min(start + slab, depth)
            part = x[:, :, start * stride : (end - 1) * stride + edge]
            parts.append(torch.nn.functional.conv3d(
                part, layer.weight, layer.bias, (stride, *in_plane), (0, *others)
            ))  # fmt: skip
        return torch.cat(parts, 2)

    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv3d):
            layer.forward = lambda x, layer=layer: convolve(layer, x)
    forward = network.forward
    network.forward = lambda x: forward(x.double()).float()


def predict(results, images, out, threads, mirror, precision):
    import nnunet.inference.segmentation_export as exporting
    import torch
    from batchgenerators.utilities.file_and_folder_operations import load_pickle
    torch.set_num_threads(int(threads))
    os.makedirs(out)
    checkpoint = Path(results) / "fold_0" / "model_final_checkpoint.model"
    trainer = trainer_of(load_pickle(f"{checkpoint}.pkl")["plans"])
    saved = torch.load(checkpoint, weights_only=False)
    trainer.network.load_state_dict(saved["state_dict"])
    trainer.network.eval()
    trainer.network.do_ds = False
    if precision == "double":
        in_double(trainer.network)
    data, _, properties = trainer.preprocess_patient(sorted(str(p) for p in Path(images).iterdir()))
    _, softmax = trainer.network.predict_3D(
        data, mirror == "true", (0, 1, 2), True, 0.5, tuple(trainer.patch_size), None, True,
        "constant", {"constant_values": 0}, False, False, False,
    )  # fmt: skip
    # nnU-Net itself saves probabilities in half precision.
    resampled = [softmax]
    resample = exporting.resample_data_or_seg
    exporting.resample_data_or_seg = lambda *args, **options: resampled.append(
        resample(*args, **options)
    ) or resampled[-1]
    exporting.save_segmentation_nifti_from_softmax(
        softmax, os.path.join(out, "exam.nii.gz"), properties, 1, None, verbose=False
    )
    np.save(os.path.join(out, "exam.npy"), resampled[-1].astype(np.float32))
    with open(os.path.join(out, "box.json"), "w") as file:
        json.dump(np.array(properties["crop_bbox"]).tolist(), file)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print()
    print(json.dumps({"cpuS": usage.ru_utime + usage.ru_stime, "peakGib": usage.ru_maxrss / 2**20}))


def compare(first, second):
    """How far two predictions are apart; the second is nnU-Net's."""
    import SimpleITK as sitk

    read = lambda file: sitk.GetArrayFromImage(sitk.ReadImage(str(file)))
    own, mask = read(Path(first) / "exam.nii.gz"), read(Path(second) / "exam.nii.gz")
    box = tuple(slice(*bounds) for bounds in json.loads((Path(second) / "box.json").read_text()))
    softmax = np.load(Path(second) / "exam.npy")
    probabilities = (
        np.load(Path(first) / "exam.npy")[1:]
        if (Path(first) / "exam.npy").exists()
        else [read(Path(first) / f"exam_class-{k}.nii.gz")[box] for k in range(1, len(softmax))]
    )
    apart = np.max([np.abs(p - softmax[k + 1]) for k, p in enumerate(probabilities)], axis=0)
    print(json.dumps({
        "voxels": int(mask.size), "labelled": int((mask > 0).sum()),
        "differing": int((mask != own).sum()), "worst": float(apart.max()),
        "median": float(np.median(apart)), "far": int((apart > 2e-3).sum()),
    }))  # fmt: skip


if __name__ == "__main__":
    {"save": save, "predict": predict, "compare": compare}[sys.argv[1]](*sys.argv[2:])
