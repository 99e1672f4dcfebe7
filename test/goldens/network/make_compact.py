"""Goldens of the compact network, without and with its branch at full resolution, with averaged
weights: PyTorch in float64.

    venv/bin/python make_compact.py     (the environment of make.py)

The network is written out here in PyTorch's own layers; weights, images, labels and the learning rate
follow the formulas of make.py.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn

source = Path(__file__).with_name("make.py").read_text().removesuffix("main()\n")
# Without the libraries that the other networks come from.
source = "\n".join(line for line in source.split("\n") if "architecture" not in line.split("import")[0] or "import" not in line)
made = {"__file__": __file__}
exec(source, made)

FEATURES, FINE, PATCH, SMOOTH, CE_WEIGHT, DECAY, CLIP = [3, 4], 5, [8, 12, 8], 20, 10, 0.9, 0.5


def normalized(channels):
    module = nn.Module()
    module.conv = nn.Conv3d(channels, channels, 3, padding=1, bias=False)
    module.norm = nn.InstanceNorm3d(channels, eps=1e-5, affine=True)
    return module


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = normalized(channels), normalized(channels)

    def forward(self, x):
        y = nn.functional.leaky_relu(self.conv1.norm(self.conv1.conv(x)), 0.01)
        return nn.functional.leaky_relu(self.conv2.norm(self.conv2.conv(y)) + x, 0.01)


class Compact(nn.Module):
    def __init__(self, fine):
        super().__init__()
        a, b = FEATURES
        self.stem = nn.Conv3d(2, a, 2, stride=2)
        self.encoder = nn.ModuleDict({"0": nn.ModuleDict({"blocks": nn.ModuleList([Residual(a)])}),
                                      "1": nn.ModuleDict({"down": nn.Conv3d(a, b, 2, stride=2), "blocks": nn.ModuleList([Residual(b)])})})
        self.decoder = nn.ModuleDict({"0": nn.ModuleDict({"up": nn.ConvTranspose3d(b, a, 2, stride=2), "conv": normalized(a),
                                                          "blocks": nn.ModuleList([Residual(a)])})})
        self.head = nn.ConvTranspose3d(a, 3, 2, stride=2)
        if fine:
            self.fine = nn.ModuleDict({"stem": nn.Conv3d(2, FINE, 3, padding=1), "up": nn.ConvTranspose3d(a, FINE, 2, stride=2),
                                       "conv": normalized(FINE), "head": nn.Conv3d(FINE, 3, 1)})

    def forward(self, image):
        half = self.encoder["0"]["blocks"][0](self.stem(image))
        coarse = self.encoder["1"]["blocks"][0](self.encoder["1"]["down"](half))
        step = self.decoder["0"]
        x = step["up"](coarse) + half
        x = nn.functional.leaky_relu(step["conv"].norm(step["conv"].conv(x)), 0.01)
        x = step["blocks"][0](x)
        if not hasattr(self, "fine"):
            return self.head(x)
        y = nn.functional.leaky_relu(self.fine["stem"](image) + self.fine["up"](x), 0.01)
        conv = self.fine["conv"]
        y = nn.functional.leaky_relu(conv.norm(conv.conv(y)), 0.01)
        return self.head(x) + self.fine["head"](y)


def loss_of(net, step):
    image, labels = made["batch"](PATCH, step)
    logits = net(image)
    truth = nn.functional.one_hot(labels[:, 0], 3).movedim(-1, 1).double()[:, 1:]
    p = torch.softmax(logits, 1)[:, 1:]
    axes = [0, 2, 3, 4]
    index = (2 * (p * truth).sum(axes) + SMOOTH) / (p.sum(axes) + truth.sum(axes) + SMOOTH)
    return logits, CE_WEIGHT * nn.functional.cross_entropy(logits, labels[:, 0]) - index.mean()


def make(name, fine):
    net = Compact(fine).double()
    made["fill"](net)
    params = made["parameters"](net)
    average = {key: value.detach().clone() for key, value in params.items()}
    optimiser = torch.optim.AdamW(params.values(), 0.01, weight_decay=0.01)
    losses, tensors = [], {}
    for step in range(5):
        for group in optimiser.param_groups:
            group["lr"] = 0.01 * (1 - step / 10) ** 0.9
        optimiser.zero_grad()
        logits, loss = loss_of(net, step)
        if step == 0:
            tensors["logits"] = logits.detach().numpy().reshape(-1)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params.values(), CLIP)
        optimiser.step()
        losses.append(loss.item())
        for key, value in params.items():
            average[key] = DECAY * average[key] + (1 - DECAY) * value.detach()
    tensors |= {f"average {key}": value.numpy() for key, value in average.items()}
    tensors["losses"] = np.array(losses)
    save_file({k: np.ascontiguousarray(v, np.float32) for k, v in tensors.items()},
              Path(__file__).with_name(f"{name}.safetensors"))
    print(name, torch.__version__, losses, sys.version)


make("compact", False)
make("compact-fine", True)
