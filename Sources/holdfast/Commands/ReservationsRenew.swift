import ArgumentParser
import MesosAPI

struct ReservationsRenew: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew",
        abstract: "Renew the leases of reservations, set them or take them off.")
    @OptionGroup var options: ClientOptions
    @Option(help: "From now on for so long, like 1h or 30mins; as long as before if left out.")
    var lease: DurationOption?
    @Flag(help: "They last until they are given back.")
    var remove = false
    @Option(help: "All of this role that have a lease, instead of single ones.")
    var role: String?
    @Argument(help: "The reservations' UUIDs, as 'holdfast reservations' lists them.")
    var ids: [String] = []

    func validate() throws {
        guard ids.isEmpty != (role == nil) else {
            throw ValidationError("name reservations by their UUIDs, or all of one --role")
        }
        guard lease == nil || !remove else {
            throw ValidationError("--lease sets a lease, --remove takes it off: name one of them")
        }
    }

    func run() async throws {
        let answer = try await withClient(options.master) { client in
            try await client.tell(.renewLease) {
                $0.renewLease.reservationUuids = ids
                if let role { $0.renewLease.role = role }
                if let lease { $0.renewLease.lease.nanoseconds = lease.milliseconds * 1_000_000 }
                if remove { $0.renewLease.remove = true }
            }
        }
        let what = role.map { "role \($0)" } ?? ids.joined(separator: " ")
        let done = remove ? "took the lease off \(what)" : "renewed the lease of \(what)"
        report(answer, done, asJSON: options.json)
    }
}
