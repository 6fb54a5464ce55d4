"""DECLINE with refuse_seconds 0 until the next OFFERS, and how many of these a second."""
import time

import yardsticks
from cluster import Cluster
from framework import Framework
from report import median, percentile


def measure(options, report):
    with Cluster(options, "--volume-backend=directory", "--launcher=plain") as cluster:
        framework = Framework(cluster.port)
        _, offer = framework.offer()
        samples = []
        for _ in range(100):
            # Slower than the limit on re-offers, so that the limit is not what is measured.
            time.sleep(0.04)
            start = time.perf_counter()
            decline(framework, offer)
            now, offer = framework.offer()
            samples.append((now - start) * 1000)
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < options.seconds:
            decline(framework, offer)
            _, offer = framework.offer()
            count += 1
        rate = count / (time.perf_counter() - start)
        report.figure("DECLINE to OFFERS, median", median(samples), "ms", below=20)
        report.figure("DECLINE to OFFERS, p95", percentile(samples, 0.95), "ms", below=20)
        # The target is 50; one more in the run is the first offer's own credit.
        report.figure("re-offers as fast as declined", rate, "1/s",
                      below=50 + 2 / options.seconds)
        yardsticks.round_trip(cluster.port, report)
        framework.close()


def decline(framework, offer):
    framework.call("DECLINE", {"offer_ids": [offer["id"]], "filters": {"refuse_seconds": 0}})
