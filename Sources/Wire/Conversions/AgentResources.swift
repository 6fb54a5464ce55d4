internal import MesosAPI
package import Model

extension Resources {
    /// What `--resources` says: Mesos's text form, or a JSON array of Resource messages, which
    /// alone can name PATH, MOUNT, BLOCK and RAW disks. `defaultRole` is the role, by a static
    /// reservation, of those that say nothing of theirs. Amounts of zero vanish.
    package static func ofAgent(
        _ option: String, defaultRole: String = Role.unreserved
    ) throws(Refusal) -> Resources {
        guard let first = option.first(where: { !$0.isWhitespace }), first == "[" || first == "{"
        else { return try parse(text: option, defaultRole: defaultRole) }
        var pieces: [Resource] = []
        for var message in try MesosJSON.decode(
            arrayOf: Mesos_V1_Resource.self, from: Array(option.utf8))
        {
            if !message.hasRole, message.reservations.isEmpty { message.role = defaultRole }
            let piece = try Resource(message)
            guard piece.amount > .zero || message.scalar.value == 0 else {
                throw Refusal(.invalid, "'\(piece.name)' is given with less than 0.001")
            }
            pieces.append(piece)
        }
        return try ofAgent(pieces)
    }
}
