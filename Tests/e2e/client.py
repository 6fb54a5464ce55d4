"""A small client of the Mesos v1 HTTP API in JSON."""
import json
import threading
import time
import uuid

import requests

JSON = {"Content-Type": "application/json", "Accept": "application/json"}
ENDED = {"TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_ERROR", "TASK_LOST", "TASK_DROPPED",
         "TASK_GONE"}


def scalar(name, amount, role=None, volume=None, path="data"):
    """A resource; `volume` is the id of a persistent volume."""
    resource = {"name": name, "type": "SCALAR", "scalar": {"value": amount}}
    if role:
        resource["reservations"] = [{"type": "DYNAMIC", "role": role}]
    if volume:
        resource["disk"] = {
            "persistence": {"id": volume}, "volume": {"container_path": path, "mode": "RW"}}
    return resource


def operation(kind, **body):
    return {"type": kind, kind.lower(): body}


def amounts(resources):
    """The sum of each scalar resource that nobody has reserved."""
    sums = {}
    for resource in resources:
        if resource["type"] == "SCALAR" and not resource.get("reservations"):
            sums[resource["name"]] = sums.get(resource["name"], 0) + resource["scalar"]["value"]
    return sums


class Operator:
    def __init__(self, url):
        self.url = url + "/api/v1"

    def post(self, kind, body=None):
        message = {"type": kind}
        if body is not None:
            message[kind.lower()] = body
        return requests.post(self.url, json=message, headers=JSON, timeout=30)

    def get(self, kind):
        answer = self.post(kind)
        assert answer.status_code == 200, f"{kind}: {answer.status_code} {answer.text}"
        return answer.json()[kind.lower()]

    def agents(self):
        return self.get("GET_AGENTS").get("agents", [])

    def change(self, kind, agent, **body):
        return self.post(kind, {"agent_id": {"value": agent}, **body})


class Framework:
    """Subscribes, keeps every event, and acknowledges updates."""

    def __init__(self, url, role, failover=600.0):
        self.url = url + "/api/v1/scheduler"
        self.role, self.id, self.stream = role, None, None
        self.info = {
            "user": "root", "name": "e2e", "checkpoint": True, "failover_timeout": failover,
            "roles": [role],
            "capabilities": [
                {"type": name}
                for name in ("MULTI_ROLE", "RESERVATION_REFINEMENT", "PARTITION_AWARE")]}
        self.arrival = threading.Condition()
        self.offers, self.events = {}, []

    def __enter__(self):
        return self.subscribe()

    def __exit__(self, kind, error, trace):
        try:
            self.call("TEARDOWN")  # Ends the stream: to close it under its reader would block.
        except (AssertionError, requests.RequestException):
            if kind is None:
                raise
        self.reader.join(5)
        self.response.close()

    def subscribe(self):
        message = {"type": "SUBSCRIBE", "subscribe": {"framework_info": self.info}}
        if self.id:
            self.info["id"] = message["framework_id"] = {"value": self.id}
        self.offers.clear()
        self.response = requests.post(
            self.url, json=message, headers=JSON, stream=True, timeout=(5, 120))
        assert self.response.status_code == 200, self.response.text
        self.stream = self.response.headers["Mesos-Stream-Id"]
        self.reader = threading.Thread(target=self._read, args=(self.response,), daemon=True)
        mark = len(self.events)
        self.reader.start()
        event = self.wait("SUBSCRIBED", since=mark)
        self.id = event["subscribed"]["framework_id"]["value"]
        return self

    def _read(self, response):
        buffer = b""
        try:
            for piece in response.raw.stream(65536):
                buffer += piece
                while b"\n" in buffer:
                    head, rest = buffer.split(b"\n", 1)
                    if len(rest) < int(head):
                        break
                    buffer = rest[int(head):]
                    self._arrived(json.loads(rest[:int(head)]))
        except (requests.RequestException, OSError, ValueError, AttributeError):
            pass  # The master died or the test closed the stream.
        except Exception as error:  # urllib3 has errors of its own for a broken stream.
            if "urllib3" not in type(error).__module__:
                raise

    def _arrived(self, event):
        with self.arrival:
            if event["type"] == "OFFERS":
                for offer in event["offers"]["offers"]:
                    self.offers[offer["id"]["value"]] = offer
            if event["type"] == "RESCIND":
                self.offers.pop(event["rescind"]["offer_id"]["value"], None)
            self.events.append(event)
            self.arrival.notify_all()

    def wait(self, kind, where=lambda event: True, since=0, seconds=30):
        """The first event of a kind after the first `since` ones."""
        def found():
            fits = (e for e in self.events[since:] if e["type"] == kind and where(e))
            return next(fits, None)
        with self.arrival:
            self.arrival.wait_for(found, seconds)
            event = found()
        assert event, f"no {kind} in {seconds} s; saw {json.dumps(self.events[-3:])[:900]}"
        return event

    def offer(self, where=lambda offer: True, seconds=30):
        """Takes an offer that fits."""
        def found():
            return next((k for k, offer in self.offers.items() if where(offer)), None)
        with self.arrival:
            self.arrival.wait_for(found, seconds)
            assert found(), f"no fitting offer in {seconds} s: {list(self.offers.values())}"
            return self.offers.pop(found())

    def call(self, kind, **body):
        message = {"type": kind, "framework_id": {"value": self.id}}
        if body:
            message[kind.lower()] = body
        answer = requests.post(
            self.url, json=message, headers={**JSON, "Mesos-Stream-Id": self.stream}, timeout=30)
        assert answer.status_code == 202, f"{kind}: {answer.status_code} {answer.text}"

    def accept(self, offer, *operations):
        self.call("ACCEPT", offer_ids=[offer["id"]], operations=list(operations),
                  filters={"refuse_seconds": 0})

    def task(self, offer, resources, command, **more):
        name = "task-" + uuid.uuid4().hex[:8]
        return {"name": name, "task_id": {"value": name}, "agent_id": offer["agent_id"],
                "resources": [{**r, "allocation_info": {"role": self.role}} for r in resources],
                "command": {"value": command, "shell": True}, **more}

    def state(self, task, wanted, since=0, seconds=60):
        """Acknowledges updates of a task until it is in the wanted state; that status."""
        name, end = task["task_id"]["value"], time.monotonic() + seconds
        while True:
            event = self.wait(
                "UPDATE", lambda e: e["update"]["status"]["task_id"]["value"] == name,
                since, end - time.monotonic())
            since = self.events.index(event, since) + 1
            status = event["update"]["status"]
            if "uuid" in status:
                self.call("ACKNOWLEDGE", agent_id=status["agent_id"], task_id=status["task_id"],
                          uuid=status["uuid"])
            if status["state"] == wanted:
                return status
            assert status["state"] not in ENDED, f"{name} is not {wanted}: {status}"
