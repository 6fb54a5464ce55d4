"""What volumes cost: counting, writing, making and neighbours, each beside its alternative."""
import http.client
import json
import os
import subprocess
import time

import disk_churn
import disk_fio
import disk_neighbour
import disk_volumes
from cluster import Cluster
from report import median

ROLE = "bench"
VOLUMES, FILES, DIRECTORIES, BATCH = 1000, 1000, 10, 250
INTERVAL = 1
FLAGS = ("--launcher=plain", f"--container-disk-watch-interval={INTERVAL}secs")


def measure(options, report):
    for name in options.parts or PARTS:
        PARTS[name](options, report)


def usage(options, report):
    """Of a thousand volumes with a thousand files each, beside `du` of the same."""
    counted(options, report)
    with disk_volumes.place(options, "btrfs") as where:
        limited(where, report)


def counted(options, report):
    """Plain directories, which nothing but a count knows."""
    with Cluster(options, "--volume-backend=directory", *FLAGS) as cluster:
        roles = fill(cluster)
        du = seconds_of_du(roles)
        first = walk(cluster, VOLUMES * (FILES + DIRECTORIES + 1))
        time.sleep(2 * INTERVAL)
        unchanged = median([walk(cluster) for _ in range(5)])
        answer = median([answer_seconds(cluster) for _ in range(5)])
        report.figure(f"directory: du of {VOLUMES} volumes of {FILES} files, warm",
                      1000 * du, "ms")
        report.figure("  the walker, the first time or after changes", 1000 * first, "ms")
        report.figure("  the walker, nothing changed", 1000 * unchanged, "ms")
        report.figure("  against du", unchanged / du, "x", below=0.1)
        report.figure("  VOLUME_USAGE of all", 1000 * answer, "ms", below=100)


def limited(options, report):
    """Subvolumes, whose qgroups the kernel counts."""
    with Cluster(options, "--volume-backend=btrfs", *FLAGS) as cluster:
        roles = fill(cluster)
        du = seconds_of_du(roles)
        time.sleep(2 * INTERVAL)
        read = median([sample(cluster, "holdfast_usage_read_seconds") for _ in range(5)])
        answer = median([answer_seconds(cluster) for _ in range(5)])
        report.figure(f"btrfs: du of {VOLUMES} volumes of {FILES} files, warm", 1000 * du, "ms")
        report.figure("  all read from the kernel's counters", 1000 * read, "ms", below=100)
        report.figure("  VOLUME_USAGE of all", 1000 * answer, "ms", below=100)


def fill(cluster):
    """Makes the volumes and their files; the directory that all are in."""
    for start in range(0, VOLUMES, BATCH):
        numbers = range(start, start + BATCH)
        for kind, field, is_volume in (("RESERVE_RESOURCES", "resources", False),
                                       ("CREATE_VOLUMES", "volumes", True)):
            status, body = cluster.call({"type": kind, kind.lower(): {
                "agent_id": {"value": cluster.agent_id},
                field: [resource(number, is_volume) for number in numbers]}})
            if status != 202:
                raise RuntimeError(f"{kind}: {status} {body!r:.500}")
    roles = f"{cluster.directory}/work/agent/volumes/roles/{ROLE}"
    for volume in range(VOLUMES):
        for directory in range(DIRECTORIES):
            place = f"{roles}/v{volume}/d{directory}"
            os.mkdir(place)
            for file in range(FILES // DIRECTORIES):
                os.close(os.open(f"{place}/f{file}", os.O_CREAT | os.O_WRONLY))
    os.sync()
    return roles


def resource(number, is_volume):
    found = {"name": "disk", "type": "SCALAR", "scalar": {"value": 8}, "reservations": [
        {"type": "DYNAMIC", "role": ROLE}]}
    if is_volume:
        found["disk"] = {"persistence": {"id": f"v{number}"},
                         "volume": {"container_path": "data", "mode": "RW"}}
    return found


def seconds_of_du(roles):
    def once():
        start = time.perf_counter()
        subprocess.run(["du", "-s", roles], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start
    once()
    return median([once() for _ in range(3)])


def agent(cluster, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", cluster.agent_port, timeout=60)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json",
                                                "Accept": "application/json"})
        answer = connection.getresponse()
        return answer.read()
    finally:
        connection.close()


def sample(cluster, name):
    """A metric without labels, read when the next reading is over."""
    time.sleep(INTERVAL)
    for line in agent(cluster, "GET", "/metrics").decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise RuntimeError(f"{name}: there is no such metric")


def walk(cluster, inodes=0):
    """How long the last walk took, once all volumes together have so many inodes."""
    deadline = time.monotonic() + 300
    longest = 0
    while True:
        longest = max(longest, sample(cluster, "holdfast_usage_walk_seconds"))
        found = json.loads(agent(cluster, "POST", "/api/v1", '{"type": "VOLUME_USAGE"}'))
        volumes = found["volume_usage"]["volumes"]
        if sum(v.get("amounts", {}).get("used_inodes", 0) for v in volumes) >= inodes:
            return longest
        if time.monotonic() > deadline:
            raise RuntimeError("the walker does not come to an end")


def answer_seconds(cluster):
    start = time.perf_counter()
    agent(cluster, "POST", "/api/v1", '{"type": "VOLUME_USAGE"}')
    return time.perf_counter() - start


PARTS = {"usage": usage, "fio": disk_fio.measure, "churn": disk_churn.measure,
         "neighbour": disk_neighbour.measure}
