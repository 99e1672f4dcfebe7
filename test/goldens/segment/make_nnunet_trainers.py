"""What each trainer class of nnU-Net 1.7.1 and nnU-Net v2 2.8.1 makes of a network: whether it is the
usual one, or else what it computes from random weights (requirements-trainers.txt).

    python make_nnunet_trainers.py      writes nnunet-trainers.json and nnunet-trainers/ beside this file

Every class of both packages is made, builds its network for the same tiny plan, and is described by
the printed modules of its network, its last nonlinearity and the axes that it mirrors. Classes that
are described alike share a `variant`. The first class of each variant that could be built saves a
checkpoint, as nnU-Net saves it, and predicts an image as nnU-Net does: mirrored, windows that overlap.
Probabilities of all outputs, of the whole image, and the labels that nnU-Net makes of them.
"""
import base64
import copy
import functools
import hashlib
import importlib
import inspect
import json
import os
import pkgutil
import re
import shutil
import sys
import tempfile
from collections import OrderedDict
from pathlib import Path
from types import ModuleType

work = tempfile.mkdtemp()
for name in (
    "nnUNet_raw_data_base", "nnUNet_preprocessed", "RESULTS_FOLDER", "nnUNet_raw", "nnUNet_results",
):  # fmt: skip
    os.environ[name] = work
# Only its evaluation needs MedPy.
sys.modules["medpy"] = sys.modules["medpy.metric"] = ModuleType("medpy")
sys.modules["medpy"].metric = sys.modules["medpy.metric"]

import numpy as np
import torch
from batchgenerators.utilities.file_and_folder_operations import save_pickle

torch.set_num_threads(1)
# Trainers for several processes look for a group, and for its graphics cards.
torch.distributed.init_process_group("gloo", init_method=f"file://{work}/group", rank=0, world_size=1)
torch.distributed.init_process_group = torch.cuda.set_device = lambda *_, **__: None
here = Path(__file__).parent
folder = here / "nnunet-trainers"
patch = [8, 16, 16]
shape = (10, 20, 18)
spacing = [1.0, 1.0, 1.0]


def classes_below(package, base_name):
    """Every subclass of a base that a module of the package defines, by name."""
    modules = [package]
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        try:
            modules.append(importlib.import_module(info.name))
        except ImportError as error:
            print("not imported:", info.name, error, file=sys.stderr)
    found = {}
    for module in modules:
        for _, value in inspect.getmembers(module, inspect.isclass):
            if any(base.__name__ == base_name for base in value.__mro__):
                if value.__module__.startswith(package.__name__):
                    found[value.__name__] = value
    # The usual trainer first, so that it stands for all that build the same network.
    usual = ("nnUNetTrainerV2", "nnUNetTrainer")
    return dict(sorted(found.items(), key=lambda item: (item[0] not in usual, item[0])))


def describe(network, nonlinearity, mirror_axes):
    """What a network computes, in words: modules in their order with all of their numbers."""
    modules = re.sub(r", inplace=True|inplace=True|, track_running_stats=False", "", repr(network))
    return {"network": modules, "nonlinearity": nonlinearity, "mirrorAxes": mirror_axes}


def randomise(network, channels, seed):
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.3 * torch.randn_like(weight)
    network.train()
    with torch.no_grad():
        for _ in range(3):  # the running statistics of batch norm
            network(torch.randn(2, channels, *patch) + 0.5)
    network.eval()


def image_of(seed):
    rng = np.random.default_rng(seed)
    grid = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    brain = sum(g**2 for g in grid) < 0.9
    return np.where(brain, rng.integers(50, 250, (2, *shape)), 0).astype(np.float32)


def record(probabilities, labels):
    return {
        "probabilities": [float(f"{v:.5f}") for v in probabilities.ravel()[::13]],
        "labels": base64.b64encode(labels.astype(np.uint8).tobytes()).decode(),
    }


