"""The master's event stream: what Mesos tells, and volumes and reservations for who asks."""
import json
import subprocess
import threading

import requests

from client import Framework, operation, scalar
from cluster import Cluster, eventually

ROLE = "db"
KINDS = {1: "SUBSCRIBED", 2: "TASK_ADDED", 3: "TASK_UPDATED", 4: "AGENT_ADDED",
         5: "AGENT_REMOVED", 6: "FRAMEWORK_ADDED", 7: "FRAMEWORK_UPDATED",
         8: "FRAMEWORK_REMOVED", 9: "HEARTBEAT", 1050: "VOLUME_ADDED", 1051: "VOLUME_UPDATED",
         1052: "VOLUME_REMOVED", 1053: "RESERVATION_ADDED", 1054: "RESERVATION_UPDATED",
         1055: "RESERVATION_REMOVED"}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def kind_of(record):
    """The type of a protobuf Event: its field 1, which comes first."""
    assert record[0] == 0x08, record[:20]
    return KINDS[varint(record, 1)[0]]


class Stream:
    """A subscriber, in either media type."""

    def __init__(self, cluster, wish=None, protobuf=False):
        message = {"type": "SUBSCRIBE"}
        if wish:
            message["subscribe"] = wish
        media = "application/x-protobuf" if protobuf else "application/json"
        self.protobuf, self.kinds, self.events, self.ended = protobuf, [], [], False
        self.response = requests.post(
            cluster.url + "/api/v1", json=message, stream=True, timeout=(5, 120),
            headers={"Content-Type": "application/json", "Accept": media})
        assert self.response.status_code == 200, self.response.text
        headers = self.response.headers
        assert headers["Content-Type"] == media, headers
        assert headers["Transfer-Encoding"] == "chunked", headers
        assert "Mesos-Stream-Id" not in headers, "Mesos has none here"
        threading.Thread(target=self._read, daemon=True).start()
        eventually("the first events", lambda: len(self.kinds) >= 2)
        assert self.kinds[:2] == ["SUBSCRIBED", "HEARTBEAT"], self.kinds

    def _read(self):
        buffer = b""
        try:
            for piece in self.response.raw.stream(65536):
                buffer += piece
                while b"\n" in buffer:
                    head, rest = buffer.split(b"\n", 1)
                    if len(rest) < int(head):
                        break
                    record, buffer = rest[:int(head)], rest[int(head):]
                    event = None if self.protobuf else json.loads(record)
                    self.events.append(event)
                    self.kinds.append(kind_of(record) if self.protobuf else event["type"])
        except Exception as error:  # The master died.
            if "urllib3" not in type(error).__module__:
                raise
        self.ended = True

    def wait(self, kind, where=lambda event: True):
        def found():
            return next((e for e, k in zip(self.events, self.kinds)
                         if k == kind and where(e)), None)
        return eventually(f"{kind} among {self.kinds}", found)


def own(stream):
    return [kind for kind in stream.kinds if kind.startswith(("VOLUME", "RESERVATION", "TASK"))]


def inventory(stream):
    """The volumes by what the stream has told."""
    rows = {}
    for event in list(stream.events):
        if event["type"] == "SUBSCRIBED":
            rows = {row["uuid"]: row for row in
                    event["subscribed"].get("list_volumes", {}).get("volumes", [])}
        elif event["type"] in ("VOLUME_ADDED", "VOLUME_UPDATED"):
            row = event[event["type"].lower()]["volume"]
            rows[row["uuid"]] = row
        elif event["type"] == "VOLUME_REMOVED":
            del rows[event["volume_removed"]["volume"]["uuid"]]
    return rows


def listed(cluster):
    return {row["uuid"]: row for row in
            cluster.operator.get("LIST_VOLUMES").get("volumes", [])}


def without_use(rows):
    return {uuid: {k: v for k, v in row.items() if k != "used_bytes"}
            for uuid, row in rows.items()}


