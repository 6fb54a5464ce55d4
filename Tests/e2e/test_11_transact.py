"""Several operations that are done whole or not at all: TRANSACT, ATOMIC_ACCEPT, the CLI."""
import json
import os
import signal
import subprocess
import threading

from client import Framework, operation, scalar
from cluster import Cluster, eventually

ROLE = "db"


def grow(volume, by):
    return {"type": "GROW_VOLUME", "grow_volume": {"volume": volume, "addition": by}}


def transact(cluster, *steps, key=None):
    body = {"agent_id": {"value": cluster.agent_id}, "steps": list(steps)}
    if key:
        body["key"] = key
    return cluster.operator.post("TRANSACT", body)


def reserve(amount):
    return operation("RESERVE", resources=[scalar("disk", amount, ROLE)])


def create(name, amount):
    return operation("CREATE", volumes=[scalar("disk", amount, ROLE, volume=name)])


def on_disk(cluster):
    """What the agent has of volumes: owner files, images, and the data's directories."""
    base, found = f"{cluster.directory}/work/agent/volumes", []
    for place in ("owners", "images", "deleting"):
        found += os.listdir(f"{base}/{place}")
    for role in os.listdir(f"{base}/roles"):
        found += os.listdir(f"{base}/roles/{role}")
    return [name for name in found if not name.startswith(".")]


def nothing_is_left(cluster):
    assert cluster.json("volumes") == []
    assert cluster.json("reservations") == []
    return eventually("an empty disk", lambda: not on_disk(cluster))


def test_all_or_none(binary):
    with Cluster(binary, backend="loop-ext4", disks={"agent": 400},
                 options=["--overcommit"]) as cluster:
        # The disk holds the first image, and not the second one.
        refused = transact(
            cluster, reserve(1600), create("small", 64), create("large", 1500))
        assert refused.status_code == 409, refused.text
        nothing_is_left(cluster)
        lines = cluster.json("audit")
        assert [line["action"] for line in lines] == ["RESERVE", "CREATE", "CREATE"], lines
        assert {line["outcome"] for line in lines} == {"FAILED"}, lines

        done = transact(cluster, reserve(160), create("a", 64), create("b", 64), key="first")
        assert done.status_code == 200, done.text
        result = done.json()["transact"]
        assert result["state"] == "OPERATION_FINISHED", result
        rows = cluster.json("volumes")
        assert sorted(row["id"] for row in rows) == ["a", "b"], rows
        made = [uuid for step in result["steps"] for uuid in step.get("volume_uuids", [])]
        assert sorted(made) == sorted(row["uuid"] for row in rows), result

        # The same key is the same result, over a new master, too.
        again = transact(cluster, reserve(160), create("a", 64), create("b", 64), key="first")
        assert again.json() == done.json(), again.text
        other = transact(cluster, reserve(1), key="first")
        assert other.status_code == 409 and "take a new key" in other.text, other.text
        cluster.kill("master")
        cluster.wait_for_agent()
        again = transact(cluster, reserve(160), create("a", 64), create("b", 64), key="first")
        assert again.json() == done.json(), again.text

        # A volume grows, one goes, one comes; what went is gone from the disk.
        a, b = (scalar("disk", 64, ROLE, volume=name) for name in "ab")
        done = transact(
            cluster, grow(a, scalar("disk", 32, ROLE)), operation("DESTROY", volumes=[b]),
            create("c", 64))
        assert done.status_code == 200, done.text
        rows = {row["id"]: row for row in cluster.json("volumes")}
        assert sorted(rows) == ["a", "c"], rows
        assert int(rows["a"]["booked_bytes"]) == 96 << 20, rows
        gone = [row for row in made if row not in (rows["a"]["uuid"],)]
        eventually("the erasure", lambda: not [n for n in on_disk(cluster) if gone[0] in n])
        # Two images can't grow in one: growth can't be taken back.
        c = scalar("disk", 64, ROLE, volume="c")
        answer = transact(cluster, reserve(64), grow(c, scalar("disk", 16, ROLE)),
                          grow({**a, "scalar": {"value": 96}}, scalar("disk", 16, ROLE)))
        assert answer.status_code == 409 and "one of them at a time" in answer.text, answer.text
        assert {row["id"]: row["booked_bytes"] for row in cluster.json("volumes")} == {
            name: row["booked_bytes"] for name, row in rows.items()}


def test_the_agent_dies_in_the_middle(binary):
    with Cluster(binary, backend="directory") as cluster:
        agent, answers = cluster.pid("agent"), []
        os.kill(agent, signal.SIGSTOP)
        steps = reserve(96), create("a", 32), create("b", 32)
        caller = threading.Thread(
            target=lambda: answers.append(transact(cluster, *steps, key="k")))
        caller.start()
        eventually("the operation", lambda: [
            o for o in cluster.operator.get("GET_OPERATIONS").get("operations", [])
            if o["info"]["type"] == "TRANSACT"])
        os.kill(agent, signal.SIGKILL)
        caller.join(30)
        assert answers[0].status_code in (200, 202), answers[0].text

        def result():
            answer = transact(cluster, *steps, key="k")
            return answer.status_code == 200 and answer.json()["transact"]
        result = eventually("the result", result)
        assert result["state"] == "OPERATION_FINISHED" and result["key"] == "k", result
        cluster.wait_for_agent()
        assert sorted(row["id"] for row in cluster.json("volumes")) == ["a", "b"]
        reserved = cluster.json("reservations")
        assert len(reserved) == 1, reserved


