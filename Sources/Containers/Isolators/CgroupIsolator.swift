/// A container's limits as control groups hold them.
enum CgroupIsolator {
    private static let periodMicroseconds: UInt64 = 100_000

    static func resources(
        _ limits: ContainerSpec.Limits, limitsSwap: Bool
    ) -> RuncBundle.Resources {
        let cpus = limits.cpus.isFinite ? min(max(limits.cpus, 0), 100_000) : 0
        var cpu = RuncBundle.CPU(shares: max(2, UInt64(cpus * 1024)))
        if limits.isCPUHard {
            // The kernel takes no quota below a millisecond.
            cpu.quota = max(1000, Int64(cpus * Double(periodMicroseconds)))
            cpu.period = periodMicroseconds
        }
        let memory = limits.memoryBytes.map {
            RuncBundle.Memory(limit: $0, swap: limitsSwap ? $0 : nil)
        }
        return RuncBundle.Resources(
            // The usual few devices are let through by the runtime.
            devices: [RuncBundle.DeviceRule(allow: false, access: "rwm")],
            memory: memory, cpu: cpu,
            pids: limits.processes.map { RuncBundle.Pids(limit: Int64($0)) })
    }
}
