"""kill -9 of the agent and of the master while a task runs."""
from client import Framework, operation, scalar
from cluster import Cluster, eventually, pids_of

TASK = [scalar("cpus", 0.5), scalar("mem", 64)]


def running_task(cluster, framework, marker):
    """A task that sleeps, and the process of it that has `marker` as an argument."""
    offer = framework.offer()
    task = framework.task(offer, TASK, f"exec sleep {marker}")
    framework.accept(offer, operation("LAUNCH", task_infos=[task]))
    framework.state(task, "TASK_RUNNING")
    found = eventually("the task's process", lambda: sleepers(marker))
    assert len(found) == 1, found
    return task, found


def sleepers(marker):
    return [pid for pid in pids_of(marker) if comm(pid) == "sleep"]


def comm(pid):
    with open(f"/proc/{pid}/comm") as file:
        return file.read().strip()


def containers(cluster):
    from client import Operator
    listed = Operator(f"http://127.0.0.1:{cluster.agent_port}").get("GET_CONTAINERS")
    return [c["container_id"]["value"] for c in listed.get("containers", [])]


def the_state(cluster, task):
    tasks = cluster.operator.get("GET_TASKS").get("tasks", [])
    return next((t["state"] for t in tasks if t["task_id"] == task["task_id"]), None)


def kill_and_wait(framework, task):
    framework.call("KILL", task_id=task["task_id"], agent_id=task["agent_id"])
    framework.state(task, "TASK_KILLED")


def test_agent_killed(binary):
    with Cluster(binary, backend="directory") as cluster:
        with Framework(cluster.url, "r") as framework:
            task, before = running_task(cluster, framework, "86321.25")
            container = containers(cluster)
            assert len(container) == 1, container
            cluster.kill("agent")
            assert sleepers("86321.25") == before, "the task died with its agent"
            assert eventually("the agent", cluster.wait_for_agent) == cluster.agent_id
            eventually("the same container", lambda: containers(cluster) == container)
            assert the_state(cluster, task) == "TASK_RUNNING"
            assert sleepers("86321.25") == before
            kill_and_wait(framework, task)
            eventually("the end of the process", lambda: not sleepers("86321.25"))


def test_end_while_the_agent_is_away(binary):
    with Cluster(binary, backend="directory") as cluster:
        with Framework(cluster.url, "r") as framework:
            offer = framework.offer()
            path = f"{cluster.directory}/gate"
            with open(path, "w"):
                pass
            task = framework.task(offer, TASK, "until [ -e go ]; do sleep 0.05; done; exit 7")
            framework.accept(offer, operation("LAUNCH", task_infos=[task]))
            framework.state(task, "TASK_RUNNING")
            import os
            import signal
            shell = eventually("the task", lambda: [
                p for p in pids_of("until [ -e go ]; do sleep 0.05; done; exit 7")
                if comm(p) == "sh"])
            os.kill(cluster.pid("agent"), signal.SIGKILL)
            os.close(os.open(f"/proc/{shell[0]}/cwd/go", os.O_CREAT | os.O_WRONLY, 0o644))
            # The agent may have died before it read that TASK_RUNNING was acknowledged: then it
            # tells it again, and the end comes after that is acknowledged.
            status = framework.state(task, "TASK_FAILED")
            assert "7" in status.get("message", ""), status


def test_master_killed(binary):
    with Cluster(binary, backend="directory") as cluster:
        with Framework(cluster.url, "r") as framework:
            task, before = running_task(cluster, framework, "86322.25")
            first = framework.id
            cluster.kill("master")
            assert cluster.wait_for_agent() == cluster.agent_id
            framework.reader.join(10)
            assert not framework.reader.is_alive(), "the stream outlived its master"
            framework.subscribe()
            assert framework.id == first
            mark = len(framework.events)
            framework.call("RECONCILE", tasks=[{"task_id": task["task_id"]}])
            status = framework.state(task, "TASK_RUNNING", since=mark)
            assert status["agent_id"]["value"] == cluster.agent_id
            assert status.get("reason") == "REASON_RECONCILIATION", status
            assert sleepers("86322.25") == before, "the task died with the master"
            kill_and_wait(framework, task)
