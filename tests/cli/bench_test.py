"""octet bench."""
import os
import unittest

from octet_command import FLOAT, LABELS, RECIPE, SCORE, CommandTest

QUICK = ["--seconds", "0.2", "--processes", "2"]
KEYS = ["model", "threads", "isa", "file_bytes", "init_ms", "first_ms", "first_frame_ms", "p50_ms", "p99_ms", "fps", "fps_model", "peak_memory_mb", "limit_ms"]


class Bench(CommandTest):
    def test_table(self):
        text = self.done("bench", FLOAT, *QUICK)
        for word in ("init", "first frame", "p50", "p99", "FPS", "memory"):
            self.assertIn(word, text)

    def test_json(self):
        result = self.json("bench", FLOAT, "--threads", "1", *QUICK)
        for key in KEYS:
            self.assertIn(key, result)
        self.assertEqual(result["threads"], 1)
        self.assertGreater(result["first_frame_ms"], 0)
        self.assertGreaterEqual(result["p99_ms"], result["p50_ms"])
        self.assertGreater(result["peak_memory_mb"], 1)
        self.assertNotIn("steps", result)

    def test_profile(self):
        result = self.json("bench", FLOAT, "--profile", *QUICK)
        self.assertGreater(len(result["steps"]), 40)
        for key in ("layer", "operator", "kernel", "macs", "ms", "share", "gops"):
            self.assertIn(key, result["steps"][0])
        self.assertAlmostEqual(sum(step["share"] for step in result["steps"]), 1, places=6)
        self.assertAlmostEqual(sum(entry["ms"] for entry in result["by_operator_type"]), sum(step["ms"] for step in result["steps"]), places=6)

    def test_frames_and_score(self):
        result = self.json("bench", FLOAT, "--data", SCORE, "--recipe", RECIPE, "--labels", LABELS, *QUICK)
        self.assertGreater(result["frames"], 0)
        self.assertEqual(result["score"]["metric"], "AP")
        self.assertGreater(result["score"]["value"], 0.85)
        self.assertEqual(result["score"]["frames"], 64)

    def test_cache(self):
        folder = self.path("cache")
        cold, warm = (self.json("bench", self.quantized(), *QUICK, *more) for more in ([], ["--cache", folder]))
        self.assertEqual({name.rsplit(".", 1)[1] for name in os.listdir(folder)}, {"octet"})
        self.assertEqual(warm["isa"], cold["isa"])
        self.assertGreater(warm["first_frame_parts"]["verify_ms"], 0)   # the children found the entry and checked it
        self.assertEqual(cold["first_frame_parts"]["verify_ms"], 0)

    def test_several_models(self):
        results = self.json("bench", FLOAT, self.quantized(), *QUICK)
        self.assertEqual([r["model"] for r in results], [FLOAT, self.quantized()])
        text = self.done("bench", FLOAT, self.quantized(), *QUICK)
        self.assertEqual(len(text.splitlines()), 3, text)

    def test_the_level_is_the_one_asked_for(self):
        self.assertEqual(self.json("bench", FLOAT, "--isa", "reference", *QUICK)["isa"], "reference")

    def test_labels_without_frames(self):
        self.fails("bench", FLOAT, "--labels", LABELS, code=2, says="--data")


if __name__ == "__main__":
    unittest.main()
