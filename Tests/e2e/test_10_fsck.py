"""fsck: damage planted below a running agent is found and mended; what is in use is not touched."""
import glob
import hashlib
import json
import os
import signal
import subprocess
import threading

import requests

from client import JSON, Framework, operation, scalar
from cluster import Cluster, eventually

ROLE = "db"
NAMES = ("live", "idle", "spare")


def fsck(cluster, *words, status=None):
    done = subprocess.run(
        [cluster.binary, "fsck", "--json", *words, f"--master=127.0.0.1:{cluster.port}"],
        capture_output=True, text=True, timeout=120)
    assert status is None or done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout) if done.stdout else done.stderr


def codes(report):
    return sorted(f["code"] for f in report["findings"] if f["severity"] != "note")


def checksum(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Damaged:
    """A cluster with a volume that a task reads and writes, and two that nobody uses."""

    def __init__(self, cluster, framework, size):
        self.cluster = cluster
        self.base = f"{cluster.directory}/work/agent/volumes"
        volumes = [scalar("disk", size, ROLE, volume=name, path=name) for name in NAMES]
        room = scalar("disk", size * 3, ROLE)
        others = [scalar("cpus", 0.5, ROLE), scalar("mem", 64, ROLE)]
        offer = framework.offer(lambda offer: True)
        task = framework.task(
            offer, others + volumes[:1],
            "head -c 3000000 /dev/urandom > live/data; exec tail -f live/data")
        framework.accept(
            offer, operation("RESERVE", resources=others + [room]),
            operation("CREATE", volumes=volumes), operation("LAUNCH", task_infos=[task]))
        framework.state(task, "TASK_RUNNING")
        self.live = self.path("live") + "/data"
        eventually("data", lambda: os.path.getsize(self.live) == 3000000)
        os.sync()
        self.sum, self.inode = checksum(self.live), os.stat(self.live).st_ino
        eventually("three volumes", lambda: all(v.get("backend") for v in self.listed()))
        self.uuids = {v["resource"]["disk"]["persistence"]["id"]: v["uuid"] for v in self.listed()}

    def listed(self):
        found = self.cluster.operator.get("LIST_VOLUMES").get("volumes", [])
        return found if len(found) == len(NAMES) else [{}]

    def path(self, name):
        return f"{self.base}/roles/{ROLE}/{name}"

    def owner(self, name):
        return f"{self.base}/owners/{self.uuids[name]}.json"

    def image(self, name):
        return f"{self.base}/images/{self.uuids[name]}"

    def mend(self, *wanted, words=(), left=()):
        """Finds exactly these, repairs them, and finds but `left`; the live volume is as it was."""
        found = codes(fsck(self.cluster, status=1))
        assert found == sorted(wanted), found
        assert codes(fsck(self.cluster, status=1)) == found, "it is read-only"
        report = fsck(self.cluster, "--repair", "--yes", *words, status=1 if left else 0)
        assert codes(report) == sorted(left), report
        bad = [r for r in report["repairs"] if r["result"] not in ("repaired", "gone")]
        assert not bad, bad
        assert checksum(self.live) == self.sum and os.stat(self.live).st_ino == self.inode
        return report


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def read(path):
    with open(path) as file:
        return file.read()


def registry(world):
    """Rows of a registry that differs are told from what the agent has; nothing is repaired."""
    rows = [{"uuid": v["uuid"], "role": ROLE, "persistence_id": name, "state": "active",
             "booked_bytes": int(v["booked_bytes"])}
            for v in world.listed() for name in [v["resource"]["disk"]["persistence"]["id"]]]
    rows[0]["booked_bytes"] += 1
    rows[1]["uuid"] = "00000000-0000-4000-8000-000000000000"
    answer = requests.post(
        f"http://127.0.0.1:{world.cluster.agent_port}/api/v1", headers=JSON, timeout=30,
        json={"type": "CHECK_STORAGE", "check_storage": {"registry": {"volumes": rows}}})
    found = answer.json()["check_storage"]
    assert found["volumes"] in (len(NAMES), str(len(NAMES))), found
    assert sorted(f["code"] for f in found["findings"]) == [
        "registry-differs", "registry-lost", "registry-missing"], found
    assert not any("repair" in f for f in found["findings"]), found


def common(world):
    """What every backend can suffer."""
    cluster = world.cluster
    assert codes(fsck(cluster, status=0)) == []
    registry(world)
    sound = read(world.owner("live"))
    os.remove(world.owner("live"))
    world.mend("owner-missing")
    assert read(world.owner("live")) == sound
    write(world.owner("live"), "{ nothing")
    write(world.owner("idle"), read(world.owner("spare")))
    world.mend("owner-unreadable", "owner-foreign")
    assert read(world.owner("live")) == sound
    write(world.owner("spare"), read(world.owner("spare")).replace('"ready"', '"creating"'))
    world.mend("owner-differs")

    # What no book knows stays where it is until it is asked for, and is kept then.
    write(f"{world.base}/roles/{ROLE}/stray/row", "kept")
    write(f"{world.base}/images/stray", "kept")
    write(f"{world.base}/deleting/stray", "kept")
    strays = ("directory-unclaimed", "image-unclaimed", "deleting-leftover")
    world.mend(*strays, left=strays)
    assert os.path.exists(f"{world.base}/roles/{ROLE}/stray/row")
    world.mend(*strays, words=["--set-aside"])
    found = glob.glob(f"{world.base}/found/stray-*")
    assert len(found) == 3, found

    # A mount where a container was, and one over a volume.
    place = f"{cluster.directory}/work/agent/slaves/old/runs/gone/data"
    os.makedirs(place)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
    world.mend("container-mount-stale")
    lines = read(f"{cluster.directory}/work/agent/audit.log").splitlines()
    entries = [json.loads(line) for line in lines]
    assert {e["result"] for e in entries} == {"begun", "repaired"}, entries
    assert entries[-1]["code"] == "container-mount-stale" and entries[-1]["subject"] == place


def test_directories(binary):
    with Cluster(binary, backend="directory") as cluster:
        with Framework(cluster.url, ROLE) as framework:
            world = Damaged(cluster, framework, 32)
            common(world)
            os.rename(world.path("spare"), f"{cluster.directory}/work/agent/away")
            report = world.mend("volume-lost", left=["volume-lost"])
            assert report["findings"][0]["repair"] is None
            os.rename(f"{cluster.directory}/work/agent/away", world.path("spare"))
            assert codes(fsck(cluster, status=0)) == []


def test_images(binary):
    with Cluster(binary, backend="loop-ext4") as cluster:
        with Framework(cluster.url, ROLE) as framework:
            world = Damaged(cluster, framework, 32)
            common(world)
            write(
                world.owner("live"),
                read(world.owner("live")).replace('"loop-ext4"', '"directory"'))
            world.mend("backend-wrong")
            subprocess.run(["umount", world.path("idle")], check=True)
            world.mend("volume-unmounted")
            subprocess.run(
                ["losetup", "--find", world.image("live")], check=True)
            world.mend("loop-stale")
            length = os.path.getsize(world.image("idle"))
            os.truncate(world.image("idle"), length + (1 << 20))
            world.mend("image-long")
            assert os.path.getsize(world.image("idle")) == length

            # An image whose volume is gone, attached and mounted still.
            stray = f"{world.base}/images/00000000-0000-4000-8000-000000000000"
            subprocess.run(["cp", "--sparse=always", world.image("idle"), stray], check=True)
            os.makedirs(world.path("gone"))
            subprocess.run(["mount", "-o", "loop", stray, world.path("gone")], check=True)
            os.remove(stray)
            world.mend("mount-stale")

            # The agent has lost an owner file over a restart: the image's name tells whose it is.
            os.remove(world.owner("idle"))
            cluster.kill("agent")
            cluster.wait_for_agent()
            report = fsck(cluster)
            assert "owner-missing" in codes(report), report
            lost = [v["uuid"] for v in world.listed() if v.get("state") == "lost"]
            assert lost == [world.uuids["idle"]], world.listed()
            # Mended, it is told to the master, without another start of the agent.
            eventually("no findings", lambda: codes(fsck(cluster, "--repair", "--yes")) == [])
            eventually("active volumes", lambda: [v["state"] for v in world.listed()]
                       == ["active"] * len(NAMES))
            with open(f"{cluster.directory}/work/agent/audit.log") as log:
                lines = [json.loads(line) for line in log]
            assert all("@" in line["requester"] for line in lines), lines
            assert checksum(world.live) == world.sum


def test_of_what_cannot_be_checked(binary):
    with Cluster(binary, backend="directory") as cluster:
        assert fsck(cluster, status=0)["volumes"] == 0
        assert "no agent" in fsck(cluster, "--agent=nobody", status=2)
        # Without its parent's help the agent stays away: that is no clean result.
        cluster.process.send_signal(signal.SIGSTOP)
        os.kill(cluster.pid("agent"), signal.SIGKILL)
        try:
            report = fsck(cluster, f"--agent={cluster.agent_id}", status=2)
            assert [u["agent"] for u in report["unchecked"]] == [cluster.agent_id], report
        finally:
            cluster.process.send_signal(signal.SIGCONT)
        cluster.wait_for_agent()
        eventually("the agent's answer", lambda: fsck(cluster).get("unchecked") == [])


def test_beside_operations(binary):
    """What operations are doing meanwhile is no damage."""
    with Cluster(binary, backend="loop-ext4") as cluster:
        operator, agent, done = cluster.operator, cluster.agent_id, threading.Event()
        room = [scalar("disk", 48, ROLE)]
        assert operator.change("RESERVE_RESOURCES", agent, resources=room).status_code == 202
        rounds = [0, 0, 0]

        def churn(number):
            volumes = [scalar("disk", 16, ROLE, volume=f"v{number}")]
            while not done.is_set():
                operator.change("CREATE_VOLUMES", agent, volumes=volumes)
                operator.change("DESTROY_VOLUMES", agent, volumes=volumes)
                rounds[number] += 1

        threads = [threading.Thread(target=churn, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(10):
                fsck(cluster, status=0)
        finally:
            done.set()
            for thread in threads:
                thread.join()
        assert min(rounds) > 5, rounds
        eventually("erased", lambda: fsck(cluster, status=0)["findings"] == [])
