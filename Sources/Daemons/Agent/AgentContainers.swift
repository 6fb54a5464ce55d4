import AgentCore
import Containers
import Dispatch
import Foundation
import Glibc
import Linux
import Logging
import MesosAPI
import Model
import SwiftProtobuf
import Synchronization
import Volumes
import Wire

/// Starts, signals and ends the agent's containers on threads of its own.
final class AgentContainers: Sendable {
    /// How far a container's start has come.
    private enum Phase {
        /// With the strongest signal that came meanwhile.
        case starting(ContainerSignal?)
        case running

        var hasSignal: Bool {
            if case .starting(.some) = self { true } else { false }
        }
    }

    private let launcher: any Launcher
    /// Nil: the launcher runs no images.
    private let images: ImageStore?
    private let registry: ImageRegistry
    let volumes: AgentVolumes
    private let agentAddress: String
    private let switchesUser: Bool
    private let threads = BlockingThreads("containers", limit: 8)
    private let phases = Mutex<[ContainerID: Phase]>([:])
    /// Containers that are being updated, and whether they are to be removed after that.
    private let updating = Mutex<[ContainerID: Bool]>([:])
    private let send: @Sendable (Agent.Event) -> Void
    /// Removals that were asked for and are not done.
    private let removals = DispatchGroup()

    init(
        launcher: any Launcher, images: ImageStore?, registry: ImageRegistry,
        volumes: AgentVolumes, agentAddress: String, switchesUser: Bool,
        send: @escaping @Sendable (Agent.Event) -> Void
    ) {
        self.launcher = launcher
        self.images = images
        self.registry = registry
        self.volumes = volumes
        self.agentAddress = agentAddress
        self.switchesUser = switchesUser
        self.send = send
    }

    /// What runs or has ended since the agent's former life; running ones are watched again.
    func recover() throws -> [StartReport.FoundContainer] {
        let found = try launcher.recover()
        images?.removeRoots(keeping: Set(found.map(\.id)))
        return found.map { found in
            let id = ContainerID(found.id)
            guard let exit = found.exit else {
                phases.withLock { $0[id] = .running }
                return .init(id, .running(status: status(id)))
            }
            return .init(id, .ended(Self.end(exit)))
        }
    }

    /// Reports the ends of what `recover` found running; called when the agent can hear of them.
    func watchRecovered() {
        for id in phases.withLock({ Array($0.keys) }) { watch(id) }
    }

    func launch(_ launch: ContainerLaunch) {
        phases.withLock { $0[launch.container] = .starting(nil) }
        threads.run { [self] in
            do throws(ContainerError) {
                let wish = try ContainerWish(launch, switchesUser: switchesUser)
                guard let image = wish.image else { return start(wish, nil) }
                try fetch(image, wish)
            } catch {
                fail(launch.container, error)
            }
        }
    }

    /// Starts the container once its image is there; until then it occupies no thread of others.
    private func fetch(
        _ image: ContainerWish.Image, _ wish: ContainerWish
    ) throws(ContainerError) {
        guard let images else {
            throw ContainerError("the \(launcher.name) launcher runs no images: that needs runc")
        }
        let id = wish.launch.container
        let name = try ImageName(image.name, registry)
        let request = ImageRequest(name, isCached: image.isCached, user: wish.user)
        images.prepare(request, for: id.value) { [self] result in
            threads.run { [self] in
                switch result {
                case .success(let image): start(wish, image)
                case .failure(let error): fail(id, error)
                }
            }
        }
        // A signal that came before there was anything to cancel.
        if phases.withLock({ $0[id]?.hasSignal == true }) { _ = images.cancel(id.value) }
    }

    private func start(_ wish: ContainerWish, _ image: PreparedImage?) {
        let id = wish.launch.container
        do {
            try launcher.launch(try spec(wish, image))
        } catch {
            return fail(id, error)
        }
        let missed = phases.withLock { phases -> ContainerSignal? in
            defer { phases[id] = .running }
            if case .starting(let signal) = phases[id] { return signal }
            return nil
        }
        send(.containerStarted(id, status: status(id)))
        watch(id)
        if let missed { signalNow(id, missed) }
    }

    private func fail(_ id: ContainerID, _ error: any Error) {
        phases.withLock { $0[id] = nil }
        forget(id)
        send(.containerFailed(id, reason: "\(error)"))
    }

    func signal(_ id: ContainerID, _ signal: ContainerSignal) {
        let isRunning = phases.withLock { phases in
            switch phases[id] {
            case .starting(let earlier):
                if earlier != .kill { phases[id] = .starting(signal) }
                return false
            case .running: return true
            case nil: return false
            }
        }
        if isRunning { return threads.run { [self] in signalNow(id, signal) } }
        // One that waits for its image ends at once, whatever the signal.
        _ = images?.cancel(id.value)
    }

    private func signalNow(_ id: ContainerID, _ signal: ContainerSignal) {
        switch signal {
        case .terminate: launcher.signal(id.value, SIGTERM)
        case .kill: launcher.kill(id.value)
        }
    }

