"""Volumes made and destroyed, beside mkfs and mount by hand with the same parallelism."""
import os
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import disk_volumes
from cluster import Cluster, delete_tree

# As many at once as the agent prepares and erases.
PARALLEL = 2
# Of each backend: how many in all and at a time, the size, and how its file system is made by hand.
BACKENDS = (("directory", 1000, 250, 8, "ext4"), ("loop-ext4", 1000, 250, 8, "ext4"),
            ("btrfs", 1000, 250, 8, "ext4"), ("loop-xfs", 200, 20, 320, "xfs"))
MKFS = {"ext4": ["mkfs.ext4", "-q", "-F", "-m", "0", "-E", "nodiscard"],
        "xfs": ["mkfs.xfs", "-q", "-f", "-K"]}


def measure(options, report):
    for backend, count, batch, megabytes, kind in BACKENDS:
        with disk_volumes.place(options, backend) as where:
            with Cluster(where, f"--volume-backend={backend}", "--launcher=plain") as cluster:
                ours = theirs = 0
                # Turn about, as the machine's own speed drifts.
                for start in range(0, count, batch):
                    numbers = range(start, start + batch)
                    ours += seconds(lambda: managed(cluster, numbers, megabytes))
                    theirs += seconds(lambda: by_hand(options, numbers, megabytes, kind))
        report.figure(f"{backend}: {count} of {megabytes} MiB made, ready, and destroyed to the "
                      "end", count / ours, "1/s")
        report.figure(f"  {kind} by hand: fallocate, mkfs, mount, umount, rm, {PARALLEL} at a time",
                      count / theirs, "1/s")
        report.figure("  against by hand", theirs / ours, "x", at_least=0.8)


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def managed(cluster, numbers, megabytes):
    volumes = [disk_volumes.resource(number, megabytes) for number in numbers]
    owners = f"{cluster.directory}/work/agent/volumes/owners"
    disk_volumes.made(cluster, volumes)
    disk_volumes.call(cluster, "DESTROY_VOLUMES", "volumes", volumes)
    disk_volumes.call(cluster, "UNRESERVE_RESOURCES", "resources",
                      disk_volumes.without_volume(volumes))
    disk_volumes.until(lambda: not os.listdir(owners))


def by_hand(options, numbers, megabytes, kind):
    """All are mounted before the first goes, as above."""
    directory = tempfile.mkdtemp(prefix="holdfast-bench-", dir=options.directory)

    def make(number):
        image, point = f"{directory}/{number}", f"{directory}/m{number}"
        os.mkdir(point)
        for command in (["fallocate", "-l", f"{megabytes}M", image], [*MKFS[kind], image]):
            subprocess.run(command, check=True, capture_output=True)
        # Two at once may choose the same loop device: one of them has to try again.
        for _ in range(100):
            mount = subprocess.run(["mount", "-o", "loop", image, point], capture_output=True)
            if mount.returncode == 0:
                return
        raise RuntimeError(f"mount: {mount.stderr!r}")

    def remove(number):
        subprocess.run(["umount", f"{directory}/m{number}"], check=True)
        os.unlink(f"{directory}/{number}")
    try:
        with ThreadPoolExecutor(PARALLEL) as threads:
            list(threads.map(make, numbers))
            list(threads.map(remove, numbers))
    finally:
        delete_tree(directory)
