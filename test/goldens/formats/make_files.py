"""Small image and transform files made by nibabel and SimpleITK, with what those programs read.

python make_files.py   writes files.json beside this script.
Made with nibabel 5.4.2, SimpleITK 2.5.7, numpy 2.4.6 (see "versions" in files.json).
"""

import base64
import gzip
import io
import json
import os
import tempfile

import nibabel as nib
import numpy as np
import SimpleITK as sitk

SIZE = (4, 3, 2)
OBLIQUE = np.array(
    [[-0.9, 0.1, 0.2, 10.5], [0.12, 1.1, -0.3, -20.25], [0.15, 0.25, 3.1, 30.125], [0, 0, 0, 1]]
)
DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]


def values(dtype):
    """Both ends of the range (as far as a double holds them) and numbers between."""
    ramp = np.arange(np.prod(SIZE)) * 5
    if dtype.startswith("float"):
        data = (ramp - 50.5).astype(dtype)
        data[:2] = [np.finfo(dtype).max, -np.finfo(dtype).tiny]
    else:
        info = np.iinfo(dtype)
        data = ramp.astype(dtype)
        data[:2] = [max(info.min, -(2**53)), min(info.max, 2**53)]
    return data.reshape(SIZE, order="F")


def encode(data):
    return base64.b64encode(data).decode()


def record(data, affine):
    return {
        "size": list(data.shape),
        "affine": [float(x) for x in np.asarray(affine).ravel()],
        "values": [float(x) for x in data.ravel(order="F")],
    }


def rotation_affine(flip):
    """A rotation with three voxel sizes, left-handed on demand: what a qform can say."""
    q = nib.quaternions.quat2mat([0.8, -0.2, 0.5, 0.26457513])
    affine = np.eye(4)
    affine[:3, :3] = q @ np.diag([0.7, 0.9, -4 if flip else 4])
    affine[:3, 3] = [-12.5, 7.25, 99]
    return affine


def nifti_cases():
    for version, image_class, header_class in (
        (1, nib.Nifti1Image, nib.Nifti1Header),
        (2, nib.Nifti2Image, nib.Nifti2Header),
    ):
        for endian in "<>":
            for dtype in DTYPES:
                header = header_class(endianness=endian)
                header.set_data_dtype(np.dtype(dtype).newbyteorder(endian))
                image = image_class(values(dtype), OBLIQUE, header, dtype=dtype)
                yield f"nifti{version} {'LE' if endian == '<' else 'BE'} {dtype}", image

    scaled = nib.Nifti1Image(np.linspace(-3, 70, 24).reshape(SIZE, order="F"), OBLIQUE)
    scaled.set_data_dtype(np.int16)
    yield "int16 with scl_slope and scl_inter", scaled

    for flip in (False, True):
        image = nib.Nifti1Image(values("int16"), None)
        image.set_qform(rotation_affine(flip), code=1)
        image.set_sform(None, code=0)
        yield f"qform only, {'left' if flip else 'right'}-handed", image

    straight = np.diag([-0.7, 0.9, 4, 1])
    straight[:3, 3] = [10.5, -20.25, 30.125]
    image = nib.Nifti1Image(values("int16"), straight)
    image.set_qform(rotation_affine(True), code=1)
    image.set_sform(straight, code=2)
    yield "sform and qform that differ", image

    four = nib.Nifti1Image(values("int16")[..., None], OBLIQUE)
    yield "a fourth dimension of one", four


def single_file(image):
    return {"image.nii": encode(image.to_bytes())}


def pair_files():
    image = nib.Nifti1Pair(values("int16"), OBLIQUE)
    maps = {"header": nib.FileHolder(fileobj=io.BytesIO()), "image": nib.FileHolder(fileobj=io.BytesIO())}
    image.to_file_map(maps)
    return {
        "image.hdr": encode(maps["header"].fileobj.getvalue()),
        "image.img": encode(maps["image"].fileobj.getvalue()),
    }


def reread(files, main):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(base64.b64decode(text))
        image = nib.load(os.path.join(folder, main))
        data = np.asanyarray(image.dataobj)
        return record(data[..., 0] if data.ndim == 4 else data, image.affine)


