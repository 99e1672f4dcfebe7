"""The figures of evaluate.js by SciPy, as a research script would compute them on cropped masks.

usage: python evaluate_reference.py FOLDER PROCESSES; prints JSON
"""
import json
import multiprocessing
import os
import sys
import time

import nibabel
import numpy as np
from scipy import ndimage


def surface_distances(a, b, spacing):
    def border(mask):
        return mask & ~ndimage.binary_erosion(mask)
    border_a, border_b = border(a), border(b)
    to_b = ndimage.distance_transform_edt(~border_b, sampling=spacing)[border_a]
    to_a = ndimage.distance_transform_edt(~border_a, sampling=spacing)[border_b]
    return to_b, to_a


def lesions(reference, prediction, connectivity):
    structure = ndimage.generate_binary_structure(3, connectivity)
    reference_labels, reference_count = ndimage.label(reference, structure)
    prediction_labels, prediction_count = ndimage.label(prediction, structure)
    both = reference & prediction
    pairs = np.stack([reference_labels[both], prediction_labels[both]])
    np.unique(pairs, axis=1, return_counts=True)
    np.bincount(reference_labels.ravel())
    np.bincount(prediction_labels.ravel())
    precision = len(np.unique(pairs[1])) / prediction_count
    recall = len(np.unique(pairs[0])) / reference_count
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def evaluate(paths):
    images = [nibabel.load(path) for path in paths]
    reference, prediction = (np.asarray(image.dataobj) > 0 for image in images)
    spacing = images[0].header.get_zooms()
    either = reference | prediction
    box = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        where = np.flatnonzero(either.any(axis=others))
        box.append(slice(max(0, where[0] - 1), where[-1] + 2))
    reference, prediction = reference[tuple(box)], prediction[tuple(box)]
    dsc = 2 * np.sum(reference & prediction) / (reference.sum() + prediction.sum())
    to_prediction, to_reference = surface_distances(reference, prediction, spacing)
    both = np.concatenate([to_prediction, to_reference])
    max(np.percentile(to_prediction, 95), np.percentile(to_reference, 95))
    np.percentile(both, 95)
    f1 = [lesions(reference, prediction, connectivity) for connectivity in (1, 2, 3)]
    return [float(dsc), float(both.mean()), float(f1[2])]


def main(folder, processes):
    names = sorted(os.listdir(f'{folder}/references'))
    pairs = [(f'{folder}/references/{name}', f'{folder}/predictions/{name}') for name in names]
    start = time.perf_counter()
    with multiprocessing.Pool(int(processes)) as pool:
        results = pool.map(evaluate, pairs, chunksize=1)
    print(json.dumps({'seconds': time.perf_counter() - start, 'results': results}))


if __name__ == '__main__':
    main(*sys.argv[1:])
