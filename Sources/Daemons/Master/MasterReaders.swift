import Dispatch
import MachineCore
import MasterCore
import MesosAPI
import Model
import Net
import SwiftProtobuf
import Synchronization
import Wire

/// Answers reading calls on threads of their own: the core's thread only gives a copy of the
/// state, which costs nothing until the state changes, and the commit thread only passes it on
/// when all that it shows is durable.
struct MasterReaders: Sendable {
    let host: MachineHost<Master>
    let views: MasterViews
    private let questions = QuestionViews()
    /// Two that ask for much don't keep a third waiting.
    private let threads = BlockingThreads("reads", limit: 3)

    init(host: MachineHost<Master>, views: MasterViews) {
        self.host = host
        self.views = views
    }

    func serves(_ type: Mesos_V1_Master_Call.TypeEnum) -> Bool {
        switch type {
        case .listVolumes, .listReservations: true
        default:
            views.serves(type) || questions.serves(type) || LifecycleViews.serves(type)
        }
    }

    func answer(_ call: Mesos_V1_Master_Call, _ accept: MediaType, _ responder: HTTPResponder) {
        host.query { [self] master, now in
            return {
                threads.run {
                    do throws(Refusal) {
                        responder.answer(
                            HTTPAnswer(
                                status: 200, headers: ["Content-Type": accept.rawValue],
                                body: try body(call, master, now, accept)))
                    } catch { responder.answer(HTTPAnswer(ErrorForm(error))) }
                }
            }
        }
    }

    private func body(
        _ call: Mesos_V1_Master_Call, _ master: Master, _ now: Instant, _ accept: MediaType
    ) throws(Refusal) -> [UInt8] {
        switch call.type {
        case .listVolumes:
            return Self.encode(
                LongList(.listVolumes, answer: (1000, "list_volumes"), list: (1, "volumes")),
                master.sortedVolumes, accept
            ) { uuid in
                master.volumeRow(uuid).map { row in
                    ListEntry(
                        views.volume(row, master, withResource: false),
                        resource: (3, row.volume.resource))
                }
            }
        case .listReservations:
            return Self.encode(
                LongList(
                    .listReservations, answer: (1003, "list_reservations"),
                    list: (1, "reservations")),
                master.reservationViews, accept
            ) { ListEntry(views.reservation($0, master, now)) }
        case .listLifecyclePolicies, .collectGarbage:
            return accept.encode(LifecycleViews.response(call, master))
        default:
            guard questions.serves(call.type) else {
                return accept.encode(views.response(call, master, now))
            }
            return accept.encode(try questions.response(call, master, now))
        }
    }

    /// Entries in one part of a list.
    private static let partLength = 4096

    /// Writes a list's parts on all processors.
    private static func encode<Row: Sendable, Entry: Message>(
        _ list: LongList, _ rows: [Row], _ accept: MediaType,
        _ entry: @Sendable (Row) -> ListEntry<Entry>?
    ) -> [UInt8] {
        let count = (rows.count + partLength - 1) / partLength
        let parts = Mutex([[UInt8]](repeating: [], count: count))
        DispatchQueue.concurrentPerform(iterations: count) { number in
            let range = number * partLength..<min(rows.count, (number + 1) * partLength)
            let part = list.encode(rows[range].compactMap(entry), as: accept)
            parts.withLock { $0[number] = part }
        }
        return list.response(of: parts.withLock { $0 }, as: accept)
    }
}
