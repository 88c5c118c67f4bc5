"""What the tests of the command line share: calling it, and files to call it with. Standard library only."""
import json
import os
import shutil
import struct
import subprocess
import tempfile
import unittest

OCTET = os.environ["OCTET"]
SHAPES = os.environ["OCTET_SHAPES"]
FLOAT = os.path.join(SHAPES, "shapes.onnx")
RECIPE = os.path.join(SHAPES, "recipe.toml")
CALIBRATE = os.path.join(SHAPES, "frames", "calibrate")
SCORE = os.path.join(SHAPES, "frames", "score")
LABELS = os.path.join(SHAPES, "labels", "instances.json")

DONE, FAILED, USAGE, ACCURACY, INTERRUPTED = 0, 1, 2, 3, 130


def octet(*arguments, **options):
    return subprocess.run([OCTET, *map(str, arguments)], capture_output=True, text=True, timeout=240, **options)


class CommandTest(unittest.TestCase):
    """Each test gets a folder of its own: self.path("x") is a file in it."""

    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="octet_cli_")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def done(self, *arguments, **options):
        """Runs a command that must succeed and be silent on stderr; returns what it printed."""
        result = octet(*arguments, **options)
        self.assertEqual((result.returncode, result.stderr), (DONE, ""), arguments)
        return result.stdout

    def json(self, *arguments):
        return json.loads(self.done(*arguments, "--json"))

    def fails(self, *arguments, code=FAILED, says=(), **options):
        """Runs a command that must fail in the one way errors look."""
        result = octet(*arguments, **options)
        self.assertEqual(result.returncode, code, (arguments, result.stdout, result.stderr))
        # libpng prints by itself when the inside of a picture is damaged.
        lines = [line for line in result.stderr.splitlines(keepends=True) if not line.startswith("libpng ")]
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertTrue(lines[0].startswith("octet: error: ") and lines[0].endswith("\n"), result.stderr)
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, lines[0])
        return lines[0]

    def quantized(self, method="static"):
        path = self.path(method + ".onnx")
        if not os.path.exists(path):
            data = ["--data", CALIBRATE + "[:4]"] if method == "static" else []
            self.done("quantize", FLOAT, "-o", path, "--method", method, "--recipe", RECIPE, *data)
        return path


# --- NumPy files --------------------------------------------------------------------------------------------------------

NPY_CODES = {"<f4": "f", "<i8": "q", "|u1": "B"}


def write_npy(path, shape, values, dtype="<f4"):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({''.join(f'{n}, ' for n in shape)})}}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack(f"<{len(values)}{NPY_CODES[dtype]}", *values))


def parse_npy(data):
    """(shape, values) of a little-endian float32 or int64 array."""
    assert data[:6] == b"\x93NUMPY", data[:6]
    length = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10:10 + length].decode(), {"__builtins__": {}})   # a literal that this project wrote
    count = 1
    for extent in header["shape"]:
        count *= extent
    return header["shape"], struct.unpack(f"<{count}{NPY_CODES[header['descr']]}", data[10 + length:])


# --- pictures and videos -------------------------------------------------------------------------------------------------

def write_video(path, frames, width=64, height=48):
    """An AVI of plain gray pictures without compression, a little brighter each."""
    def chunk(name, data):
        return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    pictures = [bytes([10 + i]) * (width * height * 3) for i in range(frames)]
    header = chunk(b"avih", struct.pack("<14I", 100000, 0, 0, 0x10, frames, 0, 1, 0, width, height, 0, 0, 0, 0))
    stream = chunk(b"strh", struct.pack("<4s4sIHHIIIIIIIIhhhh", b"vids", b"DIB ", 0, 0, 0, 0, 1, 10, 0, frames, 0, 0xFFFFFFFF, 0, 0, 0, width, height))
    stream += chunk(b"strf", struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, width * height * 3, 0, 0, 0, 0))
    index, offset = b"", 4
    for picture in pictures:
        index += struct.pack("<4sIII", b"00db", 0x10, offset, len(picture))
        offset += 8 + len(picture)
    body = b"AVI " + chunk(b"LIST", b"hdrl" + header + chunk(b"LIST", b"strl" + stream))
    body += chunk(b"LIST", b"movi" + b"".join(chunk(b"00db", picture) for picture in pictures)) + chunk(b"idx1", index)
    with open(path, "wb") as file:
        file.write(chunk(b"RIFF", body))


# --- small ONNX models ---------------------------------------------------------------------------------------------------

def varint(value):
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def value_info(name, shape, dtype=1):
    dims = b"".join(field(1, field(2, n) if isinstance(n, str) else field(1, n)) for n in shape)
    return field(1, name) + field(2, field(1, field(1, dtype) + field(2, dims)))


def node(op, inputs, outputs, name=""):
    return b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs) + field(3, name) + field(4, op)


def model(nodes, inputs, outputs, initializers=(), opset=13, ir=8):
    graph = b"".join(field(1, n) for n in nodes) + field(2, "graph") + b"".join(field(5, t) for t in initializers)
    graph += b"".join(field(11, i) for i in inputs) + b"".join(field(12, o) for o in outputs)
    return field(1, ir) + field(7, graph) + field(8, field(1, "") + field(2, opset))


def external_tensor(name, shape, location, length):
    entries = {"location": location, "offset": "0", "length": str(length)}
    out = b"".join(field(1, n) for n in shape) + field(2, 1) + field(8, name)
    return out + b"".join(field(13, field(1, k) + field(2, v)) for k, v in entries.items()) + field(14, 1)
