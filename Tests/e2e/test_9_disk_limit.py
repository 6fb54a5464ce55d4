"""Disk limits that a count and not the kernel holds."""
from client import Framework, Operator, operation, scalar
from cluster import Cluster, eventually

ROLE = "limit"
BASE = [scalar("cpus", 0.1), scalar("mem", 64)]
WATCH = "--container_disk_watch_interval=1secs"
FILL = "dd if=/dev/zero of={} bs=1M count=20 status=none; exec sleep 89001"


def is_fresh(offer):
    return any(r["name"] == "disk" and not r.get("reservations") for r in offer["resources"])


def in_sandbox(framework):
    """A task that writes 20 MiB into a sandbox of 8."""
    offer = framework.offer(is_fresh)
    task = framework.task(offer, BASE + [scalar("disk", 8)], FILL.format("big"))
    framework.accept(offer, operation("LAUNCH", task_infos=[task]))
    return task


def in_volume(framework):
    """A task that writes 20 MiB into a volume of 16."""
    volume = scalar("disk", 16, ROLE, volume="v")
    offer = framework.offer(is_fresh)
    task = framework.task(offer, BASE + [volume], FILL.format("data/big"))
    framework.accept(
        offer, operation("RESERVE", resources=[scalar("disk", 16, ROLE)]),
        operation("CREATE", volumes=[volume]), operation("LAUNCH", task_infos=[task]))
    return task


# Scenario: disk_quota DiskQuotaEnforcement.DiskUsageExceedsQuota DiskQuotaTest.VolumeUsageExceedsQuota
def test_enforced(binary):
    options = ("--enforce_container_disk_quota", WATCH)
    with Cluster(binary, backend="directory", options=options) as cluster:
        with Framework(cluster.url, ROLE) as framework:
            for start, limit in ((in_sandbox, 8), (in_volume, 16)):
                status = framework.state(start(framework), "TASK_FAILED")
                assert status["reason"] == "REASON_CONTAINER_LIMITATION_DISK", status
                assert status["source"] == "SOURCE_AGENT", status
                words = status["message"].split()
                assert words[:2] == ["Disk", "usage"], status
                assert words[3:] == ["exceeds", "quota", f"({limit}MB)"], status
                resources = status["limitation"]["resources"]
                assert [r["scalar"]["value"] for r in resources] == [limit], status
            # The volume outlives its task.
            listed = eventually("the volume", lambda: cluster.json("volumes"))
            assert [v["id"] for v in listed] == ["v"]


# Scenario: disk_quota DiskQuotaEnforcement.NoQuotaEnforcement DiskQuotaEnforcement.ResourceStatistics
def test_only_reported(binary):
    with Cluster(binary, backend="directory", options=(WATCH,)) as cluster:
        with Framework(cluster.url, ROLE) as framework:
            tasks = [in_sandbox(framework), in_volume(framework)]
            for task in tasks:
                framework.state(task, "TASK_RUNNING")

            def used():
                volume = cluster.json("volumes")[0]
                return volume["used_bytes"] > volume["booked_bytes"] and volume
            volume = eventually("the volume's use", used)
            assert volume["enforcement"] == "poll", volume
            agent = Operator(f"http://127.0.0.1:{cluster.agent_port}")

            def statistics():
                found = agent.get("GET_CONTAINERS")["containers"]
                by_task = {c["executor_id"]["value"]: c["resource_statistics"] for c in found}
                sandbox, in_volume = (by_task[t["task_id"]["value"]] for t in tasks)
                # The sandbox has no limit here; it is shown all the same.
                disks = [d for d in in_volume["disk_statistics"] if "persistence" in d]
                used = [sandbox["disk_used_bytes"]] + [d["used_bytes"] for d in disks]
                return min(used) >= 20 << 20 and (sandbox, disks)
            sandbox, disks = eventually("what both use", statistics)
            assert sandbox["disk_limit_bytes"] == 8 << 20, sandbox
            assert [d["persistence"]["id"] for d in disks] == ["v"], disks
            assert disks[0]["limit_bytes"] == 16 << 20, disks
            assert not [e for e in framework.events if e["type"] == "UPDATE"
                        and e["update"]["status"]["state"] == "TASK_FAILED"]
            for task in tasks:
                framework.call("KILL", task_id=task["task_id"], agent_id=task["agent_id"])
                framework.state(task, "TASK_KILLED")
