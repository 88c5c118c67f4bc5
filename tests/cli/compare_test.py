"""octet compare."""
import unittest

from octet_command import FLOAT, LABELS, RECIPE, SCORE, CommandTest, model, node, value_info


class Compare(CommandTest):
    def test_a_model_equals_itself(self):
        result = self.json("compare", FLOAT, FLOAT)
        self.assertEqual([output["name"] for output in result["outputs"]], ["detections"])
        self.assertEqual(result["outputs"][0]["max_abs"], 0)
        self.assertTrue(result["outputs"][0]["equal"])
        self.assertIsNone(result["metric"])
        self.assertIn("equal", self.done("compare", FLOAT, FLOAT))

    def test_with_labels(self):
        result = self.json("compare", FLOAT, self.quantized(), "--data", SCORE, "--labels", LABELS)
        self.assertEqual(result["metric"], "AP")
        self.assertAlmostEqual(result["drop"], result["a"] - result["b"], places=9)
        self.assertLessEqual(result["interval"][0], result["drop"])
        self.assertLessEqual(result["drop"], result["interval"][1])
        self.assertGreater(result["b"], 0.8)
        self.assertEqual(result["frames"], 64)
        self.assertGreater(result["agreement"]["value"], 0.9)
        for key in ("name", "sqnr_db", "cosine", "max_abs"):
            self.assertIn(key, result["outputs"][0])
        text = self.done("compare", FLOAT, self.quantized(), "--data", SCORE, "--labels", LABELS)
        self.assertIn("AP drops by", text)

    def test_layers_are_ranked(self):
        result = self.json("compare", FLOAT, self.quantized(), "--data", SCORE + "[:2]", "--recipe", RECIPE, "--layers")
        noise = [layer["sqnr_db"] for layer in result["layers"]]
        self.assertGreater(len(noise), 50)
        self.assertEqual(noise, sorted(noise))
        self.assertEqual(len(self.done("compare", FLOAT, self.quantized(), "--layers", "--most", "3").split("made by")[1].splitlines()), 4)

    def test_layers_do_not_change_the_outputs(self):
        plain = self.json("compare", FLOAT, self.quantized(), "--data", SCORE + "[:2]", "--recipe", RECIPE)
        layers = self.json("compare", FLOAT, self.quantized(), "--data", SCORE + "[:2]", "--recipe", RECIPE, "--layers")
        self.assertAlmostEqual(plain["outputs"][0]["sqnr_db"], layers["outputs"][0]["sqnr_db"], delta=1.5)

    def test_known_error(self):
        for name, op in (("a.onnx", "Identity"), ("b.onnx", "Neg")):
            with open(self.path(name), "wb") as file:
                file.write(model([node(op, ["x"], ["y"])], [value_info("x", [4, 5])], [value_info("y", [4, 5])]))
        output = self.json("compare", self.path("a.onnx"), self.path("b.onnx"))["outputs"][0]
        self.assertAlmostEqual(output["cosine"], -1, places=9)
        self.assertAlmostEqual(output["sqnr_db"], -6.0206, places=3)   # the error is twice the signal

    def test_models_that_do_not_go_together(self):
        with open(self.path("other.onnx"), "wb") as file:
            file.write(model([node("Neg", ["x"], ["y"])], [value_info("x", [4])], [value_info("y", [4])]))
        self.fails("compare", FLOAT, self.path("other.onnx"), says=["other.onnx", "1x3x160x160", "4"])
        with open(self.path("two.onnx"), "wb") as file:
            file.write(model([node("Add", ["x", "z"], ["y"])], [value_info("x", [4]), value_info("z", [4])], [value_info("y", [4])]))
        self.fails("compare", FLOAT, self.path("two.onnx"), code=2, says=["inputs", "picture", "z"])


if __name__ == "__main__":
    unittest.main()
