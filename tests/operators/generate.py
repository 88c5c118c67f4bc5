#!/usr/bin/env python3
"""Writes the operator cases of this folder; their expected outputs are ONNX Runtime's.

    generate.py [PART OF A NAME]

Needs python3-onnx, python3-numpy and the harness of bench/peers.
"""
import os
import sys

import case
import control_flow  # noqa: F401  (importing a module declares its cases)
import microsoft_float  # noqa: F401
import microsoft_products  # noqa: F401
import microsoft_quantized  # noqa: F401
import opset17  # noqa: F401
import opset18  # noqa: F401
import opset19_to_22  # noqa: F401
import opset23  # noqa: F401
import quantize_linear  # noqa: F401


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    failed = case.write_all(here, pattern)
    print(f"{len([n for n in case.CASES if pattern in n]) - len(failed)} cases written")
    if failed:
        sys.exit(f"{len(failed)} cases were refused by ONNX Runtime: {' '.join(failed)}")


if __name__ == "__main__":
    main()
