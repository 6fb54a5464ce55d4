import ArgumentParser
import Foundation
import MesosAPI
import Model
import Net
import SwiftProtobuf
import Wire

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Print what changes in the cluster, a line for each event as it comes.",
        discussion: "Without a filter everything is printed. It ends when the master does.")
    @OptionGroup var options: ClientOptions
    @Flag(help: "Events of volumes.")
    var volumes = false
    @Flag(help: "Events of reservations.")
    var reservations = false
    @Flag(help: "Alarms of volumes and disks that fill, and of volumes that grow by a rule.")
    var alarms = false
    @Flag(help: "Events of tasks.")
    var tasks = false
    @Flag(help: "Events of frameworks.")
    var frameworks = false
    @Flag(help: "Events of agents.")
    var agents = false

    func run() async throws {
        do {
            try await withClient(options.master) { try await follow($0) }
        } catch let error as HTTPClientError {
            throw CommandFailure("the event stream of \(options.master) broke: \(error)")
        } catch let refusal as Refusal {
            throw CommandFailure("the event stream of \(options.master): \(refusal.message)")
        }
        throw CommandFailure("the event stream of \(options.master) has ended")
    }

    private var isAll: Bool {
        !(volumes || reservations || alarms || tasks || frameworks || agents)
    }

    private func follow(_ client: APIClient) async throws {
        var call = Mesos_V1_Master_Call()
        call.type = .subscribe
        call.subscribe.volumes = isAll || volumes
        call.subscribe.reservations = isAll || reservations
        call.subscribe.usageAlarms = isAll || alarms
        let body: [UInt8] = try call.serializedBytes()
        let type = MediaType.protobuf.rawValue
        let answer = try await client.client.stream(
            "http://\(client.address)/api/v1", headers: ["Content-Type": type, "Accept": type],
            body: body)
        guard answer.status == 200 else {
            var text: [UInt8] = []
            for try await chunk in answer.chunks where text.count < 4096 { text += chunk }
            throw CommandFailure(
                "\(client.address) answered \(answer.status): "
                    + String(decoding: text, as: UTF8.self))
        }
        var decoder = RecordIO.Decoder(limit: 1 << 30)
        for try await chunk in answer.chunks {
            for record in try decoder.append(chunk) {
                let event = try Mesos_V1_Master_Event(serializedBytes: record)
                guard isWanted(event.type) else { continue }
                show(event)
            }
        }
    }

    private func isWanted(_ type: Mesos_V1_Master_Event.TypeEnum) -> Bool {
        switch type {
        case .unknown, .heartbeat: false
        case .subscribed: true
        case .taskAdded, .taskUpdated: isAll || tasks
        case .agentAdded, .agentRemoved: isAll || agents
        case .frameworkAdded, .frameworkUpdated, .frameworkRemoved: isAll || frameworks
        case .volumeAdded, .volumeUpdated, .volumeRemoved: isAll || volumes
        case .reservationAdded, .reservationUpdated, .reservationRemoved:
            isAll || reservations
        case .usageAlarm: isAll || alarms
        }
    }

    private func show(_ event: Mesos_V1_Master_Event) {
        let bytes =
            options.json
            ? MediaType.json.encode(event) : Array(Self.line(event, at: Date()).utf8)
        FileHandle.standardOutput.write(Data(bytes + [0x0A]))
    }

    /// Time, kind, and what it is about.
    private static func line(_ event: Mesos_V1_Master_Event, at date: Date) -> String {
        let time = timeText(Int64(date.timeIntervalSince1970 * 1000) * 1_000_000)
        // The generated names are Mesos's in camel case.
        let kind = "\(event.type)".reduce(into: "") { kind, letter in
            if letter.isUppercase { kind += "_" }
            kind += letter.uppercased()
        }
        return "\(time)  \(kind.padding(toLength: 19, withPad: " ", startingAt: 0))  "
            + subject(event)
    }

    private static func subject(_ event: Mesos_V1_Master_Event) -> String {
        switch event.type {
        case .unknown, .heartbeat: ""
        case .subscribed:
            "\(event.subscribed.getState.getAgents.agents.count) agents, "
                + "\(event.subscribed.getState.getFrameworks.frameworks.count) frameworks, "
                + "\(event.subscribed.getState.getTasks.tasks.count) tasks, "
                + "\(event.subscribed.listVolumes.volumes.count) volumes, "
                + "\(event.subscribed.listReservations.reservations.count) reservations"
        case .taskAdded: text(event.taskAdded.task)
        case .taskUpdated: text(event.taskUpdated)
        case .agentAdded:
            "\(event.agentAdded.agent.agentInfo.id.value) at "
                + event.agentAdded.agent.agentInfo.hostname
        case .agentRemoved: event.agentRemoved.agentID.value
        case .frameworkAdded: text(event.frameworkAdded.framework)
        case .frameworkUpdated: text(event.frameworkUpdated.framework)
        case .frameworkRemoved:
            "\(event.frameworkRemoved.frameworkInfo.id.value) "
                + event.frameworkRemoved.frameworkInfo.name
        case .volumeAdded: text(event.volumeAdded.volume)
        case .volumeUpdated: text(event.volumeUpdated.volume)
        case .volumeRemoved: text(event.volumeRemoved.volume)
        case .reservationAdded: text(event.reservationAdded.reservation)
        case .reservationUpdated: text(event.reservationUpdated.reservation)
        case .reservationRemoved: text(event.reservationRemoved.reservation)
        case .usageAlarm: "\(event.usageAlarm.kind) \(event.usageAlarm.text)"
        }
    }

    private static func text(_ task: Mesos_V1_Task) -> String {
        "\(task.taskID.value) of \(task.frameworkID.value) on \(task.agentID.value)"
    }

    private static func text(_ update: Mesos_V1_Master_Event.TaskUpdated) -> String {
        let status = update.status
        return "\(status.taskID.value) of \(update.frameworkID.value): "
            + stateName(status.state)
            + (status.hasMessage && !status.message.isEmpty ? " (\(status.message))" : "")
    }

    private static func text(_ framework: Mesos_V1_Master_Response.GetFrameworks.Framework)
        -> String
    {
        let info = framework.frameworkInfo
        return "\(info.id.value) \(info.name): "
            + (framework.connected
                ? "connected" : framework.recovered ? "recovered" : "disconnected")
    }

    private static func text(_ volume: Mesos_V1_Master_Response.ListVolumes.Volume) -> String {
        let size = (try? Resource(volume.resource))?.text ?? volume.resource.name
        var words = ["\(volume.uuid) \(size) on \(volume.agentID.value): \(volume.state)"]
        if volume.hasLastTaskID {
            words.append(
                volume.hasUsedUntil
                    ? "last used by \(volume.lastTaskID.value)"
                    : "in use by \(volume.lastTaskID.value)")
        }
        if volume.hasAgentState { words.append("agent \(volume.agentState)") }
        return words.joined(separator: ", ")
    }

    private static func text(
        _ reservation: Mesos_V1_Master_Response.ListReservations.Reservation
    ) -> String {
        let sums = ResourceSums(resources: reservation.resources)
        let amounts = ["cpus", "mem", "disk"].compactMap { name -> String? in
            guard case .number(let amount) = sums.scalar(name), amount > 0 else { return nil }
            return "\(name):\(Table.Value.number(amount).cell)"
        }
        return "\(reservation.uuid) for \(reservation.reservations.last?.role ?? "") on "
            + "\(reservation.agentID.value): "
            + (amounts.isEmpty ? "nothing" : amounts.joined(separator: ";"))
            + (reservation.hasAgentState ? ", agent \(reservation.agentState)" : "")
    }
}
