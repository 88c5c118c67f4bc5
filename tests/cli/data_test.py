"""Data that does not fit: frames, labels, arrays, recipes."""
import json
import os
import shutil
import unittest

from octet_command import CALIBRATE, FLOAT, LABELS, RECIPE, SCORE, CommandTest, write_npy


class Data(CommandTest):
    def quantize(self, data, **how):
        message = self.fails("quantize", FLOAT, "-o", self.path("out.onnx"), "--data", data, "--recipe", RECIPE, **how)
        self.assertFalse(os.path.exists(self.path("out.onnx")))
        return message

    def test_wrong_shape(self):
        write_npy(self.path("x.npy"), (1, 3, 8, 8), [0.0] * 192)
        self.fails("run", FLOAT, "--input", self.path("x.npy"), says=["picture", "1x3x8x8", "1x3x160x160"])

    def test_wrong_type(self):
        write_npy(self.path("x.npy"), (1, 3, 160, 160), [0] * 76800, "|u1")
        self.fails("run", FLOAT, "--input", self.path("x.npy"), says=["picture", "uint8", "float32"])

    def test_damaged_arrays(self):
        write_npy(self.path("x.npy"), (1, 3, 160, 160), [0.0] * 76800)
        for length in (0, 5, 60, 5000):
            shutil.copy(self.path("x.npy"), self.path("cut.npy"))
            os.truncate(self.path("cut.npy"), length)
            self.fails("run", FLOAT, "--input", self.path("cut.npy"), says="cut.npy")
        with open(self.path("x.npz"), "wb") as file:
            file.write(b"PK\x03\x04 and nothing behind it")
        self.fails("run", FLOAT, "--input", self.path("x.npz"), says="x.npz")

    def test_empty_folder(self):
        os.mkdir(self.path("empty"))
        self.quantize(self.path("empty"), says="empty")
        self.fails("bench", FLOAT, "--data", self.path("empty"), "--recipe", RECIPE, says="empty")

    def test_missing_folder(self):
        self.quantize(self.path("nowhere"), says="nowhere")

    def test_unreadable_pictures(self):
        os.mkdir(self.path("pictures"))
        shutil.copy(os.path.join(CALIBRATE, "000000.png"), self.path("pictures"))
        with open(self.path("pictures", "000001.png"), "w") as file:
            file.write("no picture\n")
        self.quantize(self.path("pictures"), says="000001.png")
        shutil.copy(os.path.join(CALIBRATE, "000001.png"), self.path("pictures"))
        os.truncate(self.path("pictures", "000001.png"), 60)
        self.quantize(self.path("pictures"), says="000001.png")

    def test_labels_of_other_pictures(self):
        with open(LABELS) as file:
            labels = json.load(file)
        for image in labels["images"]:
            image["file_name"] = "other_" + image["file_name"]
        with open(self.path("labels.json"), "w") as file:
            json.dump(labels, file)
        self.fails("compare", FLOAT, FLOAT, "--data", SCORE, "--recipe", RECIPE, "--labels", self.path("labels.json"), says="labels.json")

    def test_labels_that_are_none(self):
        self.fails("compare", FLOAT, FLOAT, "--data", SCORE, "--recipe", RECIPE, "--labels", self.path("none.json"), says="none.json")
        with open(self.path("bad.json"), "w") as file:
            file.write('{"images": [')
        self.fails("compare", FLOAT, FLOAT, "--data", SCORE, "--recipe", RECIPE, "--labels", self.path("bad.json"), says="bad.json")

    def test_recipes(self):
        self.fails("quantize", FLOAT, "-o", self.path("x.onnx"), "--data", CALIBRATE, "--recipe", self.path("none.toml"), says="none.toml")
        for text, word in (("[preproces]\n", "preproces"), ("[preprocess]\nresize = 3\n", "resize"), ("[preprocess\n", "r.toml"),
                           ('[quantize]\nmethod = "magic"\n', "magic")):
            with open(self.path("r.toml"), "w") as file:
                file.write(text)
            result = self.quantize_with(self.path("r.toml"))
            self.assertIn(word, result)

    def quantize_with(self, recipe):
        from octet_command import octet
        result = octet("quantize", FLOAT, "-o", self.path("x.onnx"), "--data", CALIBRATE, "--recipe", recipe)
        self.assertIn(result.returncode, (1, 2))
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        return result.stderr


if __name__ == "__main__":
    unittest.main()
