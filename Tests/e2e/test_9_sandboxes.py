"""Sandboxes of ended containers are given back, and nothing else is."""
import os

from client import Framework
from cluster import Cluster, eventually
from test_9_volume_scenarios import has, launch, make, volume

ROLE = "db"
KEPT = ("--gc-delay=3secs", "--gc-disk-headroom=0", "--disk-watch-interval=1secs")


def sandboxes(cluster):
    """The ids of the containers whose sandboxes are on the disk."""
    found = []
    for top, names, _ in os.walk(f"{cluster.directory}/work/agent/slaves"):
        if os.path.basename(top) == "runs":
            found += [n for n in names if not os.path.islink(f"{top}/{n}")]
            names.clear()
    return found


def test_sandboxes_go_after_their_delay_and_volumes_stay(binary):
    with Cluster(binary, options=KEPT) as cluster, Framework(cluster.url, ROLE) as framework:
        kept = volume("kept")
        make(framework, kept)
        ended = launch(framework, has("kept"), [kept], "echo rows > at/kept/rows")
        framework.state(ended, "TASK_FINISHED")
        assert len(sandboxes(cluster)) == 1
        running = launch(framework, has("kept"), [kept], "cat at/kept/rows && sleep 600")
        framework.state(running, "TASK_RUNNING")
        eventually("the ended one's collection", lambda: len(sandboxes(cluster)) == 1)
        # Ten times its delay old, a sandbox stays while its container lives, over restarts too.
        cluster.kill("agent")
        eventually("the agent", cluster.wait_for_agent)
        again = launch(framework, lambda offer: any(
            r["name"] == "cpus" for r in offer["resources"]), [], "true")
        framework.state(again, "TASK_FINISHED")
        eventually("the second collection", lambda: len(sandboxes(cluster)) == 1)
        assert cluster.operator.get("GET_TASKS")["tasks"][0]["state"] == "TASK_RUNNING"
        framework.call("KILL", task_id=running["task_id"], agent_id=running["agent_id"])
        framework.state(running, "TASK_KILLED")
        eventually("the last collection", lambda: not sandboxes(cluster))
        eventually("the end of the directories above it",
                   lambda: os.listdir(f"{cluster.directory}/work/agent/slaves") == [])
        after = launch(framework, has("kept"), [kept], "grep rows at/kept/rows")
        framework.state(after, "TASK_FINISHED")
