"""Master and agent on a disk that is full: refused is what needs room, and nothing is lost."""
import json
import os

from client import ENDED, Framework, operation, scalar
from cluster import Cluster, eventually

ROLE = "full"
TASK = [scalar("cpus", 0.1), scalar("mem", 32)]


def fill(directory):
    """Takes every byte of a file system; the file that holds them."""
    path = f"{directory}/filler"
    with open(path, "ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"f" * size)
            except OSError:
                pass
        os.fsync(file.fileno())
    return path


def books(cluster):
    agents = cluster.operator.get("GET_AGENTS")["agents"]
    resources = [json.dumps(r, sort_keys=True) for a in agents for r in a["total_resources"]]
    return sorted(resources), cluster.json("volumes")


def reserve(cluster, mebibytes):
    return cluster.operator.change(
        "RESERVE_RESOURCES", cluster.agent_id, resources=[scalar("disk", mebibytes, ROLE)])


def test_master(binary):
    with Cluster(binary, backend="directory", disks={"master": 64}) as cluster:
        master = cluster.pid("master")
        assert reserve(cluster, 10).status_code == 202
        filler = fill(f"{cluster.directory}/work/master")
        # That there is no room shows when something is to be stored: what the agent has done by
        # then is stored in the space held in reserve.
        assert reserve(cluster, 1).status_code in (202, 503)
        before = books(cluster)
        for _ in range(3):
            answer = reserve(cluster, 1)
            assert answer.status_code == 503, f"{answer.status_code} {answer.text}"
            assert "disk of the master's registry" in answer.text, answer.text
            assert "nothing was changed" in answer.text, answer.text
        assert books(cluster) == before
        assert cluster.pid("master") == master, "the master has ended"

        # What gives something back needs no more room than was held in reserve.
        answer = cluster.operator.change(
            "UNRESERVE_RESOURCES", cluster.agent_id, resources=[scalar("disk", 4, ROLE)])
        assert answer.status_code == 202, f"{answer.status_code} {answer.text}"
        less = books(cluster)
        assert less != before

        cluster.kill("master")
        cluster.wait_for_agent()
        now = books(cluster)
        assert now == less, f"after kill -9 on the full disk: {now}, before: {less}"
        eventually("a refusal", lambda: reserve(cluster, 1).status_code == 503)

        os.unlink(filler)
        eventually("room", lambda: reserve(cluster, 5).status_code == 202)
        after = books(cluster)
        assert after != less
        cluster.kill("master")
        cluster.wait_for_agent()
        assert books(cluster) == after, "after kill -9"


def launch(framework, command, volume=None):
    held = TASK + ([volume] if volume else [])
    offer = framework.offer(lambda offer: any(r["name"] == "cpus" for r in offer["resources"]))
    task = framework.task(offer, held, command)
    operations = [operation("LAUNCH", task_infos=[task])]
    if volume:
        plain = scalar("disk", volume["scalar"]["value"], ROLE)
        operations = [operation("RESERVE", resources=[plain]),
                      operation("CREATE", volumes=[volume])] + operations
    framework.accept(offer, *operations)
    return task


def ended(framework, task):
    """The task's last status; acknowledges all."""
    name, since = task["task_id"]["value"], 0
    while True:
        event = framework.wait(
            "UPDATE", lambda e: e["update"]["status"]["task_id"]["value"] == name, since)
        since = framework.events.index(event, since) + 1
        status = event["update"]["status"]
        if "uuid" in status:
            framework.call("ACKNOWLEDGE", agent_id=status["agent_id"],
                           task_id=status["task_id"], uuid=status["uuid"])
        if status["state"] in ENDED:
            return status


def test_agent(binary):
    with Cluster(binary, backend="directory", disks={"agent": 96},
                 resources="cpus:8;mem:4096;disk:64;ports:[31000-32000]") as cluster:
        with Framework(cluster.url, ROLE) as framework:
            volume = scalar("disk", 8, ROLE, volume="v")
            first = launch(framework, "echo row > data/row; exec sleep 88001", volume)
            framework.state(first, "TASK_RUNNING")
            second = launch(framework, "exec sleep 88002")
            framework.state(second, "TASK_RUNNING")
            agent = cluster.pid("agent")
            filler = fill(f"{cluster.directory}/work/agent")

            # The first ones may still be tried: it takes a second to notice.
            def refusal():
                status = ended(framework, launch(framework, "true"))
                return status["state"] == "TASK_DROPPED" and status
            status = eventually("a refused launch", refusal)
            assert "disk of the agent's work directory is nearly full" in status["message"]

            framework.call("KILL", task_id=first["task_id"], agent_id=first["agent_id"])
            framework.state(first, "TASK_KILLED")
            assert cluster.pid("agent") == agent, "the agent has ended"

            cluster.kill("agent")
            assert eventually("the agent", cluster.wait_for_agent) == cluster.agent_id
            framework.call("KILL", task_id=second["task_id"], agent_id=second["agent_id"])
            framework.state(second, "TASK_KILLED")

            destroyed = eventually("DESTROY", lambda: cluster.operator.change(
                "DESTROY_VOLUMES", cluster.agent_id, volumes=[volume]).status_code == 202)
            assert destroyed and cluster.json("volumes") == []

            os.unlink(filler)

            def runs():
                return ended(framework, launch(framework, "true"))["state"] == "TASK_FINISHED"
            eventually("a launch", runs)
