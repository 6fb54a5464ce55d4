"""What happens when a volume or a sandbox is full: fail, kill or grow, by role and by task."""
import glob

from client import Framework, operation, scalar
from cluster import Cluster, eventually
from test_11_events import Stream

BASE = [scalar("cpus", 0.1), scalar("mem", 64)]
WATCH = "--container_disk_watch_interval=1secs"
FILL = ("dd if=/dev/zero of=full/big bs=1M count=64 status=none; echo filled $?; "
        "echo unharmed > other/file && sync other/file && cat other/file; exec sleep {}")
# Each part is written once the volume has become larger.
GROW = """
size() { df -Pk full | tail -1 | tr -s ' ' | cut -d' ' -f2; }
larger() { while [ $(size) -le $1 ]; do sleep 0.1; done; }
first=$(size); dd if=/dev/zero of=full/one bs=1M count=160 status=none; larger $first
second=$(size); echo grown $first $second
dd if=/dev/zero of=full/two bs=1M count=70 status=none; larger $second
echo grown $second $(size); exec sleep 89121"""


def is_fresh(offer):
    return any(r["name"] == "disk" and not r.get("reservations") for r in offer["resources"])


def launch(framework, command, sizes, prefix, extra=(), **more):
    """A task on fresh volumes, by their paths and sizes in MiB."""
    role = framework.role
    volumes = [scalar("disk", size, role, volume=prefix + path, path=path)
               for path, size in sizes.items()]
    offer = framework.offer(is_fresh)
    task = framework.task(offer, BASE + volumes + list(extra), command, **more)
    framework.accept(
        offer, operation("RESERVE", resources=[scalar("disk", sum(sizes.values()), role)]),
        operation("CREATE", volumes=volumes), operation("LAUNCH", task_infos=[task]))
    return task


def printed(cluster, task):
    name = task["task_id"]["value"]
    found = glob.glob(f"{cluster.directory}/work/agent/slaves/*/frameworks/*/executors/{name}"
                      "/runs/*/stdout")
    if not found:
        return []
    with open(found[0]) as file:
        return file.read().split("\n")


def is_disk_limit(status, volume, mebibytes):
    assert status["reason"] == "REASON_CONTAINER_LIMITATION_DISK", status
    assert status["source"] == "SOURCE_AGENT", status
    resources = status["limitation"]["resources"]
    assert [r["scalar"]["value"] for r in resources] == [mebibytes], status
    assert [r.get("disk", {}).get("persistence", {}).get("id") for r in resources] == [volume]


def running(cluster):
    return {t["task_id"]["value"] for t in cluster.operator.get("GET_TASKS").get("tasks", [])
            if t["state"] == "TASK_RUNNING"}


# Scenario: xfs_quota ROOT_XFS_QuotaTest.VolumeUsageExceedsQuotaWithKill
# Scenario: xfs_quota ROOT_XFS_QuotaEnforcement.DiskUsageExceedsQuotaWithKill
def test_fail_and_kill(binary):
    sizes = {"full": 16, "other": 16}
    with Cluster(binary, options=(WATCH,)) as cluster:
        with Framework(cluster.url, "full") as framework:
            # The write fails and the task goes on, where nobody has said anything.
            failing = launch(framework, FILL.format("89122"), sizes, "calm-")
            framework.state(failing, "TASK_RUNNING")
            own = [{"action": "FAIL", "persistence_id": "mine-full"}]
            spared = launch(framework, FILL.format("89124"), sizes, "mine-", disk_limits=own)
            framework.state(spared, "TASK_RUNNING")
            for task in failing, spared:
                eventually("the failed write", lambda task=task: "filled 1" in printed(
                    cluster, task) and "unharmed" in printed(cluster, task))
            # A task's own choice, for one of its volumes or for its sandbox, which this agent's
            # options don't enforce.
            own = [{"action": "KILL", "persistence_id": "own-full"}]
            ended = launch(framework, FILL.format("89125"), sizes, "own-", disk_limits=own)
            is_disk_limit(framework.state(ended, "TASK_FAILED"), "own-full", 16)
            assert "unharmed" in printed(cluster, ended), printed(cluster, ended)
            own = [{"action": "KILL", "sandbox": True}]
            boxed = launch(
                framework, "dd if=/dev/zero of=big bs=1M count=20 status=none; exec sleep 89126",
                {"full": 16}, "boxed-", extra=[scalar("disk", 8)], disk_limits=own)
            is_disk_limit(framework.state(boxed, "TASK_FAILED"), None, 8)
            left = {task["task_id"]["value"] for task in (failing, spared)}
            assert running(cluster) == left, (running(cluster), left)
            # The role's, for volumes that are there already; a task's own choice stands.
            cluster.cli("policy", "set", "full", "--at-limit=kill")
            assert cluster.json("policy", "list")[0]["at_limit"] == "kill"
            is_disk_limit(framework.state(failing, "TASK_FAILED"), "calm-full", 16)
            assert running(cluster) == {spared["task_id"]["value"]}, running(cluster)


