"""Reservations that end unless somebody renews them."""
import time

from client import Framework, operation, scalar
from cluster import Cluster, eventually

ROLE = "db"
SECOND = 1_000_000_000


def lease(seconds):
    return {"nanoseconds": seconds * SECOND}


def labeled(name, amount, label):
    """Labels make a reservation of its own."""
    resource = scalar(name, amount, ROLE)
    resource["reservations"][0]["labels"] = {"labels": [{"key": label}]}
    return resource


def rows(cluster):
    return {row["labels"]: row for row in cluster.json("reservations")}


def test_leases_end_unless_renewed(binary):
    with Cluster(binary, backend="directory") as cluster:
        operator, agent = cluster.operator, cluster.agent_id
        for label in ("gone", "renewed", "volume"):
            answer = operator.change(
                "RESERVE_RESOURCES", agent, lease=lease(3),
                resources=[labeled("disk", 64, label), labeled("cpus", 0.1, label)])
            assert answer.status_code == 202, answer.text
        volume = labeled("disk", 32, "volume")
        volume["disk"] = {"persistence": {"id": "v1"},
                          "volume": {"container_path": "data", "mode": "RW"}}
        assert operator.change("CREATE_VOLUMES", agent, volumes=[volume]).status_code == 202
        held = rows(cluster)
        assert all(row["lease"] == 3 and row["lease_left"] <= 3 for row in held.values()), held

        renewed = held["renewed"]["uuid"]
        done = cluster.json("reservations", "renew", renewed, "--lease=1h")
        assert done["done"], done
        eventually("the end of the lease", lambda: "gone" not in rows(cluster))
        eventually("the other's end", lambda: rows(cluster)["volume"]["lease_left"] == 0)
        time.sleep(2)  # Longer than the master waits before it looks again.
        left = rows(cluster)
        assert left["volume"]["disk_mib"] == 64 and left["volume"]["cpus"] == 0.1, left
        assert 3500 < left["renewed"]["lease_left"] <= 3600, left
        assert "expired" in cluster.cli("reservations")

        lines = [line for line in cluster.json("audit") if line["action"] == "UNRESERVE"]
        assert len(lines) == 1 and lines[0]["who"] == "master", lines
        assert lines[0]["message"] == "lease: 3 s have run out", lines

        assert operator.change("DESTROY_VOLUMES", agent, volumes=[volume]).status_code == 202
        eventually("its end", lambda: "volume" not in rows(cluster))
        cluster.kill("master")
        eventually("the lease after a restart", lambda: 3500 < rows(
            cluster)["renewed"]["lease_left"] <= 3600)
        cluster.wait_for_agent()
        cluster.cli("reservations", "renew", renewed, "--remove")
        assert rows(cluster)["renewed"]["lease"] is None


def test_a_framework_renews_its_leases(binary):
    with Cluster(binary, backend="directory") as cluster:
        with Framework(cluster.url, ROLE) as framework:
            parts = [scalar("cpus", 0.5, ROLE), scalar("mem", 64, ROLE)]
            framework.accept(
                framework.offer(), operation("RESERVE", resources=parts, lease=lease(4)))
            eventually("the reservation", lambda: cluster.json("reservations"))
            for _ in range(4):
                framework.call("RENEW_LEASE", role=ROLE)
                time.sleep(2)  # The lease of 4 s would have run out in between.
                assert cluster.json("reservations"), "it was renewed in time"
            framework.offer(lambda offer: any(r.get("reservations") for r in offer["resources"]))
            mark = len(framework.events)
            eventually("the end of the lease", lambda: not cluster.json("reservations"))
            framework.wait("RESCIND", since=mark - 1)
            try:
                framework.call("RENEW_LEASE", role="web")
                raise RuntimeError("another role's lease was renewed")
            except AssertionError as error:
                assert "403" in str(error) and "role 'web'" in str(error), error


def test_what_was_asked_wrongly(binary):
    with Cluster(binary, backend="directory") as cluster:
        operator, agent = cluster.operator, cluster.agent_id
        for seconds in (0, -1, 10**10 // 2):
            answer = operator.change("RESERVE_RESOURCES", agent, lease=lease(seconds),
                                     resources=[scalar("cpus", 0.1, ROLE)])
            assert answer.status_code == 400 and "a lease lasts from" in answer.text, answer.text
        assert cluster.json("reservations") == []
        for body, text in (
                ({}, "names reservations or a role"),
                ({"role": ROLE, "lease": lease(5), "remove": True}, "and not both"),
        ):
            answer = operator.post("RENEW_LEASE", body)
            assert answer.status_code == 400 and text in answer.text, answer.text
        answer = operator.post("RENEW_LEASE", {"reservation_uuids": ["x"]})
        assert answer.status_code == 404, answer.text


def lent(name, amount):
    return {**scalar(name, amount), "revocable": {}}


def has_lent(offer):
    return any("revocable" in resource for resource in offer["resources"])


def test_what_is_lent_is_returned(binary):
    with Cluster(binary, backend="directory", options=["--lend-idle"]) as cluster:
        own = [scalar("cpus", 1, ROLE), scalar("mem", 256, ROLE)]
        answer = cluster.operator.change(
            "RESERVE_RESOURCES", cluster.agent_id, resources=own)
        assert answer.status_code == 202, answer.text
        borrower = Framework(cluster.url, "batch")
        borrower.info["capabilities"].append({"type": "REVOCABLE_RESOURCES"})
        with borrower, Framework(cluster.url, ROLE) as owner:
            offer = borrower.offer(has_lent)
            loan = {r["name"]: r["scalar"]["value"] for r in offer["resources"]
                    if "revocable" in r}
            assert loan == {"cpus": 1, "mem": 256}, offer
            guest = borrower.task(
                offer, [lent("cpus", 1), lent("mem", 200)], "exec sleep 77011")
            borrower.accept(offer, operation("LAUNCH", task_infos=[guest]))
            borrower.state(guest, "TASK_RUNNING")

            def reserved(offer):
                return any(r.get("reservations") for r in offer["resources"])
            mine = owner.offer(reserved)
            task = owner.task(mine, own, "exec sleep 77012")
            owner.accept(mine, operation("LAUNCH", task_infos=[task]))
            status = borrower.state(guest, "TASK_KILLED")
            assert status["reason"] == "REASON_CONTAINER_PREEMPTED", status
            owner.state(task, "TASK_RUNNING")
            owner.call("KILL", task_id=task["task_id"], agent_id=task["agent_id"])
            owner.state(task, "TASK_KILLED")
            borrower.offer(has_lent)
