"""Volumes that become larger: under a running task where they can, else while it is stopped."""
import os
import re
import subprocess

from cluster import Cluster, eventually, pids_of

FILE = """
name: {name}
resources: {{cpus: 0.2, mem: 64MiB}}
volumes: [{{name: data, path: data, size: {size}MiB}}]
command: |
  echo start >> "$MESOS_SANDBOX/data/starts"
  exec sleep {marker}
health: {{command: test -s data/starts, interval: 1s}}
kill_grace: 1s
"""


class Service:
    def __init__(self, cluster, name, marker, size):
        self.cluster, self.name, self.marker = cluster, name, marker
        path = f"{cluster.directory}/{name}.yaml"
        with open(path, "w") as file:
            file.write(FILE.format(name=name, marker=marker, size=size))
        eventually("the service scheduler", lambda: cluster.json("frameworks"))
        cluster.cli("service", "deploy", path)

    def pid(self):
        def sleeps(pid):
            try:
                return os.readlink(f"/proc/{pid}/exe").endswith("sleep")
            except OSError:
                return False
        return eventually("its process", lambda: next(filter(sleeps, pids_of(self.marker)), None))

    def mebibytes(self):
        """What its process sees of the file system."""
        space = os.statvfs(f"/proc/{self.pid()}/cwd/data")
        return space.f_blocks * space.f_frsize >> 20

    def starts(self):
        with open(f"/proc/{self.pid()}/cwd/data/starts") as file:
            return len(file.readlines())

    def resize(self, size, check=True):
        return self.cluster.cli("service", "resize", self.name, f"--size={size}MiB", check=check)

    def volume(self):
        listed = self.cluster.operator.get("LIST_VOLUMES").get("volumes", [])
        return next(v for v in listed
                    if v["resource"]["disk"]["persistence"]["id"].startswith(self.name + "-"))

    def booked(self):
        return int(self.volume()["booked_bytes"]) >> 20

    def held(self):
        """The volume's size as the master shows it in the running task."""
        tasks = self.cluster.operator.get("GET_TASKS").get("tasks", [])
        running = [t for t in tasks if t["name"] == self.name and t["state"] == "TASK_RUNNING"]
        return [r["scalar"]["value"] for r in running[0]["resources"]
                if r.get("disk", {}).get("persistence")][0]


def reserved_disk(cluster):
    """What is reserved and in no volume."""
    found = cluster.operator.agents()[0]["total_resources"]
    return sum(r["scalar"]["value"] for r in found
               if r["name"] == "disk" and r.get("reservations") and not r.get("disk"))


def test_under_a_running_task(binary):
    with Cluster(binary) as cluster:
        service = Service(cluster, "large", "87008.1", 320)
        pid, before = service.pid(), service.mebibytes()
        assert service.volume()["backend"] == "loop-xfs", service.volume()
        said = service.resize(400)
        assert "grown while mounted, downtime 0 ms" in said, said
        assert service.pid() == pid and service.starts() == 1
        assert service.mebibytes() >= before + 70, (before, service.mebibytes())
        assert service.booked() == 400 and service.held() == 400
        assert reserved_disk(cluster) == 0

        # More than there is: refused with the reason, and everything is as before.
        done = subprocess.run(
            [binary, "service", "resize", "large", "--size=100GiB",
             f"--master=127.0.0.1:{cluster.port}"], capture_output=True, text=True, timeout=60)
        assert done.returncode != 0 and "MiB of disk free" in done.stderr, done
        assert service.pid() == pid and service.booked() == 400 and reserved_disk(cluster) == 0

        # Neither an agent nor a master that dies on the way loses the growth or the task.
        for role, size in (("agent", 440), ("master", 480), ("agent", 520), ("master", 560)):
            asking = subprocess.Popen(
                [binary, "service", "resize", "large", f"--size={size}MiB",
                 f"--master=127.0.0.1:{cluster.port}"])
            cluster.kill(role)
            asking.wait(120)
            eventually("an agent", lambda: active(cluster))
            if booked(service) != size:  # The CLI, too, lost the master before it had asked.
                eventually("a service", lambda: "downtime 0 ms" in service.resize(size, False))
            eventually("the new size", lambda: booked(service) == size)
            assert service.pid() == pid, f"kill -9 of the {role} ended the task"
            assert service.mebibytes() >= size - 90 and service.held() == size

        # A relaunch finds the larger volume; what its reduction would free can't be had of XFS.
        os.kill(pid, 9)
        eventually("another process", lambda: service.pid() != pid)
        eventually("the same data", lambda: service.starts() == 2)
        eventually("the same size", lambda: service.held() == 560)
        cluster.cli("service", "remove", "large", "--destroy-volumes")
        eventually("no volumes", lambda: cluster.json("volumes") == [])
        assert reserved_disk(cluster) == 0


def active(cluster):
    try:
        return [a for a in cluster.operator.agents() if a.get("active")]
    except Exception:
        return None  # The master is not back yet.


def booked(service):
    try:
        return service.booked()
    except (StopIteration, AssertionError):
        return None


def test_of_a_stopped_task(binary):
    with Cluster(binary, backend="loop-ext4") as cluster:
        service = Service(cluster, "small", "87008.2", 48)
        pid, before = service.pid(), service.mebibytes()
        said = service.resize(96)
        assert service.mebibytes() > before + 30 and service.booked() == 96
        if service.volume().get("grows_while_mounted"):
            assert "grown while mounted, downtime 0 ms" in said and service.pid() == pid, said
        else:
            assert int(re.search(r"downtime (\d+) ms", said)[1]) > 0, said
            assert "while mounted" not in said and service.pid() != pid and service.starts() == 2
        smaller = service.pid()
        assert int(re.search(r"downtime (\d+) ms", service.resize(64))[1]) > 0
        assert service.pid() != smaller and service.booked() == 64
        cluster.cli("service", "remove", "small", "--destroy-volumes")
        eventually("no volumes", lambda: cluster.json("volumes") == [])


def test_operator_call(binary):
    """GROW_VOLUME of an operator, of a volume in use, in Mesos's form."""
    with Cluster(binary) as cluster:
        service = Service(cluster, "held", "87008.3", 320)
        pid = service.pid()
        volume = service.volume()["resource"]
        more = {key: value for key, value in volume.items() if key != "disk"}
        more["scalar"] = {"value": 80}
        operator, agent = cluster.operator, cluster.agent_id
        answer = operator.change("GROW_VOLUME", agent, volume=volume, addition=more)
        assert answer.status_code == 409, answer.text
        assert operator.change("RESERVE_RESOURCES", agent, resources=[more]).status_code == 202
        answer = operator.change("GROW_VOLUME", agent, volume=volume, addition=more)
        assert answer.status_code == 202, answer.text
        assert service.booked() == 400 and service.held() == 400 and service.pid() == pid
        grown = dict(volume, scalar={"value": 400})
        answer = operator.change(
            "SHRINK_VOLUME", agent, volume=grown, subtract={"value": 80})
        assert answer.status_code == 409, answer.text
        # The service finds its volume in the size that was asked for.
        assert "downtime 0 ms" in service.resize(400) and service.pid() == pid
