"""A volume on each kind of disk that an agent can have, each disk a real one."""
import json
import os
import subprocess

from client import Framework, operation, scalar
from cluster import Cluster, eventually
from test_9_volume_scenarios import launch

ROLE = "db"
MIB = 1 << 20


def source(kind, root):
    body = {kind.lower(): {"root": root}} if kind in ("PATH", "MOUNT") else {}
    return {"type": kind, **body}


def disk(amount, where=None, volume=None):
    """Reserved disk of the role on the disk `where`; with an id it is a volume."""
    resource = scalar("disk", amount, ROLE, volume=volume)
    if where:
        resource.setdefault("disk", {})["source"] = where
    return resource


def offered(cluster):
    """The agent's resources that are disks with a source, by the source's kind."""
    resources = cluster.operator.agents()[0]["total_resources"]
    return {r["disk"]["source"]["type"]: r for r in resources if "source" in r.get("disk", {})}


class Disks(Cluster):
    """An agent with a disk of each kind: two file systems of their own, and a device."""

    def __init__(self, binary):
        super().__init__(binary, disks={"part": 96, "whole": 96})
        self.root = {name: f"{self.directory}/work/{name}" for name in self.disks}
        self.sources = {"PATH": source("PATH", self.root["part"]),
                        "MOUNT": source("MOUNT", self.root["whole"]),
                        "BLOCK": source("BLOCK", None), "RAW": source("RAW", None)}
        resources = [scalar("cpus", 4), scalar("mem", 4096), scalar("disk", 512)]
        resources += [{**scalar("disk", 64), "disk": {"source": each}}
                      for each in self.sources.values()]
        path = f"{self.directory}/resources.json"
        with open(path, "w") as file:
            json.dump(resources, file)
        self.command = [f"--resources=file://{path}" if word.startswith("--resources=") else word
                        for word in self.command]

    def change(self, kind, field, resource):
        return self.operator.change(kind, self.agent_id, **{field: [resource]})

    def file_system(self, name):
        return os.stat(self.root[name]).st_dev if name else os.stat(self.directory).st_dev


def stored_below(root, name):
    """Files of that name with the file system that they are on, also in mounts below."""
    return [(os.path.join(top, name), os.stat(os.path.join(top, name)))
            for top, _, files in os.walk(root) if name in files]


def test_root_path_and_mount_disks_hold_volumes(binary):
    with Disks(binary) as cluster, Framework(cluster.url, ROLE) as framework:
        assert sorted(offered(cluster)) == ["BLOCK", "MOUNT", "PATH", "RAW"]
        wanted = {"root": (32, None), "path": (32, cluster.sources["PATH"]),
                  "mount": (64, cluster.sources["MOUNT"])}
        for name, (amount, where) in wanted.items():
            for kind, field, volume in (("RESERVE_RESOURCES", "resources", None),
                                        ("CREATE_VOLUMES", "volumes", name)):
                answer = cluster.change(kind, field, disk(amount, where, volume))
                assert answer.status_code == 202, f"{name}: {answer.text}"
        for name, (amount, where) in wanted.items():
            volume = disk(amount, where, name)
            # More than the volume has is refused by the kernel, whatever disk it is on.
            script = (f"echo {name} > data/mark-{name} && sync && "
                      f"! dd if=/dev/zero of=data/much bs=1M count=128 && rm data/much")
            framework.state(launch(framework, has(name), [volume], script), "TASK_FINISHED")
        cluster.kill("agent")
        eventually("the agent", cluster.wait_for_agent)
        for name, (amount, where) in wanted.items():
            task = launch(framework, has(name), [disk(amount, where, name)],
                          f"grep {name} data/mark-{name} && sleep 0")
            framework.state(task, "TASK_FINISHED")
        # The whole disk is the volume itself.
        whole = cluster.root["whole"]
        assert [path for path, _ in stored_below(whole, "mark-mount")] == [f"{whole}/mark-mount"]
        assert not stored_below(cluster.root["part"], "mark-root")
        for name, (amount, where) in wanted.items():
            answer = cluster.change("DESTROY_VOLUMES", "volumes", disk(amount, where, name))
            assert answer.status_code == 202, f"{name}: {answer.text}"
        eventually("the erased data", lambda: not stored_below(whole, "mark-mount"))
        assert os.path.ismount(whole), "a MOUNT disk stays mounted"
        eventually("no volumes", lambda: not cluster.json("volumes"))


def has(name):
    return lambda offer: any(
        r.get("disk", {}).get("persistence", {}).get("id") == name for r in offer["resources"]
    ) and any(r["name"] == "cpus" and not r.get("reservations") for r in offer["resources"])


def test_the_data_lies_on_the_disk_that_was_chosen(binary):
    with Disks(binary) as cluster:
        before = os.statvfs(cluster.root["part"]).f_bavail
        where = cluster.sources["PATH"]
        for kind, field, volume in (("RESERVE_RESOURCES", "resources", None),
                                    ("CREATE_VOLUMES", "volumes", "v")):
            assert cluster.change(kind, field, disk(32, where, volume)).status_code == 202
        held = os.statvfs(cluster.root["part"])
        assert (before - held.f_bavail) * held.f_frsize >= 32 * MIB, "its space is taken there"
        # The disk has no room for a second one beyond what is booked, and the books know.
        answer = cluster.change("RESERVE_RESOURCES", "resources", disk(33, where))
        assert answer.status_code == 409, answer.text


def test_a_mount_disk_is_one_piece(binary):
    with Disks(binary) as cluster:
        where = cluster.sources["MOUNT"]
        answer = cluster.change("RESERVE_RESOURCES", "resources", disk(32, where))
        assert answer.status_code in (400, 409), "half of a whole disk"
        assert cluster.change("RESERVE_RESOURCES", "resources", disk(64, where)).status_code == 202
        answer = cluster.change("CREATE_VOLUMES", "volumes", disk(32, where, "half"))
        assert answer.status_code in (400, 409), answer.text
        assert not cluster.json("volumes")


def test_raw_disks_are_reserved_and_carry_no_volumes(binary):
    with Disks(binary) as cluster:
        for kind in ("BLOCK", "RAW"):
            where = cluster.sources[kind]
            answer = cluster.change("RESERVE_RESOURCES", "resources", disk(64, where))
            assert answer.status_code == 202, f"{kind}: {answer.text}"
            answer = cluster.change("CREATE_VOLUMES", "volumes", disk(64, where, "v"))
            assert answer.status_code == 400, f"{kind}: {answer.text}"
            assert kind in answer.text, answer.text
            assert offered(cluster)[kind]["reservations"][0]["role"] == ROLE
            answer = cluster.change("UNRESERVE_RESOURCES", "resources", disk(64, where))
            assert answer.status_code == 202, f"{kind}: {answer.text}"


def test_a_missing_mount_disk_is_refused_at_the_start(binary):
    """A disk that is not mounted would put a database on the disk below its mount point."""
    cluster = Disks(binary)
    cluster.mount_disk("part", 96)
    os.makedirs(cluster.root["whole"])
    try:
        done = subprocess.run(cluster.command, capture_output=True, text=True, timeout=60)
        assert done.returncode != 0
        assert cluster.root["whole"] in done.stderr + done.stdout, done.stderr
    finally:
        subprocess.run(["umount", cluster.root["part"]], check=True)
