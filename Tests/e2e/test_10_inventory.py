"""Who did what to a volume, and where it is: the inventory and the audit trail."""
import json
import os
import signal
import subprocess

from client import Framework, operation, scalar
from cluster import Cluster, eventually

ROLE = "db"


def only(rows):
    assert len(rows) == 1, rows
    return rows[0]


def test_history_of_a_volume(binary):
    with Cluster(binary, backend="directory") as cluster:
        with Framework(cluster.url, ROLE) as framework:
            volume = scalar("disk", 32, ROLE, volume="v1")
            parts = [scalar("cpus", 0.5, ROLE), scalar("mem", 64, ROLE)]
            offer = framework.offer()
            task = framework.task(offer, parts + [volume], "exec sleep 77001")
            framework.accept(
                offer, operation("RESERVE", resources=parts + [scalar("disk", 32, ROLE)]),
                operation("CREATE", volumes=[volume]), operation("LAUNCH", task_infos=[task]))
            framework.state(task, "TASK_RUNNING")
            row = eventually("the volume", lambda: only(cluster.json("volumes")))
            assert row["last_used"] == "in use" and row["task"] == task["name"], row
            held = only(cluster.json("reservations"))
            assert held["role"] == ROLE and held["framework"] == framework.id, held

            cluster.kill("master")
            # The new master knows both before any agent is back.
            again = eventually("the volumes", lambda: only(cluster.json("volumes")))
            assert again["uuid"] == row["uuid"], again
            assert only(cluster.json("reservations"))["uuid"] == held["uuid"]
            cluster.wait_for_agent()
            framework.reader.join(10)
            framework.subscribe()
            framework.call("KILL", task_id=task["task_id"], agent_id=task["agent_id"])
            framework.state(task, "TASK_KILLED")
            eventually("the end of its use", lambda: only(
                cluster.json("volumes"))["last_used"] != "in use")

            answer = cluster.operator.change(
                "DESTROY_VOLUMES", cluster.agent_id, volumes=[volume])
            assert answer.status_code == 202, answer.text
            lines = cluster.json("audit", f"--volume={row['uuid']}")
            # The task was sent before the agent had confirmed the CREATE of the same ACCEPT.
            assert [line["action"] for line in lines] == [
                "LAUNCH", "CREATE", "TASK_ENDED", "DESTROY"], lines
            assert all(line["outcome"] == "FINISHED" for line in lines), lines
            assert framework.id in lines[1]["who"] and lines[3]["who"] == "operator", lines
            assert cluster.json("volumes") == []
            told = cluster.json("explain", "volume", row["uuid"])
            assert told["now"] == [f"volume {row['uuid']} is no more"], told
            assert told["history"] == lines


def test_what_was_asked_wrongly(binary):
    with Cluster(binary, backend="directory") as cluster:
        volume = scalar("disk", 32, ROLE, volume="v1")
        answer = cluster.operator.change("CREATE_VOLUMES", cluster.agent_id, volumes=[volume])
        assert answer.status_code == 409, answer.text
        line = eventually("the refusal", lambda: only(cluster.json("audit")))
        assert line["outcome"] == "REFUSED" and line["message"] in answer.text, line
        assert cluster.json("audit", "--role=nobody") == []
        answer = cluster.operator.post("LIST_AUDIT", {"action": "MAKE"})
        assert answer.status_code == 400 and "there is no action 'MAKE'" in answer.text, answer.text


def restore(cluster, backup):
    """What the command told; None: a master runs still."""
    done = subprocess.run(
        [cluster.binary, "registry", "restore", backup, "--json",
         f"--work-dir={cluster.directory}/work/master"], capture_output=True, text=True)
    if done.returncode != 0:
        assert "in use by another process" in done.stderr, done
        return None
    return json.loads(done.stdout)


def test_a_registry_is_restored(binary):
    with Cluster(binary, backend="directory") as cluster:
        volumes = [scalar("disk", 16, ROLE, volume=name) for name in ("before", "after")]
        change = cluster.operator.change
        assert change("RESERVE_RESOURCES", cluster.agent_id,
                      resources=[scalar("disk", 32, ROLE)]).status_code == 202
        assert change("CREATE_VOLUMES", cluster.agent_id, volumes=volumes[:1]).status_code == 202
        known = only(cluster.json("volumes"))
        # What the copy's clocks would erase or give back may have been saved since.
        cluster.cli("policy", "set", ROLE, "--trash=1h")
        assert change("RESERVE_RESOURCES", cluster.agent_id, resources=[scalar("cpus", 0.5, "leased")],
                      lease={"nanoseconds": 3600 * 10**9}).status_code == 202
        backup = cluster.json("registry", "backup")["path"]
        assert restore(cluster, backup) is None, "restored under a running master"
        assert change("CREATE_VOLUMES", cluster.agent_id, volumes=volumes[1:]).status_code == 202

        # `dev` would start the master again at once.
        os.kill(cluster.process.pid, signal.SIGSTOP)
        os.kill(cluster.pid("master"), signal.SIGKILL)
        done = eventually("the restore", lambda: restore(cluster, backup))
        assert os.path.exists(done["kept"]), done
        assert done["policies_left_out"] == [ROLE] and len(done["leases_left_out"]) == 1, done
        os.kill(cluster.process.pid, signal.SIGCONT)
        cluster.wait_for_agent()
        rows = eventually("both volumes", lambda: len(cluster.json("volumes")) == 2
                          and {row["id"]: row for row in cluster.json("volumes")})
        assert rows["before"]["uuid"] == known["uuid"] and rows["before"]["state"] == "active"
        assert rows["after"]["state"] == "unclaimed", rows
        assert cluster.json("policy", "list") == []
        leased = [row for row in cluster.operator.get("LIST_RESERVATIONS")["reservations"]
                  if "lease" in row]
        assert leased == [], leased
