"""Packs in place of models."""
import os
import unittest

from octet_command import CALIBRATE, FLOAT, LABELS, RECIPE, SCORE, USAGE, CommandTest

PICTURE = os.path.join(SCORE, "000003.png")


class Pack(CommandTest):
    def setUp(self):
        super().setUp()
        self.pack = self.path("shapes.octet")
        self.done("pack", FLOAT, "-o", self.pack)

    def test_run_on_pictures(self):
        runs = [self.json("run", model, "--input", PICTURE, "--recipe", RECIPE) for model in (FLOAT, self.pack)]
        for run in runs:
            run.pop("model")
        self.assertEqual(*runs)

    def test_run_from_a_cache(self):
        runs = [self.json("run", FLOAT, "--input", PICTURE, "--recipe", RECIPE, "--cache", self.path("cache")) for _ in range(2)]
        self.assertEqual(*runs)
        self.assertEqual(len(os.listdir(self.path("cache"))), 1)

    def test_bench_and_score(self):
        result = self.json("bench", self.pack, "--data", SCORE, "--recipe", RECIPE, "--labels", LABELS, "--seconds", "0.2", "--processes", "1")
        self.assertGreater(result["score"]["value"], 0.85)

    def test_a_pack_carries_the_recipe(self):
        quantized = self.quantized()
        self.done("pack", quantized, "-o", self.pack)
        self.assertEqual(*(self.json("run", model, "--input", PICTURE)["frames"] for model in (quantized, self.pack)))

    def test_compare(self):
        result = self.json("compare", FLOAT, self.pack, "--data", CALIBRATE, "--recipe", RECIPE, "--frames", "4")
        for output in result["outputs"]:
            self.assertEqual(output["max_abs"], 0)
        self.fails("compare", FLOAT, self.pack, "--layers", "--data", CALIBRATE, "--recipe", RECIPE, "--frames", "4", code=USAGE, says=["layers", "the model it was made of"])

    def test_commands_that_want_the_model(self):
        self.fails("inspect", self.pack, code=USAGE, says=["this is a pack", "the model it was made of"])
        self.fails("quantize", self.pack, "-o", self.path("q.onnx"), "--method", "dynamic", code=USAGE, says="this is a pack")
        self.fails("pack", self.pack, "-o", self.path("again.octet"), code=USAGE, says="this is a pack")


if __name__ == "__main__":
    unittest.main()
