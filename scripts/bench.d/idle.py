"""Memory and processor use of daemons that have nothing to do."""
import time

import yardsticks
from cluster import Cluster, processor_seconds

SETTLE_SECONDS = 10
WATCH_SECONDS = 20
RESIDENT = {"master": 60, "agent": 50}
ANONYMOUS = {"master": 10, "agent": 10}


def measure(options, report):
    with Cluster(options) as cluster:
        time.sleep(SETTLE_SECONDS)
        daemons = cluster.daemons()
        before = {name: processor_seconds(pid) for name, pid in daemons.items()}
        start = time.monotonic()
        time.sleep(WATCH_SECONDS)
        elapsed = time.monotonic() - start
        for name, pid in daemons.items():
            seconds = processor_seconds(pid) - before[name]
            memory = megabytes(pid)
            report.figure(f"{name}: resident", memory["Rss"], "MB", below=RESIDENT.get(name))
            report.figure(f"{name}: anonymous", memory["Anonymous"], "MB",
                          below=ANONYMOUS.get(name))
            report.figure(f"{name}: processor", 100 * seconds / elapsed, "%",
                          below=0.5 if name in RESIDENT else None)
    yardsticks.smallest_process(options, report)


def megabytes(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        lines = [line.split() for line in file][1:]
    return {words[0].rstrip(":"): int(words[1]) / 1024 for words in lines if len(words) > 2}
