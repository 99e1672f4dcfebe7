"""Small DICOM files in every encoding, with the pixels that pydicom reads from them.

python make_files.py   writes files.json beside this script.
Needs pydicom 3.0.2, numpy 2.4.6 and, for the compression, python-gdcm 3.2.6.
The images are computed; nobody was ever in the scanner.
"""

import base64
import json
import os
import subprocess
import tempfile
from importlib.metadata import version

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

ROWS, COLUMNS = 12, 17
MR = "1.2.840.10008.5.1.4.1.1.4"


def image(bits, signed, frames=1):
    """Ramps, noise and both ends of the range."""
    random = np.random.default_rng(7)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    values = np.linspace(low // 2, high, frames * ROWS * COLUMNS) + random.normal(0, 3, frames * ROWS * COLUMNS)
    values = np.clip(values, low, high).astype(np.int64).reshape(frames, ROWS, COLUMNS)
    values[0, 0, :2] = [low, high]
    return values


def dataset(bits, signed, frames=1, syntax=ExplicitVRLittleEndian):
    allocated = 8 if bits <= 8 else 16
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MR
    meta.MediaStorageSOPInstanceUID = "1.2.3.1"
    meta.TransferSyntaxUID = syntax
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = MR, "1.2.3.1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", "1.2.3.9"
    ds.Modality, ds.PatientID, ds.PatientName = "MR", "P1", "Doe^Jane"
    ds.Rows, ds.Columns, ds.SamplesPerPixel = ROWS, COLUMNS, 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = allocated, bits, bits - 1
    ds.PixelRepresentation = int(signed)
    if frames > 1:
        ds.NumberOfFrames = frames
    kind = {(8, False): "u1", (8, True): "i1", (16, False): "u2", (16, True): "i2"}[allocated, signed]
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    # Frames may have an odd number of bytes, the element may not.
    data = image(bits, signed, frames).astype(order + kind).tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OW" if allocated == 16 else "OB"
    return ds


def save(ds, folder):
    path = os.path.join(folder, "image.dcm")
    syntax = ds.file_meta.TransferSyntaxUID
    pydicom.dcmwrite(
        path, ds, enforce_file_format=True,
        little_endian=syntax.is_little_endian, implicit_vr=syntax.is_implicit_VR,
    )
    return path


def compressed(ds, folder, option):
    out = os.path.join(folder, "compressed.dcm")
    subprocess.run(["gdcmconv", *option, save(ds, folder), out], check=True)
    return out


def fragmented(path, pieces, table):
    """The frames of a compressed file, each in several fragments."""
    ds = pydicom.dcmread(path)
    frames = list(pydicom.encaps.generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames", 1))))
    ds.PixelData = encapsulate(frames, fragments_per_frame=pieces, has_bot=table)
    ds["PixelData"].is_undefined_length = True
    ds.save_as(path)
    return path


def main():
    files = []
    with tempfile.TemporaryDirectory() as folder:
        def add(name, path):
            ds = pydicom.dcmread(path)
            pixels = ds.pixel_array.astype(np.int64).ravel()
            content = base64.b64encode(open(path, "rb").read()).decode()
            files.append({"name": name, "syntax": ds.file_meta.TransferSyntaxUID, "file": content, "pixels": pixels.tolist()})

        for syntax in (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian):
            add(f"{syntax.name}, 12 bits", save(dataset(12, False, syntax=syntax), folder))
            add(f"{syntax.name}, 16 bits signed", save(dataset(16, True, syntax=syntax), folder))
        codecs = {"JPEG lossless": ["--jpeg"], "JPEG-LS": ["--jpegls"], "JPEG 2000": ["--j2k"], "RLE": ["--rle"]}
        for codec, option in codecs.items():
            for bits, signed in ((8, False), (12, False), (16, False), (16, True)):
                # gdcm 3.2.6 stores signed 16 bits wrongly as lossless JPEG.
                if codec == "JPEG lossless" and signed:
                    continue
                name = f"{codec}, {bits} bits{' signed' if signed else ''}"
                add(name, compressed(dataset(bits, signed), folder, option))
        for codec in ("JPEG lossless", "JPEG 2000"):
            path = compressed(dataset(12, False), folder, codecs[codec])
            add(f"{codec}, one frame in 3 fragments", fragmented(path, 3, False))
            path = compressed(dataset(12, False, frames=3), folder, codecs[codec])
            add(f"{codec}, 3 frames in 2 fragments each, with offsets", fragmented(path, 2, True))
        path = compressed(dataset(12, False, frames=3), folder, codecs["JPEG lossless"])
        add("JPEG lossless, 3 frames in 2 fragments each, without offsets", fragmented(path, 2, False))
    versions = {name: version(name) for name in ("pydicom", "numpy", "python-gdcm")}
    target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files.json")
    with open(target, "w") as out:
        json.dump({"versions": versions, "files": files}, out)
        out.write("\n")


main()
