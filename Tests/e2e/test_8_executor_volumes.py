"""A running executor gets the volumes of later tasks, and loses them with the tasks."""
import base64
import os
import sys
import uuid

from client import Framework, operation, scalar
from cluster import Cluster, eventually, pids_of

ROLE = "multi"
SIZE = 32


def disk(count):
    return scalar("disk", SIZE * count, ROLE)


def volume(name):
    return scalar("disk", SIZE, ROLE, volume=name, path=f"data/{name}")


def has(name):
    return lambda offer: any(
        r.get("disk", {}).get("persistence", {}).get("id") == name for r in offer["resources"])


class Executor:
    def __init__(self, framework):
        self.framework, self.marker = framework, uuid.uuid4().hex
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "volume_executor.py")
        self.info = {
            "type": "CUSTOM", "executor_id": {"value": "rows"},
            "framework_id": {"value": framework.id},
            "command": {"value": f"exec {sys.executable} {script} {self.marker}"},
            "resources": self.allocated(scalar("cpus", 0.1), scalar("mem", 64))}

    def allocated(self, *resources):
        return [{**r, "allocation_info": {"role": ROLE}} for r in resources]

    def task(self, offer, name, held):
        return {
            "name": name, "task_id": {"value": name}, "agent_id": offer["agent_id"],
            "resources": self.allocated(scalar("cpus", 0.1), scalar("mem", 32), held),
            "executor": self.info,
            "data": base64.b64encode(held["disk"]["volume"]["container_path"].encode()).decode()}

    def launch(self, offer, *before, task):
        self.framework.accept(offer, *before, operation("LAUNCH", task_infos=[task]))
        return self.framework.state(task, "TASK_RUNNING").get("message")

    def kill(self, task):
        self.framework.call("KILL", task_id=task["task_id"], agent_id=task["agent_id"])
        return self.framework.state(task, "TASK_KILLED").get("message")


def test_volumes_come_and_go(binary):
    with Cluster(binary) as cluster, Framework(cluster.url, ROLE) as framework:
        executor = Executor(framework)
        offer = framework.offer()
        one = executor.task(offer, "t1", volume("one"))
        rows = executor.launch(
            offer, operation("RESERVE", resources=[disk(2)]),
            operation("CREATE", volumes=[volume("one"), volume("two")]), task=one)
        assert rows == "t1", rows
        process = eventually("the executor", lambda: pids_of(executor.marker))
        assert len(process) == 1, process

        offer = framework.offer(has("two"))
        two = executor.task(offer, "t2", volume("two"))
        rows = executor.launch(offer, task=two)
        assert rows == "t2", rows
        attached = len(cluster.loop_devices())
        assert "2 volumes checked, 0 findings" in cluster.cli("fsck")

        # Neither a task nor its volume depends on the agent's process.
        cluster.kill("agent")
        cluster.wait_for_agent()
        rows = executor.kill(two)
        assert rows == "t2", rows
        assert pids_of(executor.marker) == process

        offer = framework.offer(has("two"))
        framework.accept(offer, operation("DESTROY", volumes=[volume("two")]))
        eventually("one volume", lambda: [v["id"] for v in cluster.json("volumes")] == ["one"])
        eventually("its loop device's end",
                   lambda: attached == 0 or len(cluster.loop_devices()) == attached - 1)
        assert not [m for m in cluster.mounts() if m.endswith("/data/two")], cluster.mounts()
        assert pids_of(executor.marker) == process
        assert "1 volume checked, 0 findings" in cluster.cli("fsck")

        # A new volume in the old one's place, in the same executor: nothing of the old is there.
        offer = framework.offer(lambda o: any(
            r["name"] == "disk" and r.get("reservations") and not r.get("disk")
            for r in o["resources"]))
        again = executor.task(offer, "t3", volume("two"))
        rows = executor.launch(offer, operation("CREATE", volumes=[volume("two")]), task=again)
        assert rows == "t3", rows
        assert executor.kill(again) == "t3"
        assert executor.kill(one) == "t1"
        assert pids_of(executor.marker) == process


def test_a_volume_that_cannot_come(binary):
    with Cluster(binary) as cluster, Framework(cluster.url, ROLE) as framework:
        executor = Executor(framework)
        absolute = scalar("disk", SIZE, ROLE, volume="two", path="/mnt")
        offer = framework.offer()
        one = executor.task(offer, "t1", volume("one"))
        rows = executor.launch(
            offer, operation("RESERVE", resources=[disk(2)]),
            operation("CREATE", volumes=[volume("one"), absolute]), task=one)
        assert rows == "t1", rows
        offer = framework.offer(has("two"))
        two = executor.task(offer, "t2", absolute)
        framework.accept(offer, operation("LAUNCH", task_infos=[two]))
        status = framework.state(two, "TASK_FAILED")
        assert status["reason"] == "REASON_CONTAINER_UPDATE_FAILED", status
        assert "relative path" in status["message"], status
        assert executor.kill(one) == "t1"