def test_frameworks(binary):
    with Cluster(binary, backend="directory") as cluster:
        framework = Framework(cluster.url, ROLE)
        framework.info["capabilities"].append({"type": "ATOMIC_ACCEPT"})
        with framework:
            parts = [scalar("cpus", 0.5), scalar("mem", 64)]
            volume = scalar("disk", 32, ROLE, volume="v")
            steps = [reserve(32), create("v", 32)]
            offer = framework.offer()
            wrong = framework.task(offer, [scalar("cpus", 1000)], "true")
            framework.accept(
                offer, {**steps[0], "id": {"value": "r"}}, steps[1],
                operation("LAUNCH", task_infos=[wrong]))
            event = framework.wait("UPDATE")
            assert event["update"]["status"]["state"] == "TASK_ERROR", event
            told = framework.wait("UPDATE_OPERATION_STATUS")["update_operation_status"]["status"]
            assert told["state"] == "OPERATION_ERROR", told
            result = framework.wait("TRANSACTION")["transaction"]
            assert "step 3 (LAUNCH)" in result["message"], result
            nothing_is_left(cluster)

            offer = framework.offer()
            task = framework.task(offer, parts + [volume], "echo hello > data/file; sleep 60000")
            body = {
                "steps": steps + [operation("LAUNCH", task_infos=[task])], "key": "mine",
                "filters": {"refuse_seconds": 0}}
            mark = len(framework.events)
            framework.call("TRANSACT", offer_ids=[offer["id"]], **body)
            result = framework.wait("TRANSACTION", since=mark)["transaction"]
            assert result["state"] == "OPERATION_FINISHED", result
            assert result["task_ids"] == [task["task_id"]], result
            framework.state(task, "TASK_RUNNING")
            mark = len(framework.events)
            framework.call("TRANSACT", offer_ids=[], **body)
            assert framework.wait("TRANSACTION", since=mark)["transaction"] == result
            framework.call("KILL", task_id=task["task_id"], agent_id=task["agent_id"])
            framework.state(task, "TASK_KILLED")


def test_cli_and_bad_input(binary):
    with Cluster(binary, backend="directory") as cluster:
        file = f"{cluster.directory}/steps.yaml"
        with open(file, "w") as out:
            out.write(
                "role: db\nsteps:\n  - reserve: cpus:1;disk:96\n"
                "  - create: {id: one, size: 32}\n  - create: {id: two, size: 32MiB, path: d}\n")
        shown = cluster.cli("transact", file)
        assert shown.startswith("done: transaction") and "CREATE" in shown, shown
        assert sorted(row["id"] for row in cluster.json("volumes")) == ["one", "two"]
        text = json.dumps({"role": ROLE, "steps": [
            {"destroy": "one"}, {"grow": {"volume": "two", "by": 16}}, {"unreserve": "cpus:1"}]})
        done = subprocess.run(
            [binary, "transact", "-", "--json", "--key=k1", f"--master=127.0.0.1:{cluster.port}"],
            input=text, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        assert result["key"] == "k1" and len(result["steps"]) == 3, result
        rows = cluster.json("volumes")
        assert [(row["id"], row["booked_bytes"]) for row in rows] == [("two", 48 << 20)], rows
        with open(file, "w") as out:
            out.write("role: db\nsteps:\n  - shrink: one\n")
        assert "step 1: 'shrink' is none of" in subprocess.run(
            [binary, "transact", file, f"--master=127.0.0.1:{cluster.port}"],
            capture_output=True, text=True).stderr

        before = cluster.json("volumes"), cluster.json("reservations")
        agent = {"value": cluster.agent_id}
        for body, wanted in [
                (None, "Expecting 'transact' to be present"),
                ({"steps": [reserve(1)]}, "Expecting 'transact.agent_id' to be present"),
                ({"agent_id": agent}, "at least one step"),
                ({"agent_id": agent, "steps": [reserve(1)], "key": ""}, "must not be empty"),
                ({"agent_id": agent, "steps": [reserve(1)], "key": "k" * 300}, "characters"),
                ({"agent_id": agent, "steps": [reserve(1), reserve(-1)]}, "step 2"),
                ({"agent_id": agent, "steps": [{"type": "RESERVE"}]}, "step 1"),
                ({"agent_id": agent, "steps": [{"type": "TRANSACT"}]}, "a call of its own"),
                ({"agent_id": {"value": "none"}, "steps": [reserve(1)]}, "No agent found")]:
            answer = cluster.operator.post("TRANSACT", body)
            assert answer.status_code == 400 and wanted in answer.text, (body, answer.text)
        assert before == (cluster.json("volumes"), cluster.json("reservations"))