# nnU-Net v1 ------------------------------------------------------------------------------------------
import nnunet.training.network_training as v1_trainers
from nnunet.preprocessing.cropping import crop_to_nonzero
from nnunet.preprocessing.preprocessing import GenericPreprocessor
from nnunet.training.data_augmentation.default_data_augmentation import default_3D_augmentation_params
from nnunet.training.network_training.nnUNetTrainerV2 import nnUNetTrainerV2


def plans_of_v1():
    stage = {
        "batch_size": 2,
        "num_pool_per_axis": [0, 1, 1],
        "patch_size": np.array(patch),
        "median_patient_size_in_voxels": np.array(shape),
        "current_spacing": np.array(spacing),
        "original_spacing": np.array(spacing),
        "do_dummy_2D_data_aug": False,
        "pool_op_kernel_sizes": [[1, 2, 2]],
        "conv_kernel_sizes": [[1, 3, 3], [3, 1, 1]],
    }
    return {
        "num_stages": 1,
        "num_modalities": 2,
        "modalities": {0: "FLAIR", 1: "T1"},
        "normalization_schemes": OrderedDict([(0, "nonCT"), (1, "nonCT")]),
        "dataset_properties": {"all_sizes": [np.array(shape)], "intensityproperties": None},
        "num_classes": 3,
        "all_classes": [1, 2, 3],
        "base_num_features": 8,
        "use_mask_for_norm": OrderedDict([(0, True), (1, False)]),
        "keep_only_largest_region": None,
        "min_region_size_per_class": None,
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "data_identifier": "nnUNetData_plans_v2.1",
        "plans_per_stage": {0: stage},
        "preprocessor_name": "GenericPreprocessor",
        "conv_per_stage": 2,
    }


def plans_of_v1_residual():
    plans = plans_of_v1()
    stage = plans["plans_per_stage"][0]
    stage["pool_op_kernel_sizes"] = [[1, 1, 1], [1, 2, 2]]
    stage["num_blocks_encoder"], stage["num_blocks_decoder"] = [1, 1], [1]
    return plans


usual_augmentation = copy.deepcopy(default_3D_augmentation_params)


def build_v1(cls, plans):
    # Trainers write into nnU-Net's own table.
    default_3D_augmentation_params.clear()
    default_3D_augmentation_params.update(copy.deepcopy(usual_augmentation))
    common = (work, work, True, 0, True, False)
    # Half precision, several processes and cascades each want other arguments.
    for arguments in ((*common, False), (*common, True), (0, *common, False, False)):
        try:
            trainer = cls("plans.pkl", 0, *arguments)
            break
        except Exception:
            trainer = None
    if trainer is None:
        trainer = nnUNetTrainerV2("plans.pkl", 0, *common, False)
        trainer.__class__ = cls
    trainer.plans = plans
    trainer.process_plans(plans)
    trainer.setup_DA_params()
    trainer.initialize_network()
    return trainer


def predict_v1(trainer, image):
    cropped, seg, bbox = crop_to_nonzero(image.copy())
    plans = trainer.plans
    preprocessor = GenericPreprocessor(
        plans["normalization_schemes"], plans["use_mask_for_norm"], [0, 1, 2]
    )
    data, _, _ = preprocessor.resample_and_normalize(
        cropped, spacing, {"original_spacing": np.array(spacing)}, seg
    )
    trainer.network.eval()
    trainer.network.do_ds = False
    mirrors = trainer.data_aug_params["do_mirror"]
    _, softmax = trainer.network.predict_3D(
        data.astype(np.float32), mirrors, trainer.data_aug_params["mirror_axes"] if mirrors else (),
        True, 0.5, tuple(patch), trainer.regions_class_order, True, "constant",
        {"constant_values": 0}, False, False, False,
    )  # fmt: skip
    if trainer.regions_class_order is None:
        labels = softmax.argmax(0)
    else:
        labels = np.zeros(softmax.shape[1:])
        for index, label in enumerate(trainer.regions_class_order):
            labels[softmax[index] > 0.5] = label
    box = tuple(slice(*bounds) for bounds in bbox)
    whole = np.zeros((len(softmax), *shape), np.float32)
    if trainer.regions_class_order is None:
        whole[0] = 1  # background outside of the box
    whole[(slice(None), *box)] = softmax
    whole_labels = np.zeros(shape, np.uint8)
    whole_labels[box] = labels
    return whole, whole_labels


