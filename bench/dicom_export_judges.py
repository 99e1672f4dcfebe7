"""What other programs read from the objects that `npm run bench -- dicom-export --out FOLDER` wrote.

python dicom_export_judges.py FOLDER
Needs dicom3tools 20260927 (dciodvfy, dcentvfy), highdicom 0.28.2, pydicom 3.0.2, dcmqi 1.5.7,
nibabel 5.4.2 and, for compressed series, pylibjpeg.
"""

import json
import os
import subprocess
import sys
import tempfile
from glob import glob
from os.path import dirname, join

import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom

BIN = dirname(sys.executable)


def output(*command):
    done = subprocess.run([join(BIN, command[0]), *command[1:]], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def lps(affine):
    return np.diag([-1, -1, 1, 1]) @ affine


def same_grid(affine, other):
    return float(np.abs(affine - other).max())


def judge(case):
    objects = join(case, "dicom")
    exam = open(join(case, "exam.txt")).read()
    result = join(case.removesuffix("-without"), "result")
    findings = json.load(open(join(result, "findings.json")))
    mask_image = nib.load(join(result, "lesions.nii.gz"))
    mask, grid = np.asarray(mask_image.dataobj).astype(bool), lps(mask_image.affine)
    without = case.endswith("-without")
    if without:
        mask = np.zeros_like(mask)
        findings = {**findings, "lesions": [], "lesionVolumeMl": 0, "lesionCount": 0}
    files = sorted(glob(join(objects, "*.dcm")))
    print(f"== {os.path.basename(case)}: {len(files)} objects, {int(mask.sum())} lesion voxels")
    said = {}
    for file in files:
        _, text = output("dciodvfy", "-new", file)
        for line in text.splitlines():
            if line.startswith(("Error", "Warning")):
                said.setdefault(line, []).append(os.path.basename(file))
    errors = sum(line.startswith("Error") for line in said)
    print(f"dciodvfy: {errors} errors, {len(said) - errors} warnings")
    for line, where in said.items():
        print(f"   {line}  [{len(where)} files, {where[0]}]")
    sources = [f for f in glob(join(exam, "**"), recursive=True) if os.path.isfile(f) and not f.endswith(".md")]
    _, text = output("dcentvfy", *sources, *files)
    # What the images refer to beside themselves is not in the folder.
    said = {line.split(" for file ")[0]: line for line in text.splitlines() if "Missing SOPInstanceUID" not in line or case in line}
    print(f"dcentvfy over {len(sources)} images and {len(files)} objects: {len(said)} remarks")
    for line in said:
        print("  ", line)

    whole = hd.seg.segread(join(objects, "lesions.dcm"))
    volume = whole.get_volume(combine_segments=True)
    print("highdicom, all lesions:", compare(volume, mask, grid))
    if not without:
        each = hd.seg.segread(join(objects, "each-lesion.dcm"))
        total = each.get_volume(combine_segments=True, rescale_fractional=False, allow_missing_positions=True)
        sizes = [int((total.array == i).sum()) for i in each.segment_numbers]
        wanted = [lesion["sizeVoxels"] for lesion in findings["lesions"]]
        print(f"highdicom, each lesion: {len(sizes)} segments, sizes", "equal" if sizes == wanted else f"{sizes} not {wanted}")
    with tempfile.TemporaryDirectory() as out:
        status, text = output("segimage2itkimage", "--inputDICOM", join(objects, "lesions.dcm"), "--outputDirectory", out, "-t", "nii")
        made = sorted(glob(join(out, "*.nii*")))
        if made:
            image = nib.load(made[0])
            array = np.asarray(image.dataobj) > 0
            same = array.shape == mask.shape and bool((array == mask).all())
            print("dcmqi:", "the very mask" if same else f"another mask {array.shape} {int(array.sum())}", f"affine within {same_grid(lps(image.affine), grid):.1e}")
        else:
            print("dcmqi: nothing made", status, text[-300:])
        status, text = output("tid1500reader", "--inputDICOM", join(objects, "measurements.dcm"), "--outputMetadata", join(out, "sr.json"))
        if status == 0:
            groups = json.load(open(join(out, "sr.json")))["Measurements"]
            volumes = [float(item["value"]) for group in groups for item in group["measurementItems"] if item["quantity"]["CodeMeaning"] == "Volume"]
            print("dcmqi tid1500reader:", numbers(volumes, findings))
        else:
            print("dcmqi tid1500reader:", status, text[-300:])

    report = hd.sr.srread(join(objects, "measurements.dcm"))
    groups = report.content.get_volumetric_roi_measurement_groups()
    volumes = [float(group.get_measurements(name=pydicom.sr.codedict.codes.SCT.Volume)[0].value) for group in groups]
    print("highdicom, measurements:", numbers(volumes, findings))
    sites = [place(site) for group in groups for site in group.finding_sites]
    print("   sites:", sorted(set(sites)))
    tracked = [group.tracking_uid for group in groups]
    described = [whole.get_segment_description(1).tracking_uid] + ([] if without else [each.get_segment_description(i).tracking_uid for i in each.segment_numbers])
    print("tracking identifiers of SR and SEG:", "equal" if tracked == described else "different")

    pdf = pydicom.dcmread(join(objects, "report.dcm"))
    wanted = open(join(result, "report.pdf"), "rb").read()
    print("PDF:", "to the byte" if pdf.EncapsulatedDocument[: pdf.EncapsulatedDocumentLength] == wanted else "different")
    previews(objects, sources, grid, mask.shape)


def place(site):
    parts = [site.value, site.laterality]
    return ", ".join(part.meaning for part in parts if part)


def previews(objects, sources, grid, shape):
    made = [pydicom.dcmread(f) for f in sorted(glob(join(objects, "preview-*.dcm")))]
    off = 0.0
    for index, one in enumerate(made):
        position = (grid @ [0, 0, index, 1])[:3]
        off = max(off, float(np.abs(position - np.array(one.ImagePositionPatient, float)).max()))
    pixels = [one.pixel_array.shape for one in made]
    print(f"previews: {len(made)} of {shape[2]} slices, {pixels[0]}, places within {off:.1e} mm")


def compare(volume, mask, grid):
    array = volume.array.astype(bool)
    if array.shape != mask.shape:
        # highdicom: slices, rows, columns; against the way of the source where it sorts downwards.
        matched = volume.match_geometry(hd.Volume(mask.transpose(2, 1, 0).astype(np.uint8), grid[:, [2, 1, 0, 3]], "PATIENT"))
        array = matched.array.astype(bool).transpose(2, 1, 0)
        affine = matched.affine[:, [2, 1, 0, 3]]
    else:
        affine = volume.affine
    same = bool((array == mask).all())
    return f"{'the very mask' if same else 'another mask'}, affine within {same_grid(affine, grid):.1e}"


def numbers(volumes, findings):
    wanted = [1000 * findings["lesionVolumeMl"]] + [1000 * lesion["volumeMl"] for lesion in findings["lesions"]]
    same = len(volumes) == len(wanted) and np.allclose(volumes, wanted, rtol=1e-12)
    return f"{len(volumes)} volumes, {'equal' if same else f'{volumes} not {wanted}'}"


for case in sorted(os.path.dirname(f) for f in glob(join(sys.argv[1], "*", "exam.txt"))):
    judge(case)
