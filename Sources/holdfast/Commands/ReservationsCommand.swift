import ArgumentParser
import MesosAPI

struct ReservationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reservations",
        abstract: "List the reservations, also those whose agent is away.")
    @OptionGroup var options: ClientOptions
    @Option(help: "Only those for this role.")
    var role: String?

    func run() async throws {
        let answer = try await withClient(options.master) { try await $0.ask(.listReservations) }
        var table = Table([
            ("uuid", "UUID"), ("role", "ROLE"), ("principal", "PRINCIPAL"), ("kind", "KIND"),
            ("agent", "AGENT"), ("cpus", "CPUS"), ("mem_mib", "MEM MiB"), ("disk_mib", "DISK MiB"),
            ("volumes", "VOLUMES"), ("labels", "LABELS"), ("framework", "FRAMEWORK"),
            ("created", "CREATED"), ("agent_state", "AGENT IS"),
        ])
        for reservation in answer.listReservations.reservations {
            let last = reservation.reservations.last ?? Mesos_V1_Resource.ReservationInfo()
            if let role, last.role != role { continue }
            let sums = ResourceSums(resources: reservation.resources)
            let labels = last.labels.labels.map { $0.hasValue ? "\($0.key)=\($0.value)" : $0.key }
            table.add([
                .text(reservation.uuid), .text(last.role),
                last.hasPrincipal ? .text(last.principal) : .missing,
                .text(last.type == .static ? "static" : "dynamic"),
                .text(reservation.agentID.value), sums.scalar("cpus"), sums.scalar("mem"),
                sums.scalar("disk"),
                .number(Double(reservation.resources.filter(\.disk.hasPersistence).count)),
                labels.isEmpty ? .missing : .text(labels.joined(separator: ",")),
                reservation.hasFrameworkID ? .text(reservation.frameworkID.value) : .missing,
                .text(timeText(reservation.created.nanoseconds)),
                reservation.hasAgentState ? .text(reservation.agentState) : .missing,
            ])
        }
        table.print(asJSON: options.json)
    }
}
