"""What nnU-Net v2 plans beside `3d_fullres`: slices, and low resolution and the cascade that it begins
where it plans one, with what that inherits (../segment/requirements-trainers.txt).

    python make_plan_configurations.py     writes nnunet-plan-configurations.json beside it

The fingerprints, networks and budgets are those of nnunet-plans.json, row by row; that the plans of
`3d_fullres` are still the ones in that file is checked. To them come a training set with a single
slice a case, and the shapes that nnU-Net's trainer draws the patches of slices from.
"""
import json
import os
import tempfile
from pathlib import Path

work = Path(tempfile.mkdtemp())
for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
    os.environ[name] = str(work / name)
    (work / name).mkdir()
os.environ["nnUNet_n_proc_DA"] = "1"

import numpy as np
import SimpleITK as sitk
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import (
    ExperimentPlanner,
)
from nnunetv2.experiment_planning.experiment_planners.residual_unets.residual_encoder_unet_planners import (
    nnUNetPlannerResEncM,
)
from nnunetv2.training.data_augmentation.compute_initial_patch_size import get_patch_size
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

here = Path(__file__).parent
planners = {"plain": ExperimentPlanner, "residual": nnUNetPlannerResEncM}
properties = {
    "mean": 1.0, "median": 1.0, "std": 1.0, "min": 0.0, "max": 2.0,
    "percentile_99_5": 2.0, "percentile_00_5": 0.0,
}  # fmt: skip
one_slice = {
    "name": "one-slice", "memoryGb": 8, "channels": ["FLAIR"], "classes": 2, "cases": 30,
    "fingerprint": {
        "spacings": [[999.0, 0.5, 0.5], [999.0, 0.6, 0.6]],
        "shapes_after_crop": [[1, 300, 280], [1, 260, 250]],
        "median_relative_size_after_cropping": 0.6,
    },
}  # fmt: skip


def planned(index, row):
    identifier = f"Dataset{100 + index}_row"
    folder = work / "nnUNet_raw" / identifier
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    image = sitk.GetImageFromArray(np.zeros((2, 2, 2), np.uint8))
    for channel in range(len(row["channels"])):
        sitk.WriteImage(image, str(folder / "imagesTr" / f"a_{channel:04d}.nii.gz"))
    sitk.WriteImage(image, str(folder / "labelsTr" / "a.nii.gz"))
    description = {
        "channel_names": {str(i): name for i, name in enumerate(row["channels"])},
        "labels": {"background": 0, **{f"class{i}": i for i in range(1, row["classes"])}},
        "numTraining": row["cases"],
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(description))
    fingerprint = {
        **row["fingerprint"],
        "foreground_intensity_properties_per_channel": {
            str(i): properties for i in range(len(row["channels"]))
        },
    }
    prepared = work / "nnUNet_preprocessed" / identifier
    prepared.mkdir()
    (prepared / "dataset_fingerprint.json").write_text(json.dumps(fingerprint))
    planner = planners[row["architecture"]](identifier, gpu_memory_target_in_gb=row["memoryGb"])
    planner.plan_experiment()
    # As it is written, in plain numbers and lists.
    (file,) = prepared.glob("nnUNet*Plans.json")
    return json.loads(file.read_text())


def main():
    rows = []
    known = json.loads((here / "nnunet-plans.json").read_text())
    more = [{**one_slice, "architecture": name} for name in planners]
    for index, row in enumerate([*known, *more]):
        plans = planned(index, row)
        configurations = plans["configurations"]
        if index < len(known):
            for field in ("batch_size", "patch_size", "spacing", "batch_dice"):
                assert configurations["3d_fullres"][field] == row[field], (row["name"], field)
        made = {name: configurations.get(name) for name in ("2d", "3d_lowres")}
        made["3d_cascade_fullres"] = None
        if "3d_cascade_fullres" in configurations:
            manager = PlansManager(plans)
            made["3d_cascade_fullres"] = manager.get_configuration("3d_cascade_fullres").configuration
        fields = ("name", "architecture", "memoryGb", "channels", "classes", "cases", "fingerprint")
        rows.append({**{field: row[field] for field in fields}, **made})
    drawn = []
    for patch in ((16, 16), (256, 224), (320, 200), (24, 40), (512, 384)):
        angle = np.pi / 12 if max(patch) / min(patch) > 1.5 else np.pi
        shape = get_patch_size(patch, *[(-angle, angle)] * 3, (0.85, 1.25))
        drawn.append({"patch": patch, "angle": angle, "drawn": shape.tolist()})
    result = {"rows": rows, "drawn": drawn}
    (here / "nnunet-plan-configurations.json").write_text(
        json.dumps(result, separators=(",", ":")) + "\n"
    )


if __name__ == "__main__":
    main()
