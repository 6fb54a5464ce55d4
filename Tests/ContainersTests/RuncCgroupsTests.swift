import Linux
import Testing

@Suite struct RuncCgroupsTests {
    private let unified = "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"
    private let first = """
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
        35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
        40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
        """
    private let beside = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"

    private func layout(_ text: String) throws -> CgroupLayout {
        try #require(
            CgroupLayout(table: MountTable(text: text)) { _ in "cpuset cpu io memory pids" })
    }

    @Test func oneTreeHoldsEveryController() throws {
        let layout = try layout(unified)
        #expect(layout.version == .v2)
        #expect(layout.hierarchies == ["/sys/fs/cgroup"])
        let group = Cgroup(layout, "/holdfast/a/b")
        #expect(group.oomFile == "/sys/fs/cgroup/holdfast/a/b/memory.events")
    }

    @Test(arguments: [false, true])
    func controllersHaveTreesOfTheirOwn(_ isHybrid: Bool) throws {
        let layout = try layout(isHybrid ? first + "\n" + beside : first)
        #expect(layout.version == (isHybrid ? .hybrid : .v1))
        #expect(layout.controllers["cpuacct"] == "/sys/fs/cgroup/cpu,cpuacct")
        #expect(layout.controllers["pids"] == nil)
        #expect(layout.unified == (isHybrid ? "/sys/fs/cgroup/unified" : nil))
        #expect(layout.hierarchies.count == (isHybrid ? 4 : 3))
        #expect(Cgroup(layout, "/g").oomFile == "/sys/fs/cgroup/memory/g/memory.oom_control")
    }

    @Test func aMachineWithoutHierarchiesHasNoLayout() {
        #expect(CgroupLayout(table: MountTable(text: "")) { _ in nil } == nil)
    }
}
