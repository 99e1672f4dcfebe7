"""Seeded pairs of masks, made the same way here and in ../../evaluate/perturb.ts.

Arrays have shape (nz, ny, nx), so that the flat order is x fastest. The generator is
state = state * 1664525 + 1013904223 mod 2**32; a number below n is ((state >> 8) * n) >> 24.
"""
import numpy as np


class Generator:
    def __init__(self, seed):
        self.state = seed & 0xFFFFFFFF

    def below(self, n):
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return ((self.state >> 8) * n) >> 24


def crop(mask, margin=8):
    """The mask's box with a margin, cut off at the array's edge."""
    box = []
    for axis in range(3):
        where = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        box.append(slice(max(0, where[0] - margin), min(mask.shape[axis], where[-1] + 1 + margin)))
    return np.ascontiguousarray(mask[tuple(box)])


def thick(mask):
    """Every third slice, the second first: what a 2D sequence with thick slices keeps."""
    return np.ascontiguousarray(mask[1::3])


def balls_and_runs(generator, shape, balls, runs):
    mask = np.zeros(shape, np.uint8)
    add(mask, generator, balls)
    specks(mask, generator, runs)
    return mask


def add(mask, generator, count):
    nz, ny, nx = mask.shape
    for _ in range(count):
        x, y, z = generator.below(nx), generator.below(ny), generator.below(nz)
        radius = 1 + generator.below(3)
        for k in range(max(0, z - radius), min(nz, z + radius + 1)):
            for j in range(max(0, y - radius), min(ny, y + radius + 1)):
                for i in range(max(0, x - radius), min(nx, x + radius + 1)):
                    if (i - x) ** 2 + (j - y) ** 2 + (k - z) ** 2 <= radius**2:
                        mask[k, j, i] = 1


def specks(mask, generator, count):
    """Runs of 1 to 5 voxels along x, cut off at the array's edge."""
    nz, ny, nx = mask.shape
    for _ in range(count):
        x, y, z = generator.below(nx), generator.below(ny), generator.below(nz)
        length = 1 + generator.below(5)
        mask[z, y, x : x + length] = 1


def shift(mask, generator):
    dx, dy, dz = (generator.below(5) - 2 for _ in range(3))
    moved = np.zeros_like(mask)
    source, target = [], []
    for delta, n in zip((dz, dy, dx), mask.shape):
        source.append(slice(max(0, -delta), min(n, n - delta)))
        target.append(slice(max(0, delta), min(n, n + delta)))
    moved[tuple(target)] = mask[tuple(source)]
    return moved


def erode(mask):
    padded = np.pad(mask, 1)
    kept = mask.copy()
    for axis in range(3):
        for step in (0, 2):
            window = [slice(1, -1)] * 3
            window[axis] = slice(step, step + mask.shape[axis])
            kept &= padded[tuple(window)]
    return kept


def dilate(mask):
    padded = np.pad(mask, 1)
    grown = mask.copy()
    for axis in range(3):
        for step in (0, 2):
            window = [slice(1, -1)] * 3
            window[axis] = slice(step, step + mask.shape[axis])
            grown |= padded[tuple(window)]
    return grown


def drop(mask, generator):
    """Leaves out each face-connected component, in raster order, with a chance of one in three."""
    from scipy import ndimage

    labels, count = ndimage.label(mask)
    _, first = np.unique(labels, return_index=True)
    order = np.argsort(first[1:]) + 1 if labels.min() == 0 else np.argsort(first) + 1
    kept = mask.copy()
    for label in order:
        if generator.below(3) == 0:
            kept[labels == label] = 0
    assert len(order) == count
    return kept


def ragged(mask, generator):
    """Leaves out each voxel of the mask, in raster order, with a chance of one in four."""
    kept = mask.copy().reshape(-1)
    for voxel in np.flatnonzero(kept):
        if generator.below(4) == 0:
            kept[voxel] = 0
    return kept.reshape(mask.shape)


def split(mask, generator):
    """Cuts along planes of constant x, every fifth."""
    cut = mask.copy()
    cut[:, :, generator.below(5) :: 5] = 0
    return cut


def perturb(mask, kind, seed):
    generator = Generator(seed)
    result = mask.copy()
    for step in kind.split('+'):
        if step == 'same':
            pass
        elif step == 'empty':
            result = np.zeros_like(result)
        elif step == 'shift':
            result = shift(result, generator)
        elif step == 'erode':
            result = erode(result)
        elif step == 'dilate':
            result = dilate(result)
        elif step == 'merge':
            result = erode(dilate(dilate(result)))
        elif step == 'split':
            result = split(result, generator)
        elif step == 'drop':
            result = drop(result, generator)
        elif step == 'ragged':
            result = ragged(result, generator)
        elif step == 'add':
            add(result, generator, 12)
        elif step == 'specks':
            specks(result, generator, 60)
        else:
            raise ValueError(step)
    return result


KINDS = [
    'shift', 'erode', 'dilate', 'merge', 'split', 'drop', 'add', 'specks', 'ragged',
    'shift+drop+add', 'drop+merge+specks', 'split+dilate+add', 'empty', 'shift+ragged+specks',
    'erode+add', 'same',
]
SPACINGS = [(1, 1, 1), (0.72, 0.72, 3), (0.5, 0.5, 3), (1, 1, 0.6), (0.9, 0.9, 3.3), (0.3, 1, 1)]


def cases_on(masks, per_mask):
    """Pairs on real masks: `per_mask` of every mask, walking through kinds and voxel sizes."""
    cases = []
    for number, mask in enumerate(masks):
        for turn in range(per_mask):
            index = number * per_mask + turn
            cases.append({
                'mask': mask,
                'kind': KINDS[(5 * index + index // 16) % 16],
                'seed': 1000 + index,
                'spacingMm': SPACINGS[index % 6],
                'thick': index % 5 == 4,
                'swapped': index % 3 == 2,
            })
    return cases


def tiny_cases(count):
    return [{
        'kind': KINDS[index % 16],
        'seed': 5000 + index,
        'spacingMm': SPACINGS[(index // 2) % 6],
        'swapped': index % 3 == 2,
    } for index in range(count)]


def tiny_pair(case):
    """Reference and prediction of 20 x 18 x 12 voxels."""
    generator = Generator(case['seed'] + 77)
    mask = balls_and_runs(generator, (12, 18, 20), 7, 8)
    changed = perturb(mask, case['kind'], case['seed'])
    if case['kind'] in ('specks', 'shift+ragged+specks', 'drop+merge+specks'):
        changed &= mask | erode(changed)  # sixty runs would fill a grid this small
    return (changed, mask) if case['swapped'] else (mask, changed)


def pair(case, mask):
    cropped = crop(mask)
    if case['thick']:
        cropped = thick(cropped)
    changed = perturb(cropped, case['kind'], case['seed'])
    return (changed, cropped) if case['swapped'] else (cropped, changed)
