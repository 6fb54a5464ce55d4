"""What volumes and sandboxes use: live and idle, on every way to see it."""
import http.server
import json
import re
import subprocess
import tempfile
import threading

import requests

from client import Framework, Operator, operation, scalar
from cluster import Cluster, eventually

ROLE = "usage"
BASE = [scalar("cpus", 0.1), scalar("mem", 64)]
WATCH = "--container_disk_watch_interval=1secs"
WRITE = ("dd if=/dev/zero of=data/big bs=1M count=10 conv=fsync status=none; "
         "dd if=/dev/zero of=mine bs=1M count=3 status=none; exec sleep 89002")
WRITTEN = 10 << 20


def launch(framework):
    """A task that writes 10 MiB into its volume and 3 MiB into its sandbox."""
    volume = scalar("disk", 32, ROLE, volume="v")
    offer = framework.offer(lambda o: any(
        r["name"] == "disk" and not r.get("reservations") for r in o["resources"]))
    task = framework.task(offer, BASE + [volume], WRITE)
    framework.accept(
        offer, operation("RESERVE", resources=[scalar("disk", 32, ROLE)]),
        operation("CREATE", volumes=[volume]), operation("LAUNCH", task_infos=[task]))
    framework.state(task, "TASK_RUNNING")
    return task


def samples(url):
    """The metrics as {name: {labels as text: value}}; their form is checked on the way."""
    answer = requests.get(f"{url}/metrics", timeout=10)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4"), answer.headers
    found, done, current = {}, set(), None
    for line in answer.text.splitlines():
        if line.startswith("#"):
            name = line.split()[2]
            if name != current:
                assert name not in done, f"{name} is in two pieces"
                done.add(name)
                current = name
            continue
        match = re.fullmatch(r'([a-z_]+)(\{.*\})? (\S+)', line)
        assert match and match[1] == current, line
        found.setdefault(match[1], {})[match[2] or ""] = float(match[3])
    return found


def one(values, word):
    found = [value for labels, value in values.items() if word in labels]
    assert len(found) == 1, (word, values)
    return found[0]


def check(binary, backend, source):
    with Cluster(binary, backend=backend, options=(WATCH,)) as cluster:
        url = f"http://127.0.0.1:{cluster.agent_port}"
        agent = Operator(url)
        with Framework(cluster.url, ROLE) as framework:
            task = launch(framework)

            def written():
                usage = agent.get("VOLUME_USAGE")
                volume, sandbox = usage["volumes"][0], usage["sandboxes"][0]
                return (volume["amounts"]["used_bytes"] >= WRITTEN
                        and sandbox["amounts"]["used_bytes"] >= 3 << 20 and usage)
            usage = eventually("what the task has written", written)
            volume = usage["volumes"][0]
            assert volume["persistence_id"] == "v" and volume["role"] == ROLE, volume
            assert volume["executor_id"]["value"] == task["task_id"]["value"], volume
            assert volume["amounts"]["source"] == source, volume
            assert volume["amounts"]["age_seconds"] < 30, volume
            assert volume["amounts"]["used_inodes"] >= 2, volume
            assert usage["sandboxes"][0]["amounts"]["used_bytes"] < 4 << 20, usage
            assert usage["disks"][0]["amounts"]["limit_bytes"] > 1 << 30, usage
            if source == "statvfs":
                # A loop device's counters, without what it did for volumes before.
                assert WRITTEN <= volume["traffic"]["written_bytes"] < 8 * WRITTEN, volume
                assert volume["amounts"]["limit_inodes"] > 100, volume
            seen_live(agent, url, volume, task)
            seen_by_cli(cluster, volume)

            framework.call("KILL", task_id=task["task_id"], agent_id=task["agent_id"])
            framework.state(task, "TASK_KILLED")

            def idle():
                answer = agent.post("VOLUME_USAGE", {"uuid": volume["uuid"]}).json()
                found = answer["volume_usage"]["volumes"][0]
                return "container_id" not in found and found
            found = eventually("the idle volume", idle)
            assert found["amounts"]["used_bytes"] >= WRITTEN, found
            metrics = samples(url)
            assert one(metrics["holdfast_volume_used_bytes"], volume["uuid"]) >= WRITTEN
            assert one(metrics["holdfast_volume_in_use"], volume["uuid"]) == 0
        refused = agent.post("VOLUME_USAGE", {"uuid": "no-such-volume"})
        assert refused.status_code == 404 and "no-such-volume" in refused.text, refused.text


