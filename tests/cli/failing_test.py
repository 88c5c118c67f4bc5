"""Writing that fails: the old file stays, nothing is left behind."""
import os
import resource
import subprocess
import unittest

from octet_command import CALIBRATE, FAILED, FLOAT, OCTET, RECIPE, SCORE, CommandTest, octet


def small_disk():
    """At most 4 kB per file, as a disk with that much room."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


class Failing(CommandTest):
    def setUp(self):
        super().setUp()
        self.output = self.path("out.onnx")
        with open(self.output, "w") as file:
            file.write("the old file")

    def old_file_stays(self):
        with open(self.output) as file:
            self.assertEqual(file.read(), "the old file")
        self.assertEqual(os.listdir(self.folder), ["out.onnx"])

    def test_full_disk(self):
        for method in ("static", "dynamic"):
            self.fails("quantize", FLOAT, "-o", self.output, "--data", CALIBRATE + "[:2]", "--recipe", RECIPE, "--method", method,
                       says="out.onnx", preexec_fn=small_disk)
            self.old_file_stays()

    def test_full_disk_for_arrays_and_pictures(self):
        os.rename(self.output, self.path("out.npz"))
        self.fails("run", FLOAT, "-o", self.path("out.npz"), says="out.npz", preexec_fn=small_disk)
        with open(self.path("out.npz")) as file:
            self.assertEqual(file.read(), "the old file")
        self.fails("run", FLOAT, "--recipe", RECIPE, "--input", os.path.join(SCORE, "000003.png"), "-o", self.path("out.png"), says="out.png",
                   preexec_fn=small_disk)
        self.assertEqual(os.listdir(self.folder), ["out.npz"])

    def test_full_standard_output(self):
        with open("/dev/full", "w") as full:
            for command in (["inspect", FLOAT], ["run", FLOAT], ["--help"]):
                result = subprocess.run([OCTET, *command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
                self.assertEqual(result.returncode, FAILED, command)
                self.assertIn("standard output", result.stderr)

    def test_a_folder_that_is_not_there(self):
        self.fails("quantize", FLOAT, "-o", self.path("no", "such", "out.onnx"), "--method", "dynamic", says="out.onnx")

    def test_success_replaces_the_old_file(self):
        self.assertEqual(octet("quantize", FLOAT, "-o", self.output, "--method", "dynamic").returncode, 0)
        self.assertGreater(os.path.getsize(self.output), 100_000)
        self.assertEqual(os.listdir(self.folder), ["out.onnx"])


if __name__ == "__main__":
    unittest.main()
