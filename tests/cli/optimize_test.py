"""octet sensitivity and octet optimize."""
import json
import os
import unittest

from octet_command import ACCURACY, CALIBRATE, DONE, FLOAT, LABELS, RECIPE, SCORE, CommandTest, octet

DATA = ["--data", SCORE + "[:12]", "--labels", LABELS, "--recipe", RECIPE]


class Sensitivity(CommandTest):
    def test_ranks_every_layer(self):
        result = self.json("sensitivity", FLOAT, "--data", CALIBRATE, "--recipe", RECIPE, "--frames", "3")
        self.assertEqual((result["mode"], result["frames"], result["score"]), ("only", 3, None))
        noise = [layer["noise"] for layer in result["layers"]]
        self.assertGreater(len(noise), 5)
        self.assertEqual(noise, sorted(noise, reverse=True))
        self.assertGreater(min(noise), 0)
        for layer in result["layers"]:
            self.assertGreater(layer["float_ms"], 0, layer["layer"])
            self.assertAlmostEqual(layer["saves_ms"], layer["float_ms"] - layer["int8_ms"])

    def test_all_but_and_labels(self):
        result = self.json("sensitivity", FLOAT, *DATA, "--frames", "3", "--all-but", "--no-times")
        self.assertEqual((result["mode"], result["score"]["metric"], result["float_ms"]), ("all_but", "AP", None))
        noise = [layer["noise"] for layer in result["layers"]]
        self.assertEqual(noise, sorted(noise))
        self.assertIsNotNone(result["layers"][0]["drop"])

    def test_table(self):
        text = self.done("sensitivity", FLOAT, "--data", CALIBRATE, "--recipe", RECIPE, "--frames", "2", "--most", "3")
        self.assertIn("the most harmful first", text)
        self.assertIn("saves ms", text)

    def test_without_frames(self):
        self.fails("sensitivity", FLOAT, code=2, says=["--data"])


class Optimize(CommandTest):
    def test_stays_within_the_drop(self):
        out = self.path("o.onnx")
        result = self.json("optimize", FLOAT, "-o", out, *DATA, "--calibrate", CALIBRATE, "--max-drop", "20")
        self.assertTrue(result["passed"])
        self.assertTrue(result["trials"][result["best"]]["passes"])
        self.assertLessEqual(result["trials"][result["best"]]["drop"], 20)
        self.assertTrue(os.path.exists(out))
        self.assertFalse(os.path.exists(out + ".journal"))
        self.done("run", out)
        # What was verified is what was written.
        compared = self.json("compare", FLOAT, out, *DATA)
        self.assertAlmostEqual(100 * compared["drop"], result["trials"][result["best"]]["drop"], places=6)

    def test_never_writes_what_fails(self):
        # A drop below nothing cannot be reached.
        out = self.path("o.onnx")
        with open(out, "w") as file:
            file.write("older")
        run = octet("optimize", FLOAT, "-o", out, "--data", SCORE + "[:8]", "--labels", "none", "--recipe", RECIPE, "--calibrate", CALIBRATE + "[:2]",
                    "--max-drop", "0", "--budget", "0.2", "--json")
        result = json.loads(run.stdout)
        if result["passed"]:
            self.assertEqual(run.returncode, DONE)
            return
        self.assertEqual(run.returncode, ACCURACY)
        with open(out) as file:
            self.assertEqual(file.read(), "older")
        self.assertEqual(result["output"], self.path("o.best.onnx"))
        self.done("run", result["output"])

    def test_resumes(self):
        # The journal of an interrupted search holds what was scored: the second run takes it from there.
        out = self.path("o.onnx")
        words = ["optimize", FLOAT, "-o", out, *DATA, "--calibrate", CALIBRATE + "[:2]", "--max-drop", "20", "--json"]
        first = json.loads(octet(*words).stdout)
        self.assertFalse(os.path.exists(out + ".journal"))
        with open(out, "rb") as file:
            model = file.read()
        interrupted = octet(*words, "--budget", "0.0001")
        again = json.loads(interrupted.stdout)
        self.assertEqual(again["trials"][0]["drop"], first["trials"][0]["drop"])
        with open(out, "rb") as file:
            self.assertEqual(file.read(), model)

    def test_needs_a_task(self):
        self.fails("optimize", FLOAT, "-o", self.path("o.onnx"), "--data", CALIBRATE, code=2)
        self.fails("optimize", FLOAT, "-o", FLOAT, *DATA, code=2, says=["the model itself"])


if __name__ == "__main__":
    unittest.main()
