"""Models that are damaged: one clear error each, never a crash."""
import os
import random
import unittest

from octet_command import FLOAT, CommandTest, external_tensor, model, node, octet, value_info


class Damaged(CommandTest):
    def write(self, data, name="m.onnx"):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def test_truncated(self):
        with open(FLOAT, "rb") as file:
            data = file.read()
        for length in [1, 2, 10, 100, 1000, len(data) // 2, len(data) - 1000, len(data) - 1]:
            path = self.write(data[:length])
            for command in ("run", "inspect"):
                self.fails(command, path, says=path)

    def test_empty_missing_and_no_model(self):
        self.fails("run", self.write(b""), says="m.onnx")
        self.fails("run", self.path("none.onnx"), says="none.onnx")
        self.fails("inspect", self.path("none.onnx"), says="none.onnx")
        self.fails("run", self.write(b"This is a text, not a model.\n" * 10), says="m.onnx")
        self.fails("run", self.folder, says=self.folder)

    def test_flipped_bits(self):
        with open(FLOAT, "rb") as file:
            data = bytearray(file.read())
        source = random.Random(7)
        refused = 0
        for trial in range(60):
            damaged = bytearray(data)
            # Half of the flips into the structure at the front, where names and attributes lie.
            at = source.randrange(len(damaged) // 50 if trial % 2 else len(damaged))
            damaged[at] ^= 1 << source.randrange(8)
            result = octet("run", self.write(damaged))
            with self.subTest(at=at):
                self.assertIn(result.returncode, (0, 1), result.stderr)   # a flipped weight is a model like any other
                if result.returncode == 1:
                    refused += 1
                    self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
                    self.assertTrue(result.stderr.startswith("octet: error: "), result.stderr)
        self.assertGreater(refused, 3, "the structure is checked")

    def external_model(self):
        add = model([node("Add", ["x", "w"], ["y"], "plus")], [value_info("x", [4])], [value_info("y", [4])], [external_tensor("w", [4], "w.bin", 16)])
        return self.write(add)

    def test_external_data(self):
        path = self.external_model()
        self.fails("run", path, says="w.bin")           # missing
        self.write(b"\0" * 15, "w.bin")
        self.fails("run", path, says="w.bin")           # too short
        self.write(b"\0" * 16, "w.bin")
        self.done("run", path)

    def test_external_data_outside_the_folder(self):
        outside = os.path.join(os.path.dirname(self.folder), os.path.basename(self.folder) + "_outside")
        with open(outside, "wb") as file:
            file.write(b"\0" * 16)
        self.addCleanup(os.unlink, outside)
        tensor = external_tensor("w", [4], "../" + os.path.basename(outside), 16)
        add = model([node("Add", ["x", "w"], ["y"])], [value_info("x", [4])], [value_info("y", [4])], [tensor])
        self.fails("run", self.write(add), says="w")

    def test_unknown_operator(self):
        path = self.write(model([node("Frobnicate", ["x"], ["y"], "odd")], [value_info("x", [4])], [value_info("y", [4])]))
        self.fails("run", path, says=[path, "Frobnicate", "odd"])

    def test_shapes_that_do_not_fit(self):
        path = self.write(model([node("MatMul", ["x", "x"], ["y"], "square")], [value_info("x", [2, 3])], [value_info("y", [2, 3])]))
        self.fails("run", path, says=[path, "square"])

    def test_shapes_that_were_assumed(self):
        path = self.write(model([node("MatMul", ["x", "z"], ["y"], "product")], [value_info("x", ["a", "b"]), value_info("z", ["c", "d"])],
                                [value_info("y", ["a", "d"])]))
        for command in (["inspect"], ["bench", "--processes", "0", "--seconds", "0.01"]):
            self.fails(*command, path, says=[path, "product", "x=1x32, z=1x32 was taken", "--shape"])
            self.done(*command, path, "--shape", "x=1x32", "--shape", "z=32x5")


if __name__ == "__main__":
    unittest.main()
