"""Writes definitions-tiny.json: panoptica, MONAI, SciPy and the WMH challenge's script on seeded pairs.

usage: python definitions_goldens.py FOLDER_WITH_THE_WMH_SCRIPT
Made with panoptica 2.1.7, MONAI 1.6.1 (torch 2.15.0), SciPy 1.17.1, SimpleITK 2.5.7,
numpy 2.2.6 and evaluation.py of hjkuijf/wmhchallenge at commit 2e628cbe (imported, not included).
"""
import json
import math
import os
import sys

import numpy as np
import SimpleITK
import torch
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance
from panoptica import InputType, NaiveThresholdMatching, Panoptica_Evaluator
from panoptica import ConnectedComponentsInstanceApproximator, Metric
from scipy import ndimage

import perturb

sys.path.insert(0, sys.argv[1])
import evaluation as wmh  # noqa: E402


def finite(value):
    value = float(value)
    return value if math.isfinite(value) else None


def with_panoptica(reference, prediction):
    evaluator = Panoptica_Evaluator(
        expected_input=InputType.SEMANTIC,
        instance_approximator=ConnectedComponentsInstanceApproximator(),
        instance_matcher=NaiveThresholdMatching(),
        instance_metrics=[Metric.IOU, Metric.DSC],
        global_metrics=[],
    )
    result = evaluator.evaluate(prediction, reference, verbose=False)['ungrouped']
    figures = {}
    for name in ('tp', 'n_ref_instances', 'n_pred_instances', 'prec', 'rec', 'rq', 'sq', 'pq'):
        try:
            figures[name] = finite(getattr(result, name))
        except Exception:  # panoptica raises where a figure is undefined
            figures[name] = None
    return figures


def with_monai(reference, prediction, spacing):
    if not reference.any() or not prediction.any():
        return None
    def one_hot(mask):
        return torch.from_numpy(mask[None, None].astype(np.float32))
    options = dict(include_background=True, spacing=list(spacing)[::-1])
    return {
        'hd95': float(compute_hausdorff_distance(
            one_hot(prediction), one_hot(reference), percentile=95, **options)),
        'hd': float(compute_hausdorff_distance(
            one_hot(prediction), one_hot(reference), **options)),
        'assd': float(compute_average_surface_distance(
            one_hot(prediction), one_hot(reference), symmetric=True, **options)),
    }


def with_scipy(reference, prediction, spacing):
    if not reference.any() or not prediction.any():
        return None
    sampling = list(spacing)[::-1]
    def border(mask):
        return mask.astype(bool) & ~ndimage.binary_erosion(mask)
    def distances(a, b):
        return ndimage.distance_transform_edt(~border(b), sampling=sampling)[border(a)]
    to_prediction, to_reference = distances(reference, prediction), distances(prediction, reference)
    pooled = np.concatenate([to_prediction, to_reference])
    return {
        'meanReferenceToPrediction': to_prediction.mean(),
        'meanPredictionToReference': to_reference.mean(),
        'assd': pooled.mean(),
        'hd95Pooled': np.percentile(pooled, 95),
        'hd95': max(np.percentile(to_prediction, 95), np.percentile(to_reference, 95)),
        'maximum': pooled.max(),
    }


def with_labels(reference, prediction, connectivity):
    """Lesions touched, any shared voxel: for the ISBI 2015 and the plain definition."""
    structure = ndimage.generate_binary_structure(3, connectivity)
    reference_labels, reference_count = ndimage.label(reference, structure)
    prediction_labels, prediction_count = ndimage.label(prediction, structure)
    both = (reference > 0) & (prediction > 0)
    return {
        'referenceLesions': reference_count,
        'predictedLesions': prediction_count,
        'detectedLesions': len(np.unique(reference_labels[both])),
        'confirmedLesions': len(np.unique(prediction_labels[both])),
    }


def with_wmh_script(reference, prediction, spacing, folder='/tmp'):
    # Single precision, as the challenge stores them: its thresholds of 0.5 and 1.5 fail on integers.
    labels = reference.copy()
    labels[:, :, 14:] *= 2  # other pathology on one side of the grid
    paths = [os.path.join(folder, name) for name in ('wmh-r.nii', 'wmh-p.nii')]
    for path, array in zip(paths, (labels, prediction)):
        image = SimpleITK.GetImageFromArray(array.astype(np.float32))
        image.SetSpacing([float(np.float32(s)) for s in spacing])
        SimpleITK.WriteImage(image, path)
    test, result = wmh.getImages(*paths)
    figures = {}
    for name, function in (('dsc', wmh.getDSC), ('h95', wmh.getHausdorff), ('avd', wmh.getAVD)):
        try:
            figures[name] = finite(function(test, result))
        except Exception:  # the script stops at empty references
            figures[name] = None
    figures['recall'], figures['f1'] = wmh.getLesionDetection(test, result)
    return figures


rows = []
for case in perturb.tiny_cases(64):
    reference, prediction = perturb.tiny_pair(case)
    spacing = [float(np.float32(s)) for s in case['spacingMm']]
    rows.append({
        **case,
        'voxels': [int(reference.sum()), int(prediction.sum())],
        'panoptica': with_panoptica(reference, prediction),
        'monai': with_monai(reference, prediction, spacing),
        'scipy': with_scipy(reference, prediction, spacing),
        'isbi2015': with_labels(reference, prediction, 2),
        'anyOverlap': with_labels(reference, prediction, 3),
        'wmh': with_wmh_script(reference, prediction, spacing),
    })
with open(os.path.join(os.path.dirname(__file__), 'definitions-tiny.json'), 'w') as file:
    lines = [json.dumps(row, separators=(',', ':')) for row in rows]
    file.write('[\n' + ',\n'.join(lines) + '\n]\n')
