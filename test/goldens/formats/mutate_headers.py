"""1,000 seeded mutations of NIfTI-1 headers, and what nibabel and SimpleITK read of each.

python mutate_headers.py   writes mutated-headers.json beside this script.
Made with nibabel 5.4.2, SimpleITK 2.5.7, numpy 2.4.6.

Every field of three small images is set to 0, 1, -1, NaN, its largest value and the value of its
neighbour (where the type can hold it); the rest of the thousand are pairs of such changes.
"""

import json
import os
import random
import resource
import struct
import tempfile
import warnings
from multiprocessing import Process, Queue

import nibabel as nib
import numpy as np
import SimpleITK as sitk

warnings.simplefilter("ignore")
nib.imageglobals.logger.setLevel(100)
COUNT = 1000
SIZE = (4, 3, 2)

# Name, place, type and number of every field of nifti1.h that holds numbers.
FIELDS = [
    ("sizeof_hdr", 0, "i", 1), ("dim_info", 39, "B", 1), ("dim", 40, "h", 8), ("intent_p", 56, "f", 3),
    ("intent_code", 68, "h", 1), ("datatype", 70, "h", 1), ("bitpix", 72, "h", 1), ("slice_start", 74, "h", 1),
    ("pixdim", 76, "f", 8), ("vox_offset", 108, "f", 1), ("scl_slope", 112, "f", 1), ("scl_inter", 116, "f", 1),
    ("slice_end", 120, "h", 1), ("slice_code", 122, "B", 1), ("xyzt_units", 123, "B", 1), ("cal", 124, "f", 2),
    ("slice_duration", 132, "f", 1), ("toffset", 136, "f", 1), ("glmax", 140, "i", 2), ("qform_code", 252, "h", 1),
    ("sform_code", 254, "h", 1), ("quatern", 256, "f", 3), ("qoffset", 268, "f", 3), ("srow", 280, "f", 12),
]  # fmt: skip
LARGEST = {"B": 255, "h": 2**15 - 1, "i": 2**31 - 1, "f": float(np.finfo(np.float32).max)}


def bases():
    """Images whose place is in the sform and the qform, in the qform alone, in the sform alone."""
    values = (np.arange(24, dtype=np.int16) * 5 - 30).reshape(SIZE, order="F")
    affine = np.eye(4)
    affine[:3, :3] = nib.quaternions.quat2mat([0.8, -0.2, 0.5, 0.26457513]) @ np.diag([0.7, 0.9, -4])
    affine[:3, 3] = [-12.5, 7.25, 99]
    both = nib.Nifti1Image(values, affine)
    both.header.set_xyzt_units("mm", "sec")
    qform = nib.Nifti1Image(values, None)
    qform.set_qform(affine, code=1)
    qform.set_sform(None, code=0)
    sform = nib.Nifti1Image(values, affine)
    sform.set_sform(affine, code=2)
    sform.header.set_slope_inter(0.5, 10)
    both.set_qform(affine, code=1)
    both.set_sform(affine, code=1)
    return {"both": both.to_bytes(), "qform": qform.to_bytes(), "sform": sform.to_bytes()}


def places():
    return [(f"{name}[{i}]" if n > 1 else name, at + i * struct.calcsize(kind), kind)
            for name, at, kind, n in FIELDS for i in range(n)]  # fmt: skip


def changes(data):
    """Every change of one field: what it is, and where which bytes go."""
    found = places()
    for index, (name, at, kind) in enumerate(found):
        _, next_at, next_kind = found[(index + 1) % len(found)]
        neighbour = struct.unpack_from("<" + next_kind, data, next_at)[0]
        values = {"0": 0, "1": 1, "-1": -1, "NaN": float("nan"), "largest": LARGEST[kind], "neighbour": neighbour}
        for what, value in values.items():
            try:
                packed = struct.pack("<" + kind, value if kind == "f" else int(value))
            except (struct.error, ValueError, OverflowError):
                continue
            if packed != data[at : at + len(packed)]:
                yield f"{name} = {what}", at, packed


def thousand(files):
    single = [(base, [change]) for base, data in files.items() for change in changes(data)]
    rng = random.Random(30)
    pairs = []
    while len(single) + len(pairs) < COUNT:
        base = rng.choice(list(files))
        pairs.append((base, rng.sample(list(changes(files[base])), 2)))
    return (single + pairs)[:COUNT]


def digits(numbers):
    return [float(f"{x:.6g}") if np.isfinite(x) else str(x) for x in np.ravel(numbers).astype(float)]


def outcome(shape, affine, values):
    shape = list(shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if len(shape) != 3 or 0 in shape:
        return None  # not one volume, or nothing in it
    if np.prod(shape) > np.prod(SIZE):
        return {"size": shape}  # more than the file holds
    return {"size": shape, "affine": digits(np.asarray(affine)[:3]), "values": digits(np.ravel(values, order="F"))}


def by_nibabel(path):
    image = nib.load(path)
    return outcome(image.shape, image.affine, np.asanyarray(image.dataobj))


def by_itk(path):
    image = sitk.ReadImage(path)
    matrix = np.eye(4)
    if image.GetDimension() > 3 and all(n == 1 for n in image.GetSize()[3:]):
        image = image[(slice(None),) * 3 + (0,) * (image.GetDimension() - 3)]
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        return None
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) @ np.diag(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return outcome(image.GetSize(), np.diag([-1, -1, 1, 1]) @ matrix, sitk.GetArrayFromImage(image).T)


def read_all(read, paths, queue):
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    for path in paths:
        try:
            queue.put(read(path))
        except Exception:
            queue.put(None)


def outcomes(read, paths):
    """In a process of its own: a file that brings a reader down is one that it refuses."""
    results = []
    while len(results) < len(paths):
        queue = Queue()
        process = Process(target=read_all, args=(read, paths[len(results) :], queue))
        process.start()
        while len(results) < len(paths):
            try:
                results.append(queue.get(timeout=20))
            except Exception:
                results.append(None)
                break
        process.terminate()
    return results


def main():
    files = bases()
    mutations = thousand(files)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index, (base, parts) in enumerate(mutations):
            data = bytearray(files[base])
            for _, at, packed in parts:
                data[at : at + len(packed)] = packed
            paths.append(os.path.join(folder, f"{index}.nii"))
            with open(paths[-1], "wb") as file:
                file.write(data)
        read = {"nibabel": outcomes(by_nibabel, paths), "itk": outcomes(by_itk, paths)}
    known = []

    def place(result):
        if result is None:
            return -1
        if result not in known:
            known.append(result)
        return known.index(result)

    rows = [
        [base, " and ".join(what for what, _, _ in parts), [[at, packed.hex()] for _, at, packed in parts],
         place(read["nibabel"][index]), place(read["itk"][index])]
        for index, (base, parts) in enumerate(mutations)
    ]  # fmt: skip
    golden = {
        "versions": {"nibabel": nib.__version__, "SimpleITK": sitk.Version.VersionString()},
        "bases": {name: data.hex() for name, data in files.items()},
        "outcomes": known,
        "mutations": rows,
    }
    here = os.path.dirname(os.path.abspath(__file__))
    lines = json.dumps(golden, separators=(",", ":")).replace('],["', '],\n["').replace('},{"size"', '},\n{"size"')
    with open(os.path.join(here, "mutated-headers.json"), "w") as file:
        file.write(lines + "\n")


if __name__ == "__main__":
    main()
