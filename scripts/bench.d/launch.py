"""From ACCEPT (reserve + create + launch) to TASK_RUNNING of a command task."""
import os
import shutil
import time

import yardsticks
from cluster import DISK_MEGABYTES, Cluster
from framework import ROLE, Framework
from report import median, percentile

VOLUME_MEGABYTES = 64


def measure(options, report):
    if os.geteuid() == 0 and shutil.which("runc"):
        flags = ["--launcher=runc", "--volume-backend=loop"]
        run(options, report, "runc + loop image", flags, 80, 150)
        yardsticks.make_and_mount(options, report, VOLUME_MEGABYTES)
        yardsticks.bare_runc(options, report)
    flags = ["--launcher=plain", "--volume-backend=directory"]
    run(options, report, "plain + directory", flags, 30, None)
    yardsticks.bare_process(report)


def run(options, report, name, flags, target_median, target_four):
    with Cluster(options, *flags) as cluster:
        framework = Framework(cluster.port)
        launch_group(framework, 1, "warm-up")
        one = [sample for index in range(options.rounds)
               for sample in launch_group(framework, 1, f"one-{index}")]
        four = [sample for index in range(options.rounds)
                for sample in launch_group(framework, 4, f"four-{index}")]
        framework.close()
    report.figure(f"{name}: one at a time, median", median(one), "ms", below=target_median)
    report.figure(f"{name}: one at a time, p95", percentile(one, 0.95), "ms")
    report.figure(f"{name}: four at a time, median", median(four), "ms")
    report.figure(f"{name}: four at a time, p95", percentile(four, 0.95), "ms",
                  below=target_four)


def scalar(name, value, **more):
    return {"name": name, "type": "SCALAR", "scalar": {"value": value},
            "allocation_info": {"role": ROLE}, **more}


def reserved_disk(volume=None):
    more = {"reservations": [{"type": "DYNAMIC", "role": ROLE}]}
    if volume:
        more["disk"] = {"persistence": {"id": volume},
                        "volume": {"container_path": "data", "mode": "RW"}}
    return scalar("disk", VOLUME_MEGABYTES, **more)


def launch_group(framework, count, label):
    """Launches tasks by one ACCEPT, then removes them and their volumes: milliseconds of each."""
    offers, agent = framework.everything(DISK_MEGABYTES)
    names = [f"{label}-{index}" for index in range(count)]
    disks = [reserved_disk() for _ in names]
    volumes = [reserved_disk(name) for name in names]
    tasks = [{"name": name, "task_id": {"value": name}, "agent_id": agent,
              "resources": [scalar("cpus", 0.5), scalar("mem", 64), volume],
              "command": {"value": "exec sleep 600", "shell": True}}
             for name, volume in zip(names, volumes)]
    start = time.perf_counter()
    accept(framework, offers, [
        {"type": "RESERVE", "reserve": {"resources": disks}},
        {"type": "CREATE", "create": {"volumes": volumes}},
        {"type": "LAUNCH", "launch": {"task_infos": tasks}}], refuse_seconds=3600)
    running = framework.states(names, "TASK_RUNNING")
    for name in names:
        framework.call("KILL", {"task_id": {"value": name}, "agent_id": agent,
                                "kill_policy": {"grace_period": {"nanoseconds": 10**9}}})
    framework.states(names, "TASK_KILLED")
    framework.call("REVIVE", {})
    offers, _ = framework.everything(DISK_MEGABYTES)
    accept(framework, offers, [
        {"type": "DESTROY", "destroy": {"volumes": volumes}},
        {"type": "UNRESERVE", "unreserve": {"resources": disks}}], refuse_seconds=0)
    return [(running[name] - start) * 1000 for name in names]


def accept(framework, offers, operations, refuse_seconds):
    framework.call("ACCEPT", {"offer_ids": offers, "operations": operations,
                              "filters": {"refuse_seconds": refuse_seconds}})
