"""The calls from before the v1 API: forms on paths of their own."""
import json
import subprocess
import tempfile

import requests

from client import Framework, amounts, operation, scalar
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


def get(url):
    answer = requests.get(url, timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


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


def check_totals(agent, fixed, whole):
    """What master and agent both tell of an agent with DISK reserved and VOLUME made of it."""
    assert agent["resources"] == {"gpus": 0, "ports": "[31000-31009]", **whole}
    ours, theirs = agent["reserved_resources"]["db"], agent["reserved_resources"]["eng"]
    assert (ours["disk"], ours["cpus"], ours["mem"]) == (64, 0, 0)
    assert (theirs["disk"], theirs["cpus"]) == (fixed, 1)
    unreserved = agent["unreserved_resources"]
    assert unreserved["disk"] == whole["disk"] - 64 - fixed
    assert unreserved["cpus"] == whole["cpus"] - 1
    full = agent["reserved_resources_full"]
    made = [r for r in full["db"] if "disk" in r]
    assert [r["disk"]["persistence"]["id"] for r in made] == ["v1"], full
    assert made[0]["role"] == "db" and made[0]["reservation"] == {}
    assert {r["reservations"][0]["type"] for r in full["db"]} == {"DYNAMIC"}
    assert {r["reservations"][0]["type"] for r in full["eng"]} == {"STATIC"}
    assert all(r["role"] == "*" for r in agent["unreserved_resources_full"])


# Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.StaticReservation
# Scenario: persistent_volume_endpoints_tests PersistentVolumeEndpointsTest.SlavesEndpointFullResources
# Scenario: reservation_endpoints_tests ReservationEndpointsTest.AgentStateEndpointResources
def test_static_reservations_and_what_the_old_reads_tell_of_them(binary):
    text = "cpus:4;mem:2048;disk:1024;cpus(eng):1;disk(eng):256;ports:[31000-31009]"
    with Cluster(binary, backend="directory", resources=text) as cluster:
        agent = cluster.agent_id
        whole = {"cpus": 5, "mem": 2048, "disk": 1280}
        fixed = scalar("disk", 128, "eng", volume="v2")
        fixed["reservations"][0]["type"] = "STATIC"
        accepted(post(cluster, "/create-volumes", slaveId=agent, volumes=[fixed]))
        bare = {k: v for k, v in fixed.items() if k != "disk"}
        refused(post(cluster, "/unreserve", slaveId=agent, resources=[bare]), 400, "Invalid")
        accepted(post(cluster, "/reserve", slaveId=agent, resources=DISK))
        accepted(post(cluster, "/create-volumes", slaveId=agent, volumes=VOLUME))
        with Framework(cluster.url, "eng") as framework:
            wanted = [{**scalar("cpus", 1), "reservations": [
                {"type": "STATIC", "role": "eng"}]}, scalar("mem", 64), fixed]
            offer = framework.offer(
                lambda o: any(r.get("disk", {}).get("persistence") for r in o["resources"]))
            task = framework.task(offer, wanted, "exec sleep 1000")
            framework.accept(offer, operation("LAUNCH", task_infos=[task]))
            framework.state(task, "TASK_RUNNING")
            slaves = get(cluster.url + "/slaves")["slaves"]
            assert slaves == get(f"{cluster.url}/master/slaves?slave_id={agent}")["slaves"]
            assert get(cluster.url + "/slaves?slave_id=x")["slaves"] == []
            check_totals(slaves[0], 256, whole)
            used = slaves[0]["used_resources"]
            assert (used["cpus"], used["mem"], used["disk"]) == (1, 64, 128), used
            assert slaves[0]["id"] == agent and slaves[0]["active"] is True
            state = get(f"http://127.0.0.1:{cluster.agent_port}/state")
            check_totals(state, 256, whole)
            assert state["id"] == agent
            assert state["reserved_resources_allocated"] == {
                "eng": {"disk": 128, "mem": 0, "gpus": 0, "cpus": 1}}
            assert state["unreserved_resources_allocated"]["mem"] == 64
        # The framework's end has killed its task, which may take a moment.
        eventually("the destruction", lambda: post(
            cluster, "/destroy-volumes", slaveId=agent, volumes=[fixed]).status_code == 202)


def test_resources_without_a_role_belong_to_the_default_role(binary):
    text = "cpus:4;mem:1024;disk:512;disk(web):128;ports:[31000-31009]"
    listed = [scalar("cpus", 4), scalar("mem", 1024), scalar("disk", 512),
              {**scalar("disk", 128), "role": "web"},
              {"name": "ports", "type": "RANGES",
               "ranges": {"range": [{"begin": 31000, "end": 31009}]}}]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(listed, file)
        file.flush()
        for given in [text, json.dumps(listed), f"file://{file.name}"]:
            check_default_role(binary, given)


def check_default_role(binary, given):
    with Cluster(binary, backend="directory", resources=given,
                 options=["--default-role=db"]) as cluster:
        roles = {r["name"]: {} for r in total(cluster)}
        for resource in total(cluster):
            (reservation,) = resource["reservations"]
            assert reservation["type"] == "STATIC", resource
            roles[resource["name"]][reservation["role"]] = resource
        assert set(roles["disk"]) == {"db", "web"} and set(roles["cpus"]) == {"db"}
        assert set(roles["ports"]) == {"db"}
        with Framework(cluster.url, "db") as framework:
            assert all(r["reservations"][0]["role"] == "db"
                       for r in framework.offer()["resources"])


def test_wrong_options_end_the_agent_with_a_reason(binary):
    with tempfile.TemporaryDirectory() as folder:
        for option, why in [
                ("--resources=cpus", "not of the form"), ("--resources=cpus(..):1", "role"),
                ("--default-role=a b", "role"), ("--reconfiguration-policy=less", "additive")]:
            done = subprocess.run(
                [binary, "agent", "--master=127.0.0.1:1", f"--work-dir={folder}/work",
                 "--resources=cpus:1", option], capture_output=True, text=True, timeout=60)
            assert done.returncode and why in done.stderr.lower(), (option, done.stderr)
