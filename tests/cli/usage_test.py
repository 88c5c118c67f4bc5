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
        self.fails("bench", FLOAT, "--threads", "0", code=USAGE)
        self.fails("run", FLOAT, "--threads", "two", code=USAGE, says="two")
        self.fails("quantize", FLOAT, "-o", self.path("x.onnx"), "--method", "magic", code=USAGE, says="magic")
        self.fails("inspect", FLOAT, "--shape", "picture=3by3", code=USAGE, says="picture=3by3")
        self.fails("inspect", FLOAT, "--shape", "pictures=1x3x160x160", code=USAGE, says="pictures")

    def test_unknown_isa(self):
        self.fails("run", FLOAT, "--isa", "mmx", code=USAGE, says="mmx")


if __name__ == "__main__":
    unittest.main()
