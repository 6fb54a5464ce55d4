"""Operations on an agent with thousands of volumes, beside the same ones on an empty agent."""
import http.client
import os
import signal
import sqlite3
import time
import uuid

from cluster import Cluster, processor_seconds
from report import median

ROLE = "bench"
SIZE = 0.5
BATCH = 400


def measure(options, report):
    with Cluster(options, "--volume-backend=directory", "--launcher=plain") as cluster:
        many = Volumes(cluster)
        many.grow(10)
        pairs, cycle = many.pairs(20), many.cycle(40)
        report.figure("10 volumes: 20 pairs of RESERVE and UNRESERVE", 1000 * pairs, "ms")
        report.figure("10 volumes: a cycle of four calls, median", 1000 * cycle, "ms")
        many.grow(6400)
        report.figure("6,400 volumes with labels of their own: 20 pairs",
                      1000 * many.pairs(20), "ms", below=500)
        many.grow(10_000)
        later = many.cycle(40)
        report.figure("10,000 volumes: a cycle of four calls, median", 1000 * later, "ms")
        report.figure("  against 10 volumes", later / cycle, "x", below=2)
        listed(cluster, report, 10_000, None)
        fill_registry(cluster, 100_000)
        listed(cluster, report, 100_000, 1000)


class Volumes:
    """Volumes of one agent, each of a reservation with a label of its own."""

    def __init__(self, cluster):
        self.cluster, self.count, self.names = cluster, 0, 0

    def resource(self, number, volume=False):
        resource = {"name": "disk", "type": "SCALAR", "scalar": {"value": SIZE}, "reservations": [
            {"type": "DYNAMIC", "role": ROLE, "labels": {"labels": [
                {"key": "owner", "value": f"service-{number}"}]}}]}
        if volume:
            resource["disk"] = {"persistence": {"id": f"v{number}"},
                                "volume": {"container_path": "data", "mode": "RW"}}
        return resource

    def call(self, kind, field, resources):
        status, body = self.cluster.call({"type": kind, kind.lower(): {
            "agent_id": {"value": self.cluster.agent_id}, field: resources}})
        if status != 202:
            raise RuntimeError(f"{kind}: {status} {body!r:.500}")

    def grow(self, count):
        while self.count < count:
            numbers = range(self.count, min(count, self.count + BATCH))
            self.call("RESERVE_RESOURCES", "resources", [self.resource(n) for n in numbers])
            self.call("CREATE_VOLUMES", "volumes", [self.resource(n, True) for n in numbers])
            self.count += len(numbers)
        self.settle()

    def settle(self):
        """Waits until the agent has prepared the new volumes: that is their cost, not others'."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            before = processor_seconds(self.cluster.daemons()["agent"])
            time.sleep(0.5)
            if processor_seconds(self.cluster.daemons()["agent"]) - before < 0.02:
                return

    def next(self):
        self.names += 1
        return 1_000_000 + self.names

    def pairs(self, count):
        start = time.perf_counter()
        for _ in range(count):
            reserved = [self.resource(self.next())]
            self.call("RESERVE_RESOURCES", "resources", reserved)
            self.call("UNRESERVE_RESOURCES", "resources", reserved)
        return time.perf_counter() - start

    def cycle(self, count):
        samples = []
        for _ in range(count):
            number = self.next()
            plain, volume = [self.resource(number)], [self.resource(number, True)]
            start = time.perf_counter()
            self.call("RESERVE_RESOURCES", "resources", plain)
            self.call("CREATE_VOLUMES", "volumes", volume)
            self.call("DESTROY_VOLUMES", "volumes", volume)
            self.call("UNRESERVE_RESOURCES", "resources", plain)
            samples.append(time.perf_counter() - start)
        return median(samples)


def listed(cluster, report, count, target):
    """LIST_VOLUMES in both forms, until the last byte is here."""
    for name, form in (("protobuf", "application/x-protobuf"), ("JSON", "application/json")):
        samples = []
        for _ in range(3):
            start = time.perf_counter()
            size = read_list(cluster.port, form)
            samples.append(time.perf_counter() - start)
        report.figure(f"LIST_VOLUMES of {count:,} as {name} ({size >> 10:,} KiB)",
                      1000 * median(samples), "ms",
                      below=target if name == "protobuf" else None)


def read_list(port, form):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/api/v1", '{"type": "LIST_VOLUMES"}',
                           {"Content-Type": "application/json", "Accept": form})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"LIST_VOLUMES: {answer.status} {text!r:.200}")
        return len(text)
    finally:
        connection.close()


def fill_registry(cluster, count):
    """Rows of volumes on an agent that is away, up to `count` of all, for a master that starts."""
    # `dev` would start the master again at once.
    os.kill(cluster.process.pid, signal.SIGSTOP)
    os.kill(cluster.daemons()["master"], signal.SIGKILL)
    registry = open_registry(f"{cluster.directory}/work/master/registry.sqlite")
    name, value = registry.execute("SELECT key, value FROM volumes LIMIT 1").fetchone()
    away = cluster.agent_id[:-1] + "9"
    value = value.replace(cluster.agent_id.encode(), away.encode())
    known = registry.execute("SELECT count(*) FROM volumes").fetchone()[0]
    names = [str(uuid.uuid4()) for _ in range(count - known)]
    with registry:
        registry.executemany("INSERT INTO volumes VALUES (?, ?)", (
            (new, value.replace(name.encode(), new.encode())) for new in names))
    registry.close()
    os.kill(cluster.process.pid, signal.SIGCONT)
    cluster.wait_for_agent()


def open_registry(path):
    """The registry once its master is dead: a process that was killed takes a moment to be."""
    end = time.monotonic() + 10
    while True:
        registry = sqlite3.connect(path)
        try:
            registry.execute("SELECT count(*) FROM volumes").fetchone()
            return registry
        except sqlite3.OperationalError:
            registry.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
