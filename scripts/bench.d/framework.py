"""A framework over the v1 scheduler API that knows when each event arrived."""
import http.client
import json
import queue
import threading
import time

HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
ROLE = "bench"


class Framework:
    def __init__(self, port):
        self.events, self.offered = queue.Queue(), {}
        self.stream = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.calls = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        info = {"user": "root", "name": "bench", "roles": [ROLE],
                "capabilities": [{"type": "MULTI_ROLE"}, {"type": "RESERVATION_REFINEMENT"}]}
        body = {"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}
        self.stream.request("POST", "/api/v1/scheduler", json.dumps(body), HEADERS)
        self.response = self.stream.getresponse()
        if self.response.status != 200:
            raise RuntimeError(f"SUBSCRIBE: {self.response.status} {self.response.read()}")
        self.headers = dict(HEADERS)
        self.headers["Mesos-Stream-Id"] = self.response.getheader("Mesos-Stream-Id")
        threading.Thread(target=self._read, daemon=True).start()
        _, event = self.wait("SUBSCRIBED")
        self.id = event["subscribed"]["framework_id"]

    def _read(self):
        """Takes RecordIO apart: a length in decimal, a line feed, that many bytes."""
        data = b""
        try:
            while chunk := self.response.read1(65536):
                now = time.perf_counter()
                data += chunk
                while b"\n" in data:
                    head, rest = data.split(b"\n", 1)
                    length = int(head)
                    if len(rest) < length:
                        break
                    self._note(now, json.loads(rest[:length]))
                    data = rest[length:]
        except (OSError, ValueError, http.client.HTTPException):
            return

    def _note(self, now, event):
        if event["type"] == "OFFERS":
            for offer in event["offers"]["offers"]:
                self.offered[offer["id"]["value"]] = offer
        elif event["type"] == "RESCIND":
            self.offered.pop(event["rescind"]["offer_id"]["value"], None)
        self.events.put((now, event))

    def call(self, kind, body):
        message = {"type": kind, "framework_id": self.id, kind.lower(): body}
        self.calls.request("POST", "/api/v1/scheduler", json.dumps(message), self.headers)
        answer = self.calls.getresponse()
        text = answer.read()
        if answer.status != 202:
            raise RuntimeError(f"{kind}: {answer.status} {text[:300]}")

    def wait(self, kind, timeout=30):
        """When the next event of a kind came, and the event; others are dropped."""
        end = time.monotonic() + timeout
        while True:
            try:
                now, event = self.events.get(timeout=max(0.001, end - time.monotonic()))
            except queue.Empty:
                raise RuntimeError(f"no {kind} within {timeout} s") from None
            if event["type"] == kind:
                return now, event
            if event["type"] == "ERROR":
                raise RuntimeError(f"ERROR: {event}")

    def offer(self):
        now, event = self.wait("OFFERS")
        return now, event["offers"]["offers"][0]

    def everything(self, disk):
        """Offers that hold the whole agent's disk between them: their ids."""
        while True:
            offers = list(self.offered.values())
            found = sum(resource["scalar"]["value"] for offer in offers
                        for resource in offer["resources"] if resource["name"] == "disk")
            if found >= disk:
                self.offered.clear()
                return [offer["id"] for offer in offers], offers[0]["agent_id"]
            self.wait("OFFERS")

    def states(self, tasks, wanted):
        """Acknowledges updates until each task is in the wanted state: when that was."""
        seen = {}
        while len(seen) < len(tasks):
            now, event = self.wait("UPDATE")
            status = event["update"]["status"]
            if "uuid" in status:
                self.call("ACKNOWLEDGE", {key: status[key]
                                          for key in ("agent_id", "task_id", "uuid")})
            task, state = status["task_id"]["value"], status["state"]
            if task in tasks and state == wanted:
                seen.setdefault(task, now)
            elif state in ("TASK_FAILED", "TASK_ERROR", "TASK_LOST", "TASK_DROPPED"):
                raise RuntimeError(f"{task}: {status}")
        return seen

    def close(self):
        self.call("TEARDOWN", {})
        self.calls.close()
