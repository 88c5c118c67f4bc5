"""Data that does not fit: frames, labels, arrays, recipes."""
import json
import math
import os
import shutil
import unittest

from octet_command import CALIBRATE, FLOAT, LABELS, RECIPE, SCORE, CommandTest, model, node, value_info, write_npy


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

    def test_truncated_jpegs(self):
        os.mkdir(self.path("pictures"))
        for i in range(2):
            self.done("run", FLOAT, "--recipe", RECIPE, "--input", os.path.join(SCORE, f"{i:06}.png"), "-o", self.path("pictures", f"{i}.jpg"))
        size = os.path.getsize(self.path("pictures", "1.jpg"))
        for length in (size - 1, size // 2, 300):
            os.truncate(self.path("pictures", "1.jpg"), length)
            self.quantize(self.path("pictures"), says=["1.jpg", "truncated"])
            self.fails("compare", FLOAT, FLOAT, "--data", self.path("pictures"), "--recipe", RECIPE, says=["1.jpg", "truncated"])

    def test_frames_that_are_not_finite(self):
        values = [0.5] * 76800
        for bad in (math.nan, math.inf):
            write_npy(self.path("x.npy"), (2, 3, 160, 160), values + values[:-2] + [bad, bad])
            self.quantize(self.path("x.npy"), says=["x.npy", "frame 'x.npy#1'", "2 of 76800", "NaN or infinite"])

    def classifier(self, classes=48):
        """A model with so many scores, and two pictures for it in folders."""
        path = self.path("classifier.onnx")
        with open(path, "wb") as file:
            file.write(model([node("Flatten", ["x"], ["y"])], [value_info("x", [1, 3, 4, classes // 12])], [value_info("y", [1, classes])]))
        with open(self.path("recipe.toml"), "w") as file:
            file.write('[preprocess]\n[task]\nkind = "classify"\n')
        for name in ("cat/1.png", "dog/2.png"):
            os.makedirs(os.path.dirname(self.path("set", name)), exist_ok=True)
            shutil.copy(os.path.join(SCORE, "000000.png"), self.path("set", name))
        return ["compare", path, path, "--data", self.path("set"), "--recipe", self.path("recipe.toml"), "--labels"]

    def labels(self, text):
        with open(self.path("l.csv"), "w") as file:
            file.write(text)
        return self.path("l.csv")

    def test_labels_of_another_model(self):
        compare = self.classifier()
        self.done(*compare, self.labels("file,class_index\n1.png,0\n2.png,47\n"))
        self.fails(*compare, self.labels("file,class_index\n1.png,0\n2.png,48\n"), says=["l.csv", "2.png", "class index 48", "48 classes"])
        self.fails(*compare, self.labels("file,class_index\n1.png,0\n2.png,abc\n"), says=["l.csv", "line 3", "abc"])
        self.fails(*compare, self.labels("file,class\n1.png,cat\n2.png,dog\n"), says=["l.csv", "2 classes", "has 48", "[labels] classes"])
        self.fails(*compare, "folders", says=["2 classes", "has 48", "[labels] classes"])
        self.fails("bench", *compare[2:], "folders", "--processes", "0", "--seconds", "0.01", says="has 48")

    def test_class_indices_of_arrays(self):
        compare = self.classifier(12)
        write_npy(self.path("x.npy"), (2, 3, 4, 1), range(24))
        compare[4] = self.path("x.npy")
        for last, says in ((11, None), (12, "class index 12"), (-1, "class index -1")):
            write_npy(self.path("y.npy"), (2,), [0, last], "<i8")
            if says is None:
                self.done(*compare, self.path("y.npy"))
            else:
                self.fails(*compare, self.path("y.npy"), says=["y.npy", says])

    def test_yolo_labels_of_another_model(self):
        os.mkdir(self.path("yolo"))
        compare = ["compare", FLOAT, FLOAT, "--data", SCORE + "[:2]", "--recipe", self.path("r.toml"), "--labels", self.path("yolo")]
        with open(RECIPE) as file, open(self.path("r.toml"), "w") as out:
            out.writelines(line for line in file if not line.startswith("classes"))
        self.fails(*compare, says=["yolo", "no label file for any of the 64 pictures"])
        with open(self.path("yolo", "000000.txt"), "w") as file:
            file.write("3 0.5 0.5 0.5 0.5\n")
        self.assertIn("note: 1 of 2 pictures have no label file", self.done(*compare))
        self.assertIn("1 of 2 pictures", self.json(*compare)["note"])
        with open(self.path("yolo", "000000.txt"), "w") as file:
            file.write("99 0.5 0.5 0.5 0.5\n")
        self.fails(*compare, says=["yolo", "000000.png", "class index 99", "4 classes"])

    def test_csv_for_a_recipe_of_boxes(self):
        message = self.fails("compare", FLOAT, FLOAT, "--data", SCORE, "--recipe", RECIPE, "--labels", self.labels("file,class_index\n"), says=["l.csv", "COCO"])
        self.assertNotIn("json.exception", message)

    def test_nothing_is_found(self):
        with open(RECIPE) as file, open(self.path("r.toml"), "w") as out:
            out.write(file.read() + "show_threshold = 1.0\n")
        compare = ["compare", FLOAT, FLOAT, "--data", SCORE + "[:2]", "--recipe", self.path("r.toml")]
        self.assertIn("neither model finds anything", self.done(*compare))
        self.assertIsNone(self.json(*compare)["agreement"]["value"])

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
