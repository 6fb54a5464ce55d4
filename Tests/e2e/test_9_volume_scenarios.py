"""Volumes under tasks of several users, a dying agent, and tasks that never start."""
from client import Framework, Operator, operation, scalar
from cluster import Cluster, eventually
from test_3_restarts import sleepers
from test_8_full_disk import ended

ROLE = "db"
TASK = [scalar("cpus", 0.5), scalar("mem", 64)]


def disk(mebibytes):
    return scalar("disk", mebibytes, ROLE)


def volume(name, shared=False):
    made = scalar("disk", 32, ROLE, volume=name, path=f"at/{name}")
    return {**made, "shared": {}} if shared else made


def has(*names):
    def fits(offer):
        ids = {r.get("disk", {}).get("persistence", {}).get("id") for r in offer["resources"]}
        return ids.issuperset(names) and any(
            r["name"] == "cpus" and not r.get("reservations") for r in offer["resources"])
    return fits


def make(framework, *volumes):
    framework.accept(
        framework.offer(), operation("RESERVE", resources=[disk(32 * len(volumes))]),
        operation("CREATE", volumes=list(volumes)))


def launch(framework, wish, resources, command, **more):
    offer = framework.offer(wish)
    task = framework.task(offer, TASK + resources, command)
    task["command"].update(more)
    framework.accept(offer, operation("LAUNCH", task_infos=[task]))
    return task


# Scenario: persistent_volume_tests PersistentVolumeTest.UNPRIVILEGED_USER_PersistentVolumes
def test_a_plain_user_writes_to_its_volumes(binary):
    with Cluster(binary) as cluster:
        framework = Framework(cluster.url, ROLE)
        framework.info["capabilities"].append({"type": "SHARED_RESOURCES"})
        with framework:
            own, shared = volume("own"), volume("shared", shared=True)
            make(framework, own, shared)
            command = "test $(id -un) = nobody && echo 1 > at/own/x && echo 2 > at/shared/x"
            task = launch(framework, has("own", "shared"), [own, shared], command, user="nobody")
            framework.state(task, "TASK_FINISHED")
            again = launch(framework, has("own", "shared"), [own, shared],
                           "test $(cat at/own/x at/shared/x | tr -d '\\n') = 12", user="nobody")
            framework.state(again, "TASK_FINISHED")


def followed(cluster):
    agent = Operator(f"http://127.0.0.1:{cluster.agent_port}")
    return [(o["info"]["id"]["value"], o["latest_status"]["state"])
            for o in agent.get("GET_OPERATIONS").get("operations", [])]


# Scenario: operation_reconciliation_tests OperationReconciliationTest.UnackedAgentOperationAfterMasterFailover
def test_an_end_outlives_master_and_agent_until_it_is_acknowledged(binary):
    with Cluster(binary) as cluster, Framework(cluster.url, ROLE) as framework:
        reserve = {**operation("RESERVE", resources=[disk(32)]), "id": {"value": "op-1"}}
        framework.accept(framework.offer(), reserve)
        first = framework.wait("UPDATE_OPERATION_STATUS")["update_operation_status"]["status"]
        assert first["state"] == "OPERATION_FINISHED" and "uuid" in first, first
        assert followed(cluster) == [("op-1", "OPERATION_FINISHED")]
        for daemon in ["agent", "master"]:
            cluster.kill(daemon)
            eventually("the agent", cluster.wait_for_agent)
        mark = len(framework.events)
        framework.subscribe()
        again = framework.wait(
            "UPDATE_OPERATION_STATUS", since=mark)["update_operation_status"]["status"]
        assert again["operation_id"] == {"value": "op-1"} and "uuid" in again, again
        assert again["state"] == "OPERATION_FINISHED", again
        framework.call(
            "ACKNOWLEDGE_OPERATION_STATUS", agent_id=again["agent_id"], uuid=again["uuid"]["value"],
            operation_id=again["operation_id"])
        eventually("its acknowledgement", lambda: followed(cluster) == [])


# Scenario: persistent_volume_tests PersistentVolumeTest.SlaveRecovery
def test_the_agent_dies_under_a_task_on_a_volume(binary):
    with Cluster(binary) as cluster, Framework(cluster.url, ROLE) as framework:
        kept = volume("kept")
        make(framework, kept)
        marker = "0.17531"
        command = (f"echo 0 > at/kept/n; while [ -e at/kept/n ]; do echo . >> at/kept/n;"
                   f" sleep {marker}; done; exit 1")
        task = launch(framework, has("kept"), [kept], command)
        framework.state(task, "TASK_RUNNING")
        eventually("the task's process", lambda: sleepers(marker))
        cluster.kill("agent")
        assert eventually("the agent", cluster.wait_for_agent) == cluster.agent_id
        row = eventually("the volume", lambda: cluster.json("volumes"))[0]
        assert row["state"] == "active", row
        tasks = cluster.operator.get("GET_TASKS")["tasks"]
        assert [t["state"] for t in tasks] == ["TASK_RUNNING"], tasks
        eventually("the task's process", lambda: sleepers(marker))
        framework.call("KILL", task_id=task["task_id"], agent_id=task["agent_id"])
        framework.state(task, "TASK_KILLED")
        after = launch(framework, has("kept"), [kept], "test $(wc -l < at/kept/n) -gt 1")
        framework.state(after, "TASK_FINISHED")


def mounted_below(path):
    with open("/proc/self/mountinfo") as file:
        return [line.split()[4] for line in file if line.split()[4].startswith(path)]


def test_mesos_9355_no_volume_stays_mounted_after_a_failed_start(binary):
    """MESOS-9355: a fetch that fails, a program that is not there, a path that has no place."""
    with Cluster(binary) as cluster, Framework(cluster.url, ROLE) as framework:
        kept = volume("kept")
        make(framework, kept)
        writer = launch(framework, has("kept"), [kept], "echo precious > at/kept/row")
        framework.state(writer, "TASK_FINISHED")
        before = mounted_below(cluster.directory + "/")
        climbing = {**kept, "disk": {**kept["disk"], "volume": {
            "container_path": "../../up", "mode": "RW"}}}
        for resource, more in [
                (kept, {"uris": [{"value": "/no/such/file"}]}),
                (kept, {"value": "/no/such/program", "shell": False}),
                (climbing, {})]:
            task = launch(framework, has("kept"), [resource], "true", **more)
            status = ended(framework, task)
            assert status["state"] in ("TASK_FAILED", "TASK_ERROR"), status
            assert status.get("message"), status
            eventually("no other mounts",
                       lambda: mounted_below(cluster.directory + "/") == before)
        reader = launch(framework, has("kept"), [kept], "grep -qx precious at/kept/row")
        framework.state(reader, "TASK_FINISHED")
        framework.accept(framework.offer(has("kept")), operation("DESTROY", volumes=[kept]))
        eventually("no volume", lambda: cluster.json("volumes") == [])
