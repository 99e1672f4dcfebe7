"""What nnU-Net v2's own code makes of small generated datasets (requirements-nnunet.txt).

    python make_nnunet.py     writes dataset/, nnunet-preprocess.json and nnunet-plans.json beside it

dataset/ is a training set of three cases: nearly isotropic, thick slices along z, thick slices
along x; the brain fills the middle, so that cropping removes more than a quarter of the images.
Arrays are base64 of zlib of little-endian values in C order; long ones are sampled in even steps.
"""
import base64
import json
import os
import tempfile
import zlib
from pathlib import Path

work = tempfile.mkdtemp()
for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
    os.environ[name] = os.path.join(work, name)
    os.makedirs(os.environ[name])

import numpy as np
import SimpleITK as sitk
from nnunetv2.experiment_planning.dataset_fingerprint.fingerprint_extractor import (
    DatasetFingerprintExtractor,
)
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import (
    ExperimentPlanner,
)
from nnunetv2.experiment_planning.experiment_planners.residual_unets.residual_encoder_unet_planners import (
    nnUNetPlannerResEncM,
)
from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from scipy import ndimage

here = Path(__file__).parent
raw = Path(os.environ["nnUNet_raw"])
preprocessed = Path(os.environ["nnUNet_preprocessed"])
rng = np.random.default_rng(20260101)


def packed(array, dtype, step=1):
    values = np.ascontiguousarray(array).ravel()[::step].astype(dtype)
    return base64.b64encode(zlib.compress(values.tobytes(), 9)).decode()


def write(folder, cases, channels, labels):
    (folder / "imagesTr").mkdir(parents=True, exist_ok=True)
    (folder / "labelsTr").mkdir(exist_ok=True)
    description = {
        "channel_names": {str(i): name for i, name in enumerate(channels)},
        "labels": labels,
        "numTraining": len(cases),
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(description, indent=1) + "\n")
    for name, (images, segmentation, spacing) in cases.items():
        for channel, image in enumerate(images):
            save(folder / "imagesTr" / f"{name}_{channel:04d}.nii.gz", image, spacing)
        save(folder / "labelsTr" / f"{name}.nii.gz", segmentation, spacing)
    return description


def save(file, array, spacing):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing[::-1])
    sitk.WriteImage(image, str(file), useCompression=True)


