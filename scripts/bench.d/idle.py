"""Memory and processor use of daemons that have nothing to do."""
import os
import time

import yardsticks
from cluster import Cluster

SETTLE_SECONDS = 10
WATCH_SECONDS = 20
RESIDENT = {"master": 60, "agent": 50}
ANONYMOUS = {"master": 10, "agent": 10}


def measure(options, report):
    with Cluster(options) as cluster:
        time.sleep(SETTLE_SECONDS)
        daemons = cluster.daemons()
        before, start = {name: ticks(pid) for name, pid in daemons.items()}, time.monotonic()
        time.sleep(WATCH_SECONDS)
        elapsed = time.monotonic() - start
        for name, pid in daemons.items():
            seconds = (ticks(pid) - before[name]) / os.sysconf("SC_CLK_TCK")
            memory = megabytes(pid)
            report.figure(f"{name}: resident", memory["Rss"], "MB", below=RESIDENT.get(name))
            report.figure(f"{name}: anonymous", memory["Anonymous"], "MB",
                          below=ANONYMOUS.get(name))
            report.figure(f"{name}: processor", 100 * seconds / elapsed, "%",
                          below=0.5 if name in RESIDENT else None)
    yardsticks.smallest_process(options, report)


def ticks(pid):
    """User and system time of a process, in clock ticks."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def megabytes(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        lines = [line.split() for line in file][1:]
    return {words[0].rstrip(":"): int(words[1]) / 1024 for words in lines if len(words) > 2}