def test_grow(binary):
    with Cluster(binary, options=(WATCH,)) as cluster:
        stream = Stream(cluster, {"usage_alarms": True})
        cluster.cli("policy", "set", "grow", "--at-limit=grow", "--grow-at=60", "--grow-step=64MiB",
                    "--grow-cap=400MiB", "--alarm-at=40", "--alarm-full-within=none")
        with Framework(cluster.url, "grow") as framework:
            task = launch(framework, GROW, {"full": 320, "other": 16}, "grow-")
            framework.state(task, "TASK_RUNNING")

            def grown():
                lines = [line.split() for line in printed(cluster, task) if "grown" in line]
                return [tuple(map(int, line[1:])) for line in lines][1:] and lines
            lines = eventually("the larger file systems", grown, 60)
            (_, first, second), (_, again, third) = lines
            assert int(second) >= int(first) + (60 << 10) and again == second, lines
            assert int(third) >= int(second) + (14 << 10), lines

            def alarms():
                return [e["usage_alarm"] for e in stream.events if e["type"] == "USAGE_ALARM"]

            def at_the_cap():
                kinds = [alarm["kind"] for alarm in alarms()]
                return kinds.count("volume-not-grown") and kinds
            kinds = eventually("the word that it grows no more", at_the_cap)
            assert kinds.count("volume-grown") == 2 and kinds.count("volume-over") == 1, kinds
            told = [alarm for alarm in alarms() if alarm["kind"] == "volume-over"][0]
            assert told["percent"] == 40 and told["persistence_id"] == "grow-full", told
            assert told["agent_id"]["value"] == cluster.agent_id, told
            volume = [v for v in cluster.json("volumes") if v["id"] == "grow-full"][0]
            assert volume["booked_bytes"] == 400 << 20, volume
            held = [r for t in cluster.operator.get("GET_TASKS")["tasks"]
                    for r in t["resources"]
                    if r.get("disk", {}).get("persistence", {}).get("id") == "grow-full"]
            assert [r["scalar"]["value"] for r in held] == [400], held
            lines = [line for line in cluster.json("audit", "--role=grow")
                     if line["action"] == "GROW_VOLUME"]
            assert [line["outcome"] for line in lines] == ["FINISHED", "FINISHED", "REFUSED"], lines
            assert all("rule" in line["who"] for line in lines), lines


# Scenario: disk_quota DiskQuotaEnforcement.SlaveRecovery
def test_limits_outlive_the_agent(binary):
    options = ("--enforce_container_disk_quota", WATCH)
    with Cluster(binary, backend="directory", options=options) as cluster:
        with Framework(cluster.url, "back") as framework:
            task = launch(
                framework,
                "until [ -e full/go ]; do sleep 0.1; done; "
                "dd if=/dev/zero of=big bs=1M count=20 status=none; exec sleep 89127",
                {"full": 16}, "back-", extra=[scalar("disk", 8)])
            framework.state(task, "TASK_RUNNING")
            cluster.kill("agent")
            cluster.wait_for_agent()
            path = f"{cluster.directory}/work/agent/volumes/roles/back/back-full"
            open(f"{path}/go", "w").close()
            is_disk_limit(framework.state(task, "TASK_FAILED"), None, 8)


def test_what_makes_no_sense_is_refused(binary):
    with Cluster(binary, backend="directory") as cluster:
        wrong = [
            ({"disk_limit": {"action": "GROW"}}, "step_mib"),
            ({"disk_limit": {}}, "FAIL, KILL or GROW"),
            ({"disk_limit": {"action": "KILL", "sandbox": True}}, "for a task's rules"),
            ({"disk_limit": {"action": "KILL", "step_mib": 4}}, "for GROW only"),
            ({"alarms": {"percents": [90, 80]}}, "rising"),
        ]
        for fields, words in wrong:
            answer = cluster.operator.post(
                "SET_LIFECYCLE_POLICY", {"policy": {"role": "db", **fields}})
            assert answer.status_code == 400 and words in answer.text, (fields, answer.text)
        assert cluster.json("policy", "list") == []
        with Framework(cluster.url, "db") as framework:
            for rules, words in (
                    ([{"action": "KILL"}, {"action": "FAIL"}], "two 'disk_limits'"),
                    ([{"action": "KILL", "persistence_id": "x"}], "does not use"),
                    ([{"action": "GROW", "step_mib": 4, "sandbox": True}], "does not grow")):
                offer = framework.offer(is_fresh)
                task = framework.task(offer, BASE, "exit", disk_limits=rules)
                framework.accept(offer, operation("LAUNCH", task_infos=[task]))
                status = framework.state(task, "TASK_ERROR")
                assert words in status["message"], status
