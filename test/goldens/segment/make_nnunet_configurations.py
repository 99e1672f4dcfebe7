"""What networks of slices (2d) and of the second stage of a cascade give, by nnU-Net v1 and v2
(requirements-trainers.txt; make_nnunet_masks.py first: its images and low-resolution masks are used).

    python make_nnunet_configurations.py    writes nnunet-configurations.json beside this file, and
                                            nnunet-trainers/v2/{slices,cascade}/, v1/slices/

Masks, and the probability of every output at every 101st voxel, for the images of nnunet-masks.json.
"""
import json
import shutil

import make_nnunet_masks as masks
import make_nnunet_trainers as trainers
import numpy as np
import torch
from nnunet.inference.segmentation_export import save_segmentation_nifti_from_softmax
from nnunet.preprocessing.preprocessing import PreprocessorFor2D

here, work = trainers.here, trainers.Path(trainers.work)
every = 101
in_plane = [16, 16]


def recorded(mask, probabilities):
    return {
        "mask": masks.encode(mask),
        "probabilities": [float(f"{v:.5f}") for v in np.asarray(probabilities).ravel()[::every]],
    }


def save(name, plans, configuration, axes, seed, channels):
    place = trainers.folder / "v2" / name
    shutil.rmtree(place, ignore_errors=True)
    prepared = plans["configurations"][configuration]
    prepared = work / plans["dataset_name"] / prepared.get("data_identifier", "nnUNetPlans_3d_fullres")
    prepared.mkdir(parents=True, exist_ok=True)
    (prepared / "case.b2nd").touch()
    trainer = trainers.v2_trainers.nnUNetTrainer.nnUNetTrainer(
        {**plans, "continue_training": False}, configuration, 0, trainers.dataset,
        device=torch.device("cpu"),
    )  # fmt: skip
    trainer.initialize()
    randomise = trainers.randomise
    trainers.randomise = lambda network, _, seed: randomise(network, channels, seed)
    trainers.save_v2(trainer, name, trainers.dataset, axes, seed)
    trainers.randomise = randomise
    (place / "plans.json").write_text(json.dumps(plans, indent=1) + "\n")
    return place


def save_slices():
    plans = trainers.plans_of_v2()
    flat = plans["configurations"].pop("3d_fullres")
    flat.update(patch_size=in_plane, spacing=[1.0, 1.0], data_identifier="nnUNetPlans_2d", batch_size=12)
    flat["architecture"]["arch_kwargs"].update(
        conv_op="torch.nn.modules.conv.Conv2d",
        norm_op="torch.nn.modules.instancenorm.InstanceNorm2d",
        kernel_sizes=[[3, 3], [3, 3]], strides=[[1, 1], [2, 2]],
    )  # fmt: skip
    plans["configurations"]["2d"] = flat
    patch, trainers.patch = trainers.patch, in_plane
    place = save("slices", plans, "2d", (0, 1), 500, 2)
    trainers.patch = patch
    return place


def save_cascade():
    plans = trainers.plans_of_v2()
    low = json.loads(json.dumps(plans["configurations"]["3d_fullres"]))
    low.update(spacing=[1.5, 1.3, 1.6], data_identifier="nnUNetPlans_3d_lowres")
    plans["configurations"].update({
        "3d_lowres": {**low, "next_stage": "3d_cascade_fullres"},
        "3d_cascade_fullres": {"inherits_from": "3d_fullres", "previous_stage": "3d_lowres"},
    })  # fmt: skip
    return save("cascade", plans, "3d_cascade_fullres", (0, 1, 2), 600, 5)


def predicted(place, image, voxels, previous=None):
    predictor = trainers.nnUNetPredictor(
        tile_step_size=0.5, use_mirroring=True, perform_everything_on_device=False,
        device=torch.device("cpu"), allow_tqdm=False,
    )  # fmt: skip
    predictor.initialize_from_trained_model_folder(str(place), (0,))
    return recorded(
        *predictor.predict_single_npy_array(image, {"spacing": voxels}, previous, None, True)
    )


def build_v1_slices():
    plans = trainers.plans_of_v1()
    plans["preprocessor_name"] = "PreprocessorFor2D"
    plans["plans_per_stage"][0].update(
        patch_size=np.array(in_plane), num_pool_per_axis=[1, 1], pool_op_kernel_sizes=[[2, 2]],
        conv_kernel_sizes=[[3, 3], [3, 3]],
    )  # fmt: skip
    trainer = trainers.build_v1(trainers.nnUNetTrainerV2, plans)
    patch, trainers.patch = trainers.patch, in_plane
    trainers.randomise(trainer.network, 2, 700)
    trainers.patch = patch
    place = trainers.folder / "v1" / "slices" / "fold_0"
    shutil.rmtree(place.parent, ignore_errors=True)
    place.mkdir(parents=True)
    trainer.network.do_ds = True
    trainer.optimizer = trainer.lr_scheduler = None
    trainer.save_checkpoint(str(place / "model_final_checkpoint.model"), False)
    return trainer


def predicted_v1(trainer, image, voxels):
    plans = trainer.plans
    cropped, seg, box = trainers.crop_to_nonzero(image.copy())
    preprocessor = PreprocessorFor2D(
        plans["normalization_schemes"], plans["use_mask_for_norm"], [0, 1, 2]
    )
    properties = {
        "original_spacing": np.array(voxels), "original_size_of_raw_data": np.array(image.shape[1:]),
        "size_after_cropping": cropped.shape[1:], "crop_bbox": box,
        "itk_spacing": voxels[::-1], "itk_origin": (0, 0, 0), "itk_direction": np.eye(3).ravel(),
    }  # fmt: skip
    target = np.array(trainers.spacing)
    data, _, properties = preprocessor.resample_and_normalize(cropped, target, properties, seg)
    trainer.network.eval()
    trainer.network.do_ds = False
    _, softmax = trainer.network.predict_3D(
        data.astype(np.float32), True, trainer.data_aug_params["mirror_axes"], True, 0.5,
        tuple(in_plane), None, True, "constant", {"constant_values": 0}, False, False, False,
    )  # fmt: skip
    out, inside = str(work / "mask.nii.gz"), str(work / "inside.npz")
    save_segmentation_nifti_from_softmax(
        softmax, out, properties, 1, None, resampled_npz_fname=inside, verbose=False
    )
    whole = np.zeros((len(softmax), *image.shape[1:]), np.float32)
    whole[0] = 1
    whole[(slice(None), *(slice(*bounds) for bounds in box))] = np.load(inside)["softmax"]
    return recorded(masks.sitk.GetArrayFromImage(masks.sitk.ReadImage(out)), whole)


def main():
    slices, cascade, v1 = save_slices(), save_cascade(), build_v1_slices()
    # Not before: it changes what checkpoints say of their numbers.
    torch.half = torch.float32
    trainers.predict_from_raw_data.compute_gaussian = trainers.functools.partial(
        trainers.compute_gaussian, dtype=torch.float32
    )
    golden = json.loads((here / "nnunet-masks.json").read_text())
    result = {}
    for name, case in golden.items():
        decode = lambda text: np.frombuffer(trainers.base64.b64decode(text), np.uint8)
        shape, voxels = case["shape"], case["spacingMm"]
        image = decode(case["image"]).reshape(2, *shape).astype(np.float32)
        low = decode(case["masks"]["v2 at low resolution"]).reshape(1, *shape).astype(np.int16)
        result[name] = {
            "slices": predicted(slices, image, voxels),
            "cascade": predicted(cascade, image, voxels, low),
            "v1 slices": predicted_v1(v1, image, voxels),
        }
    (here / "nnunet-configurations.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
