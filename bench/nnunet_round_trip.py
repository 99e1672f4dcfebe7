"""nnU-Net's side of bench/nnunet-round-trip.js (test/goldens/segment/requirements-trainers.txt).

    python nnunet_round_trip.py train WORK STEPS CONFIGURATION MEMORY
                                                            makes a data set, plans and trains one fold
    python nnunet_round_trip.py dataset FOLDER CONFIGURATION    makes the data set alone
    python nnunet_round_trip.py predict MODEL IMAGES OUT [LABELS]
                                                            masks and probabilities of a model folder
    python nnunet_round_trip.py compare DAWSON NNUNET       prints how far the two are apart

Windows are summed in single precision; with OUT-half beside it also as nnU-Net does, in half.
"""
import functools
import json
import os
import sys
from pathlib import Path

# Planning takes threads from it, of which there has to be one.
os.environ["nnUNet_n_proc_DA"] = "1"
os.environ["nnUNet_compile"] = "false"


def make_dataset(folder, scale, case_count=5):
    """Balls with bright blobs in them, two channels, voxels of about 1 mm, thicker in one case."""
    import numpy as np
    import SimpleITK as sitk

    rng = np.random.default_rng(1)
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    for case in range(case_count):
        shape = tuple(round(scale * n) for n in (24 + case, 30, 32))
        grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"))
        brain = (grid**2).sum(0) < 0.8
        lesions = np.zeros(shape, bool)
        for _ in range(6):
            centre = rng.uniform(-0.5, 0.5, 3)[:, None, None, None]
            lesions |= ((grid - centre) ** 2).sum(0) < rng.uniform(0.01, 0.06)
        images = [
            np.where(brain, 100 + 60 * sign * lesions + rng.normal(0, 12, shape), 0)
            for sign in (1, -0.5)
        ]
        files = [
            *((f"imagesTr/c{case}_000{n}.nii.gz", image.astype(np.float32)) for n, image in enumerate(images)),
            (f"labelsTr/c{case}.nii.gz", (lesions & brain).astype(np.uint8)),
        ]
        for file, values in files:
            image = sitk.GetImageFromArray(values)
            image.SetSpacing((1.0, 1.0, 1.4 if case == 1 else 1.1))
            sitk.WriteImage(image, str(folder / file))
    description = {
        "channel_names": {"0": "FLAIR", "1": "T1"}, "labels": {"background": 0, "lesion": 1},
        "numTraining": case_count, "file_ending": ".nii.gz",
    }  # fmt: skip
    (folder / "dataset.json").write_text(json.dumps(description))


def dataset_for(folder, configuration):
    make_dataset(Path(folder), 1.5 if configuration == "3d_lowres" else 1)


def train(work, steps, configuration, memory):
    work = Path(work)
    folders = {name: work / name for name in ("raw", "preprocessed", "results")}
    for name, folder in folders.items():
        folder.mkdir(parents=True)
        os.environ[f"nnUNet_{name}"] = str(folder)
    import torch
    from nnunetv2.experiment_planning.plan_and_preprocess_api import (
        extract_fingerprints, plan_experiments, preprocess,
    )  # fmt: skip
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    torch.set_num_threads(1)
    torch.manual_seed(1)
    name = "Dataset001_Small"
    dataset = folders["raw"] / name
    dataset_for(dataset, configuration)
    extract_fingerprints([1], num_processes=1)
    plan_experiments([1], gpu_memory_target_in_gb=float(memory))
    preprocess([1], configurations=[configuration], num_processes=[1])
    prepared = folders["preprocessed"] / name
    cases = sorted(path.name[: -len(".nii.gz")] for path in (dataset / "labelsTr").iterdir())
    splits = [{"train": cases[:-1], "val": cases[-1:]}]
    for place in (prepared, work):
        (place / "splits_final.json").write_text(json.dumps(splits))
    plans = json.loads((prepared / "nnUNetPlans.json").read_text())
    description = json.loads((prepared / "dataset.json").read_text())
    trainer = nnUNetTrainer(
        {**plans, "continue_training": False}, configuration, 0, description, device=torch.device("cpu")
    )
    # Another process would bring its own PyTorch.
    os.environ["nnUNet_n_proc_DA"] = "0"
    trainer.num_epochs, trainer.num_iterations_per_epoch = 2, int(steps)
    trainer.num_val_iterations_per_epoch = 1
    trainer.run_training()
    results = folders["results"] / name / f"nnUNetTrainer__nnUNetPlans__{configuration}"
    (folders["results"] / "trained").symlink_to(results)


def predict(model, images, out, labels=None):
    for name in ("raw", "preprocessed", "results"):
        os.environ[f"nnUNet_{name}"] = out
    import torch
    from nnunetv2.inference import predict_from_raw_data
    from nnunetv2.inference.sliding_window_prediction import compute_gaussian

    torch.set_num_threads(1)
    half, gaussian = torch.half, predict_from_raw_data.compute_gaussian
    for folder, dtype in ((f"{out}-half", half), (out, torch.float32)):
        Path(folder).mkdir(parents=True, exist_ok=True)
        torch.half = dtype
        predict_from_raw_data.compute_gaussian = (
            gaussian
            if dtype is half
            else functools.lru_cache(functools.partial(compute_gaussian, dtype=dtype))
        )
        predictor = predict_from_raw_data.nnUNetPredictor(
            perform_everything_on_device=False, device=torch.device("cpu"), allow_tqdm=False
        )
        predictor.initialize_from_trained_model_folder(model, None)
        predictor.predict_from_files_sequential(
            images, folder, save_probabilities=True, folder_with_segs_from_prev_stage=labels
        )


def compare(ours, theirs):
    import numpy as np
    import SimpleITK as sitk

    read = lambda file: sitk.GetArrayFromImage(sitk.ReadImage(str(file)))
    print(f"{'case':10} {'voxels':>8} {'labelled':>8} | differing | probabilities apart by at most")
    for precision, folder in (("single", Path(theirs)), ("half", Path(f"{theirs}-half"))):
        for file in sorted(folder.glob("*.nii.gz")):
            name = file.name[: -len(".nii.gz")]
            mask, own = read(file), read(Path(ours) / file.name)
            probabilities = np.load(folder / f"{name}.npz")["probabilities"]
            apart = max(
                np.abs(read(Path(ours) / f"{name}_class-{k}.nii.gz") - probabilities[k]).max()
                for k in range(1, len(probabilities))
            )
            print(
                f"{name:10} {mask.size:8} {(mask > 0).sum():8} | {(mask != own).sum():9} | "
                f"{apart:.1e} (nnU-Net in {precision} precision)"
            )


if __name__ == "__main__":
    {"train": train, "dataset": dataset_for, "predict": predict, "compare": compare}[sys.argv[1]](*sys.argv[2:])