def run_v1():
    classes, variants = {}, {}
    for seed, (name, cls) in enumerate(classes_below(v1_trainers, "NetworkTrainer").items()):
        print(name, file=sys.stderr)
        trainer = None
        for plans in (plans_of_v1(), plans_of_v1_residual()):
            try:
                trainer = build_v1(cls, plans)
                break
            except Exception as error:
                classes[name] = {"fails": f"{type(error).__name__}: {error}"[:120]}
        if trainer is None:
            continue
        params = trainer.data_aug_params
        axes = list(params["mirror_axes"]) if params.get("do_mirror", True) else []
        last = type(trainer.network.inference_apply_nonlin).__name__
        last = "sigmoid" if last == "Sigmoid" else "softmax"
        words = describe(trainer.network, last, axes)
        words["regions"] = trainer.regions_class_order
        key = hashlib.sha256(json.dumps(words).encode()).hexdigest()[:8]
        classes[name] = {"variant": key}
        if key in variants:
            continue
        variants[key] = {
            "trainer": name, "architecture": type(trainer.network).__name__,
            "nonlinearity": last, "mirrorAxes": axes,
        }  # fmt: skip
        if words["network"].startswith("Generic_UNet(") and trainer.num_input_channels == 2:
            randomise(trainer.network, 2, 100 + seed)
            place = folder / "v1" / name / "fold_0"
            place.mkdir(parents=True)
            trainer.network.do_ds = True
            trainer.optimizer = trainer.lr_scheduler = None
            trainer.save_checkpoint(str(place / "model_final_checkpoint.model"), False)
            variants[key].update(record(*predict_v1(trainer, image_of(6))))
    return {"classes": classes, "variants": variants}


# nnU-Net v2 ------------------------------------------------------------------------------------------
import nnunetv2.training.nnUNetTrainer as v2_trainers
import nnunetv2.training.nnUNetTrainer.nnUNetTrainer
from nnunetv2.inference import predict_from_raw_data
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.inference.sliding_window_prediction import compute_gaussian

source = json.loads((here.parent / "train" / "nnunet-preprocess.json").read_text())["plans"]["plain"]
dataset = {
    "channel_names": {"0": "FLAIR", "1": "T1"},
    "labels": {"background": 0, "lesion": 1, "black hole": 2, "other": 3},
    "numTraining": 3,
    "file_ending": ".nii.gz",
}


def plans_of_v2():
    plans = json.loads(json.dumps(source))
    full = plans["configurations"]["3d_fullres"]
    plans["configurations"] = {"3d_fullres": full}
    full["patch_size"], full["spacing"] = patch, spacing
    full["architecture"]["arch_kwargs"].update(
        n_stages=2, features_per_stage=[4, 8], kernel_sizes=[[1, 3, 3], [3, 3, 3]],
        strides=[[1, 1, 1], [1, 2, 2]], n_conv_per_stage=[1, 1], n_conv_per_stage_decoder=[1],
    )  # fmt: skip
    return plans


def save_v2(trainer, name, labelled, axes, seed):
    randomise(trainer.network, 2, seed)
    place = folder / "v2" / name
    (place / "fold_0").mkdir(parents=True)
    trainer._best_ema = np.float64(0.5)
    trainer.inference_allowed_mirroring_axes = tuple(axes) or None
    trainer.disable_checkpointing = False
    save = v2_trainers.nnUNetTrainer.nnUNetTrainer.save_checkpoint
    save(trainer, str(place / "fold_0" / "checkpoint_final.pth"))
    (place / "plans.json").write_text(json.dumps(plans_of_v2(), indent=1) + "\n")
    (place / "dataset.json").write_text(json.dumps(labelled, indent=1) + "\n")
    return place


