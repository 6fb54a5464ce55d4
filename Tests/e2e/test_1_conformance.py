"""The recorded operator sequences of the reference, where they are beside the repository."""
import os
import subprocess
import sys

from cluster import Cluster, Skipped

SHARED = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../../shared/conformance"))


def test_operator_sequences(binary):
    if not os.path.exists(f"{SHARED}/random_ops.py"):
        raise Skipped(f"there is no {SHARED}")
    resources = "cpus:8;mem:8192;disk:10240;ports:[31000-32000]"
    with Cluster(binary, backend="directory", resources=resources) as cluster:
        done = subprocess.run(
            [sys.executable, "random_ops.py", "check", cluster.url, "operator-sequences.json"],
            cwd=SHARED, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
