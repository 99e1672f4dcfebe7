# Half precision as NumPy converts it, and a file as safetensors writes it:
#   python make_float16.py > float16.json
# numpy 2.2.6, safetensors 0.8.0
import base64
import hashlib
import json
import sys

import numpy
from safetensors.numpy import save

halves = numpy.arange(2**16, dtype=numpy.uint16).view(numpy.float16)
finite = halves[numpy.isfinite(halves)]
singles = finite.astype(numpy.float32)

# Halves, what lies halfway between neighbours, and the singles around those.
ordered = numpy.unique(singles[singles >= 0])
middles = ((ordered[:-1].astype(numpy.float64) + ordered[1:]) / 2).astype(numpy.float32)
chosen = numpy.concatenate([
    middles[[0, 1, 2, 3, 510, 511, 1021, 1022, 1023, 1024, 1025, 2046, 2047, 2048, 15358, 31741, 31742]],
    numpy.float32([0, 65504, 65519.99, 65520, 65536, 1e30, numpy.inf, 2**-14, 2**-15, 1e-10, 1e-45]),
])
chosen = numpy.concatenate([chosen, numpy.nextafter(chosen, numpy.float32(0)), numpy.nextafter(chosen, numpy.float32(numpy.inf))])
chosen = numpy.unique(numpy.concatenate([chosen, -chosen]).view(numpy.uint32)).view(numpy.float32)
with numpy.errstate(over='ignore'):
    rounded = chosen.astype(numpy.float16)

json.dump({
    'tableSha256': hashlib.sha256(singles.tobytes()).hexdigest(),
    'singleBits': chosen.view(numpy.uint32).tolist(),
    'halfBits': rounded.view(numpy.uint16).tolist(),
    'file': base64.b64encode(save({
        'half': numpy.float16([[1, -2.5], [2**-24, 65504]]),
        'single': numpy.float32([0.1]),
    })).decode(),
}, sys.stdout)
print()
