"""octet run."""
import os
import unittest
import zipfile

from octet_command import FLOAT, RECIPE, SCORE, USAGE, CommandTest, model, node, parse_npy, value_info, write_npy

PICTURE = os.path.join(SCORE, "000003.png")


class Run(CommandTest):
    def negation(self):
        path = self.path("negate.onnx")
        with open(path, "wb") as file:
            file.write(model([node("Neg", ["x"], ["y"])], [value_info("x", ["n", 3])], [value_info("y", ["n", 3])]))
        return path

    def test_arrays_in_and_out(self):
        write_npy(self.path("x.npy"), (2, 3), [1, 2, 3, 4, 5, -6.5])
        text = self.done("run", self.negation(), "--input", self.path("x.npy"), "-o", self.path("y.npy"))
        self.assertRegex(text, r"y +float32 +2x3 +-5 +6.5")
        with open(self.path("y.npy"), "rb") as file:
            self.assertEqual(parse_npy(file.read()), ((2, 3), (-1, -2, -3, -4, -5, 6.5)))

    def test_npz(self):
        write_npy(self.path("x.npy"), (1, 3), [1, 2, 3])
        with zipfile.ZipFile(self.path("in.npz"), "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(self.path("x.npy"), "x.npy")
            archive.write(self.path("x.npy"), "unused.npy")
        self.done("run", self.negation(), "--input", self.path("in.npz"), "--output=" + self.path("out.npz"))
        with zipfile.ZipFile(self.path("out.npz")) as archive:
            self.assertEqual(parse_npy(archive.read("y.npy")), ((1, 3), (-1, -2, -3)))

    def test_named_inputs(self):
        with open(self.path("sub.onnx"), "wb") as file:
            file.write(model([node("Sub", ["a", "b"], ["c"])], [value_info("a", [2]), value_info("b", [2])], [value_info("c", [2])]))
        write_npy(self.path("1.npy"), (2,), [10, 20])
        write_npy(self.path("2.npy"), (2,), [1, 2])
        result = self.json("run", self.path("sub.onnx"), "--input", "b=" + self.path("2.npy"), "--input", "a=" + self.path("1.npy"))
        self.assertEqual((result["outputs"][0]["min"], result["outputs"][0]["max"]), (9, 18))
        self.fails("run", self.path("sub.onnx"), "--input", self.path("1.npy"), says=["a, b", "NAME="])
        self.fails("run", self.path("sub.onnx"), "--input", "a=" + self.path("1.npy"), says="'b'")
        self.fails("run", self.path("sub.onnx"), "--input", "c=" + self.path("1.npy"), says="no input 'c'")

    def test_random_inputs_come_from_the_seed(self):
        outputs = [self.done("run", FLOAT, "--seed", seed) for seed in (1, 1, 2)]
        self.assertEqual(outputs[0], outputs[1])
        self.assertNotEqual(outputs[0], outputs[2])

    def test_a_picture(self):
        result = self.json("run", FLOAT, "--recipe", RECIPE, "--input", PICTURE, "-o", self.path("out.png"))
        self.assertEqual((result["task"], len(result["frames"])), ("yolox", 1))
        self.assertEqual({found["label"] for found in result["frames"][0]["objects"]}, {"triangle"})
        for found in result["frames"][0]["objects"]:
            self.assertEqual(len(found["box"]), 4)
            self.assertGreater(found["score"], 0.3)
        with open(self.path("out.png"), "rb") as file:
            self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")

    def test_a_folder(self):
        result = self.json("run", FLOAT, "--recipe", RECIPE, "--input", SCORE, "--frames", "3", "-o", self.path("pictures"))
        self.assertEqual(sorted(os.listdir(self.path("pictures"))), ["000000.png", "000001.png", "000002.png"])
        self.assertEqual([frame["frame"] for frame in result["frames"]], ["000000.png", "000001.png", "000002.png"])

    def test_several_frames_do_not_fit_one_file(self):
        self.fails("run", FLOAT, "--recipe", RECIPE, "--input", SCORE, "--frames", "3", "-o", self.path("one.png"), code=2, says="several frames")

    def test_outputs_of_a_picture_as_arrays(self):
        self.done("run", FLOAT, "--recipe", RECIPE, "--input", PICTURE, "-o", self.path("out.npz"))
        with zipfile.ZipFile(self.path("out.npz")) as archive:
            self.assertEqual(parse_npy(archive.read("detections.npy"))[0], (1, 525, 9))

    def test_a_picture_without_a_recipe(self):
        self.fails("run", FLOAT, "--input", PICTURE, code=USAGE, says=["000003.png", "--recipe"])


if __name__ == "__main__":
    unittest.main()
