import Logging
import MesosAPI
import Model
import Net
import ServiceCore
import SwiftProtobuf
import Wire

/// Grows volumes under running tasks by the operator API, as anyone with it could: LIST_VOLUMES
/// says whether a volume grows while mounted, RESERVE_RESOURCES takes what is missing, GROW_VOLUME
/// adds it. What was reserved for a growth that is refused is given back.
final class VolumeGrower: Sendable {
    /// For how long a growth that the master has not settled is waited for.
    private static let patience = Duration.seconds(240)
    private static let unavailableAtMost = Duration.seconds(30)
    private static let pollInterval = Duration.milliseconds(200)

    private typealias Volume = Mesos_V1_Master_Response.ListVolumes.Volume

    private let url: String
    private let client: HTTPClient
    private let logger: Logger
    private let growths: AsyncStream<VolumeGrowth>
    private let feed: AsyncStream<VolumeGrowth>.Continuation

    /// `master` is HOST:PORT.
    init(master: String, client: HTTPClient, logger: Logger) {
        url = "http://\(master)/api/v1"
        self.client = client
        self.logger = logger
        (growths, feed) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(10_000))
    }

    /// Takes a growth up; false: there are too many.
    func begin(_ growth: VolumeGrowth) -> Bool {
        if case .enqueued = feed.yield(growth) { true } else { false }
    }

    /// Does what was begun, until the task is cancelled; `ended` hears of each.
    func run(_ ended: @escaping @Sendable (OperationID, GrowthOutcome) -> Void) async {
        await withDiscardingTaskGroup { group in
            for await growth in growths {
                group.addTask { ended(growth.id, await self.grow(growth)) }
            }
        }
    }

    private func grow(_ growth: VolumeGrowth) async -> GrowthOutcome {
        do {
            guard let volume = try await volume(of: growth) else { return .needsIdleVolume }
            let resource = try Resource(volume.resource)
            if resource.amount == growth.size { return .grown }
            guard volume.growsWhileMounted, resource.amount < growth.size else {
                return .needsIdleVolume
            }
            let addition = resource.withoutVolume.with(amount: growth.size - resource.amount)
            // Disk that an earlier reduction left reserved does, too.
            if try await add(addition, to: resource, growth) == nil { return .grown }
            if let refusal = try await reserve(addition, growth.agent) { return .refused(refusal) }
            guard let refusal = try await add(addition, to: resource, growth) else {
                return .grown
            }
            await giveBack(addition, growth.agent)
            return .refused(refusal)
        } catch {
            logger.warning("growth", metadata: ["error": "\(error)"])
            return .refused("the master could not be asked: \(error)")
        }
    }

    private func volume(of growth: VolumeGrowth) async throws -> Volume? {
        let id = growth.volume.disk?.persistence?.id
        return try await ask(.listVolumes).listVolumes.volumes.first { volume in
            volume.agentID.value == growth.agent.value
                && volume.resource.disk.persistence.id == id
                && (try? Resource(volume.resource))?.reservations == growth.volume.reservations
        }
    }

    /// Nil: grown; else the reason why not.
    private func add(
        _ addition: Resource, to volume: Resource, _ growth: VolumeGrowth
    ) async throws -> String? {
        let answer = try await tell(.growVolume) {
            $0.growVolume.agentID.value = growth.agent.value
            $0.growVolume.volume = Self.message(volume)
            $0.growVolume.addition = Self.message(addition)
        }
        switch answer {
        case .done: return nil
        case .refused(let reason): return reason
        case .pending:
            try await settle(growth.agent)
            let amount = try await self.volume(of: growth).map { try Resource($0.resource).amount }
            return amount == growth.size ? nil : "the agent did not grow the volume"
        }
    }

    /// Nil: reserved; else the reason why not.
    private func reserve(_ addition: Resource, _ agent: AgentID) async throws -> String? {
        let answer = try await tell(.reserveResources) {
            $0.reserveResources.agentID.value = agent.value
            $0.reserveResources.resources = [Self.message(addition)]
        }
        switch answer {
        case .done: return nil
        case .refused(let reason):
            return "the agent has not \(addition.amount.text) MiB of disk free: \(reason)"
        case .pending:
            try await settle(agent)
            return nil
        }
    }

    private func giveBack(_ addition: Resource, _ agent: AgentID) async {
        do {
            let answer = try await tell(.unreserveResources) {
                $0.unreserveResources.agentID.value = agent.value
                $0.unreserveResources.resources = [Self.message(addition)]
            }
            guard case .refused(let reason) = answer else { return }
            logger.warning("\(addition.text) stays reserved", metadata: ["reason": "\(reason)"])
        } catch {
            logger.warning("\(addition.text) stays reserved", metadata: ["error": "\(error)"])
        }
    }

    /// Waits until nothing that was asked of an agent is pending.
    private func settle(_ agent: AgentID) async throws {
        let end = ContinuousClock.now + Self.patience
        while ContinuousClock.now < end {
            let pending = try? await ask(.getOperations).getOperations.operations.contains {
                $0.agentID.value == agent.value
            }
            if pending == false { return }
            try await Task.sleep(for: Self.pollInterval)
        }
        throw VolumeGrowerError(text: "agent \(agent) has not confirmed it")
    }

    // MARK: calls

    private enum Answer {
        case done
        /// Not confirmed by the agent, or nobody knows.
        case pending
        case refused(String)
    }

    /// A call whose answer was lost counts as pending: what came of it is seen afterwards. A master
    /// that waits for its agents to come back is asked again.
    private func tell(
        _ type: Mesos_V1_Master_Call.TypeEnum, _ fill: (inout Mesos_V1_Master_Call) -> Void
    ) async throws -> Answer {
        var call = Mesos_V1_Master_Call()
        call.type = type
        fill(&call)
        let body: [UInt8] = try call.serializedBytes()
        let end = ContinuousClock.now + Self.unavailableAtMost
        while true {
            let answer: HTTPAnswer
            do {
                answer = try await client.post(
                    url, headers: Self.headers, body: body, timeoutMilliseconds: 60_000)
            } catch {
                return .pending
            }
            if answer.status == 503, ContinuousClock.now < end {
                try await Task.sleep(for: Self.pollInterval)
            } else if answer.status >= 400 {
                return .refused(String(decoding: answer.body, as: UTF8.self))
            } else {
                return answer.body.isEmpty ? .done : .pending
            }
        }
    }

    private func ask(
        _ type: Mesos_V1_Master_Call.TypeEnum
    ) async throws -> Mesos_V1_Master_Response {
        var call = Mesos_V1_Master_Call()
        call.type = type
        let answer = try await client.post(
            url, headers: Self.headers, body: try call.serializedBytes())
        guard answer.status == 200 else {
            throw VolumeGrowerError(
                text: "\(type) was answered \(answer.status): "
                    + String(decoding: answer.body, as: UTF8.self))
        }
        return try Mesos_V1_Master_Response(serializedBytes: answer.body)
    }

    private static let headers: HTTPFields = [
        "Content-Type": MediaType.protobuf.rawValue, "Accept": MediaType.protobuf.rawValue,
    ]

    private static func message(_ resource: Resource) -> Mesos_V1_Resource {
        Mesos_V1_Resource(resource, form: .postRefinement)
    }
}

struct VolumeGrowerError: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
}
