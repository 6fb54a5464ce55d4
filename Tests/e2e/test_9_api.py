"""What the v1 API answers, field by field and header by header, as a Mesos 1.11 master and agent
were recorded."""
import base64
import gzip
import json

import requests

from client import JSON, Framework, amounts, operation, scalar
from cluster import Cluster, eventually

ROLE = "db"
SUBSCRIBE = {"type": "SUBSCRIBE", "subscribe": {"framework_info": {
    "user": "root", "name": "e2e", "roles": [ROLE], "capabilities": [{"type": "MULTI_ROLE"}]}}}


def events(answer):
    """The records of a stream that ends."""
    rest, found = answer.content, []
    while rest:
        length, rest = rest.split(b"\n", 1)
        found.append(json.loads(rest[:int(length)]))
        rest = rest[int(length):]
    return found


def test_frameworks_that_can_not_be_taken_are_told_on_their_stream(binary):
    wrong = {
        "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable":
            {"role": "x"},
        "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable":
            {"capabilities": []},
        "'FrameworkInfo.roles' contains duplicate items: { db }": {"roles": [ROLE, ROLE]},
        "'FrameworkInfo.roles' contains invalid role: Role component 'a b' is invalid because it"
        " contains backspace or whitespace": {"roles": ["a b"]},
    }
    with Cluster(binary, backend="directory") as cluster:
        for text, change in wrong.items():
            call = json.loads(json.dumps(SUBSCRIBE))
            call["subscribe"]["framework_info"].update(change)
            answer = requests.post(
                f"{cluster.url}/api/v1/scheduler", json=call, headers=JSON, timeout=10)
            assert answer.status_code == 200, answer.text
            assert answer.headers["Mesos-Stream-Id"], answer.headers
            assert events(answer) == [{"type": "ERROR", "error": {"message": text}}]
        with Framework(cluster.url, ROLE) as framework:
            url, id = f"{cluster.url}/api/v1/scheduler", {"value": framework.id}
            info = {**framework.info, "id": id, "role": "x"}
            answer = requests.post(
                url, headers={**JSON, "Mesos-Stream-Id": framework.stream}, timeout=10,
                json={"type": "UPDATE_FRAMEWORK", "framework_id": id,
                      "update_framework": {"framework_info": info}})
            assert answer.status_code == 400, answer.status_code
            assert answer.text.startswith("Supplied FrameworkInfo is not valid: "), answer.text


def test_meaningless_steps_of_an_accept_do_not_stop_the_others(binary):
    with Cluster(binary, backend="directory") as cluster, \
            Framework(cluster.url, ROLE) as framework:
        whole = amounts(cluster.operator.agents()[0]["total_resources"])
        for index, amount in enumerate([0, -1, 1e300, -1e300]):
            offer = framework.offer(
                lambda offer: amounts(offer["resources"]).get("cpus", 0) > 1)
            bad = framework.task(offer, [scalar("cpus", amount)], "true")
            good = framework.task(offer, [scalar("cpus", 1), scalar("mem", 32)], "true")
            wrong = operation("RESERVE", resources=[scalar("mem", amount, ROLE)])
            wrong["id"] = {"value": f"op-{index}"}
            mark = len(framework.events)
            framework.accept(offer, wrong, operation("LAUNCH", task_infos=[bad, good]))
            status = framework.wait(
                "UPDATE_OPERATION_STATUS",
                since=mark)["update_operation_status"]["status"]
            assert status["state"] == "OPERATION_ERROR", status
            assert status["operation_id"]["value"] == f"op-{index}" and status["message"]
            error = framework.state(bad, "TASK_ERROR", since=mark)
            assert error["reason"] == "REASON_TASK_INVALID" and error["message"], error
            framework.state(good, "TASK_FINISHED", since=mark)
        # Nothing is lost: all that there is is offered again.
        eventually("the whole agent in offers", lambda: amounts(
            cluster.operator.agents()[0].get("offered_resources", [])) == whole)


