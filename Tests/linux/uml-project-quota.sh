#!/bin/bash
# Runs the volume tests of ext4 and XFS project quota on a second kernel, in User-Mode Linux, for
# kernels without quota, and those of ext4 images with CAP_SYS_RESOURCE, with which they grow while
# mounted (Debian packages user-mode-linux and kmod). Fails, never skips, where that
# can't be started. Build the tests first: swift build --build-tests.
#
# usage: Tests/linux/uml-project-quota.sh [TEST-BUNDLE]
set -u
repository=$(cd "$(dirname "$0")/../.." && pwd)
bundle=$(realpath "${1:-$repository/.build/debug/holdfastPackageTests.xctest}")
fail() { echo "FAILED: $*" >&2; exit 1; }
for program in linux.uml modprobe setpriv mkfs.ext4 mkfs.xfs; do
    command -v "$program" >/dev/null || PATH=$PATH:/usr/sbin command -v "$program" >/dev/null \
        || fail "$program is missing (apt-get install user-mode-linux kmod util-linux e2fsprogs xfsprogs)"
done
[ -x "$bundle" ] || fail "$bundle is not built"

work=$(mktemp -d /tmp/holdfast-uml.XXXXXX)
trap 'rm -rf "$work"' EXIT
# The second kernel sees this machine's files read-only and works on memory.
cat >"$work/init" <<INIT
#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmp /tmp; mount -t tmpfs run /run; mount -t tmpfs mnt /mnt
mkdir -p /mnt/lib/modules
ln -s /usr/lib/uml/modules/\$(uname -r) /mnt/lib/modules/\$(uname -r)
modprobe -d /mnt quota_v2 && modprobe -d /mnt loop || echo "HOLDFAST-UML no modules"
export HOLDFAST_TEST_BACKENDS=projectExt4,projectXFS HOME=/tmp
# Root with CAP_SYS_RESOURCE may pass every limit of ext4: tasks don't have it, nor do the tests.
setpriv --bounding-set=-sys_resource --inh-caps=-sys_resource \\
    "$bundle" --testing-library swift-testing \\
    --filter 'VolumesTests.(VolumeBackendContract|ResizeTests|CrashTests|StoreTests/sixteen|ProjectQuotaTests|StorageRepairTests|TransferTests)'
echo "HOLDFAST-UML status \$?"
export HOLDFAST_TEST_BACKENDS=loopExt4
"$bundle" --testing-library swift-testing --filter 'VolumesTests.(ResizeTests|CrashTests/grown)'
echo "HOLDFAST-UML privileged status \$?"
echo o >/proc/sysrq-trigger
sleep 60
INIT
chmod +x "$work/init"

TMPDIR=/dev/shm timeout -k 3 "${HOLDFAST_UML_SECONDS:-420}" linux.uml mem=2G root=/dev/root \
    rootfstype=hostfs rootflags=/ ro init="$work/init" con=null con0=fd:0,fd:1 quiet \
    "umid=holdfast-$$" </dev/null >"$work/output" 2>&1
cat "$work/output"
grep -q '^HOLDFAST-UML no modules' "$work/output" && fail "the second kernel has no quota modules"
grep -q '^SKIPPED volume tests' "$work/output" && fail "project quota did not work there"
grep -Eq 'aNewVolumeIsEmpty.*with 2 test cases passed' "$work/output" \
    || fail "the contract did not run on both file systems"
grep -q '^HOLDFAST-UML status 0' "$work/output" || fail "project quota: see above"
grep -q '^HOLDFAST-UML privileged status 0' "$work/output" || fail "ext4 growth: see above"
echo "project quota of ext4 and XFS, growth of mounted ext4: pass"
