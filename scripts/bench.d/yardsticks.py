"""What the machine itself needs, measured in the same run."""
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time

from report import median

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def timed(command):
    """Milliseconds of one run of a command, and its exit status."""
    start = time.perf_counter()
    status = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, **QUIET).returncode
    return (time.perf_counter() - start) * 1000, status


def bare_process(report):
    samples = [timed(["/bin/sh", "-c", "true"])[0] for _ in range(20)]
    report.figure("fork and exec of sh by hand, median", median(samples), "ms")


def make_and_mount(options, report, megabytes):
    """fallocate, mkfs and mount -o loop of one image by hand."""
    directory = tempfile.mkdtemp(prefix="holdfast-bench-", dir=options.directory)
    image, point = f"{directory}/image", f"{directory}/mount"
    os.mkdir(point)
    samples = []
    for _ in range(5):
        steps = [["fallocate", "-l", f"{megabytes}M", image],
                 ["mkfs.ext4", "-q", "-F", "-m", "0", "-E", "nodiscard", image],
                 ["mount", "-o", "loop", image, point]]
        results = [timed(step) for step in steps]
        if results[-1][1] == 0:
            samples.append(sum(milliseconds for milliseconds, _ in results))
            subprocess.run(["umount", point], check=True)
        os.unlink(image)
    shutil.rmtree(directory)
    if samples:
        report.figure("fallocate + mkfs.ext4 + mount by hand, median", median(samples), "ms")


def bare_runc(options, report):
    """`runc run` of true on the host's own files, in a mount namespace of its own."""
    directory = tempfile.mkdtemp(prefix="holdfast-bench-", dir=options.directory)
    os.mkdir(f"{directory}/root")
    spaces = [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]
    spec = {"ociVersion": "1.0.2", "root": {"path": f"{directory}/root", "readonly": True},
            "process": {"args": ["/bin/true"], "cwd": "/", "user": {"uid": 0, "gid": 0},
                        "env": ["PATH=/usr/bin:/bin"]},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
            "linux": {"namespaces": spaces,
                      "cgroupsPath": f"/{os.path.basename(directory)}"}}
    with open(f"{directory}/config.json", "w") as file:
        json.dump(spec, file)
    script = (f"mount --rbind / {directory}/root && mount --make-rprivate {directory}/root\n"
              f"while read name; do runc run --bundle {directory} $name </dev/null >/dev/null 2>&1"
              "; echo $?; done")
    worker = subprocess.Popen(["unshare", "-m", "sh", "-c", script], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    samples = []
    for index in range(10):
        start = time.perf_counter()
        worker.stdin.write(f"{os.path.basename(directory)}-{index}\n")
        worker.stdin.flush()
        if worker.stdout.readline().strip() == "0":
            samples.append((time.perf_counter() - start) * 1000)
    worker.stdin.close()
    worker.wait()
    # The bind mount lived in the worker's namespace only and ended with it.
    shutil.rmtree(directory)
    if samples:
        report.figure("runc run of true by hand, median", median(samples), "ms")


def fsync_rate(options, report):
    """Appends of 512 bytes, each followed by fdatasync, in one second."""
    with tempfile.NamedTemporaryFile(dir=options.directory) as file:
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < 1:
            os.write(file.fileno(), b"x" * 512)
            os.fdatasync(file.fileno())
            count += 1
    report.figure("append + fdatasync of this disk", count, "1/s")


def round_trip(port, report):
    """A GET_HEALTH over a connection that is kept."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    samples = []
    for _ in range(200):
        start = time.perf_counter()
        connection.request("POST", "/api/v1", '{"type":"GET_HEALTH"}',
                           {"Content-Type": "application/json"})
        connection.getresponse().read()
        samples.append((time.perf_counter() - start) * 1000)
    connection.close()
    report.figure("GET_HEALTH round trip, median", median(samples), "ms")


def smallest_process(options, report):
    """The most memory that `holdfast version` held: the cost of the program as such."""
    pid = os.posix_spawn(options.binary, [options.binary, "version"], os.environ, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    usage = os.wait4(pid, 0)[2]
    report.figure("holdfast version, resident at most", usage.ru_maxrss / 1024, "MB")