def seen_live(agent, url, volume, task):
    for path in ("/monitor/statistics", "/slave(1)/monitor/statistics"):
        entries = requests.get(url + path, timeout=10).json()
        entry = [e for e in entries if e["executor_id"] == task["task_id"]["value"]][0]
        statistics = entry["statistics"]
        assert set(entry) >= {"framework_id", "executor_name", "source"}, entry
        assert statistics["cpus_limit"] == 0.1 and statistics["timestamp"] > 1e9, entry
        disks = {d.get("persistence", {}).get("id"): d for d in statistics["disk_statistics"]}
        assert disks["v"]["used_bytes"] >= WRITTEN, disks
        assert disks["v"]["limit_bytes"] == 32 << 20, disks
        assert disks[None]["used_bytes"] >= 3 << 20, disks
    container = agent.get("GET_CONTAINERS")["containers"][0]["resource_statistics"]
    mine = [d for d in container["disk_statistics"] if d.get("uuid") == volume["uuid"]][0]
    assert mine["used_bytes"] >= WRITTEN and mine["usage_source"], mine
    metrics = samples(url)
    assert one(metrics["holdfast_volume_used_bytes"], volume["uuid"]) >= WRITTEN
    assert one(metrics["holdfast_volume_in_use"], volume["uuid"]) == 1
    assert one(metrics["holdfast_sandbox_used_bytes"], task["task_id"]["value"]) >= 3 << 20
    snapshot = requests.get(f"{url}/metrics/snapshot", timeout=10).json()
    assert snapshot["slave/tasks_running"] == 1 and snapshot["slave/disk_total"] == 2048, snapshot


def seen_by_cli(cluster, volume):
    text = cluster.cli("volume", "usage", "v")
    assert volume["uuid"] in text and "MiB of" in text and "used by" in text, text
    assert "\x1b" not in text and "\u2800" <= max(text) <= "\u28ff", text
    found = cluster.json("volume", "usage", "v", "--step=hour")
    assert found["volume_usage"]["volumes"][0]["amounts"]["used_bytes"] >= WRITTEN, found
    series, = found["volume_history"]["series"]
    assert series["step_seconds"] == 3600, series
    assert series["points"][-1]["last_bytes"] >= WRITTEN, series
    disk, = cluster.json("disks")
    assert disk["volumes"] == 1 and disk["state"] == "sound", disk
    agent = Operator(f"http://127.0.0.1:{cluster.agent_port}")
    refused = agent.post("VOLUME_HISTORY", {"uuid": volume["uuid"], "step_seconds": 61})
    assert refused.status_code == 400 and "60, 3600 or 86400" in refused.text, refused.text
    refused = agent.post("VOLUME_HISTORY")
    assert refused.status_code == 400, refused.text


class Receiver:
    """Takes events; the first two times it is out of order."""

    def __enter__(self):
        self.bodies, receiver = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.bodies.append(json.loads(body))
                self.send_response(503 if len(receiver.bodies) < 3 else 204)
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/events"
        return self

    def __exit__(self, *_):
        self.server.shutdown()


