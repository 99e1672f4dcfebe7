"""What nnU-Net v2 finds with folders that `dawson model export` wrote (requirements-trainers.txt; Node.js
and a built Dawson; make_nnunet_trainers.py, make_nnunet_masks.py and make_nnunet_configurations.py first:
their networks are used).

    python make_nnunet_export.py      writes nnunet-export.json beside this file, and
                                      nnunet-trainers/v2/residual/

Each network that nnU-Net saved is imported, exported, and given back to nnU-Net, which loads it by
its own loader and predicts. With the hashes of the files that it was given.
"""
import hashlib
import json
import subprocess
from pathlib import Path

import make_nnunet_trainers as trainers
import numpy as np
import torch

here, work = trainers.here, Path(trainers.work)
dawson = ["node", str(here.parents[2] / "bin" / "dawson.js")]


def save_residual():
    """A residual network with dropout, which counts among the layers though it does nothing here."""
    torch.distributed.destroy_process_group()
    plans = trainers.plans_of_v2()
    full = plans["configurations"]["3d_fullres"]
    full["architecture"]["network_class_name"] = (
        "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet"
    )
    kwargs = full["architecture"]["arch_kwargs"]
    kwargs["n_blocks_per_stage"] = kwargs.pop("n_conv_per_stage")
    kwargs.update(dropout_op="torch.nn.Dropout3d", dropout_op_kwargs={"p": 0.1, "inplace": False})
    prepared = work / plans["dataset_name"] / full["data_identifier"]
    prepared.mkdir(parents=True, exist_ok=True)
    (prepared / "case.b2nd").touch()
    trainer = trainers.v2_trainers.nnUNetTrainer.nnUNetTrainer(
        {**plans, "continue_training": False}, "3d_fullres", 0, trainers.dataset,
        device=torch.device("cpu"),
    )  # fmt: skip
    trainer.initialize()
    place = trainers.save_v2(trainer, "residual", trainers.dataset, (0, 1, 2), 400)
    (place / "plans.json").write_text(json.dumps(plans, indent=1) + "\n")


def exported(name):
    model, out = work / f"{name}-model", work / f"{name}-export"
    source = str(trainers.folder / "v2" / name)
    subprocess.run(
        [*dawson, "model", "import", source, "--orientation", "RAS", "--out", str(model)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    subprocess.run([*dawson, "model", "export", str(model), "--out", str(out)], check=True)
    return out


def main():
    trainers.shutil.rmtree(trainers.folder / "v2" / "residual", ignore_errors=True)
    save_residual()
    torch.half = torch.float32
    trainers.predict_from_raw_data.compute_gaussian = trainers.functools.partial(
        trainers.compute_gaussian, dtype=torch.float32
    )
    image = trainers.image_of(6)
    result = {}
    for name in (
        "nnUNetTrainer", "nnUNetTrainerBN", "nnUNetTrainerNoDA", "regions", "residual", "slices",
    ):  # fmt: skip
        folder = exported(name)
        probabilities, labels = trainers.predict_v2(folder, image)
        result[name] = {
            "files": {
                str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
                for file in sorted(folder.rglob("*")) if file.is_file() and file.name != "dawson.json"
            },
            **trainers.record(np.asarray(probabilities), labels),
        }  # fmt: skip
        result[name]["probabilities"] = result[name]["probabilities"][::3]
    (here / "nnunet-export.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
