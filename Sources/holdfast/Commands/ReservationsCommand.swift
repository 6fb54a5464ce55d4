import ArgumentParser
import MesosAPI
import Model

struct ReservationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reservations",
        abstract: "List the reservations, also those whose agent is away; renew leases.",
        subcommands: [ReservationsList.self, ReservationsRenew.self],
        defaultSubcommand: ReservationsList.self)
}

struct ReservationsList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
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
            ("created", "CREATED"), ("lease", "LEASE"), ("lease_left", "LEFT"),
            ("agent_state", "AGENT IS"),
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
                reservation.hasLease
                    ? leaseTime(reservation.lease.duration.nanoseconds) : .missing,
                reservation.hasLease ? leaseLeft(reservation.lease) : .missing,
                reservation.hasAgentState ? .text(reservation.agentState) : .missing,
            ])
        }
        table.print(asJSON: options.json)
    }

    /// Seconds for programs.
    private func leaseTime(_ nanoseconds: Int64) -> Table.Value {
        let milliseconds = nanoseconds / 1_000_000
        return options.json
            ? .number(Double(milliseconds) / 1000) : .text(Lease.text(milliseconds))
    }

    private func leaseLeft(
        _ lease: Mesos_V1_Master_ReservationLease
    ) -> Table.Value {
        guard !lease.isExpired || options.json else { return .text("expired") }
        return leaseTime(lease.left.nanoseconds)
    }
}
