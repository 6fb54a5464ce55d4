"""A custom executor on the raw v1 API: each task keeps rows in a volume of its own."""
import base64
import http.client
import json
import os
import sys
import time
import uuid

HOST, PORT = os.environ["MESOS_AGENT_ENDPOINT"].rsplit(":", 1)
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


def is_mounted(path):
    """Of a place on the sandbox's own file system os.path.ismount does not know."""
    with open("/proc/self/mountinfo") as file:
        return os.path.realpath(path) in [line.split()[4] for line in file]


class Executor:
    def __init__(self):
        self.ids = {"framework_id": {"value": os.environ["MESOS_FRAMEWORK_ID"]},
                    "executor_id": {"value": os.environ["MESOS_EXECUTOR_ID"]}}
        self.paths, self.tasks, self.updates = {}, {}, {}

    def post(self, kind, body):
        connection = http.client.HTTPConnection(HOST, int(PORT), timeout=60)
        message = {"type": kind, **self.ids, kind.lower(): body}
        connection.request("POST", "/api/v1/executor", json.dumps(message), HEADERS)
        return connection.getresponse()

    def events(self):
        answer = self.post("SUBSCRIBE", {
            "unacknowledged_tasks": list(self.tasks.values()),
            "unacknowledged_updates": list(self.updates.values())})
        buffer = b""
        while answer.status == 200:
            piece = answer.read1(65536)
            if not piece:
                return
            buffer += piece
            while b"\n" in buffer:
                head, rest = buffer.split(b"\n", 1)
                if len(rest) < int(head):
                    break
                buffer = rest[int(head):]
                yield json.loads(rest[:int(head)])

    def tell(self, task, state, message):
        key = base64.b64encode(uuid.uuid4().bytes).decode()
        self.updates[key] = {"status": {
            "task_id": {"value": task}, "state": state, "source": "SOURCE_EXECUTOR", "uuid": key,
            "message": message, "timestamp": time.time()}}
        try:
            self.post("UPDATE", self.updates[key]).read()
        except OSError:
            pass  # Told at the next subscription.

    def rows(self, task):
        with open(self.paths[task]) as file:
            return ",".join(file.read().split())

    def launch(self, task):
        name = task["task_id"]["value"]
        path = base64.b64decode(task["data"]).decode()
        self.tasks[name] = task
        self.paths[name] = os.path.join(os.environ["MESOS_SANDBOX"], path, "rows")
        try:
            # The volume is there already, or the agent was too early.
            if not is_mounted(os.path.dirname(self.paths[name])):
                raise OSError("its volume is not mounted")
            with open(self.paths[name], "a") as file:
                file.write(task["name"] + "\n")
            self.tell(name, "TASK_RUNNING", self.rows(name))
        except OSError as error:
            self.tell(name, "TASK_FAILED", str(error))

    def take(self, event):
        if event["type"] == "LAUNCH":
            self.launch(event["launch"]["task"])
        elif event["type"] == "KILL":
            name = event["kill"]["task_id"]["value"]
            self.tell(name, "TASK_KILLED", self.rows(name))
        elif event["type"] == "ACKNOWLEDGED":
            self.updates.pop(event["acknowledged"]["uuid"], None)
            self.tasks.pop(event["acknowledged"]["task_id"]["value"], None)
        elif event["type"] == "SHUTDOWN":
            sys.exit(0)

    def run(self):
        while True:
            try:
                for event in self.events():
                    self.take(event)
            except (OSError, http.client.HTTPException):
                pass  # The agent is being started again.
            time.sleep(0.1)


Executor().run()
