"""octet run."""
import math
import os
import shutil
import unittest
import zipfile

from octet_command import FLOAT, RECIPE, SCORE, USAGE, CommandTest, model, node, parse_npy, value_info, write_npy, write_video

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

    def answers(self, data, *more):
        """The frames' ids and the files written for them."""
        result = self.json("run", FLOAT, "--recipe", RECIPE, "--input", data, "-o", self.path("out"), *more)
        files = [frame["file"] for frame in result["frames"]]
        written = [os.path.join(folder, name) for folder, _, names in os.walk(self.path("out")) for name in names]
        self.assertEqual(sorted(files), sorted(written))
        return [frame["frame"] for frame in result["frames"]], [os.path.relpath(file, self.path("out")) for file in files]

    def test_a_video_gives_one_file_per_frame(self):
        write_video(self.path("v.avi"), 12)
        frames, files = self.answers(self.path("v.avi"))
        self.assertEqual(frames, [f"v.avi#{i}" for i in range(12)])
        self.assertEqual(files, [f"v_{i:06}.png" for i in range(12)])

    def test_an_array_gives_one_file_per_frame(self):
        write_npy(self.path("x.npy"), (3, 3), range(9))
        self.done("run", self.negation(), "--frames", "3", "--input", self.path("x.npy"), "-o", self.path("rows"))
        self.assertEqual(sorted(os.listdir(self.path("rows"))), [f"x_{i:06}.npz" for i in range(3)])
        for i in range(3):
            with zipfile.ZipFile(self.path("rows", f"x_{i:06}.npz")) as archive:
                self.assertEqual(parse_npy(archive.read("y.npy"))[1], (-3 * i, -3 * i - 1, -3 * i - 2))

    def test_pictures_of_one_name_keep_apart(self):
        for name in ("1.jpg", "1.jpeg", "a/1.jpg", "a_1.jpg"):
            os.makedirs(os.path.dirname(self.path("in", name)), exist_ok=True)
            os.symlink(os.path.abspath(PICTURE), self.path("in", name))
        self.assertEqual(self.answers(self.path("in"))[1], ["1.jpeg.png", "1.jpg.png", "a/1.jpg.png", "a_1.jpg.png"])
        # The names are the same for a part of the folder.
        shutil.rmtree(self.path("out"))
        self.assertEqual(self.answers(self.path("in") + "[1:2]")[1], ["1.jpg.png"])

    def test_an_older_file_stays(self):
        write_video(self.path("v.avi"), 2)
        for data in (SCORE, self.path("v.avi")):
            with open(self.path("one.png"), "w") as file:
                file.write("the old file")
            self.fails("run", FLOAT, "--recipe", RECIPE, "--input", data, "-o", self.path("one.png"), code=USAGE, says="several frames")
            with open(self.path("one.png")) as file:
                self.assertEqual(file.read(), "the old file")
        self.done("run", FLOAT, "--recipe", RECIPE, "--input", self.path("v.avi"), "--frames", "1", "-o", self.path("one.png"))

    def test_outputs_that_nothing_is_written_to(self):
        for name in ("out.txt", "out.avi", "-"):
            output = name if name == "-" else self.path(name)
            self.fails("run", FLOAT, "--recipe", RECIPE, "--input", PICTURE, "-o", output, code=USAGE, says=["possible are", ".png", ".npz"])
            self.assertFalse(os.path.exists(output))

    def test_values_that_are_no_numbers(self):
        write_npy(self.path("x.npy"), (1, 3), [1, math.nan, math.inf])
        text = self.done("run", self.negation(), "--input", self.path("x.npy"))
        self.assertRegex(text, r"y +float32 +1x3 +-inf +-1 +-inf +1 NaN, 1 infinite\n")
        write_npy(self.path("x.npy"), (1, 3), [math.nan] * 3)
        self.assertRegex(self.done("run", self.negation(), "--input", self.path("x.npy")), r"y +float32 +1x3 +- +- +- +3 NaN\n")
        output = self.json("run", self.negation(), "--input", self.path("x.npy"))["outputs"][0]
        self.assertEqual((output["min"], output["nan"], output["infinite"]), (None, 3, 0))

    def test_random_inputs_and_given_ones_exclude_each_other(self):
        for option in (("--seed", "3"), ("--shape", "picture=1x3x160x160")):
            self.fails("run", FLOAT, "--recipe", RECIPE, "--input", PICTURE, *option, code=USAGE)
            write_npy(self.path("x.npy"), (1, 3), [1, 2, 3])
            self.fails("run", self.negation(), "--input", self.path("x.npy"), *option, code=USAGE, says="random inputs")

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
