"""A service through its life, by the CLI alone."""
import os
import signal

from client import Operator
from cluster import Cluster, eventually, pids_of

FILE = """
name: counter
resources: {cpus: 0.2, mem: 64MiB}
volumes: [{name: data, path: data, size: 48MiB}]
command: |
  echo start >> "$MESOS_SANDBOX/data/starts"
  exec sleep 87003.5
health: {command: test -s data/starts, interval: 1s}
kill_grace: 1s
"""
COUNT = "wc -l < {}/starts"


def sleeper():
    found = [p for p in pids_of("87003.5") if os.readlink(f"/proc/{p}/exe").endswith("sleep")]
    return found[0] if found else None


def starts(pid):
    with open(f"/proc/{pid}/cwd/data/starts") as file:
        return len(file.readlines())


def status(cluster):
    return cluster.json("service", "status", "counter")[0]


def test_life(binary):
    with Cluster(binary) as cluster:
        path = f"{cluster.directory}/counter.yaml"
        with open(path, "w") as file:
            file.write(FILE)
        eventually("the service scheduler", lambda: cluster.json("frameworks"))
        cluster.cli("service", "deploy", path)
        first = eventually("its process", sleeper)
        assert starts(first) == 1
        volume = cluster.json("volumes")
        assert len(volume) == 1 and volume[0]["enforcement"] == "kernel", volume

        os.kill(first, signal.SIGKILL)
        second = eventually(
            "another process", lambda: sleeper() not in (None, first) and sleeper())
        eventually("the same data", lambda: starts(second) == 2)
        assert cluster.json("volumes")[0]["uuid"] == volume[0]["uuid"]
        eventually("a ready service", lambda: status(cluster)["is_ready"])

        cluster.cli("service", "resize", "counter", "--size=96MiB")
        grown = cluster.json("volumes")
        assert len(grown) == 1 and grown[0]["uuid"] == volume[0]["uuid"], grown
        assert grown[0]["booked_bytes"] == 96 << 20, grown
        third = eventually("its process", sleeper)
        space = os.statvfs(f"/proc/{third}/cwd/data")
        assert space.f_blocks * space.f_frsize > 60 << 20, "the file system did not grow"
        assert starts(third) >= 2

        cluster.kill("scheduler")
        eventually("a ready service", lambda: ready(cluster))
        assert sleeper() == third, "a restart of the scheduler touched the task"

        cluster.cli("service", "remove", "counter", "--destroy-volumes")
        eventually("no volumes", lambda: cluster.json("volumes") == [])
        eventually("no process", lambda: sleeper() is None)
        eventually("no service", lambda: cluster.json("service", "status") == [])
        # Its scheduler has acknowledged all that its operations came to.
        agent = Operator(f"http://127.0.0.1:{cluster.agent_port}")
        eventually("acknowledgements", lambda: agent.get("GET_OPERATIONS") == {})


def ready(cluster):
    try:
        return status(cluster)["is_ready"]
    except AssertionError:
        return False  # The scheduler has not subscribed yet.
