"""Masks that nnU-Net v1 and v2 give for images of several shapes and voxels
(requirements-trainers.txt; make_nnunet_trainers.py first: its networks are used).

    python make_nnunet_masks.py      writes nnunet-masks.json beside this file, and
                                     nnunet-trainers/v2/two-folds/ and low-resolution/

Images are resampled to the network's voxels of 1 mm and back: fine, coarse, thick slices along each
axis, a second channel that reaches beyond the first. With one fold and with two, mirrored or not.
"""
import json
import os
import shutil

import make_nnunet_trainers as trainers
import numpy as np
import SimpleITK as sitk
import torch
from nnunet.inference.segmentation_export import save_segmentation_nifti_from_softmax

torch.distributed.destroy_process_group()
here, work, spacing = trainers.here, trainers.work, trainers.spacing
cases = {
    "fine": ((14, 26, 24), (0.8, 0.7, 0.75)),
    "coarse": ((8, 14, 15), (1.3, 1.2, 1.4)),
    "thick slices along the slowest axis": ((5, 22, 20), (4.0, 0.9, 0.9)),
    "thick slices along the middle axis": ((18, 5, 20), (0.9, 4.0, 0.9)),
    "thick slices along the fastest axis": ((18, 20, 5), (0.9, 0.9, 4.0)),
}


def image_of(shape, seed):
    """Channels of whole numbers in balls; the second one is larger and to the side."""
    rng = np.random.default_rng(seed)
    grid = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    first = sum(g**2 for g in grid) < 0.7
    second = sum((g - 0.15) ** 2 for g in grid) < 0.9
    values = rng.integers(50, 250, (2, *shape))
    return np.stack([np.where(first, values[0], 0), np.where(second, values[1], 0)]).astype(np.float32)


def encode(array):
    return trainers.base64.b64encode(array.astype(np.uint8).tobytes()).decode()


def mask_v1(trainer, image, voxels, mirror):
    plans = trainer.plans
    cropped, seg, box = trainers.crop_to_nonzero(image.copy())
    preprocessor = trainers.GenericPreprocessor(
        plans["normalization_schemes"], plans["use_mask_for_norm"], [0, 1, 2]
    )
    properties = {
        "original_spacing": np.array(voxels), "original_size_of_raw_data": np.array(image.shape[1:]),
        "size_after_cropping": cropped.shape[1:], "crop_bbox": box,
        "itk_spacing": voxels[::-1], "itk_origin": (0, 0, 0), "itk_direction": np.eye(3).ravel(),
    }  # fmt: skip
    data, _, properties = preprocessor.resample_and_normalize(cropped, spacing, properties, seg)
    trainer.network.eval()
    trainer.network.do_ds = False
    _, softmax = trainer.network.predict_3D(
        data.astype(np.float32), mirror, (0, 1, 2), True, 0.5, tuple(trainers.patch), None, True,
        "constant", {"constant_values": 0}, False, False, False,
    )  # fmt: skip
    out = os.path.join(work, "mask.nii.gz")
    save_segmentation_nifti_from_softmax(softmax, out, properties, 1, None, verbose=False)
    return sitk.GetArrayFromImage(sitk.ReadImage(out))


def main():
    place = trainers.folder / "v2" / "two-folds"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(trainers.folder / "v2" / "nnUNetTrainer", place)
    # The trainer looks at the kind of its prepared files.
    plans = trainers.plans_of_v2()
    identifier = plans["configurations"]["3d_fullres"]["data_identifier"]
    prepared = trainers.Path(work) / plans["dataset_name"] / identifier
    prepared.mkdir(parents=True)
    (prepared / "case.b2nd").touch()
    trainer = trainers.usual_v2(trainers.dataset)
    trainer.initialize()
    trainers.randomise(trainer.network, 2, 77)
    trainer._best_ema = np.float64(0.5)
    trainer.inference_allowed_mirroring_axes = (0, 1, 2)
    (place / "fold_1").mkdir()
    trainer.disable_checkpointing = False
    trainer.save_checkpoint(str(place / "fold_1" / "checkpoint_final.pth"))

    low = trainers.folder / "v2" / "low-resolution"
    shutil.rmtree(low, ignore_errors=True)
    plans = trainers.plans_of_v2()
    configuration = plans["configurations"].pop("3d_fullres")
    configuration.update(spacing=[1.5, 1.3, 1.6], data_identifier="nnUNetPlans_3d_lowres")
    plans["configurations"]["3d_lowres"] = configuration
    prepared = trainers.Path(work) / plans["dataset_name"] / configuration["data_identifier"]
    prepared.mkdir(parents=True)
    (prepared / "case.b2nd").touch()
    trainer = trainers.v2_trainers.nnUNetTrainer.nnUNetTrainer(
        {**plans, "continue_training": False}, "3d_lowres", 0, trainers.dataset, device=torch.device("cpu")
    )
    trainer.initialize()
    trainers.save_v2(trainer, "low-resolution", trainers.dataset, (0, 1, 2), 88)
    (low / "plans.json").write_text(json.dumps(plans, indent=1) + "\n")

    v1 = trainers.build_v1(trainers.nnUNetTrainerV2, trainers.plans_of_v1())
    saved = trainers.folder / "v1" / "nnUNetTrainer" / "fold_0" / "model_final_checkpoint.model"
    v1.network.load_state_dict(torch.load(saved, weights_only=False)["state_dict"])

    torch.half = torch.float32
    trainers.predict_from_raw_data.compute_gaussian = trainers.functools.partial(
        trainers.compute_gaussian, dtype=torch.float32
    )
    result = {}
    for seed, (name, (shape, voxels)) in enumerate(cases.items()):
        image = image_of(shape, seed)
        masks = {}
        for key, folder, folds, mirror in (
            ("v2", place, (0,), True), ("v2 of two folds", place, (0, 1), True),
            ("v2 not mirrored", place, (0,), False),
            ("v2 at low resolution", low, (0,), True),
            ("v2 of regions", trainers.folder / "v2" / "regions", (0,), True),
        ):  # fmt: skip
            predictor = trainers.nnUNetPredictor(
                tile_step_size=0.5, use_mirroring=mirror, perform_everything_on_device=False,
                device=torch.device("cpu"), allow_tqdm=False,
            )  # fmt: skip
            predictor.initialize_from_trained_model_folder(str(folder), folds)
            masks[key] = encode(
                predictor.predict_single_npy_array(image, {"spacing": voxels}, None, None, False)
            )
        masks["v1"] = encode(mask_v1(v1, image, voxels, True))
        masks["v1 not mirrored"] = encode(mask_v1(v1, image, voxels, False))
        result[name] = {"shape": shape, "spacingMm": voxels, "image": encode(image), "masks": masks}
    (here / "nnunet-masks.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
