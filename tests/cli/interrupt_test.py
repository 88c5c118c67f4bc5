"""Ctrl-C: long jobs end soon, say so, and leave the old output as it was."""
import json
import os
import signal
import subprocess
import time
import unittest

from octet_command import CALIBRATE, FLOAT, INTERRUPTED, OCTET, RECIPE, CommandTest


class Interrupt(CommandTest):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("frames"))
        for i in range(4000):   # more than any machine calibrates on in the time below
            os.symlink(os.path.abspath(os.path.join(CALIBRATE, f"{i % 32:06}.png")), self.path("frames", f"{i:06}.png"))

    def wait_until_it_listens(self, process):
        """A busy machine takes its time to load 200 libraries: waits for the handler of SIGINT, then a little."""
        for _ in range(600):
            time.sleep(0.1)
            self.assertIsNone(process.poll(), "it must still be running")
            with open(f"/proc/{process.pid}/status") as status:
                caught = next(line for line in status if line.startswith("SigCgt:"))
            if int(caught.split()[1], 16) & 1 << (signal.SIGINT - 1):
                time.sleep(0.5)
                return
        self.fail("it never listened to SIGINT")

    def interrupt(self, *arguments):
        process = subprocess.Popen([OCTET, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.wait_until_it_listens(process)
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        out, err = process.communicate(timeout=60)
        self.assertLess(time.monotonic() - start, 20)
        self.assertEqual((process.returncode, out), (INTERRUPTED, ""), err)
        self.assertEqual(err.count("\n"), 1, err)
        self.assertIn("interrupted", err)

    def test_quantize(self):
        with open(self.path("out.onnx"), "w") as file:
            file.write("the old file")
        self.interrupt("quantize", FLOAT, "-o", self.path("out.onnx"), "--data", self.path("frames"), "--recipe", RECIPE)
        with open(self.path("out.onnx")) as file:
            self.assertEqual(file.read(), "the old file")
        self.assertEqual(sorted(os.listdir(self.folder)), ["frames", "out.onnx"])

    def test_bench(self):
        self.interrupt("bench", FLOAT, "--seconds", "100")

    def test_compare(self):
        self.interrupt("compare", FLOAT, FLOAT, "--data", self.path("frames"), "--recipe", RECIPE)

    def test_run_keeps_what_was_done(self):
        for form in ([], ["--json"]):
            process = subprocess.Popen([OCTET, "run", FLOAT, "--recipe", RECIPE, "--input", self.path("frames"), *form], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            first = [process.stdout.readline() for _ in range(5)]   # printed as it goes
            self.assertIsNone(process.poll())
            process.send_signal(signal.SIGINT)
            rest, err = process.stdout.read(), process.stderr.read()
            process.stdout.close()
            process.stderr.close()
            self.assertEqual((process.wait(timeout=60), err.count("\n")), (INTERRUPTED, 1), err)
            self.assertIn("interrupted", err)
            text = "".join(first) + rest
            if form:
                frames = [frame["frame"] for frame in json.loads(text)["frames"]]
            else:
                frames = [line for line in text.splitlines() if not line.startswith(" ")]
            self.assertEqual(frames, [f"{i:06}.png" for i in range(len(frames))])
            self.assertTrue(0 < len(frames) < 4000, len(frames))

    def test_twice_ends_at_once(self):
        process = subprocess.Popen([OCTET, "bench", FLOAT, "--seconds", "100"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_until_it_listens(process)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        self.assertIn(process.returncode, (INTERRUPTED, -signal.SIGINT))


if __name__ == "__main__":
    unittest.main()