def test_webhook(binary):
    with Receiver() as receiver:
        options = (WATCH, f"--usage-webhook={receiver.url}")
        with Cluster(binary, backend="directory", options=options) as cluster:
            with Framework(cluster.url, ROLE) as framework:
                volume = scalar("disk", 11, ROLE, volume="v")
                offer = framework.offer()
                task = framework.task(offer, BASE + [volume], WRITE)
                framework.accept(
                    offer, operation("RESERVE", resources=[scalar("disk", 11, ROLE)]),
                    operation("CREATE", volumes=[volume]), operation("LAUNCH", task_infos=[task]))
                eventually("the event", lambda: len(receiver.bodies) >= 3)
                kinds = {(b["type"], b["percent"], b["volume"]["id"]) for b in receiver.bodies}
                assert kinds == {("volume-over", 90, "v")}, receiver.bodies
                # An agent that was killed does not tell the same again.
                cluster.kill("agent")
                agent = Operator(f"http://127.0.0.1:{cluster.agent_port}")

                def read():
                    answer = agent.post("VOLUME_USAGE")
                    if answer.status_code == 503:  # It is starting.
                        return None
                    found = answer.json()["volume_usage"]["volumes"][0]
                    return found["amounts"]["used_bytes"] >= WRITTEN
                eventually("the volume, by another agent", read)
                metrics = samples(f"http://127.0.0.1:{cluster.agent_port}")
                assert "holdfast_usage_events_total" not in metrics, metrics
                assert len(receiver.bodies) == 3, receiver.bodies
                framework.call("KILL", task_id=task["task_id"], agent_id=task["agent_id"])
                framework.state(task, "TASK_KILLED")


def on_disk(place, volume=None):
    resource = scalar("disk", 4, ROLE, volume=volume)
    resource.setdefault("disk", {})["source"] = {"type": "PATH", "path": {"root": place}}
    return resource


def test_suspect_disk(binary):
    """A disk whose file system has become read-only takes no new volumes until it is mended."""
    with tempfile.TemporaryDirectory(prefix="holdfast-e2e.", dir="/tmp") as place:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", place], check=True)
        try:
            suspect(binary, place)
        finally:
            subprocess.run(["umount", "-l", place], check=True)


def suspect(binary, place):
    resources = json.dumps([
        scalar("cpus", 2), scalar("mem", 512), scalar("disk", 64),
        {**scalar("disk", 32), "disk": {"source": {"type": "PATH", "path": {"root": place}}}}])
    # Nothing is looked at by time: only the kernel's own notice can tell of it.
    options = ("--container_disk_watch_interval=1hrs",)
    with Cluster(binary, backend="directory", resources=resources, options=options) as cluster:
        operator = cluster.operator

        def create(name):
            volume = [on_disk(place, name)]
            reserved = operator.change(
                "RESERVE_RESOURCES", cluster.agent_id, resources=[on_disk(place)])
            assert reserved.status_code == 202, reserved.text
            return operator.change("CREATE_VOLUMES", cluster.agent_id, volumes=volume)

        def state():
            return {d["path"]: d["state"] for d in cluster.json("disks")}[place]
        assert create("before").status_code == 202
        assert eventually("the disk", state) == "sound"
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)

        def told():
            with open(f"{cluster.directory}/log") as file:
                return f"the disk of {place} is suspect: its file system is read-only" in file.read()
        eventually("the alarm", told)
        answer = create("meanwhile")
        assert "takes no new volumes: its file system is read-only" in answer.text, answer.text
        assert [v["id"] for v in cluster.json("volumes")] == ["before"]
        subprocess.run(["mount", "-o", "remount,rw", place], check=True)
        eventually("the recovery", lambda: create("after").status_code == 202)
        assert {v["id"] for v in cluster.json("volumes")} == {"before", "after"}


# The volume in its sandbox counts for itself.
# Scenario: disk_quota DiskUsageCollectorTest.ExcludeRelativePath
def test_counted_volume(binary):
    check(binary, "directory", "walk")


def test_limited_volume(binary):
    check(binary, "auto", "statvfs")