def paths(value, path=""):
    """Every field of a document by its path; lists are looked through."""
    found = set()
    if isinstance(value, dict):
        for name, inner in value.items():
            found |= {f"{path}.{name}"} | paths(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            found |= paths(inner, path)
    return found


def has(answer, under, *names):
    found = paths(answer)
    missing = [name for name in names if f".{under}.{name}" not in found]
    assert not missing, f"{under}: without {missing}"


def check_tasks(answer, under, lists, tasks):
    has(answer, under, *lists)
    has(answer, f"{under}.{tasks}", "name", "task_id", "framework_id", "agent_id", "state",
        "resources.allocation_info.role", "status_update_state", "status_update_uuid", "labels",
        "kill_policy.grace_period.nanoseconds", "statuses.container_status.executor_pid",
        "statuses.container_status.network_infos.ip_addresses.ip_address",
        "statuses.container_status.container_id.value", "statuses.executor_id",
        "statuses.source", "statuses.timestamp", "statuses.uuid", "statuses.agent_id")


def check_master(cluster):
    state = cluster.operator.post("GET_STATE").json()
    tasks = ["tasks", "unreachable_tasks", "completed_tasks"]
    check_tasks(state, "get_state.get_tasks", tasks, "tasks")
    has(state, "get_state.get_executors", "executors")
    has(state, "get_state.get_frameworks", "frameworks", "completed_frameworks")
    has(state, "get_state.get_frameworks.frameworks", "active", "connected", "recovered",
        "registered_time.nanoseconds", "reregistered_time.nanoseconds", "offer_constraints",
        "allocated_resources.reservations.role", "allocated_resources.reservation",
        "allocated_resources.role", "offered_resources.allocation_info.role", "offers.id",
        "offers.url.address.ip", "offers.allocation_info.role", "framework_info.id",
        "framework_info.checkpoint", "framework_info.failover_timeout")
    has(state, "get_state.get_agents", "agents", "recovered_agents")
    has(state, "get_state.get_agents.agents", "active", "deactivated", "version", "pid",
        "registered_time.nanoseconds", "total_resources.disk.persistence.id",
        "allocated_resources.allocation_info.role", "offered_resources", "capabilities.type",
        "agent_info.id", "agent_info.hostname", "agent_info.port", "agent_info.resources")
    for kind in ["GET_TASKS", "GET_FRAMEWORKS", "GET_AGENTS", "GET_EXECUTORS"]:
        alone = cluster.operator.get(kind)
        whole = cluster.operator.get("GET_STATE")[kind.lower()]
        assert paths(alone) == paths(whole), kind
    has(cluster.operator.post("GET_ROLES").json(), "get_roles.roles", "name", "weight",
        "frameworks.value", "resources.scalar.value")
    has(cluster.operator.post("GET_VERSION").json(), "get_version", "version_info.version")
    assert cluster.operator.get("GET_HEALTH") == {"healthy": True}


def ask_agent(cluster, kind, **body):
    call = {"type": kind, **({kind.lower(): body} if body else {})}
    answer = requests.post(
        f"http://127.0.0.1:{cluster.agent_port}/api/v1", json=call, headers=JSON, timeout=10)
    return answer


def check_agent(cluster, task):
    state = ask_agent(cluster, "GET_STATE").json()
    lists = ["pending_tasks", "queued_tasks", "launched_tasks", "terminated_tasks",
             "completed_tasks"]
    check_tasks(state, "get_state.get_tasks", lists, "launched_tasks")
    has(state, "get_state.get_executors", "executors", "completed_executors")
    has(state, "get_state.get_executors.executors.executor_info", "executor_id.value",
        "framework_id.value", "command.value", "command.shell", "name", "source", "labels")
    has(state, "get_state.get_frameworks", "frameworks", "completed_frameworks")
    has(state, "get_state.get_frameworks.frameworks", "framework_info.id.value")
    found = ask_agent(cluster, "GET_CONTAINERS").json()
    has(found, "get_containers.containers", "framework_id.value", "executor_id.value",
        "executor_name", "container_id.value", "container_status.executor_pid")
    name = task["name"]
    mine = next(c for c in found["get_containers"]["containers"]
                if c["executor_id"]["value"] == name)
    assert mine["executor_name"] == \
        f"Command Executor (Task: {name}) (Command: sh -c 'echo out && ...')", mine
    if "resource_statistics" in mine:  # The plain launcher measures nothing.
        has(mine, "resource_statistics", "timestamp", "cpus_user_time_secs", "cpus_soft_limit",
            "mem_rss_bytes", "mem_limit_bytes", "mem_soft_limit_bytes")
    assert ask_agent(cluster, "GET_HEALTH").json()["get_health"] == {"healthy": True}
    return mine["container_id"]["value"]


def check_files(cluster, framework, task, container):
    executor = f"frameworks/{framework.id}/executors/{task['name']}/runs"
    real = f"{cluster.directory}/work/agent/slaves/{cluster.agent_id}/{executor}"
    for base in [f"{real}/{container}", f"{real}/latest", f"/{executor}/{container}",
                 f"/{executor}/latest"]:
        listed = ask_agent(cluster, "LIST_FILES", path=base)
        assert listed.status_code == 200, f"{base}: {listed.text}"
        infos = {i["path"]: i for i in listed.json()["list_files"]["file_infos"]}
        assert f"{base}/stdout" in infos and f"{base}/data" in infos, infos
        stdout = infos[f"{base}/stdout"]
        assert stdout["uid"] == stdout["gid"] == "root" and stdout["mode"] & 0o170000 == 0o100000
        assert stdout["nlink"] == 1 and stdout["mtime"]["nanoseconds"] > 10 ** 18, stdout
        for name, text in [("stdout", b"out\n"), ("data/row", b"precious\n")]:
            path = f"{base}/{name}"
            read = ask_agent(cluster, "READ_FILE", path=path, offset=1, length=3)
            assert read.status_code == 200, f"{path}: {read.text}"
            assert base64.b64decode(read.json()["read_file"]["data"]) == text[1:4]
            assert read.json()["read_file"]["size"] == len(text)
        beyond = ask_agent(cluster, "READ_FILE", path=f"{base}/stdout", offset=99999)
        assert beyond.json()["read_file"] == {"size": 4, "data": ""}, beyond.text
        for kind in ["LIST_FILES", "READ_FILE"]:
            for path in [f"{base}/nope", f"{base}/../..", "/etc/passwd", "/nope"]:
                answer = ask_agent(cluster, kind, path=path, offset=0)
                assert answer.status_code == 404 and answer.text, f"{kind} {path}: {answer.text}"
        assert ask_agent(cluster, "READ_FILE", path=base, offset=0).status_code == 400


def test_answers_have_the_fields_that_mesos_gives(binary):
    with Cluster(binary) as cluster, Framework(cluster.url, ROLE) as framework:
        volume = scalar("disk", 32, ROLE, volume="v1")
        offer = framework.offer()
        task = framework.task(
            offer, [scalar("cpus", 0.5, ROLE), scalar("mem", 64), volume],
            "echo out && echo precious > data/row && sleep 1000",
            labels={"labels": [{"key": "x", "value": "y"}]},
            kill_policy={"grace_period": {"nanoseconds": 1_000_000_000}})
        framework.accept(
            offer, operation(
                "RESERVE", resources=[scalar("cpus", 0.5, ROLE), scalar("disk", 32, ROLE)]),
            operation("CREATE", volumes=[volume]), operation("LAUNCH", task_infos=[task]))
        framework.state(task, "TASK_RUNNING")
        framework.offer()
        check_master(cluster)
        container = check_agent(cluster, task)
        path = f"/frameworks/{framework.id}/executors/{task['name']}/runs/latest/data/row"
        eventually("the volume's file", lambda: ask_agent(
            cluster, "READ_FILE", path=path, offset=0).status_code == 200)
        check_files(cluster, framework, task, container)


def test_http(binary):
    with Cluster(binary, backend="directory") as cluster:
        health = {"type": "GET_HEALTH"}
        master = f"{cluster.url}/api/v1"
        agent = f"http://127.0.0.1:{cluster.agent_port}/api/v1"
        for url in [master, f"{master}/scheduler", agent, f"{agent}/executor"]:
            for method in ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"]:
                answer = requests.request(method, url, timeout=10)
                assert answer.status_code == 405 and answer.headers["Allow"] == "POST", url
            for headers, status in [
                    ({"Content-Type": "text/plain"}, 415),
                    ({"Content-Type": "application/json; charset=utf-8"}, 415),
                    ({"Content-Type": None}, 400)]:
                answer = requests.post(url, data="{}", headers=headers, timeout=10)
                assert answer.status_code == status, f"{url} {headers}: {answer.status_code}"
        for url in [master, agent, master + "/", f"{agent}/"]:
            for accept, status, form in [
                    ("text/html", 406, "text/plain; charset=utf-8"),
                    ("*/*", 200, "application/json"),
                    ("application/x-protobuf", 200, "application/x-protobuf"),
                    ("application/json;q=0, application/x-protobuf;q=0.5", 200,
                     "application/x-protobuf")]:
                answer = requests.post(
                    url, json=health, headers={**JSON, "Accept": accept}, timeout=10)
                assert answer.status_code == status, f"{url} {accept}: {answer.status_code}"
                assert answer.headers["Content-Type"] == form, answer.headers
        answer = requests.post(master, json={"type": "UNKNOWN"}, headers=JSON, timeout=10)
        assert answer.status_code == 501, answer.text
        for asked, given in [("gzip", "gzip"), ("gzip;q=0", None)]:
            answer = requests.post(
                master, json={"type": "GET_STATE"}, timeout=10,
                headers={**JSON, "Accept-Encoding": asked})
            assert answer.headers.get("Content-Encoding") == given, answer.headers
            assert answer.json()["type"] == "GET_STATE"
        packed = gzip.compress(json.dumps(health).encode())
        answer = requests.post(
            master, data=packed, headers={**JSON, "Content-Encoding": "gzip"}, timeout=10)
        assert answer.json()["get_health"] == {"healthy": True}
        answer = requests.post(
            master, json=health, headers={**JSON, "Content-Encoding": "gzip"}, timeout=10)
        assert answer.status_code == 400, answer.text


def test_stream_ids(binary):
    with Cluster(binary, backend="directory") as cluster:
        url = f"{cluster.url}/api/v1/scheduler"

        def call(id, **more):
            body = {"type": "REVIVE", "framework_id": {"value": id}}
            return requests.post(url, json=body, headers={**JSON, **more}, timeout=10)
        answer = requests.post(
            url, json=SUBSCRIBE, headers={**JSON, "Mesos-Stream-Id": "abc"}, timeout=10)
        assert answer.status_code == 400 and "Mesos-Stream-Id" in answer.text, answer.text
        with Framework(cluster.url, ROLE) as framework:
            first = framework.stream
            assert call("nope").text == "Framework cannot be found"
            assert call(framework.id).status_code == 400
            assert call(framework.id, **{"Mesos-Stream-Id": "deadbeef"}).status_code == 400
            assert call(framework.id, **{"mesos-stream-id": first}).status_code == 202
            framework.subscribe()
            assert call(framework.id, **{"Mesos-Stream-Id": first}).status_code == 400
            assert call(framework.id, **{"Mesos-Stream-Id": framework.stream}).status_code == 202