    func remove(_ id: ContainerID) {
        phases.withLock { $0[id] = nil }
        removals.enter()
        // What an update mounts after the removal, nobody would unmount.
        let isUpdating = updating.withLock { updating in
            guard updating[id] != nil else { return false }
            updating[id] = true
            return true
        }
        if !isUpdating { threads.run { [self] in finishRemoval(id) } }
    }

    /// Gives a running container what it is to hold; `finished` gets nil or why not. The agent asks
    /// for the next update of a container only then.
    func update(
        _ id: ContainerID, _ held: Held, _ finished: @escaping @Sendable (String?) -> Void
    ) {
        updating.withLock { $0[id] = false }
        threads.run { [self] in
            var failure: String?
            do {
                try updateNow(id, held)
            } catch {
                failure = "\(error)"
            }
            if updating.withLock({ $0.removeValue(forKey: id) }) == true {
                finishRemoval(id)
            }
            finished(failure)
        }
    }

    private func updateNow(_ id: ContainerID, _ held: Held) throws {
        guard let owner = launcher.owner(id.value) else {
            throw ContainerError("container \(id) is not known")
        }
        try launcher.update(
            id.value, limits: Self.limits(held.resources), volumes: try volumes(held, owner))
    }

    private func forget(_ id: ContainerID) {
        launcher.remove(id.value)
        images?.remove(id.value)
    }

    private func finishRemoval(_ id: ContainerID) {
        forget(id)
        removals.leave()
    }

    /// Unmounts what containers had as roots; called when none runs any more. Waits until what
    /// tidies up after the last ones has ended, for a few seconds.
    func release() {
        _ = removals.wait(timeout: .now() + .seconds(6))
        images?.removeRoots()
    }

    /// Runs a check's command in a task's container; nil: it took too long or could not run.
    func execute(
        _ id: ContainerID, _ command: Mesos_V1_CommandInfo, timeoutMilliseconds: Int64
    ) -> Int32? {
        let variables = command.environment.variables.map {
            ContainerSpec.Variable($0.name, $0.value)
        }
        let status = try? launcher.execute(
            id.value, ContainerWish.execution(command), environment: variables,
            timeoutMilliseconds: timeoutMilliseconds)
        return status ?? nil
    }

    /// Containers that start or run.
    var living: [ContainerID] { phases.withLock { Array($0.keys) } }

    func usage(_ id: ContainerID) -> ContainerUsage? { launcher.usage(id.value) }

    private func watch(_ id: ContainerID) {
        launcher.watch(id.value) { [self] exit in
            phases.withLock { $0[id] = nil }
            send(.containerEnded(id, Self.end(exit)))
        }
    }

    private static func end(_ exit: ContainerExit) -> ContainerEnd {
        ContainerEnd(waitStatus: exit.waitStatus, isOutOfMemory: exit.isOutOfMemory)
    }

    private func spec(
        _ wish: ContainerWish, _ image: PreparedImage?
    ) throws -> ContainerSpec {
        let (launch, command) = (wish.launch, wish.command)
        var user = wish.user
        try Sandbox.make(launch.directory, owner: user)
        try Fetcher().fetch(
            command.uris.map {
                Fetcher.Item(
                    $0.value, isExecutable: $0.executable, isExtracted: $0.extract,
                    outputFile: $0.hasOutputFile ? $0.outputFile : nil)
            }, into: launch.directory, as: user)
        let mounted = try volumes(wish, &user)
        return ContainerSpec(
            id: launch.container.value, sandbox: launch.directory, user: user,
            command: try wish.execution(image?.configuration),
            environment: TaskEnvironment.make(
                launch, command, agentAddress: agentAddress, home: user.home,
                image: image?.configuration),
            volumes: mounted, limits: Self.limits(launch.resources, wish.diskCeiling),
            image: image.map { .init(directory: $0.directory) },
            workingDirectory: image?.configuration.workingDirectory)
    }

    private static func limits(
        _ resources: [Resource], _ ceiling: DeviceRates = DeviceRates()
    ) -> ContainerSpec.Limits {
        let sum = { (name: String) in
            resources.filter { $0.name == name }.reduce(Amount.zero) { $0 + $1.amount }
        }
        let memory = AgentVolumes.bytes(sum("mem"))
        return ContainerSpec.Limits(
            cpus: max(0.01, sum("cpus").value), memoryBytes: memory > 0 ? memory : nil,
            processes: 8192, diskRates: DiskShare(resources).rates, diskCeiling: ceiling)
    }

    /// A TaskStatus that holds the container's status.
    private func status(_ id: ContainerID) -> Payload {
        var status = Mesos_V1_TaskStatus()
        status.containerStatus.containerID.value = id.value
        var address = Mesos_V1_NetworkInfo.IPAddress()
        address.protocol = .ipv4
        address.ipAddress = String(agentAddress.split(separator: ":").first ?? "127.0.0.1")
        var network = Mesos_V1_NetworkInfo()
        network.ipAddresses = [address]
        status.containerStatus.networkInfos = [network]
        if let pid = launcher.pid(id.value) {
            status.containerStatus.executorPid = UInt32(clamping: pid)
        }
        return Payload(status)
    }
}
