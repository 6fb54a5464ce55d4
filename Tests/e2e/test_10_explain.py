"""Why agents are offered or not, and what would come of a call: asked of a real cluster, by the API
and by the CLI, and compared with what then happens."""
import subprocess

from client import Framework, amounts, operation, scalar
from cluster import Cluster, eventually

ROLE = "db"


def explain(cluster, **question):
    answer = cluster.operator.post("EXPLAIN_OFFERS", question)
    assert answer.status_code == 200, answer.text
    return answer.json()["explain_offers"]["subjects"]


def verdict(cluster, framework, role=ROLE):
    subjects = explain(cluster, framework_id={"value": framework.id}, role=role)
    assert len(subjects) == 1 and len(subjects[0]["verdicts"]) == 1, subjects
    return subjects[0]["verdicts"][0]


def what_if(cluster, **body):
    answer = cluster.operator.post("WHAT_IF", body)
    assert answer.status_code == 200, answer.text
    return answer.json()["what_if"]


def test_offers_are_explained(binary):
    with Cluster(binary, backend="directory") as cluster, \
            Framework(cluster.url, ROLE) as first:
        offer = first.offer()
        found = verdict(cluster, first)
        assert found["outcome"] == "OFFERED" and "because" not in found, found
        assert found["reasons"][0]["code"] == "ALREADY_OFFERED", found
        assert found["reasons"][0]["holders"][0]["offer_id"] == offer["id"], found
        assert amounts(found["resources"]) == amounts(offer["resources"]), found
        with Framework(cluster.url, "web") as second:
            found = verdict(cluster, second, "web")
            assert found["because"] == "NOTHING_LEFT", found
            holder = found["reasons"][-1]["holders"][0]
            assert holder["framework_id"]["value"] == first.id, holder
            assert first.id in cluster.cli("explain", "offers", "--framework", second.id)
            first.call("DECLINE", offer_ids=[offer["id"]], filters={"refuse_seconds": 600})
            second.offer()
            found = verdict(cluster, first)
            assert found["because"] == "NOTHING_LEFT", found
        # It is the filter only when nobody else has it.
        eventually("the filter", lambda: verdict(cluster, first)["because"] == "FILTERED")
        reason = verdict(cluster, first)["reasons"][-1]
        assert reason["origin"] == "DECLINE" and int(reason["until"]["nanoseconds"]) > 0, reason
        first.call("SUPPRESS")
        assert verdict(cluster, first)["because"] == "ROLE_SUPPRESSED"
        roles = explain(cluster, role=ROLE)
        assert [s["framework_id"]["value"] for s in roles] == [first.id], roles
        shown = cluster.cli("explain", "offers", "--role", ROLE)
        assert "not offered because ROLE_SUPPRESSED" in shown, shown
        assert "\x1b" not in shown, shown
        same = cluster.json("explain", "offers", "--role", ROLE)
        assert same["subjects"][0]["verdicts"][0]["because"] == "ROLE_SUPPRESSED", same
        for question, status in [
                ({"role": "nobody"}, 404), ({"framework_id": {"value": "x"}}, 404),
                ({"role": ROLE, "agent_id": {"value": "x"}}, 404), ({}, 400)]:
            answer = cluster.operator.post("EXPLAIN_OFFERS", question)
            assert answer.status_code == status and answer.text, (question, answer.text)


def test_what_would_be_is_what_comes(binary):
    with Cluster(binary, backend="directory") as cluster, \
            Framework(cluster.url, ROLE) as framework:
        agent = cluster.agent_id
        offer = framework.offer()
        body = {"agent_id": {"value": agent}, "resources": [scalar("disk", 256, ROLE)]}
        found = what_if(cluster, reserve_resources=body)
        assert found["accepted"] and found["status"] == 202, found
        assert [o["offer_id"] for o in found["rescinded_offers"]] == [offer["id"]], found
        assert amounts(found["consumed"]) == {"disk": 256}, found
        assert [r["scalar"]["value"] for r in found["converted"]] == [256], found
        assert found["converted"][0]["reservations"][0]["role"] == ROLE, found
        mark = len(framework.events)
        answer = cluster.operator.change("RESERVE_RESOURCES", agent, resources=body["resources"])
        assert answer.status_code == 202, answer.text
        framework.wait("RESCIND", lambda e: e["rescind"]["offer_id"] == offer["id"], since=mark)
        after = cluster.operator.agents()[0]["total_resources"]
        assert amounts(after) == amounts(found["total_resources"]), (after, found)
        assert len(after) == len(found["total_resources"]), (after, found)
        next_offer = found["next_offers"][0]
        assert next_offer["framework_id"]["value"] == framework.id, found
        fresh = framework.offer()
        assert amounts(fresh["resources"]) == amounts(next_offer["resources"]), fresh

        refusal = what_if(cluster, unreserve_resources={
            "agent_id": {"value": agent}, "resources": [scalar("disk", 512, ROLE)]})
        real = cluster.operator.change(
            "UNRESERVE_RESOURCES", agent, resources=[scalar("disk", 512, ROLE)])
        assert not refusal["accepted"] and refusal["status"] == real.status_code, refusal
        assert refusal["text"] == real.text, (refusal, real.text)
        for body in [{}, {"reserve_resources": {"agent_id": {"value": agent}},
                          "drain_agent": {"agent_id": {"value": agent}}}]:
            answer = cluster.operator.post("WHAT_IF", body)
            assert answer.status_code == 400 and "exactly one body" in answer.text, answer.text
        check_drain(cluster, framework, fresh)


def check_drain(cluster, framework, offer):
    disk = scalar("disk", 64, ROLE, volume="kept")
    task = framework.task(offer, [scalar("cpus", 1), scalar("mem", 64), disk], "sleep 1000")
    framework.accept(
        offer, operation("CREATE", volumes=[disk]), operation("LAUNCH", task_infos=[task]))
    framework.state(task, "TASK_RUNNING")
    found = what_if(cluster, drain_agent={"agent_id": {"value": cluster.agent_id}})
    assert not found["accepted"] and "nothing would be moved" in found["text"], found
    tasks = found["drain"]["tasks"]
    assert [t["task_id"] for t in tasks] == [task["task_id"]], tasks
    assert tasks[0]["stateful"] and "fits_on" not in tasks[0], tasks
    assert found["drain"]["volumes"][0]["task_id"] == task["task_id"], found
    shown = cluster.cli("what-if", "drain", cluster.agent_id)
    assert "stateful" in shown and "fits nowhere else now" in shown, shown
    said = cluster.json("what-if", "destroy", "kept")
    assert said["accepted"] is False and "in use" in said["text"], said
    missing = subprocess.run(
        [cluster.binary, "what-if", "drain", "nobody", f"--master=127.0.0.1:{cluster.port}"],
        capture_output=True, text=True, timeout=30)
    assert missing.returncode == 1 and "404" in missing.stderr, missing.stderr
