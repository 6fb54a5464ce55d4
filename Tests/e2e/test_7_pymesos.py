"""A scheduler and an executor on pymesos, a client that nobody here wrote."""
import os
import sys
import threading

from pymesos import MesosSchedulerDriver, Scheduler, encode_data

from client import operation, scalar
from cluster import Cluster

ROLE = "py"
TEXTS = ["one", "two"]


class TwoTasks(Scheduler):
    """Runs one task after the other on one volume."""

    def __init__(self, command):
        self.command, self.launched, self.messages = command, 0, []
        self.ended = threading.Event()

    def executor(self):
        return {
            "type": "CUSTOM", "executor_id": {"value": f"writer-{self.launched}"},
            "command": {"value": self.command},
            "resources": [scalar("cpus", 0.1), scalar("mem", 64)]}

    def resourceOffers(self, driver, offers):
        for offer in offers:
            has_volume = any("persistence" in r.get("disk", {}) for r in offer["resources"])
            if self.launched >= len(TEXTS) or has_volume != (self.launched == 1):
                driver.declineOffer(offer["id"], {"refuse_seconds": 0.1})
                continue
            volume = scalar("disk", 32, ROLE, volume="v")
            resources = [scalar("cpus", 0.1), scalar("mem", 32), volume]
            executor = self.executor()
            for resource in resources + executor["resources"]:
                resource["allocation_info"] = {"role": ROLE}
            task = {
                "name": "t", "task_id": {"value": f"t{self.launched}"},
                "agent_id": offer["agent_id"], "resources": resources, "executor": executor,
                "data": encode_data(TEXTS[self.launched].encode())}
            first = [operation("RESERVE", resources=[scalar("disk", 32, ROLE)]),
                     operation("CREATE", volumes=[scalar("disk", 32, ROLE, volume="v")])]
            launch = [operation("LAUNCH", task_infos=[task])]
            driver.acceptOffers([offer["id"]], (first if not has_volume else []) + launch)
            self.launched += 1

    def statusUpdate(self, driver, update):
        if update["state"] not in ("TASK_STAGING", "TASK_STARTING", "TASK_RUNNING"):
            self.messages.append((update["state"], update.get("message")))
            if len(self.messages) == len(TEXTS) or update["state"] != "TASK_FINISHED":
                self.ended.set()

    def error(self, driver, message):
        self.messages.append(("ERROR", message))
        self.ended.set()


def test_scheduler_and_executor(binary):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pymesos_executor.py")
    with Cluster(binary) as cluster:
        scheduler = TwoTasks(f"{sys.executable} {script}")
        framework = {
            "user": "root", "name": "pymesos", "roles": [ROLE], "checkpoint": True,
            "capabilities": [{"type": "MULTI_ROLE"}, {"type": "RESERVATION_REFINEMENT"}]}
        driver = MesosSchedulerDriver(scheduler, framework, f"127.0.0.1:{cluster.port}")
        driver.start()
        try:
            assert scheduler.ended.wait(60), f"no end in 60 s: {scheduler.messages}"
        finally:
            driver.stop()
            driver.join()
        assert scheduler.messages == [("TASK_FINISHED", "one"), ("TASK_FINISHED", "one,two")], \
            scheduler.messages
