"""octet inspect."""
import os
import unittest

from octet_command import FLOAT, CommandTest, model, node, value_info


class Inspect(CommandTest):
    def test_table(self):
        text = self.done("inspect", FLOAT)
        for word in ("1x3x160x160", "Conv", "MACs", "Dynamic quantization as PyTorch does it would cover 0.0 % of the MACs"):
            self.assertIn(word, text)

    def test_json(self):
        result = self.json("inspect", FLOAT)
        self.assertEqual(result["bytes"], os.path.getsize(FLOAT))
        self.assertGreaterEqual(result["parameters"], 122051)
        by_type = {entry["operator"]: entry for entry in result["by_operator_type"]}
        self.assertEqual(by_type["Conv"]["macs"], result["macs"])
        self.assertGreater(result["macs"], 10_000_000)
        self.assertEqual(result["coverage"]["torch_dynamic"], 0)
        self.assertEqual(result["coverage"]["static"], 1)
        self.assertEqual(sum(layer["macs"] for layer in result["layers"]), result["macs"])
        self.assertEqual(result["quantized_layers"], 0)

    def test_a_matrix_product_counts_exactly(self):
        with open(self.path("matmul.onnx"), "wb") as file:
            file.write(model([node("MatMul", ["a", "b"], ["c"])], [value_info("a", ["n", 6]), value_info("b", [6, 7])], [value_info("c", ["n", 7])]))
        self.assertEqual(self.json("inspect", self.path("matmul.onnx"))["macs"], 1 * 6 * 7)
        self.assertEqual(self.json("inspect", self.path("matmul.onnx"), "--shape", "a=5x6")["macs"], 5 * 6 * 7)

    def test_a_quantized_model_says_so(self):
        result = self.json("inspect", self.quantized())
        self.assertGreater(result["quantized_layers"], 40)
        self.assertEqual((result["quantized_share"], result["coverage"]["static"], result["coverage"]["dynamic"]), (1, 0, 0))
        text = self.done("inspect", self.quantized())
        self.assertIn("with 100.0 % of the MACs compute in 8 bits already", text)
        self.assertIn("8-bit already", text)
        self.assertNotIn("would cover", text)
        self.assertIn("have 8-bit weights and compute in float", self.done("inspect", self.quantized("weight-only")))
        self.assertIn("compute in 8 bits already", self.done("inspect", self.quantized("dynamic")))
        self.assertEqual(result["macs"], self.json("inspect", FLOAT)["macs"])


if __name__ == "__main__":
    unittest.main()
