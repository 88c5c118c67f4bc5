"""Help, versions, wrong usage."""
import unittest

from octet_command import FLOAT, USAGE, CommandTest, octet


class Usage(CommandTest):
    def test_version(self):
        self.assertRegex(self.done("--version"), r"^octet \d+\.\d+\.\d+\n$")

    def test_help_lists_the_commands(self):
        text = self.done("--help")
        for command in ("inspect", "bench", "quantize", "compare", "sensitivity", "optimize", "run"):
            self.assertIn(f"octet {command}", text)
        self.assertEqual(self.done("help"), text)

    def test_every_command_has_help_with_an_example(self):
        for command in ("inspect", "bench", "quantize", "compare", "sensitivity", "optimize", "run"):
            text = self.done(command, "--help")
            self.assertIn(f"example: octet {command}", text)
            self.assertEqual(self.done("help", command), text)

    def test_nothing_at_all_is_wrong_usage(self):
        result = octet()
        self.assertEqual((result.returncode, result.stdout), (USAGE, ""))
        self.assertIn("usage: octet COMMAND", result.stderr)

    def test_unknown_command(self):
        self.fails("quantise", FLOAT, code=USAGE, says="no command 'quantise'")

    def test_unknown_option(self):
        for command in ("inspect", "bench", "run"):
            self.fails(command, FLOAT, "--colour", code=USAGE, says=["--colour", f"octet {command} --help"])

    def test_missing_arguments(self):
        for command in ("inspect", "bench", "quantize", "compare", "sensitivity", "optimize", "run"):
            self.fails(command, code=USAGE)
        self.fails("quantize", FLOAT, code=USAGE, says="--output")
        self.fails("compare", FLOAT, code=USAGE)

    def test_values_that_make_no_sense(self):
        for command in (["bench", FLOAT, "--threads"], ["compare", FLOAT, FLOAT, "--frames"], ["run", FLOAT, "--input", "x", "--frames"]):
            for value in ("0", "-1", "1.5", "many"):
                self.fails(*command, value, code=USAGE, says=f"'{value}' is not a whole number of at least 1")
        self.fails("run", FLOAT, "--threads", "two", code=USAGE, says="two")
        self.fails("quantize", FLOAT, "-o", self.path("x.onnx"), "--method", "magic", code=USAGE, says="magic")
        self.fails("inspect", FLOAT, "--shape", "picture=3by3", code=USAGE, says="picture=3by3")
        self.fails("inspect", FLOAT, "--shape", "pictures=1x3x160x160", code=USAGE, says="pictures")
        for command in (["inspect"], ["bench", "--processes", "0"], ["run"]):
            self.fails(*command, FLOAT, "--shape", "picture=1x3x8x8", says=[FLOAT, "1x3x160x160", "--shape"])

    def test_help_says_when_an_option_counts(self):
        self.assertIn("without --input only", self.done("run", "--help"))

    def test_unknown_isa(self):
        self.fails("run", FLOAT, "--isa", "mmx", code=USAGE, says="mmx")


if __name__ == "__main__":
    unittest.main()