def predict_v2(place, image):
    predictor = nnUNetPredictor(
        tile_step_size=0.5, use_mirroring=True, perform_everything_on_device=False,
        device=torch.device("cpu"), allow_tqdm=False,
    )  # fmt: skip
    predictor.initialize_from_trained_model_folder(str(place), (0,))
    labels, probabilities = predictor.predict_single_npy_array(
        image, {"spacing": spacing}, None, None, True
    )
    return probabilities, labels


def usual_v2(labelled):
    plans = {**plans_of_v2(), "continue_training": False}
    usual = v2_trainers.nnUNetTrainer.nnUNetTrainer
    return usual(plans, "3d_fullres", 0, labelled, device=torch.device("cpu"))


def run_v2():
    torch.distributed.destroy_process_group()
    # nnU-Net sums windows in half precision; here it is made to sum in single precision.
    torch.half = torch.float32
    predict_from_raw_data.compute_gaussian = functools.partial(
        compute_gaussian, dtype=torch.float32
    )
    prepared = plans_of_v2()
    prepared = Path(work) / prepared["dataset_name"] / prepared["configurations"]["3d_fullres"]["data_identifier"]
    prepared.mkdir(parents=True, exist_ok=True)
    (prepared / "case.b2nd").touch()
    classes, variants = {}, {}
    for seed, (name, cls) in enumerate(classes_below(v2_trainers, "nnUNetTrainer").items()):
        try:
            trainer = cls({**plans_of_v2(), "continue_training": False}, "3d_fullres", 0, dataset, device=torch.device("cpu"))
            if "Primus" not in name:
                trainer.initialize()
                axes = trainer.configure_rotation_dummyDA_mirroring_and_inital_patch_size()[3]
                axes = list(axes or ())
            else:
                classes[name] = {"fails": "not built: a transformer of many millions of weights"}
                continue
        except Exception as error:  # lacks a package or a graphics card: only its network is built
            print(name, error, file=sys.stderr)
            trainer = usual_v2(dataset)
            trainer.network = cls.build_network_architecture(
                trainer.plans_manager, trainer.configuration_manager, 2, 4, True
            )
            axes = [0, 1, 2]
        words = describe(trainer.network, "softmax", axes)
        key = hashlib.sha256(json.dumps(words).encode()).hexdigest()[:8]
        classes[name] = {"variant": key}
        if key in variants:
            continue
        variants[key] = {
            "trainer": name, "architecture": type(trainer.network).__name__,
            "nonlinearity": "softmax", "mirrorAxes": axes,
        }  # fmt: skip
        place = save_v2(trainer, name, dataset, axes, 200 + seed)
        variants[key].update(record(*predict_v2(place, image_of(6))))
    # Regions that overlap, and a label that was only there in training.
    regions = {
        **dataset,
        "labels": {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "rim": 3, "ignore": 4},
        "regions_class_order": [1, 2, 3],
    }
    trainer = usual_v2(regions)
    trainer.initialize()
    place = save_v2(trainer, "regions", regions, [0, 1, 2], 300)
    variants["regions"] = {
        "trainer": "regions", "architecture": "PlainConvUNet", "nonlinearity": "sigmoid",
        "mirrorAxes": [0, 1, 2], **record(*predict_v2(place, image_of(6))),
    }  # fmt: skip
    return {"classes": classes, "variants": variants}


if __name__ == "__main__":
    shutil.rmtree(folder, ignore_errors=True)
    image = image_of(6)
    result = {
        "shape": shape, "spacingMm": spacing,
        "image": base64.b64encode(image.astype(np.uint8).tobytes()).decode(),
        "v1": run_v1(), "v2": run_v2(),
    }  # fmt: skip
    (here / "nnunet-trainers.json").write_text(json.dumps(result) + "\n")
