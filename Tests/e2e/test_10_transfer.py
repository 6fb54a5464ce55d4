"""Adopt and detach: data comes into a volume and goes out of it without a copy."""
import glob
import os
import subprocess

from client import Framework, operation, scalar
from cluster import Cluster, eventually

ROLE = "db"


def run(cluster, *words):
    return subprocess.run(
        [cluster.binary, *words, f"--master=127.0.0.1:{cluster.port}"], capture_output=True,
        text=True, timeout=60)


def test_there_and_back(binary):
    options = ["--adopt-from=/dev/shm", "--adopt-from=/tmp"]
    with Cluster(binary, backend="directory", options=options) as cluster:
        data = f"{cluster.directory}/legacy"
        os.makedirs(data)
        with open(f"{data}/row", "w") as file:
            file.write("precious\n")
        inode = os.stat(f"{data}/row").st_ino
        adopt = ("volume", "adopt", f"--role={ROLE}", "--size=32", data, "v1")
        # Nothing is reserved yet: refused by the master, and the directory stays what it was.
        done = run(cluster, *adopt)
        assert done.returncode != 0 and os.path.exists(f"{data}/row"), done
        cluster.cli("reserve", f"--role={ROLE}", "cpus:1;mem:64;disk:64")
        elsewhere = run(cluster, "volume", "adopt", f"--role={ROLE}", "--size=32", "/dev/shm", "v1")
        assert "another file system" in elsewhere.stderr, elsewhere
        # Nothing of the machine's is taken that the agent was not told of, by whatever name.
        for path in ("/etc/apt", "/tmp/../etc/apt"):
            foreign = run(
                cluster, "volume", "adopt", f"--role={ROLE}", "--size=32", path, "v1")
            assert foreign.returncode != 0 and os.path.isdir("/etc/apt"), foreign
        assert "may not be adopted" in run(
            cluster, "volume", "adopt", f"--role={ROLE}", "--size=32", "/etc/apt", "v1").stderr
        cluster.cli(*adopt)
        assert not os.path.exists(data)
        volume = cluster.json("volumes")[0]
        assert volume["id"] == "v1" and volume["booked_bytes"] == 32 << 20, volume

        with Framework(cluster.url, ROLE) as framework:
            held = [scalar("cpus", 1, ROLE), scalar("mem", 64, ROLE),
                    scalar("disk", 32, ROLE, volume="v1")]
            offer = framework.offer(
                lambda o: any(r.get("disk", {}).get("persistence") for r in o["resources"]))
            task = framework.task(
                offer, held, "grep -qx precious data/row && echo more >> data/row; exec sleep 600")
            framework.accept(offer, operation("LAUNCH", task_infos=[task]))
            framework.state(task, "TASK_RUNNING")
            used = run(cluster, "volume", "detach", "v1")
            assert used.returncode != 0, used
            framework.call("KILL", task_id=task["task_id"], agent_id=task["agent_id"])
            framework.state(task, "TASK_KILLED")
        eventually("idle", lambda: run(
            cluster, "volume", "detach", "v1", "--name=legacy").returncode == 0)
        kept = f"{cluster.directory}/work/agent/volumes/detached/legacy"
        with open(f"{kept}/row") as file:
            assert file.read() == "precious\nmore\n"
        assert os.stat(f"{kept}/row").st_ino == inode and os.path.exists(f"{kept}.json")
        assert cluster.json("volumes") == []
        assert run(cluster, "fsck").returncode == 0

        # What was detached can be adopted again, also by an agent that dies meanwhile.
        again = ("volume", "adopt", f"--role={ROLE}", "--size=32", kept, "v2")
        cluster.cli(*again)
        cluster.kill("agent")
        cluster.wait_for_agent()
        assert run(cluster, "fsck").returncode == 0
        found = glob.glob(f"{cluster.directory}/work/agent/volumes/roles/{ROLE}/v2/row")
        assert os.stat(found[0]).st_ino == inode
        # An ordinary DESTROY erases it.
        cluster.cli("volume", "destroy", "v2")
        eventually("erased", lambda: not os.path.exists(found[0]))