def test_a_launch_and_a_volume(binary):
    with Cluster(binary, backend="directory") as cluster:
        plain, curious = Stream(cluster), Stream(cluster, {"volumes": True, "reservations": True})
        packed = Stream(cluster, {"volumes": True, "reservations": True}, protobuf=True)
        state = plain.events[0]["subscribed"]
        assert state["heartbeat_interval_seconds"] == 15, state
        assert len(state["get_state"]["get_agents"]["agents"]) == 1, state
        assert "list_volumes" not in state and "list_reservations" not in state, state

        volume = scalar("disk", 32, ROLE, volume="v1")
        parts = [scalar("cpus", 0.5, ROLE), scalar("mem", 64, ROLE)]
        with Framework(cluster.url, ROLE) as framework:
            offer = framework.offer()
            task = framework.task(offer, parts + [volume], "exec sleep 77011")
            framework.accept(
                offer, operation("RESERVE", resources=parts + [scalar("disk", 32, ROLE)]),
                operation("CREATE", volumes=[volume]), operation("LAUNCH", task_infos=[task]))
            framework.state(task, "TASK_RUNNING")
            plain.wait("FRAMEWORK_ADDED", lambda e: e["framework_added"]["framework"][
                "framework_info"]["id"]["value"] == framework.id)
            added = plain.wait("TASK_ADDED", lambda e: True)["task_added"]["task"]
            assert added["task_id"] == task["task_id"] and added["state"] == "TASK_STAGING", added
            running = plain.wait(
                "TASK_UPDATED", lambda e: e["task_updated"]["state"] == "TASK_RUNNING")
            assert running["task_updated"]["framework_id"]["value"] == framework.id
            curious.wait("VOLUME_UPDATED", lambda e: "used_since" in e["volume_updated"]["volume"])

            framework.call("KILL", task_id=task["task_id"], agent_id=task["agent_id"])
            framework.state(task, "TASK_KILLED")
            curious.wait("VOLUME_UPDATED", lambda e: "used_until" in e["volume_updated"]["volume"])
        plain.wait("FRAMEWORK_REMOVED", lambda e: e["framework_removed"]["framework_info"][
            "id"]["value"] == framework.id)

        eventually("the same inventory", lambda: without_use(inventory(curious))
                   == without_use(listed(cluster)))
        # Who comes now starts from there.
        late = Stream(cluster, {"volumes": True})
        assert without_use(inventory(late)) == without_use(listed(cluster))
        answer = cluster.operator.change("DESTROY_VOLUMES", cluster.agent_id, volumes=[volume])
        assert answer.status_code == 202, answer.text
        late.wait("VOLUME_REMOVED")
        assert inventory(late) == {} == listed(cluster)
        answer = cluster.operator.change(
            "UNRESERVE_RESOURCES", cluster.agent_id,
            resources=parts + [scalar("disk", 32, ROLE)])
        assert answer.status_code == 202, answer.text
        curious.wait("RESERVATION_REMOVED")
        eventually("the same events in protobuf", lambda: own(packed) == own(curious))

        unwanted = [kind for kind in plain.kinds if kind.startswith(("VOLUME", "RESERVATION"))]
        unwanted += [kind for kind in late.kinds if kind.startswith("RESERVATION")]
        assert unwanted == [], "told what was not asked for"


def test_the_stream_ends_with_the_master(binary):
    with Cluster(binary, backend="directory") as cluster:
        stream = Stream(cluster)
        command = subprocess.Popen(
            [binary, "events", "--agents", "--json", f"--master=127.0.0.1:{cluster.port}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        first = json.loads(command.stdout.readline())
        assert first["type"] == "SUBSCRIBED", first
        cluster.kill("master")
        eventually("the end of the stream", lambda: stream.ended)
        out, err = command.communicate(timeout=20)
        assert command.returncode == 1 and "event stream" in err, (command.returncode, out, err)
        # The new master knows the agent already, and tells of its return.
        again = eventually("a stream of the new master", lambda: subscribe(cluster))
        known = again.events[0]["subscribed"]["get_state"]["get_agents"]
        if not known.get("agents"):
            assert len(known["recovered_agents"]) == 1, known
            again.wait("AGENT_ADDED")


def subscribe(cluster):
    try:
        return Stream(cluster)
    except AssertionError as error:
        if "recover" in str(error) or "try again" in str(error):
            return None
        raise


def test_nothing_is_missed_between_the_state_and_the_events(binary):
    """The state is written beside the core, while volumes come and go."""
    with Cluster(binary, backend="directory") as cluster:
        answer = cluster.operator.change(
            "RESERVE_RESOURCES", cluster.agent_id, resources=[scalar("disk", 256, ROLE)])
        assert answer.status_code == 202, answer.text
        done, failures = threading.Event(), []

        def churn():
            number = 0
            while not done.is_set() or number % 2:
                call = "DESTROY_VOLUMES" if number % 2 else "CREATE_VOLUMES"
                volume = scalar("disk", 4, ROLE, volume=f"v{number // 2}")
                answer = cluster.operator.change(call, cluster.agent_id, volumes=[volume])
                if answer.status_code != 202:
                    failures.append(answer.text)
                    return
                number += 1
            kept = scalar("disk", 4, ROLE, volume="kept")
            cluster.operator.change("CREATE_VOLUMES", cluster.agent_id, volumes=[kept])

        worker = threading.Thread(target=churn)
        worker.start()
        streams = [Stream(cluster, {"volumes": True}) for _ in range(12)]
        done.set()
        worker.join()
        assert failures == []
        for stream in streams:
            stream.wait("VOLUME_ADDED", lambda event: event["volume_added"]["volume"][
                "resource"]["disk"]["persistence"]["id"] == "kept")
            # One that is removed without having been there fails in `inventory`.
            assert inventory(stream).keys() == listed(cluster).keys()


def test_the_oldest_subscriber_goes(binary):
    options = ["--max-operator-event-stream-subscribers=2"]
    with Cluster(binary, backend="directory", options=options) as cluster:
        streams = [Stream(cluster) for _ in range(3)]
        eventually("the end of the oldest", lambda: streams[0].ended)
        assert not streams[1].ended and not streams[2].ended


def test_what_was_asked_wrongly(binary):
    with Cluster(binary, backend="directory") as cluster:
        def ask(body, **headers):
            return requests.post(
                cluster.url + "/api/v1", data=body, timeout=10,
                headers={"Content-Type": "application/json", **headers})
        refused = ask('{"type":"SUBSCRIBE"}', Accept="application/recordio")
        assert refused.status_code == 406, refused.text
        refused = ask('{"type":"SUBSCRIBE","subscribe":{"volumes":"yes"}}')
        assert refused.status_code == 400, refused.text