def make_nifti():
    cases = []
    for name, image in nifti_cases():
        files = single_file(image)
        cases.append({"name": name, "main": "image.nii", "files": files, **reread(files, "image.nii")})
    files = pair_files()
    cases.append({"name": "a pair of files", "main": "image.hdr", "files": files, **reread(files, "image.hdr")})
    packed = gzip.compress(base64.b64decode(cases[3]["files"]["image.nii"]), mtime=0)
    cases.append({**cases[3], "name": "gzip", "files": {"image.nii": encode(packed)}})
    return cases


def sitk_affine(image):
    """Voxel index to RAS mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) @ np.diag(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return np.diag([-1, -1, 1, 1]) @ matrix


def make_metaimage():
    rotation = rotation_affine(False)[:3, :3] / [0.7, 0.9, 4]
    cases = []
    variants = [("image.mha", dtype, False) for dtype in DTYPES]
    variants += [("image.mha", "int16", True), ("image.mhd", "int16", False), ("image.mhd", "float32", True)]
    for main, dtype, compress in variants:
        image = sitk.GetImageFromArray(values(dtype).T)
        image.SetSpacing((0.7, 0.9, 4))
        image.SetOrigin((12.5, -7.25, 99))
        image.SetDirection(rotation.ravel().tolist())
        with tempfile.TemporaryDirectory() as folder:
            sitk.WriteImage(image, os.path.join(folder, main), compress)
            files = {}
            for name in sorted(os.listdir(folder)):
                with open(os.path.join(folder, name), "rb") as file:
                    files[name] = encode(file.read())
            read = sitk.ReadImage(os.path.join(folder, main))
        expected = record(sitk.GetArrayFromImage(read).T, sitk_affine(read))
        name = f"{main} {dtype}{' compressed' if compress else ''}"
        cases.append({"name": name, "main": main, "files": files, **expected})
    return cases


def make_transforms():
    centre = (3.5, -20.25, 11)
    euler = sitk.Euler3DTransform(centre, 0.3, -0.2, 0.5, (4, -5, 6.5))
    euler_zyx = sitk.Euler3DTransform(euler)
    euler_zyx.SetComputeZYX(True)
    versor = sitk.VersorRigid3DTransform((0.1, -0.3, 0.2, 0.9), (1, 2, -3), centre)
    similarity = sitk.Similarity3DTransform(1.2, (0.1, -0.3, 0.2, 0.9), (1, 2, -3), centre)
    affine = sitk.AffineTransform((1.1, 0.1, -0.05, 0.02, 0.95, 0.2, 0.01, -0.1, 1.03), (5, 6, -7), centre)
    translation = sitk.TranslationTransform(3, (1.5, -2.5, 3.25))
    kinds = {
        "Euler3DTransform, ZXY": euler,
        "Euler3DTransform, ZYX": euler_zyx,
        "VersorRigid3DTransform": versor,
        "Similarity3DTransform": similarity,
        "AffineTransform": affine,
        "TranslationTransform": translation,
    }
    points = [(0, 0, 0), (10, 0, 0), (0, 10, 0), (0, 0, 10), (-31.5, 44.25, 60)]
    texts = {}
    for name, transform in kinds.items():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "transform.txt")
            sitk.WriteTransform(transform, path)
            with open(path) as file:
                texts[name] = (transform, file.read())
    text = texts["AffineTransform"][1]
    texts["MatrixOffsetTransformBase"] = (affine, text.replace("AffineTransform", "MatrixOffsetTransformBase"))
    texts["AffineTransform of single precision"] = (affine, text.replace("_double_", "_float_"))
    return [
        {"name": name, "text": text, "lps": [[list(p), list(transform.TransformPoint(p))] for p in points]}
        for name, (transform, text) in texts.items()
    ]


if __name__ == "__main__":
    golden = {
        "versions": {"nibabel": nib.__version__, "SimpleITK": sitk.Version.VersionString(), "numpy": np.__version__},
        "nifti": make_nifti(),
        "metaimage": make_metaimage(),
        "transforms": make_transforms(),
    }
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "files.json"), "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")
