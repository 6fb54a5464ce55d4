internal import Linux

extension OCIConfig {
    /// Where process 1's program is bound in every container; it needs no file on the host.
    static let initialProgram = "/dev/.holdfast-init"
    /// The pipe to the supervisor that process 1 inherits.
    static let statusDescriptor = 3

    /// The config of one container; `supervisor` is the host's path of the program.
    init(_ spec: ContainerSpec, _ plan: LaunchPlan, supervisor: String) throws(ContainerError) {
        guard let root = plan.root else { throw ContainerError("no isolator plans a root") }
        ociVersion = "1.0.2"
        process = Process(
            terminal: false,
            user: User(
                uid: spec.user.uid, gid: spec.user.gid, additionalGids: spec.user.groups),
            args: [Self.initialProgram, "init", "\(Self.statusDescriptor)", spec.command.program]
                + spec.command.arguments,
            env: spec.environment.map { "\($0.name)=\($0.value)" },
            cwd: spec.workingDirectory ?? spec.sandboxInside,
            capabilities: Capabilities(
                bounding: plan.capabilities, effective: plan.capabilities,
                permitted: plan.capabilities),
            noNewPrivileges: plan.forbidsGainingPrivileges)
        self.root = Root(path: root.directory, readonly: root.isReadOnly)
        let initialProgram = LaunchPlan.Mount.bind(
            supervisor, at: Self.initialProgram, ["bind", "ro", "nosuid", "nodev"])
        mounts = (plan.mounts + [initialProgram]).map {
            Mount(
                destination: $0.destination, type: $0.type, source: $0.source, options: $0.options)
        }
        linux = Linux(
            namespaces: plan.namespaces.map { Namespace(type: $0) },
            uidMappings: Self.identity(plan), gidMappings: Self.identity(plan),
            cgroupsPath: plan.cgroupPath,
            resources: Self.resources(plan.limits, plan.throttles),
            rootfsPropagation: "rslave",
            maskedPaths: plan.maskedPaths,
            readonlyPaths: plan.readOnlyPaths,
            seccomp: Self.seccomp(plan.deniedRequests))
    }

    /// Every user and group keeps its number, and so every file its owner.
    private static func identity(_ plan: LaunchPlan) -> [IDMapping]? {
        guard plan.namespaces.contains(NamespacesIsolator.user) else { return nil }
        return [IDMapping(containerID: 0, hostID: 0, size: .max)]
    }

    private static func blockIO(_ throttles: [DeviceThrottle]) -> BlockIO? {
        guard !throttles.isEmpty else { return nil }
        let rates = { (value: (DeviceRates) -> Int64?) in
            throttles.compactMap { throttle in
                value(throttle.rates).map {
                    DeviceRate(
                        major: throttle.device.major, minor: throttle.device.minor, rate: $0)
                }
            }
        }
        return BlockIO(
            throttleReadBpsDevice: rates(\.readBytes),
            throttleWriteBpsDevice: rates(\.writtenBytes),
            throttleReadIOPSDevice: rates(\.reads), throttleWriteIOPSDevice: rates(\.writes))
    }

    private static func resources(
        _ limits: LaunchPlan.Limits?, _ throttles: [DeviceThrottle]
    ) -> Resources {
        Resources(
            blockIO: blockIO(throttles),
            // All but the few that runc always allows: null, zero, random, tty and the like.
            devices: [Device(allow: false, access: "rwm")],
            memory: limits?.memoryBytes.map {
                // In OCI "swap" is memory and swap together: no swap beyond the memory.
                Memory(limit: $0, swap: limits?.hasSwapLimit == true ? $0 : nil)
            },
            cpu: limits.map {
                CPU(
                    shares: $0.cpuShares, quota: $0.cpuQuotaMicroseconds,
                    period: $0.cpuQuotaMicroseconds == nil ? nil : 100_000)
            },
            pids: limits?.processes.map { Processes(limit: $0) })
    }

    private static func seccomp(_ requests: [UInt64]) -> Seccomp? {
        guard !requests.isEmpty else { return nil }
        #if arch(arm64)
            let architectures = ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
        #else
            let architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
        #endif
        let rules = requests.map { request in
            SystemCall(
                names: ["ioctl"], action: "SCMP_ACT_ERRNO",
                // The kernel looks at 32 bits of the request, so the filter does.
                args: [
                    .init(
                        index: 1, value: 0xFFFF_FFFF, valueTwo: request, op: "SCMP_CMP_MASKED_EQ")
                ])
        }
        return Seccomp(
            defaultAction: "SCMP_ACT_ALLOW", architectures: architectures, syscalls: rules)
    }
}
