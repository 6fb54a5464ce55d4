"""The calls from before the v1 API: forms on paths of their own."""
import json

import requests

from client import Framework, amounts, scalar
from cluster import Cluster, eventually


def post(cluster, path, **fields):
    data = {name: value if isinstance(value, str) else json.dumps(value)
            for name, value in fields.items()}
    return requests.post(cluster.url + path, data=data, timeout=30)


def accepted(answer):
    assert answer.status_code == 202, f"{answer.status_code} {answer.text}"
    assert answer.text == ""


def refused(answer, status, text):
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert text in answer.text, answer.text
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def total(cluster):
    return cluster.operator.agents()[0]["total_resources"]


DISK = [scalar("disk", 64, "db")]
VOLUME = [scalar("disk", 32, "db", volume="v1")]


# Scenario: reservation_endpoints_tests ReservationEndpointsTest.AvailableResources
# Scenario: reservation_endpoints_tests ReservationEndpointsTest.ReserveAndUnreserveNoAuthentication
# Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.DynamicReservation
# Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.NoAuthentication
def test_life(binary):
    with Cluster(binary, backend="directory") as cluster:
        agent, whole = cluster.agent_id, amounts(total(cluster))
        for prefix in ["", "/master"]:
            accepted(post(cluster, prefix + "/reserve", slaveId=agent, resources=DISK))
            accepted(post(cluster, prefix + "/create-volumes", slaveId=agent, volumes=VOLUME))
            listed = cluster.json("volumes")
            assert len(listed) == 1, listed
            with Framework(cluster.url, "db") as framework:
                framework.offer(
                    lambda o: any(r.get("disk", {}).get("persistence", {}).get("id") == "v1"
                                  for r in o["resources"]))
            answer = post(cluster, prefix + "/unreserve", slaveId=agent, resources=DISK)
            refused(answer, 409, "does not contain disk")
            accepted(post(cluster, prefix + "/destroy-volumes", slaveId=agent, volumes=VOLUME))
            # The form before reservations were a list.
            old = [{"name": "disk", "type": "SCALAR", "scalar": {"value": 64}, "role": "db",
                    "reservation": {}}]
            accepted(post(cluster, prefix + "/unreserve", slaveId=agent, resources=old))
            assert amounts(total(cluster)) == whole
        other = [scalar("disk", 16, "db"), scalar("disk", 16, "web")]
        accepted(post(cluster, "/reserve", slaveId=agent, resources=other[:1]))
        accepted(post(cluster, "/reserve", slaveId=agent, resources=other[1:], source=other[:1]))
        accepted(post(cluster, "/unreserve", slaveId=agent, resources=other[1:]))
        assert amounts(total(cluster)) == whole


# Scenario: reservation_endpoints_tests ReservationEndpointsTest.NoSlaveId
# Scenario: reservation_endpoints_tests ReservationEndpointsTest.NoResources
# Scenario: reservation_endpoints_tests ReservationEndpointsTest.InvalidResource
# Scenario: reservation_endpoints_tests ReservationEndpointsTest.InsufficientResources
# Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.NoSlaveId
# Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.NoVolumes
# Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.InvalidVolume
# Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.DeleteNonExistentVolume
def test_refused_and_nothing_changed(binary):
    with Cluster(binary, backend="directory") as cluster:
        agent, before = cluster.agent_id, total(cluster)
        lists = {"/reserve": ("resources", DISK), "/unreserve": ("resources", DISK),
                 "/create-volumes": ("volumes", VOLUME), "/destroy-volumes": ("volumes", VOLUME)}
        for path, (name, value) in lists.items():
            missing = "Missing '{}' query parameter in the request body"
            refused(post(cluster, path, **{name: value}), 400, missing.format("slaveId"))
            refused(post(cluster, path, slaveId=agent), 400, missing.format(name))
            parsing = f"Error parsing '{name}' query parameter in the request body: "
            for text, why in [
                    ("[{", "syntax error"), ("", "syntax error"), ("[" * 100_000, "syntax error"),
                    ('[],"agent_id":{"value":"x"},"resources":[]', "syntax error"),
                    (json.dumps(value[0]), "Unexpected JSON type parsed"),
                    ("[7]", ""), ('[{"name":"disk"}]', "type")]:
                refused(post(cluster, path, slaveId=agent, **{name: text}), 400, parsing)
                assert why in post(cluster, path, slaveId=agent, **{name: text}).text
            unreserved = [scalar("disk", 1)]
            refused(post(cluster, path, slaveId=agent, **{name: unreserved}), 400, "Invalid ")
            refused(post(cluster, path, slaveId="nope", **{name: value}), 400,
                    "No agent found with specified ID")
            answer = requests.get(cluster.url + path, timeout=30)
            refused(answer, 405, "405 Method Not Allowed")
            assert answer.headers["Allow"] == "POST"
            answer = requests.post(cluster.url + path, data=b"slaveId=%zz", timeout=30)
            refused(answer, 400, "Unable to decode")
            body = json.dumps({"slaveId": agent, name: value})
            answer = requests.post(cluster.url + path, data=body, timeout=30)
            refused(answer, 400, missing.format("slaveId"))
        much = [scalar("disk", 99_999, "db")]
        refused(post(cluster, "/reserve", slaveId=agent, resources=much), 409, "does not contain")
        refused(post(cluster, "/unreserve", slaveId=agent, resources=DISK), 409, "not contain")
        refused(post(cluster, "/destroy-volumes", slaveId=agent, volumes=VOLUME), 400,
                "Invalid DESTROY operation: Persistent volumes not found")
        eventually("the same books", lambda: total(cluster) == before)
