import Model

/// Resources in the text form, for tests that say much about little.
func resources(_ text: String) throws -> Resources { try Resources.parse(text: text) }

/// Ranges as `1-2, 5-7`; an empty text has none.
func ranges(_ text: String) throws -> Ranges {
    guard case .ranges(let ranges)? = try resources(text.isEmpty ? "" : "x:[\(text)]").first?.value
    else { return Ranges() }
    return ranges
}

/// Disk in MiB, reserved statically where a role is named, as Mesos's own tests have it.
func disk(
    _ amount: Int64, _ role: String? = nil, id: String? = nil, path: String? = nil,
    source: DiskSource? = nil, isShared: Bool = false
) -> Resources {
    let isPlain = id == nil && path == nil && source == nil
    let disk = Disk(
        persistence: id.map { .init(id: $0) }, volume: path.map { .init(containerPath: $0) },
        source: source)
    return Resources([
        Resource(
            "disk", .scalar(Amount(thousandths: amount * 1000)),
            reservations: role.map { [Reservation(.fixed, role: $0)] } ?? [],
            disk: isPlain ? nil : disk, isShared: isShared)
    ])
}

extension Resources {
    static func + (left: Resources, right: Resources) -> Resources { left.adding(right) }

    var first: Resource? { entries.first?.resource }

    /// The same pieces, each one changed.
    func changed(_ change: (inout Resource) -> Void) -> Resources {
        Resources(
            map { resource in
                var copy = resource
                change(&copy)
                return copy
            })
    }

    func reserved(_ reservation: Reservation) -> Resources {
        changed { $0.reservations.append(reservation) }
    }
}
