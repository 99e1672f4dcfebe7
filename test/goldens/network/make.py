"""Goldens of networks, loss and optimisers: PyTorch in float64.

    python3 -m venv venv && venv/bin/pip install torch==2.15.0 dynamic-network-architectures==0.4.4 safetensors
    venv/bin/pip install --no-deps nnunet==1.7.1 batchgenerators==0.25 scipy==1.16.3 scikit-image==0.25.2 lazy_loader==0.4
    venv/bin/python make.py

Weights, images and labels follow from formulas that the test repeats; the loss is written out here
from nnU-Net v2's definitions (DC_and_CE_loss with MemoryEfficientSoftDiceLoss, DeepSupervisionWrapper).
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet
from nnunet.network_architecture.generic_UNet import Generic_UNet
from safetensors.numpy import save_file
from torch import nn

CASES = {
    "plain-isotropic": dict(residual=False, kernels=[[3, 3, 3]] * 3, strides=[[1, 1, 1], [2, 2, 2], [2, 2, 2]],
                            patch=[8, 8, 12], loss="dice-and-cross-entropy", batch_dice=False, optimiser="sgd", clip=12),
    "plain-anisotropic": dict(residual=False, kernels=[[1, 3, 3], [3, 3, 3], [3, 3, 3]],
                              strides=[[1, 1, 1], [1, 2, 2], [2, 2, 2]], patch=[4, 12, 8],
                              loss="dice-and-cross-entropy", batch_dice=True, optimiser="adamw", clip=0.1),
    "residual-isotropic": dict(residual=True, kernels=[[3, 3, 3]] * 3, strides=[[1, 1, 1], [2, 2, 2], [2, 2, 2]],
                               patch=[8, 12, 8], loss="dice", batch_dice=False, optimiser="sgd", clip=0.1),
    "residual-anisotropic": dict(residual=True, kernels=[[1, 3, 3], [1, 3, 3], [3, 3, 3]],
                                 strides=[[1, 1, 1], [1, 2, 2], [1, 2, 2]], patch=[3, 8, 12],
                                 loss="tversky", batch_dice=True, optimiser="sgd", clip=12),
    # nnU-Net v1 has the same number of convolutions everywhere, and features that double.
    "generic-anisotropic": dict(residual=False, kernels=[[1, 3, 3], [1, 3, 3], [3, 3, 3]],
                                strides=[[1, 1, 1], [1, 2, 2], [2, 2, 2]], patch=[4, 8, 12], features=[3, 6, 12], blocks=[2, 2, 2],
                                decoder=[2, 2], loss="dice-and-cross-entropy", batch_dice=True, optimiser="sgd", clip=12),
    # Networks of slices; the patch is said as that of one slice of a volume.
    "plain-slices": dict(residual=False, kernels=[[3, 3]] * 3, strides=[[1, 1], [2, 2], [2, 2]], patch=[1, 12, 16],
                         loss="dice-and-cross-entropy", batch_dice=True, optimiser="sgd", clip=12),
    "residual-slices": dict(residual=True, kernels=[[3, 3]] * 3, strides=[[1, 1], [2, 2], [2, 1]], patch=[1, 16, 12],
                            loss="dice-and-cross-entropy", batch_dice=True, optimiser="adamw", clip=12),
}
FEATURES = [3, 4, 4]
CHANNELS, CLASSES, BATCH = 2, 3, 2
LEVEL_WEIGHTS = [2 / 3, 1 / 3]
LEARNING_RATE, MOMENTUM, STEPS, MAX_STEPS = 0.01, 0.99, 5, 10


def axes(case):
    return len(case["strides"][0])


def arch_kwargs(case):
    blocks = "n_blocks_per_stage" if case["residual"] else "n_conv_per_stage"
    return {
        "n_stages": 3, "features_per_stage": case.get("features", FEATURES), "conv_op": f"torch.nn.modules.conv.Conv{axes(case)}d",
        "kernel_sizes": case["kernels"], "strides": case["strides"], blocks: case.get("blocks", [1, 2, 1] if case["residual"] else [2, 1, 2]),
        "n_conv_per_stage_decoder": case.get("decoder", [1, 2]), "conv_bias": True,
        "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{axes(case)}d", "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "dropout_op": None, "dropout_op_kwargs": None, "nonlin": "torch.nn.LeakyReLU", "nonlin_kwargs": {"inplace": True},
    }


def network(case):
    if "features" in case:
        return Generic_UNet(CHANNELS, case["features"][0], CLASSES, 2, conv_op=nn.Conv3d, norm_op=nn.InstanceNorm3d,
                            dropout_op=nn.Dropout3d, dropout_op_kwargs={"p": 0, "inplace": True}, final_nonlin=lambda x: x,
                            pool_op_kernel_sizes=case["strides"][1:], conv_kernel_sizes=case["kernels"],
                            convolutional_pooling=True, convolutional_upsampling=True).double()
    kwargs = arch_kwargs(case)
    layers = (nn.Conv2d, nn.InstanceNorm2d) if axes(case) == 2 else (nn.Conv3d, nn.InstanceNorm3d)
    kwargs |= {"conv_op": layers[0], "norm_op": layers[1], "nonlin": nn.LeakyReLU}
    cls = ResidualEncoderUNet if case["residual"] else PlainConvUNet
    net = cls(input_channels=CHANNELS, num_classes=CLASSES, deep_supervision=True, **kwargs)
    return net.double()


def parameters(net):
    """Every parameter once, by its first name, in the order of the names."""
    return dict(sorted(net.named_parameters(), key=lambda item: item[0]))


def numbers(count, seed):
    """The formula that the test repeats."""
    i = np.arange(count, dtype=np.float64)
    return np.sin(12.9898 * (i + 1) + 78.233 * (seed + 1)).astype(np.float32).astype(np.float64)


def fill(net):
    for seed, (name, parameter) in enumerate(parameters(net).items()):
        values = numbers(parameter.numel(), seed)
        if parameter.ndim >= 4:
            values *= math.sqrt(2 / parameter[0].numel()) * 1.2
        elif name.endswith("norm.weight"):
            values = 1 + 0.2 * values
        else:
            values *= 0.1
        parameter.data = torch.from_numpy(values.astype(np.float32).astype(np.float64)).reshape(parameter.shape)


def batch(patch, step):
    # A single slice lies in the middle.
    d, h, w = np.meshgrid(*[np.arange(n) / n if n > 1 else np.array([0.5]) for n in patch], indexing="ij")
    images, labels = [], []
    for sample in range(BATCH):
        phase = 0.7 * sample + 0.3 * step
        images.append(np.stack([np.sin(6 * d + 4 * h + phase) + np.cos(5 * w - phase),
                                np.cos(3 * d - 5 * h + 2 * phase) * np.sin(4 * w + phase)]))
        distance = (d - 0.5) ** 2 + (h - 0.4 - 0.1 * sample) ** 2 + (w - 0.5 + 0.05 * step) ** 2
        labels.append((distance < 0.15).astype(np.int64) + (distance < 0.06))
    image = np.stack(images).astype(np.float32).astype(np.float64)
    return torch.from_numpy(image), torch.from_numpy(np.stack(labels)[:, None])


def level_loss(logits, labels, case):
    size = logits.shape[2:]
    reduced = nn.functional.interpolate(labels.double(), size, mode="nearest-exact").long()[:, 0]
    truth = nn.functional.one_hot(reduced, CLASSES).movedim(-1, 1).double()[:, 1:]
    p = torch.softmax(logits, 1)[:, 1:]
    inside = list(range(2, logits.ndim))
    summed = [0, *inside] if case["batch_dice"] else inside
    both, in_p, in_truth = (p * truth).sum(summed), p.sum(summed), truth.sum(summed)
    smooth = 1e-5
    if case["loss"] == "tversky":
        index = (both + smooth) / (both + 0.3 * (in_p - both) + 0.7 * (in_truth - both) + smooth)
    else:
        index = (2 * both + smooth) / (in_p + in_truth + smooth)
    loss = -index.mean()
    if case["loss"] == "dice-and-cross-entropy":
        loss = loss + nn.functional.cross_entropy(logits, reduced)
    return loss


def loss_of(net, case, step):
    image, labels = batch(case["patch"], step)
    if axes(case) == 2:
        image, labels = image[:, :, 0], labels[:, :, 0]
    outputs = net(image)
    return outputs, sum(w * level_loss(o, labels, case) for w, o in zip(LEVEL_WEIGHTS, outputs))


def main():
    folder = Path(__file__).parent
    description = {"torch": torch.__version__, "cases": {}}
    for name, case in CASES.items():
        net = network(case)
        fill(net)
        params = parameters(net)
        tensors = {}
        outputs, loss = loss_of(net, case, 0)
        loss.backward()
        for level, output in enumerate(outputs):
            tensors[f"logits {level}"] = output.detach().numpy().reshape(-1)[:: 5 if level == 0 else 1]
        for key, parameter in params.items():
            tensors[f"gradient {key}"] = parameter.grad.numpy()
        if case["optimiser"] == "sgd":
            optimiser = torch.optim.SGD(params.values(), LEARNING_RATE, momentum=MOMENTUM, nesterov=True, weight_decay=3e-5)
        else:
            optimiser = torch.optim.AdamW(params.values(), LEARNING_RATE, weight_decay=0.01)
        losses = []
        for step in range(STEPS):
            for group in optimiser.param_groups:
                group["lr"] = LEARNING_RATE * (1 - step / MAX_STEPS) ** 0.9
            optimiser.zero_grad()
            _, loss = loss_of(net, case, step)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(params.values(), case["clip"])
            optimiser.step()
            losses.append(loss.item())
        for key, parameter in params.items():
            tensors[f"trained {key}"] = parameter.detach().numpy()
        save_file({k: np.ascontiguousarray(v, np.float32) for k, v in tensors.items()}, folder / f"{name}.safetensors")
        cls = "ResidualEncoderUNet" if case["residual"] else "PlainConvUNet"
        v2 = f"dynamic_network_architectures.architectures.unet.{cls}"
        description["cases"][name] = {
            "architecture": {
                "network_class_name": "nnunet.network_architecture.generic_UNet.Generic_UNet" if "features" in case else v2,
                "arch_kwargs": arch_kwargs(case),
                "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
            },
            **{key: case[key] for key in ("patch", "loss", "batch_dice", "optimiser", "clip")},
            "losses": losses,
        }
    (folder / "cases.json").write_text(json.dumps(description, indent=1) + "\n")


main()
