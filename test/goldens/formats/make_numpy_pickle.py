# Settings with NumPy's numbers in them, pickled by Python 3 in both of its protocols:
#   python make_numpy_pickle.py > numpy-pickle.json
# numpy 2.2.6; earlier versions name numpy.core in place of numpy._core.
import base64
import collections
import json
import pickle
import sys

import numpy as np

values = {
    "list": [1, 2.5, np.int64(-3)],
    "tuple": (1, True),
    "integers": np.array([128, 96, -7]),
    "floats": np.array([1.5, 0.1]),
    "rows": np.array([[1, 2], [3, 4]], dtype=np.int32),
    "columns": np.array([[1.0, 2.0], [3.0, 4.0]], order="F"),
    "objects": np.array([None, "a"], dtype=object),
    "big-endian": np.array([1, 2], dtype=">i4"),
    "float": np.float64(0.1),
    "single": np.float32(0.5),
    "truth": np.bool_(True),
    "text": "nonCT",
    "names": collections.OrderedDict([(0, "FLAIR")]),
    "set": {1},
    "nothing": None,
}
json.dump({p: base64.b64encode(pickle.dumps(values, protocol=p)).decode() for p in (3, 4)}, sys.stdout)
print()
