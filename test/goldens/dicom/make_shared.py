"""What dcm2niix and pydicom read from series of the development data: sizes, affines and hashes only.

python make_shared.py FOLDER   writes shared.json beside this script; FOLDER holds the series.
Needs dcm2niix 1.0.20260724, nibabel 5.4.2, pydicom 3.0.2, numpy 2.4.6 and, for compressed files,
pylibjpeg 2.1.0 with its plugins and pyjpegls 1.5.1.

Hashes are of stored numbers, before rescaling, as 32 bits little endian: of a volume turned to RAS with
its first axis fastest (sums of its slices, where they have scales of their own), of a file's frames one after the other.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version

import nibabel as nib
import numpy as np
import pydicom

ENCODED = [
    "siemens-transfer-syntaxes/In",
    "siemens-t1-3d-jpeg-lossless-fragmented/5001_anat-T1w_acq-tfl",
] + [f"dicom2nifti-headers/data/generic/{name}/001" for name in (
    "compressed", "compressed_j2k", "compressed_jpeg", "compressed_jpegls", "compressed_rle")]


def sha256(values):
    return hashlib.sha256(np.asarray(values).astype("<i4").tobytes(order="F")).hexdigest()


def volume(path):
    image = nib.as_closest_canonical(nib.load(path))
    if image.ndim != 3 or image.get_data_dtype().fields:
        return {"name": os.path.basename(path), "unusable": f"{image.ndim} dimensions, {image.get_data_dtype()}"}
    stored = image.dataobj.get_unscaled() if hasattr(image.dataobj, "get_unscaled") else None
    if stored is None:
        # as_closest_canonical has loaded and scaled what it turned: turn the stored numbers instead.
        original = nib.load(path)
        turn = nib.orientations.io_orientation(original.affine)
        stored = nib.orientations.apply_orientation(original.dataobj.get_unscaled(), turn)
    return {
        "name": os.path.basename(path),
        "size": list(image.shape),
        "affine": image.affine.ravel().tolist(),
        # Slices with scales of their own become floating-point numbers, which programs round differently.
        **({"sums": stored.sum(axis=(0, 1), dtype=float).tolist()} if stored.dtype.kind == "f"
           else {"sha256": sha256(stored)}),
    }


def conversion(data, folder):
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(["dcm2niix", "-z", "n", "-b", "n", "-f", "%s", "-o", out, os.path.join(data, folder)],
                       stdout=subprocess.DEVNULL)
        names = sorted(name for name in os.listdir(out) if name.endswith(".nii"))
        return {"folder": folder, "volumes": [volume(os.path.join(out, name)) for name in names]}


def main(data):
    folders = sorted(os.path.relpath(folder, data) for folder, _, files in os.walk(data)
                     if any(not name.lower().startswith("readme") for name in files))
    pixels = []
    for folder in ENCODED:
        for name in sorted(os.listdir(os.path.join(data, folder))):
            path = os.path.join(folder, name)
            ds = pydicom.dcmread(os.path.join(data, path))
            pixels.append({"file": path, "sha256": hashlib.sha256(
                ds.pixel_array.astype("<i4").tobytes()).hexdigest()})
    versions = {name: version(name) for name in (
        "dcm2niix", "nibabel", "pydicom", "numpy", "pylibjpeg", "pyjpegls")}
    target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shared.json")
    with open(target, "w") as out:
        json.dump({"versions": versions, "conversions": [conversion(data, f) for f in folders], "pixels": pixels},
                  out, indent=1)
        out.write("\n")


main(sys.argv[1])
