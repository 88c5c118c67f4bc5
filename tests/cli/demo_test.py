"""scripts/demo.sh: it ends where a step fails."""
import os
import stat
import subprocess
import unittest

from octet_command import SHAPES, CommandTest

DEMO = os.path.join(SHAPES, "..", "..", "scripts", "demo.sh")


class Demo(CommandTest):
    def demo(self, failing):
        """Runs the demo with a stand-in that notes its calls, makes what was asked for and fails at one command."""
        with open(self.path("octet"), "w") as file:
            file.write(f"""#!/bin/sh
echo "$1" >> "{self.path('calls')}"
while [ $# -gt 0 ]; do
  [ "$1" = "{failing}" ] && exit 1
  case $2 in *.onnx) [ "$1" = "-o" ] && echo new > "$2";; */pictures) mkdir -p "$2";; esac
  shift
done
""")
        os.chmod(self.path("octet"), stat.S_IRWXU)
        os.makedirs(self.path("out"), exist_ok=True)
        with open(self.path("out", "static.onnx"), "w") as file:
            file.write("old")
        result = subprocess.run(["sh", DEMO, self.path("octet"), self.path("out")], capture_output=True, text=True, timeout=60)
        with open(self.path("calls")) as file:
            calls = file.read().split()
        os.unlink(self.path("calls"))
        return result.returncode, calls

    def test_all_is_well(self):
        self.assertEqual(self.demo("nothing"), (0, ["quantize", "quantize", "bench", "compare", "run"]))

    def test_a_model_that_is_not_quantized_is_not_measured(self):
        code, calls = self.demo("quantize")
        self.assertNotEqual(code, 0)
        self.assertEqual(calls, ["quantize"])
        self.assertFalse(os.path.exists(self.path("out", "static.onnx")))

    def test_later_failures(self):
        for command in ("bench", "compare", "run"):
            code, calls = self.demo(command)
            self.assertNotEqual(code, 0)
            self.assertEqual(calls[-1], command)


if __name__ == "__main__":
    unittest.main()
