"""Expected results of the volume functions, computed with NumPy and SciPy (requirements.txt).

    python make.py        writes golden.json beside this file

Arrays are listed with the first axis running fastest, as Dawson keeps them in memory.
"""
import json
from pathlib import Path

import numpy as np
from scipy import ndimage

rng = np.random.default_rng(20260101)


def flat(array, digits=7):
    values = np.asarray(array).ravel(order="F").tolist()
    return [float(f"{v:.{digits}g}") if isinstance(v, float) else int(v) for v in values]


def components():
    mask = rng.random((10, 9, 8)) < 0.22
    rows = []
    for connectivity, rank in ((6, 1), (18, 2), (26, 3)):
        # Transposed, SciPy's raster order has our first axis running fastest.
        structure = ndimage.generate_binary_structure(3, rank)
        labels, count = ndimage.label(mask.T, structure)
        rows.append({"connectivity": connectivity, "count": count, "labels": flat(labels.T)})
    return {"size": mask.shape, "mask": flat(mask.astype(int)), "expected": rows}


def distance():
    mask = rng.random((9, 8, 7)) < 0.02
    spacing = (0.72, 1.1, 3.0)
    distances = ndimage.distance_transform_edt(~mask, sampling=spacing)
    return {
        "size": mask.shape,
        "spacingMm": spacing,
        "mask": flat(mask.astype(int)),
        "distancesMm": flat(distances),
    }


def resampling():
    moving = np.round(rng.normal(100, 30, (8, 7, 6)), 2)
    size = (9, 8, 7)
    # Index of the grid to index of the moving image: turned, stretched and shifted.
    matrix = np.array([[0.71, -0.22, 0.05], [0.18, 0.77, -0.11], [-0.04, 0.13, 0.69]])
    # Odd digits: no point lies halfway between two voxels, where nearest is a matter of taste.
    offset = np.array([0.90137, 0.15073, 0.55191])
    grid = np.indices(size).reshape(3, -1, order="F")
    points = matrix @ grid + offset[:, None]
    extent = np.array(moving.shape)[:, None]
    inside = np.all((points >= -0.5) & (points <= extent - 0.5), axis=0)
    cubic = ndimage.map_coordinates(moving, points, order=3, mode="mirror")
    linear = ndimage.map_coordinates(moving, points, order=1, mode="nearest")
    nearest = ndimage.map_coordinates(moving, points, order=0, mode="nearest")
    return {
        "movingSize": moving.shape,
        "moving": flat(moving),
        "size": size,
        "matrix": matrix.ravel().tolist(),
        "offset": offset.tolist(),
        "inside": int(inside.sum()),
        "nearest": flat(np.where(inside, nearest, -1)),
        "linear": flat(np.where(inside, linear, -1)),
        "cubic": flat(np.where(inside, cubic, -1)),
    }


def gaussian():
    image = np.round(rng.normal(0, 10, (9, 8, 5)), 2)
    spacing = (0.8, 1.2, 3.0)
    sigma = (1.0, 2.1, 2.4)
    smooth = ndimage.gaussian_filter(
        image, [s / d for s, d in zip(sigma, spacing)], mode="reflect", truncate=4.0
    )
    return {
        "size": image.shape,
        "spacingMm": spacing,
        "sigmaMm": sigma,
        "image": flat(image),
        "smooth": flat(smooth),
    }


def gradients():
    image = np.round(rng.normal(0, 10, (6, 5, 4)), 2)
    spacing = (0.8, 1.2, 3.0)
    x, y, z = np.gradient(image, *spacing)
    return {
        "size": image.shape,
        "spacingMm": spacing,
        "image": flat(image),
        "x": flat(x),
        "y": flat(y),
        "z": flat(z),
    }


def percentiles():
    values = np.round(rng.normal(50, 20, 101), 0)  # whole numbers: many ties
    mask = rng.random(101) < 0.4
    ps = [0, 1, 12.5, 50, 73.3, 99, 100]
    return {
        "values": flat(values),
        "mask": flat(mask.astype(int)),
        "ps": ps,
        "all": [float(np.percentile(values, p)) for p in ps],
        "masked": [float(np.percentile(values[mask], p)) for p in ps],
    }


def xoshiro128starstar(seed, count):
    word = 0xFFFFFFFF
    state = []
    for step in range(1, 5):
        z = (seed + step * 0x9E3779B9) & word
        z = ((z ^ (z >> 16)) * 0x85EBCA6B) & word
        z = ((z ^ (z >> 13)) * 0xC2B2AE35) & word
        state.append(z ^ (z >> 16))
    rotate = lambda x, k: ((x << k) | (x >> (32 - k))) & word
    result = []
    for _ in range(count):
        result.append((rotate((state[1] * 5) & word, 7) * 9) & word)
        shifted = (state[1] << 9) & word
        state[2] ^= state[0]
        state[3] ^= state[1]
        state[1] ^= state[2]
        state[0] ^= state[3]
        state[2] ^= shifted
        state[3] = rotate(state[3], 11)
    return result


golden = {
    "components": components(),
    "distance": distance(),
    "resampling": resampling(),
    "gaussian": gaussian(),
    "gradients": gradients(),
    "percentiles": percentiles(),
    "random": [{"seed": s, "bits": xoshiro128starstar(s, 8)} for s in (0, 1, 4294967295)],
}
lines = [f" {json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in golden.items()]
Path(__file__).with_name("golden.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
