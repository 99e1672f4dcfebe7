"""What nibabel and SimpleITK read of files that Dawson wrote.

node write-files.js FOLDER       writes the files (run `npm run build` first)
python read_written.py FOLDER    writes written.json beside this script

The test of the same name writes the files again, demands the same bytes, and compares what these
programs read with what was meant. Made with nibabel 5.4.2, SimpleITK 2.5.7, numpy 2.4.6.
"""

import base64
import json
import os
import sys

import nibabel as nib
import numpy as np
import SimpleITK as sitk

folder = sys.argv[1]
POINTS = [(0, 0, 0), (10, 0, 0), (0, 10, 0), (0, 0, 10), (-31.5, 44.25, 60)]


def read_bytes(name):
    with open(os.path.join(folder, name), "rb") as file:
        return base64.b64encode(file.read()).decode()


def itk_affine(path):
    """Voxel index to RAS mm; none for NIfTI-2, which this ITK does not read."""
    try:
        image = sitk.ReadImage(path)
    except RuntimeError:
        return None
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) @ np.diag(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return (np.diag([-1, -1, 1, 1]) @ matrix).ravel().tolist()


def read_nifti(name):
    path = os.path.join(folder, name)
    image = nib.load(path)
    header = image.header
    return {
        "name": name,
        "bytes": read_bytes(name),
        "class": type(image).__name__,
        "dtype": str(header.get_data_dtype()),
        "units": list(header.get_xyzt_units()),
        "values": np.asanyarray(image.dataobj).ravel(order="F").tolist(),
        "affine": image.affine.ravel().tolist(),
        "sformCode": int(header["sform_code"]),
        "qformCode": int(header["qform_code"]),
        "qform": None if header["qform_code"] == 0 else image.get_qform().ravel().tolist(),
        "itkAffine": itk_affine(path),
    }


def read_transform(name):
    transform = sitk.ReadTransform(os.path.join(folder, name))
    return {
        "name": name,
        "bytes": read_bytes(name),
        "lps": [[list(p), list(transform.TransformPoint(p))] for p in POINTS],
    }


names = sorted(os.listdir(folder))
golden = {
    "nifti": [read_nifti(name) for name in names if name.endswith(".nii")],
    "transforms": [read_transform(name) for name in names if name.endswith(".txt")],
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "written.json"), "w") as file:
    json.dump(golden, file, indent=1)
    file.write("\n")