def case(shape, spacing):
    """Two channels and labels 0 to 2 in a brain; (z, y, x) as SimpleITK's arrays."""
    grid = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    brain = sum(g**2 for g in grid) < 0.62
    images = []
    for channel in range(2):
        noise = ndimage.gaussian_filter(rng.standard_normal(shape), 1.2)
        image = np.where(brain, 500 + 900 * (channel + 1) * noise, 0)
        images.append(np.round(image).astype(np.int16))
    # A hole in the middle: part of the non-zero region all the same.
    middle = tuple(slice(n // 2 - 1, n // 2 + 1) for n in shape)
    for image in images:
        image[middle] = 0
    blobs = ndimage.gaussian_filter(rng.standard_normal(shape), 1.5)
    limit = np.quantile(np.abs(blobs), 0.9)
    labels = ((blobs > limit) + 2 * (blobs < -limit)) * brain
    return images, labels.astype(np.uint8), spacing


def preprocess():
    cases = {
        "iso": case((16, 20, 18), (1.3, 0.9, 1.0)),
        "thick-x": case((14, 17, 8), (1.1, 1.0, 4.2)),
        "thick-z": case((8, 19, 21), (5.0, 1.0, 0.8)),
    }
    labels = {"background": 0, "lesion": 1, "other": 2}
    folder = raw / "Dataset001_Small"
    write(folder, cases, ["FLAIR", "CT"], labels)
    for file in folder.rglob("*.*"):
        target = here / "dataset" / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    fingerprint = DatasetFingerprintExtractor("Dataset001_Small", 1).run()
    plans = {}
    for name, planner in (("plain", ExperimentPlanner), ("residual", nnUNetPlannerResEncM)):
        plans[name] = planner("Dataset001_Small").plan_experiment()
        plans[name] = json.loads(json.dumps(plans[name]))
    rows = []
    description = json.loads((folder / "dataset.json").read_text())
    targets = {
        "isotropic": ([1.0, 1.0, 1.0], [0, 1, 2]),
        "anisotropic": ([3.6, 0.8, 0.9], [0, 1, 2]),
        "transposed": ([3.5, 1.2, 0.9], [2, 0, 1]),
        "upsampled": ([0.7, 0.7, 0.7], [1, 2, 0]),
    }
    for target, (spacing, order) in targets.items():
        plan = json.loads(json.dumps(plans["plain"]))
        plan["transpose_forward"] = order
        plan["configurations"]["3d_fullres"]["spacing"] = spacing
        manager = PlansManager(plan)
        configuration = manager.get_configuration("3d_fullres")
        for name in cases:
            files = [str(folder / "imagesTr" / f"{name}_{c:04d}.nii.gz") for c in range(2)]
            segmentation = str(folder / "labelsTr" / f"{name}.nii.gz")
            data, seg, properties = DefaultPreprocessor(verbose=False).run_case(
                files, segmentation, manager, configuration, description
            )
            # Any smooth output of a network, to be brought back to the case's own grid.
            output = data[:1]
            spacing_transposed = [properties["spacing"][i] for i in order]
            back = configuration.resampling_fn_probabilities(
                output,
                properties["shape_after_cropping_and_before_resampling"],
                configuration.spacing,
                spacing_transposed,
            )
            rows.append(
                {
                    "case": name,
                    "target": target,
                    "spacing": spacing,
                    "transposeForward": order,
                    "shape": list(data.shape[1:]),
                    "box": [[int(a), int(b)] for a, b in properties["bbox_used_for_cropping"]],
                    "step": 11,
                    "image": packed(data, "<f4", 11),
                    "labels": packed(seg, "i1"),
                    "back": packed(back, "<f4", 11),
                }
            )
    result = {"fingerprint": fingerprint, "plans": plans, "rows": rows}
    (here / "nnunet-preprocess.json").write_text(json.dumps(plain(result)) + "\n")


def plain(value):
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return value.item()
    return value


def plan_many():
    """Plans from fingerprints of datasets as they occur: no images are needed for these."""
    properties = {
        "mean": 1.0, "median": 1.0, "std": 1.0, "min": 0.0, "max": 2.0,
        "percentile_99_5": 2.0, "percentile_00_5": 0.0,
    }  # fmt: skip
    sets = {
        "ms-1mm": ([(1, 1, 1)] * 5, [(152, 181, 147), (126, 160, 127), (140, 170, 138), (130, 165, 129), (150, 180, 140)], ["FLAIR", "T1", "T2"], 5, 2, 0.42),
        "flair-2d": ([(4.0, 0.72, 0.72), (3.0, 0.72, 0.72), (5.0, 0.5, 0.5), (3.3, 0.9, 0.9)], [(36, 240, 200), (46, 240, 200), (30, 300, 260), (40, 190, 160)], ["FLAIR"], 40, 2, 0.5),
        "sagittal": ([(0.9, 0.9, 4.4), (1.0, 1.0, 5.0), (0.8, 0.8, 4.0)], [(190, 200, 36), (170, 180, 30), (210, 220, 40)], ["FLAIR", "T2"], 12, 3, 0.9),
        "fine": ([(0.5, 0.5, 0.5), (0.6, 0.5, 0.5)], [(420, 500, 420), (350, 480, 400)], ["T1", "ct"], 60, 2, 0.6),
        "mixed": ([(1.2, 0.97, 0.97), (2.0, 0.9, 0.9), (1.0, 1.0, 1.0), (3.0, 1.0, 0.8), (1.0, 0.5, 0.5)], [(160, 220, 180), (90, 210, 190), (170, 210, 170), (60, 200, 190), (170, 400, 380)], ["FLAIR", "nonorm"], 33, 2, 0.8),
        "tiny": ([(1, 1, 1)], [(20, 25, 18)], ["FLAIR"], 3, 2, 0.3),
        "very-thick": ([(10, 1.4, 1.4), (8, 1.5, 1.5), (5, 1.3, 1.3), (10, 1.6, 1.6)], [(9, 256, 216), (12, 224, 200), (16, 256, 256), (10, 200, 200)], ["rescale_to_0_1"], 100, 4, 1.0),
    }  # fmt: skip
    rows = []
    for index, (name, (spacings, shapes, channels, count, classes, relative)) in enumerate(sets.items()):
        identifier = f"Dataset1{index:02d}_{name.replace('-', '')}"
        folder = raw / identifier
        labels = {"background": 0, **{f"class{i}": i for i in range(1, classes)}}
        image = np.zeros((2, 2, 2), np.float32)
        description = write(folder, {"a": ([image] * len(channels), image.astype(np.uint8), (1, 1, 1))}, channels, labels)
        description["numTraining"] = count
        (folder / "dataset.json").write_text(json.dumps(description))
        fingerprint = {
            "spacings": spacings,
            "shapes_after_crop": shapes,
            "foreground_intensity_properties_per_channel": {str(i): properties for i in range(len(channels))},
            "median_relative_size_after_cropping": relative,
        }
        (preprocessed / identifier).mkdir(exist_ok=True)
        (preprocessed / identifier / "dataset_fingerprint.json").write_text(json.dumps(fingerprint))
        for architecture, planner in (("plain", ExperimentPlanner), ("residual", nnUNetPlannerResEncM)):
            for memory in (8, 3, 24):
                plans = planner(identifier, gpu_memory_target_in_gb=memory).plan_experiment()
                full = plans["configurations"]["3d_fullres"]
                kwargs = full["architecture"]["arch_kwargs"]
                rows.append(
                    {
                        "name": name, "architecture": architecture, "memoryGb": memory,
                        "channels": channels, "classes": classes, "cases": count,
                        "fingerprint": {k: v for k, v in fingerprint.items() if not k.startswith("foreground")},
                        "transpose_forward": plans["transpose_forward"],
                        "batch_size": full["batch_size"], "patch_size": full["patch_size"],
                        "median_image_size_in_voxels": full["median_image_size_in_voxels"],
                        "spacing": full["spacing"], "batch_dice": full["batch_dice"],
                        "normalization_schemes": full["normalization_schemes"],
                        "use_mask_for_norm": full["use_mask_for_norm"],
                        "arch": {k: kwargs[k] for k in ("n_stages", "features_per_stage", "kernel_sizes", "strides", "n_conv_per_stage_decoder")},
                        "blocks": kwargs.get("n_conv_per_stage", kwargs.get("n_blocks_per_stage")),
                    }
                )  # fmt: skip
    (here / "nnunet-plans.json").write_text(json.dumps(plain(rows), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    preprocess()
    plan_many()
