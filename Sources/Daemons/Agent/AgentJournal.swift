import AgentCore
import Journal
import Logging
import Model
import Synchronization
import Wire

/// The agent's records on their way into its journal.
///
/// An acknowledged result is not synced by itself but with the next record: without it the agent
/// sends the result once more after a crash, and the master acknowledges it once more. Neither is
/// a volume's preparation: it has an owner file then, which tells the same.
final class AgentJournal: Sendable {
    private static let waitingAtMost = 256

    private let store: any JournalStore
    private let logger: Logger
    private let waiting = Mutex<[[UInt8]]>([])

    init(_ store: any JournalStore, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// Whether the space for what comes next could not be reserved; looks once more if so.
    var isSpaceLow: Bool {
        if store.isSpaceLow { try? store.append([]) }
        return store.isSpaceLow
    }

    /// Makes the records among a batch's actions durable.
    func persist(_ actions: [Agent.Action]) throws {
        try waiting.withLock { waiting in
            var records = waiting
            var snapshot: [[UInt8]]?
            var isUrgent = false
            for action in actions {
                switch action {
                case .store(let record):
                    let bytes = record.encoded
                    records.append(bytes)
                    snapshot?.append(bytes)
                    if !record.mayWait { isUrgent = true }
                case .compactJournal(let state): snapshot = state.map(\.encoded)
                default: break
                }
            }
            if isUrgent || records.count > Self.waitingAtMost {
                try append(records)
                records = []
            }
            waiting = records
            guard let snapshot else { return }
            if try compact(snapshot) { waiting = [] }
        }
    }

    private func append(_ records: [[UInt8]]) throws {
        do throws(JournalError) {
            try store.append(records)
        } catch {
            guard case .noSpace(let cause) = error else { throw error }
            logger.error("no space for the journal", metadata: ["error": "\(cause)"])
            throw StorageFull("\(cause)")
        }
    }

    /// False without space: the journal holds the same without it, in more bytes, and the machine
    /// will ask again.
    private func compact(_ snapshot: [[UInt8]]) throws -> Bool {
        do throws(JournalError) {
            try store.compact(snapshot)
            return true
        } catch {
            guard case .noSpace(let cause) = error else { throw error }
            logger.warning("the journal stays long", metadata: ["error": "\(cause)"])
            return false
        }
    }
}

extension AgentRecord {
    /// Whether nothing is lost when a crash loses it.
    fileprivate var mayWait: Bool {
        switch self {
        case .resultAcknowledged, .volumesPrepared, .volumesDiscarded: true
        case .identified, .started, .operationEnded, .frameworkStored, .frameworkRemoved,
            .executorStored, .executorRemoved, .taskStored, .taskRemoved, .updateStored,
            .updateAcknowledged, .transactionBegun, .volumesDoomed, .snapshot:
            false
        }
    }
}
