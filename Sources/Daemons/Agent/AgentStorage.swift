import AgentCore
import Dispatch
import Foundation
import Linux
import Logging
import MesosAPI
import Model
import Synchronization
import Volumes
import Wire

/// Compares the agent's books with its disks, and repairs what an operator wants repaired.
///
/// One call after the other, on a thread of its own.
final class AgentStorage: Sendable {
    typealias Finish = @Sendable (Result<Mesos_V1_Agent_Response, ErrorForm>) -> Void

    private static let callsAtMost = 16
    private static let findingsAtMost = 10_000
    /// What an operation or a container's end leaves behind for a moment is gone by then.
    private static let pauseSeconds = 0.3
    private static let patienceSeconds = 30.0

    private let host: MachineHost<Agent>
    let volumes: AgentVolumes
    /// As the table of mounts has it.
    private let workDirectory: String
    /// Without symbolic links.
    let adoptablePlaces: [String]
    let log: RepairLog
    private let logger: Logger
    private let threads = BlockingThreads("storage", limit: 1)
    private let calls = Mutex(0)

    init(
        host: MachineHost<Agent>, volumes: AgentVolumes, workDirectory: String,
        adoptablePlaces: [String], logger: Logger
    ) throws(SystemError) {
        var places: [String] = []
        for place in adoptablePlaces { places.append(try Files.realPath(place)) }
        self.adoptablePlaces = places
        self.host = host
        self.volumes = volumes
        self.workDirectory = try Files.realPath(workDirectory)
        log = RepairLog(workDirectory: workDirectory)
        self.logger = logger
    }

    func check(_ call: Mesos_V1_Agent_Call.CheckStorage, _ finish: @escaping Finish) {
        let registry = call.hasRegistry ? call.registry.volumes.map(RegistryVolume.init) : nil
        run(finish) { [self] () throws(ErrorForm) in
            let (all, volumes) = try findings(registry)
            var response = Mesos_V1_Agent_Response()
            response.type = .checkStorage
            response.checkStorage.volumes = UInt64(volumes)
            let shown = all.prefix(Self.findingsAtMost)
            response.checkStorage.findings = shown.map(StorageViews.finding)
            if all.count > shown.count {
                response.checkStorage.leftOff = UInt64(all.count - shown.count)
            }
            return response
        }
    }

    func repair(_ call: Mesos_V1_Agent_Call.RepairStorage, _ finish: @escaping Finish) {
        run(finish) { [self] () throws(ErrorForm) in
            var response = Mesos_V1_Agent_Response()
            response.type = .repairStorage
            for wanted in call.findings {
                let found = try findings(nil).findings.first {
                    $0.code.rawValue == wanted.code && $0.subject == wanted.subject
                }
                var result = Mesos_V1_Agent_Response.RepairStorage.Result()
                result.code = wanted.code
                result.subject = wanted.subject
                (result.result, result.message) = attempt(found, call)
                response.repairStorage.results.append(result)
            }
            return response
        }
    }

    /// Runs a call after those before it; too many are refused.
    func run(
        _ finish: @escaping Finish,
        _ body: @escaping @Sendable () throws(ErrorForm) -> Mesos_V1_Agent_Response
    ) {
        let isTaken = calls.withLock { calls in
            guard calls < Self.callsAtMost else { return false }
            calls += 1
            return true
        }
        guard isTaken else {
            return finish(
                .failure(ErrorForm(status: 503, text: "Too many checks of the storage at once")))
        }
        threads.run { [self] in
            let result: Result<Mesos_V1_Agent_Response, ErrorForm>
            do throws(ErrorForm) { result = .success(try body()) } catch {
                result = .failure(error)
            }
            calls.withLock { $0 -= 1 }
            finish(result)
        }
    }

    /// Does the repair, with a line in the log before and after it.
    private func attempt(
        _ found: StorageFinding?, _ call: Mesos_V1_Agent_Call.RepairStorage
    ) -> (result: String, message: String) {
        guard let found else { return ("gone", "it is not found any more") }
        guard let repair = found.repair else { return ("refused", "a person has to look at this") }
        guard call.setAside || !repair.needsSetAside else {
            return ("refused", "to move data away has to be asked for: set_aside")
        }
        do throws(SystemError) {
            try note(found, "begun", repair.text, call)
        } catch {
            return ("failed", "not begun: the audit log can't be written: \(error)")
        }
        var result = ("repaired", repair.text)
        do throws(VolumeError) { try volumes.repair(found) } catch {
            result = ("failed", "\(error)")
        }
        do throws(SystemError) {
            try note(found, result.0, result.1, call)
        } catch {
            logger.error("the audit log", metadata: ["error": "\(error)"])
        }
        return result
    }

    private func note(
        _ finding: StorageFinding, _ result: String, _ message: String,
        _ call: Mesos_V1_Agent_Call.RepairStorage
    ) throws(SystemError) {
        try log.append(
            code: finding.code.rawValue, subject: finding.subject, result: result,
            message: message, requester: call.hasRequester ? call.requester : nil)
    }

    // MARK: looking

    /// What two looks at books and disks have both seen, and how many volumes the journal has.
    private func findings(
        _ registry: [RegistryVolume]?
    ) throws(ErrorForm) -> (findings: [StorageFinding], volumes: Int) {
        let (first, volumes) = try look(registry)
        guard !first.isEmpty else { return ([], volumes) }
        Thread.sleep(forTimeInterval: Self.pauseSeconds)
        let (second, count) = try look(registry)
        return (StorageComparison.confirmed(first, by: second), count)
    }

    private func look(
        _ registry: [RegistryVolume]?
    ) throws(ErrorForm) -> (findings: [StorageFinding], volumes: Int) {
        var books = try readBooks()
        var observation = StorageObservation()
        do {
            let mounts = try MountTable.current()
            observation.stores = volumes.observe(mounts)
            try observation.observeMachine(
                mounts, sandboxes: workDirectory + "/slaves",
                roots: workDirectory + "/images/containers")
        } catch {
            throw ErrorForm(status: 500, text: "The disks can't be looked at: \(error)")
        }
        books.merge(try readBooks())
        for (_, store) in volumes.named {
            books.moving.formUnion(store.wipeProgress().map(\.uuid))
        }
        books.registry = registry
        return (StorageComparison.findings(books, observation), books.journal.count)
    }

    /// The journal's state as the machine has it now.
    private func readBooks() throws(ErrorForm) -> StorageBooks {
        let arrival = Arrival()
        host.query { [workDirectory] agent, _ in
            let books = StorageViews.books(agent, workDirectory)
            return { arrival.bring(books) }
        }
        guard let books = arrival.wait(seconds: Self.patienceSeconds) else {
            throw ErrorForm(status: 503, text: "The agent is too busy")
        }
        return books
    }
}

/// Books on their way from the core's thread.
private final class Arrival: Sendable {
    private let books = Mutex<StorageBooks?>(nil)
    private let ready = DispatchSemaphore(value: 0)

    func bring(_ books: StorageBooks) {
        self.books.withLock { $0 = books }
        ready.signal()
    }

    func wait(seconds: Double) -> StorageBooks? {
        _ = ready.wait(timeout: .now() + seconds)
        return books.withLock { $0 }
    }
}
