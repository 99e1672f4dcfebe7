"""nnU-Net's PlainConvUNet in PyTorch on the CPU: a training step or a patch; prints JSON. Started by beside-pytorch.js."""

import json
import resource
import sys
import time

import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet
from torch import nn

work, size, threads, precision = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
torch.set_num_threads(threads)
torch.manual_seed(0)
net = PlainConvUNet(3, 4, [16, 32, 64, 128], nn.Conv3d, 3, [1, 2, 2, 2], 2, 2, 2, True, nn.InstanceNorm3d,
                    {"eps": 1e-5, "affine": True}, None, None, nn.LeakyReLU, {"inplace": True})
image = torch.randn(1, 3, size, size, size)
autocast = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")

optimiser = torch.optim.SGD(net.parameters(), 0.01, momentum=0.99, nesterov=True, weight_decay=3e-5)
labels = (torch.rand(1, size, size, size) < 0.02).long()
truth = nn.functional.one_hot(labels, 2).movedim(-1, 1).float()


def train():
    optimiser.zero_grad()
    with autocast:
        logits = net(image)
    logits = logits.float()
    p = torch.softmax(logits, 1)[:, 1:]
    t = truth[:, 1:]
    axes = (2, 3, 4)
    dice = (2 * (p * t).sum(axes) + 1e-5) / (p.sum(axes) + t.sum(axes) + 1e-5)
    loss = nn.functional.cross_entropy(logits, labels) - dice.mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 12)
    optimiser.step()
    return loss.item()


def predict():
    with torch.inference_mode(), autocast:
        return net(image)


run, runs = {"train": (train, 5), "predict": (predict, 9)}[work]
if work == "predict":
    net.eval()
run()
times = []
before = time.process_time()
for _ in range(runs):
    start = time.perf_counter()
    run()
    times.append((time.perf_counter() - start) * 1000)
print(json.dumps({
    "milliseconds": sorted(times)[len(times) // 2],
    "processorMs": (time.process_time() - before) * 1000 / runs,
    "peakMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "version": torch.__version__,
}))
