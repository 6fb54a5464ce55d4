"""8 KiB random writes by fio into a volume of each backend, beside a bare directory of its disk."""
import json
import os
import shutil
import subprocess

import disk_volumes
from cluster import Cluster
from report import median

# What a database can reach of the bare directory's writes: without sync, and overwriting with
# fdatasync after each write, by one job and by four. None: the figure is reported only.
BACKENDS = {"directory": (0.95, None, None), "loop-ext4": (0.95, 0.65, 0.9),
            "loop-xfs": (0.95, 0.65, 0.9), "btrfs": (None, None, None)}
MODES = (("no sync, 1 job", 0, 1), ("fdatasync, 1 job", 1, 1), ("fdatasync, 4 jobs", 1, 4))
MEGABYTES, FILE, ROUNDS = 768, 128, 3


def measure(options, report):
    if not shutil.which("fio"):
        raise RuntimeError("fio is not installed: apt-get install fio")
    for backend, targets in BACKENDS.items():
        with disk_volumes.place(options, backend) as where:
            with Cluster(where, f"--volume-backend={backend}", "--launcher=plain") as cluster:
                measure_backend(options, report, cluster, backend, targets)


def measure_backend(options, report, cluster, backend, targets):
    volume = disk_volumes.made(cluster, [disk_volumes.resource(0, MEGABYTES)])[0]
    bare = f"{options.directory or '/var/tmp'}/holdfast-bench-bare-{os.getpid()}"
    os.mkdir(bare)
    try:
        for (name, sync, jobs), target in zip(MODES, targets):
            rates = {bare: [], volume: []}
            for number in range(2 * ROUNDS):
                # The machine's own speed drifts: each is first as often as the other.
                for place in sorted(rates, reverse=number % 2 == 1):
                    rates[place].append(fio(place, sync, jobs, options.seconds / 2))
            here, there = median(rates[volume]), median(rates[bare])
            report.figure(f"{backend}: {name}, bare directory", there, "IOPS")
            report.figure(f"  {backend}", here, "IOPS")
            report.figure("  against bare, all runs together",
                          sum(rates[volume]) / sum(rates[bare]), "x", at_least=target)
    finally:
        shutil.rmtree(bare)


def fio(place, sync, jobs, seconds):
    """Writes a second; the file is laid out before, so blocks are overwritten."""
    command = ["fio", "--name=w", f"--directory={place}", "--rw=randwrite", "--bs=8k",
               f"--size={FILE}m", "--overwrite=1", "--ioengine=psync", "--time_based",
               f"--runtime={seconds}", f"--fdatasync={sync}", f"--numjobs={jobs}",
               "--group_reporting", "--output-format=json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    # What is written later would be written in the next one's time.
    subprocess.run(["sync", "-f", place], check=True)
    return json.loads(done.stdout[done.stdout.index("{"):])["jobs"][0]["write"]["iops"]
