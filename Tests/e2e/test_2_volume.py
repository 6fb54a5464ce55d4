"""The life of a volume under a framework."""
from client import Framework, amounts, operation, scalar
from cluster import Cluster, eventually

ROLE = "db"


def free(offer):
    return any(not r.get("reservations") and r["name"] == "cpus" for r in offer["resources"])


def has_volume(offer):
    return any(r.get("disk", {}).get("persistence") for r in offer["resources"])


def reserved(*names):
    size = {"cpus": 0.5, "mem": 64, "disk": 32}
    return [scalar(name, size[name], ROLE) for name in names]


# Scenario: persistent_volume_tests PersistentVolumeTest.AccessPersistentVolume
def test_life(binary):
    with Cluster(binary) as cluster, Framework(cluster.url, ROLE) as framework:
        whole = amounts(cluster.operator.agents()[0]["total_resources"])
        volume = scalar("disk", 32, ROLE, volume="v1")
        held = reserved("cpus", "mem") + [volume]
        offer = framework.offer(free)
        writer = framework.task(offer, held, "echo precious > data/row && sync")
        framework.accept(
            offer, operation("RESERVE", resources=reserved("cpus", "mem", "disk")),
            operation("CREATE", volumes=[volume]), operation("LAUNCH", task_infos=[writer]))
        framework.state(writer, "TASK_FINISHED")

        offer = framework.offer(has_volume)
        reader = framework.task(offer, held, "grep -qx precious \"$MESOS_SANDBOX/data/row\"")
        framework.accept(offer, operation("LAUNCH", task_infos=[reader]))
        framework.state(reader, "TASK_FINISHED")

        framework.accept(
            framework.offer(has_volume), operation("DESTROY", volumes=[volume]),
            operation("UNRESERVE", resources=reserved("cpus", "mem", "disk")))

        def restored():
            agent = cluster.operator.agents()[0]
            return amounts(agent["total_resources"]) == whole
        eventually("whole books", restored)
        listed = [r for r in cluster.operator.agents()[0]["total_resources"]
                  if r.get("reservations") or r.get("disk")]
        assert not listed, f"still in the books: {listed}"
        eventually("no volumes listed", lambda: cluster.json("volumes") == [])
        # A volume of the same id is a new one: nothing of the old one is in it.
        offer = framework.offer(free)
        empty = framework.task(offer, held, "test ! -e data/row")
        framework.accept(
            offer, operation("RESERVE", resources=reserved("cpus", "mem", "disk")),
            operation("CREATE", volumes=[volume]), operation("LAUNCH", task_infos=[empty]))
        framework.state(empty, "TASK_FINISHED")
