"""Runs every function test_* of the files test_*.py: run.py BINARY [PART OF A NAME...]"""
import glob
import importlib
import os
import sys
import time
import traceback

from cluster import Skipped


def tests(wanted):
    folder = os.path.dirname(os.path.abspath(__file__))
    for path in sorted(glob.glob(os.path.join(folder, "test_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        for name, function in vars(module).items():
            if name.startswith("test_") and function.__module__ == module.__name__:
                label = f"{module.__name__[5:]}.{name[5:]}"
                if not wanted or any(part in label for part in wanted):
                    yield label, function


def main():
    binary, wanted = sys.argv[1], sys.argv[2:]
    passed = failed = 0
    for label, function in tests(wanted):
        began = time.monotonic()
        try:
            function(binary)
            outcome, passed = "ok", passed + 1
        except Skipped as reason:
            outcome = f"skipped ({reason})"
        except Exception:
            outcome, failed = "FAILED", failed + 1
            traceback.print_exc(limit=4)
        sys.stderr.flush()
        print(f"{label}: {outcome} {time.monotonic() - began:.1f} s", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
