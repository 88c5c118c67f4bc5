"""octet quantize."""
import os
import unittest

from octet_command import CALIBRATE, FLOAT, RECIPE, CommandTest


class Quantize(CommandTest):
    def test_static(self):
        text = self.done("quantize", FLOAT, "-o", self.path("s.onnx"), "--data", CALIBRATE, "--recipe", RECIPE, "--frames", "6")
        self.assertIn("int8", text)
        self.assertIn("ranges from 6 frames", text)
        self.assertLess(os.path.getsize(self.path("s.onnx")), 0.7 * os.path.getsize(FLOAT))

    def test_json(self):
        result = self.json("quantize", FLOAT, "-o", self.path("s.onnx"), "--data", CALIBRATE, "--recipe", RECIPE, "--frames", "2")
        self.assertEqual((result["method"], result["frames"], result["weights"]), ("static", 2, "channel"))
        self.assertEqual(result["bytes_after"], os.path.getsize(self.path("s.onnx")))
        self.assertGreater(result["macs_covered"], 0.8)
        self.assertIn("int8", {layer["treatment"] for layer in result["layers"]})

    def test_dynamic_and_weight_only_need_no_frames(self):
        for method in ("dynamic", "weight-only"):
            result = self.json("quantize", FLOAT, "-o", self.path(method + ".onnx"), "--method", method)
            self.assertEqual((result["method"], result["frames"]), (method, 0))
            self.done("run", self.path(method + ".onnx"))

    def test_calibrators_and_granularity(self):
        sizes = set()
        for option in (["--calibrator", "entropy"], ["--calibrator", "mse"], ["--calibrator", "percentile"], ["--per-tensor"]):
            self.done("quantize", FLOAT, "-o", self.path("x.onnx"), "--data", CALIBRATE + "[:2]", "--recipe", RECIPE, *option)
            with open(self.path("x.onnx"), "rb") as file:
                sizes.add(file.read())
        self.assertEqual(len(sizes), 4, "each option makes another file")

    def test_equalization_and_bias_correction(self):
        result = self.json("quantize", FLOAT, "-o", self.path("e.onnx"), "--data", CALIBRATE + "[:2]", "--recipe", RECIPE, "--equalize",
                           "--bias-correction", "data")
        self.assertTrue(any(note.startswith("equalization") for note in result["notes"]), result["notes"])
        self.assertTrue(any(note.startswith("bias correction (from data)") for note in result["notes"]), result["notes"])
        self.done("run", self.path("e.onnx"))

    def test_families(self):
        words = ["quantize", FLOAT, "-o", self.path("f.onnx"), "--data", CALIBRATE + "[:2]", "--recipe", RECIPE, "--bias-correction", "none"]
        own = self.json(*words)
        self.assertEqual((own["family"]["name"], own["family"]["recipe"]), ("YOLO-like", "recipes/yolo.toml"))
        self.assertIn("equalize = true", own["family"]["settings"])
        self.assertTrue(any(note.startswith("equalization") for note in own["notes"]), own["notes"])
        self.assertIn("family: YOLO-like (recipes/yolo.toml): its outputs are decoded as yolox; equalize = true", self.done(*words))
        none = self.json(*words, "--family", "none")
        self.assertEqual((none["family"]["name"], none["family"]["settings"]), ("", []))
        self.assertFalse(any(note.startswith("equalization") for note in none["notes"]), none["notes"])
        other = self.json(*words, "--family", "ssd")
        self.assertEqual((other["family"]["recipe"], other["calibrator"]), ("recipes/ssd.toml", "minmax"))
        self.assertEqual(self.json(*words, "--family", "ssd", "--calibrator", "entropy")["calibrator"], "entropy")   # the user's word is the last
        with open(RECIPE, encoding="utf8") as source, open(self.path("own.toml"), "w", encoding="utf8") as recipe:
            recipe.write(source.read() + "\n[quantize]\nequalize = false\n")
        mine = self.json(*words[:6], "--recipe", self.path("own.toml"), "--bias-correction", "none")
        self.assertEqual((mine["family"]["name"], mine["family"]["settings"]), ("YOLO-like", []))
        self.fails(*words, "--family", "yollo", code=2, says=["yollo", "yolo"])

    def test_saved_calibrations_join(self):
        words = ["--recipe", RECIPE, "--family", "none"]   # a family's equalization wants the frames
        corrected = self.json("quantize", FLOAT, "-o", self.path("whole.onnx"), "--data", CALIBRATE + "[:4]", *words)
        self.assertTrue(any(note.startswith("bias correction (from data)") for note in corrected["notes"]))   # which wants the frames once more: joined calibrations do without
        self.done("quantize", FLOAT, "-o", self.path("whole.onnx"), "--data", CALIBRATE + "[:4]", "--bias-correction", "none", *words)
        for name, part in (("a", "[:1]"), ("b", "[1:4]")):
            self.done("quantize", FLOAT, "-o", self.path("part.onnx"), "--data", CALIBRATE + part, "--save-calibration", self.path(name + ".cal"), *words)
        result = self.json("quantize", FLOAT, "-o", self.path("joined.onnx"), "--calibration", self.path("b.cal"), "--calibration", self.path("a.cal"), *words)
        self.assertEqual(result["frames"], 4)
        with open(self.path("whole.onnx"), "rb") as whole, open(self.path("joined.onnx"), "rb") as joined:
            self.assertEqual(whole.read(), joined.read())
        saved = ["--calibration", self.path("a.cal"), "--calibration", self.path("b.cal"), *words]
        self.fails("quantize", FLOAT, "-o", self.path("x.onnx"), "--calibrator", "moving-average", *saved, code=2, says="order of the frames")
        self.fails("quantize", FLOAT, "-o", self.path("x.onnx"), "--equalize", *saved, code=2, says="--data")

    def test_adaptive_rounding(self):
        words = ["--method", "weight-only", "--bits", "4", "--rounding", "adaround"]
        self.fails("quantize", FLOAT, "-o", self.path("r.onnx"), *words, code=2, says="--data")
        sizes = []
        for extra in (["--rounding", "nearest"], ["--rounding", "adaround", "--data", CALIBRATE + "[:4]", "--recipe", RECIPE]):
            result = self.json("quantize", FLOAT, "-o", self.path("r.onnx"), *words[:4], *extra)
            sizes.append(len(result["notes"]))
        self.assertEqual(sizes, [0, 1])
        self.assertIn("rounding (adaround)", result["notes"][0])
        self.assertEqual(result["frames"], 4)
        self.done("run", self.path("r.onnx"))
        self.fails("quantize", FLOAT, "-o", self.path("r.onnx"), "--method", "dynamic", "--rounding", "adaround", code=2, says="weight-only")

    def test_four_bit_weights(self):
        text = self.done("quantize", FLOAT, "-o", self.path("four.onnx"), "--method", "weight-only", "--bits", "4")
        self.assertIn("weights int4", text)
        self.done("run", self.path("four.onnx"))
        self.fails("quantize", FLOAT, "-o", self.path("x.onnx"), "--method", "dynamic", "--bits", "4", code=2, says="weight-only")

    def test_the_same_frames_give_the_same_file(self):
        files = []
        for name in ("a.onnx", "b.onnx"):
            self.done("quantize", FLOAT, "-o", self.path(name), "--data", CALIBRATE + "[:3]", "--recipe", RECIPE)
            with open(self.path(name), "rb") as file:
                files.append(file.read())
        self.assertEqual(files[0], files[1])

    def test_the_recipe_keeps_layers_float(self):
        with open(RECIPE) as source, open(self.path("r.toml"), "w") as recipe:
            recipe.write(source.read() + '\n[quantize]\nmethod = "static"\n[[quantize.layers]]\nname = "/heads*"\nquantize = false\n')
        result = self.json("quantize", FLOAT, "-o", self.path("x.onnx"), "--data", CALIBRATE + "[:2]", "--recipe", self.path("r.toml"))
        heads = [layer for layer in result["layers"] if layer["layer"].startswith("/heads")]
        self.assertGreater(len(heads), 5)
        for layer in heads:
            self.assertEqual((layer["treatment"], layer["reason"]), ("float", "the recipe keeps it float"))

    def test_the_output_carries_the_pipeline(self):
        self.assertEqual(self.json("run", self.quantized(), "--input", os.path.join(CALIBRATE, "000000.png"))["task"], "yolox")

    def test_an_override_that_matches_nothing(self):
        for line, near in (('name = "/heads/Nope_*"', "/heads/"), ('op = "Banana"', "Conv"), ('name = "/heads*"\nop = "Cnv"', "'Conv'")):
            with open(self.path("r.toml"), "w") as recipe:
                recipe.write("[quantize]\n[[quantize.layers]]\nquantize = false\n" + line + "\n")
            error = self.fails("quantize", FLOAT, "-o", self.path("x.onnx"), "--method", "dynamic", "--recipe", self.path("r.toml"), code=2,
                               says=["matches no layer", near])
            self.assertIn(line.split("\n")[0], error)
            self.assertFalse(os.path.exists(self.path("x.onnx")))

    def test_a_quantized_model_is_refused(self):
        for method in ("static", "dynamic", "weight-only"):
            quantized = self.quantized(method)
            for again in ("static", "dynamic", "weight-only"):
                data = ["--data", CALIBRATE + "[:2]"] if again == "static" else []
                self.fails("quantize", quantized, "-o", self.path("x.onnx"), "--method", again, *data, code=2, says=["already quantized", "8-bit", "float model"])
        self.assertFalse(os.path.exists(self.path("x.onnx")))

    def test_weight_only_says_that_arithmetic_stays_float(self):
        text = self.done("quantize", FLOAT, "-o", self.path("x.onnx"), "--method", "weight-only")
        self.assertIn("of the weights in 8 bits, arithmetic in float", text)
        self.assertNotIn("of the MACs in 8 bits", text)
        result = self.json("quantize", FLOAT, "-o", self.path("x.onnx"), "--method", "weight-only")
        self.assertEqual(result["macs_covered"], 0)
        self.assertGreater(result["weights_covered"], 0.8)
        for layer in result["layers"]:
            self.assertTrue(layer["weight_bytes"] > 0 or layer["macs"] > 0, layer)

    def test_where_nothing_can_be_written(self):
        # Before anything is read or calibrated: the frames are missing too.
        self.fails("quantize", FLOAT, "-o", self.path("nowhere", "x.onnx"), "--data", self.path("no frames"), says=["there is no folder", "nowhere"])
        self.fails("quantize", FLOAT, "-o", self.folder, "--data", self.path("no frames"), code=2, says="is a folder")

    def test_the_file_tells_its_maker(self):
        for method in ("static", "weight-only"):
            self.assertRegex(self.json("inspect", self.quantized(method))["producer"], r"^octet \d+\.\d+\.\d+")

    def test_tables_of_the_recipe_replace_those_carried_one_by_one(self):
        with open(self.path("r.toml"), "w") as recipe:
            recipe.write('[task]\nkind = "yolox"\nstrides = [8, 16, 32]\nscore_threshold = 0.5\n')
        picture = os.path.join(CALIBRATE, "000000.png")
        # The preprocessing is still the carried one: without it a picture would be refused.
        self.assertEqual(self.json("run", self.quantized(), "--input", picture, "--recipe", self.path("r.toml"))["task"], "yolox")

    def test_static_without_frames(self):
        self.fails("quantize", FLOAT, "-o", self.path("x.onnx"), code=2, says=["--data", "dynamic"])
        self.assertFalse(os.path.exists(self.path("x.onnx")))


if __name__ == "__main__":
    unittest.main()
