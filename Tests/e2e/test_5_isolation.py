"""What a task cannot reach."""
import json

from client import Framework, operation, scalar
from cluster import Cluster

ROLE = "iso"
BASE = {"cpus": 0.2, "mem": 64}


def pieces(disk=None, volume=None):
    held = [scalar(name, amount, ROLE) for name, amount in BASE.items()]
    return held + ([scalar("disk", disk, ROLE, volume=volume)] if disk else [])


def launch(framework, command, volume=None):
    """Reserves, creates and launches in one ACCEPT."""
    offer = framework.offer(lambda o: any(
        not r.get("reservations") and r["name"] == "cpus" for r in o["resources"]))
    held = pieces(32 if volume else None, volume)
    plain = pieces() + ([scalar("disk", 32, ROLE)] if volume else [])
    operations = [operation("RESERVE", resources=plain)]
    if volume:
        operations.append(operation("CREATE", volumes=[held[-1]]))
    task = framework.task(offer, held, command)
    framework.accept(offer, *operations, operation("LAUNCH", task_infos=[task]))
    return task


def test_host_and_neighbours(binary):
    with Cluster(binary) as cluster, Framework(cluster.url, ROLE) as framework:
        neighbour = launch(
            framework, "echo secret-of-a-neighbour > data/secret; exec sleep 87001", "n1")
        framework.state(neighbour, "TASK_RUNNING")
        work = json.dumps(f"{cluster.directory}/work")
        script = f"""
            fail() {{ echo "$1" >&2; exit 1; }}
            for p in /etc /usr /root /var/lib /boot; do
                touch $p/holdfast-e2e 2>/dev/null && fail "wrote to $p"
            done
            grep -rqs secret-of-a-neighbour {work} && fail "read a neighbour's volume"
            for p in {work}/*/volumes {work}/*/journal {work}/master {work}/agent/meta; do
                [ -e "$p" ] && [ -n "$(ls -A "$p" 2>/dev/null)" ] && fail "saw $p"
            done
            pgrep -f '[s]leep 87001' >/dev/null && fail "saw a neighbour's process"
            mount -o remount,rw / 2>/dev/null && touch /etc/holdfast-e2e 2>/dev/null \\
                && fail "remounted the root"
            echo own > "$MESOS_SANDBOX/file" || fail "no sandbox"
            echo own > "$MESOS_SANDBOX/data/file" || fail "no volume"
            echo own > /tmp/file || fail "no /tmp"
            echo own > /dev/shm/file || fail "no /dev/shm"
            exit 0
        """
        prisoner = launch(framework, script, "p1")
        try:
            framework.state(prisoner, "TASK_FINISHED")
        except AssertionError as error:
            name = prisoner["task_id"]["value"]
            text = cluster.cli("task", "logs", name, "--stderr", check=False)
            raise AssertionError(f"the task said: {text}") from error


def test_destroy_while_another_runs(binary):
    with Cluster(binary) as cluster, Framework(cluster.url, ROLE) as framework:
        short = launch(framework, "echo a > data/a", "gone")
        framework.state(short, "TASK_FINISHED")
        # It starts while the first volume is mounted: its root must not hold on to that mount.
        witness = launch(framework, "exec sleep 87002", "stays")
        framework.state(witness, "TASK_RUNNING")
        before = len(cluster.loop_devices())
        volume = pieces(32, "gone")[-1]
        answer = cluster.operator.change("DESTROY_VOLUMES", cluster.agent_id, volumes=[volume])
        if answer.status_code == 409:  # It is in an offer: the operator's call comes first.
            raise AssertionError(f"DESTROY: {answer.text}")
        assert answer.status_code == 202, f"{answer.status_code} {answer.text}"
        assert [v["id"] for v in cluster.json("volumes")] == ["stays"]
        assert len(cluster.loop_devices()) <= before
        busy = pieces(32, "stays")[-1]
        answer = cluster.operator.change("DESTROY_VOLUMES", cluster.agent_id, volumes=[busy])
        assert answer.status_code in (400, 409), f"a volume in use: {answer.status_code} {answer.text}"
