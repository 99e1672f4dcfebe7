"""Writes anima.json and anima-tiny.json: what animaSegPerfAnalyzer prints for seeded pairs.

usage: python anima_goldens.py PATH/TO/animaSegPerfAnalyzer DATA_FOLDER
Made with the analyzer of Anima-Public at commit d9fb323d on ITK 5.2.1, Python 3.11,
numpy 2.2.6, scipy 1.17.1, nibabel 5.4.2. The analyzer prints six decimals.
"""
import glob
import json
import os
import subprocess
import sys
import tempfile

import nibabel
import numpy as np

import perturb

NAMES = ['Dice', 'Jaccard', 'Sensitivity', 'PPV', 'RelativeVolumeError', 'PPVL', 'SensL',
         'F1_score', 'ContourMeanDistance', 'NbTestedLesions', 'VolTestedLesions']


def write(path, mask, spacing):
    nibabel.save(nibabel.Nifti1Image(mask.T, np.diag([*spacing, 1.0])), path)


def touches_edge(mask):
    inner = mask[1:-1, 1:-1, 1:-1]
    return int(inner.sum()) != int(mask.sum())


def analyze(program, reference, prediction, spacing):
    with tempfile.TemporaryDirectory() as folder:
        write(f'{folder}/r.nii', reference, spacing)
        write(f'{folder}/p.nii', prediction, spacing)
        flags = ['-s', '-l', '-X']
        # The analyzer's surface distances take all pairs of contour voxels: only for small masks.
        # It does not take the array's edge for surface, as Dawson does.
        if int(reference.sum()) * int(prediction.sum()) < 3e7:
            if not touches_edge(reference) and not touches_edge(prediction):
                flags.append('-d')
        subprocess.run([program, '-i', f'{folder}/p.nii', '-r', f'{folder}/r.nii', '-o',
                        f'{folder}/out', *flags], check=True, capture_output=True)
        text = open(f'{folder}/out_global.xml').read()
    measures = {}
    for line in text.splitlines():
        if '<measure' in line:
            name = line.split('"')[1]
            value = float(line.split('>')[1].split('<')[0])
            if name in NAMES:
                measures[name] = None if np.isnan(value) else value
    return measures


def row(program, case, reference, prediction):
    measures = analyze(program, reference, prediction, case['spacingMm'])
    return {**case, 'voxels': [int(reference.sum()), int(prediction.sum())], **measures}


def save(name, rows):
    with open(os.path.join(os.path.dirname(__file__), name), 'w') as file:
        file.write('[\n' + ',\n'.join(json.dumps(r, separators=(',', ':')) for r in rows) + '\n]\n')


def main(program, data):
    paths = sorted(glob.glob(f'{data}/lesions/*/lesions.nii.gz') +
                   glob.glob(f'{data}/synthesis/lesions/*.nii.gz'))
    rows = []
    images = {}
    for case in perturb.cases_on([os.path.relpath(path, data) for path in paths], 8):
        if case['mask'] not in images:
            image = nibabel.load(f'{data}/{case["mask"]}')
            images = {case['mask']: (np.asarray(image.dataobj).T > 0).astype(np.uint8)}
        rows.append(row(program, case, *perturb.pair(case, images[case['mask']])))
    save('anima.json', rows)
    save('anima-tiny.json',
         [row(program, case, *perturb.tiny_pair(case)) for case in perturb.tiny_cases(64)])


main(*sys.argv[1:])
