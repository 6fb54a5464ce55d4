package import MesosAPI
package import Model

extension Resource {
    /// Reads a resource in any of the three forms of reservation. Throws `invalid`, in Mesos's
    /// words where it has some, for what has no meaning; whether the values make sense is checked
    /// by `validate`.
    package init(_ message: Mesos_V1_Resource) throws(Refusal) {
        self.init(
            message.name, .scalar(.zero), reservations: try Resource.reservations(of: message),
            isShared: message.hasShared, isRevocable: message.hasRevocable)
        if message.hasAllocationInfo, message.allocationInfo.hasRole {
            allocationRole = message.allocationInfo.role
        }
        if message.hasProviderID { providerID = message.providerID.value }
        if message.hasDisk { disk = try Disk(message.disk) }
        value = try readValue(message)
        try checkOldFields(message)
    }

    /// Reads a list; the first wrong one is told.
    package static func list(_ messages: [Mesos_V1_Resource]) throws(Refusal) -> [Resource] {
        var resources: [Resource] = []
        resources.reserveCapacity(messages.count)
        for message in messages { resources.append(try Resource(message)) }
        return resources
    }

    private func readValue(_ message: Mesos_V1_Resource) throws(Refusal) -> ResourceValue {
        switch message.type {
        case .scalar:
            let value = message.scalar.value
            guard message.hasScalar, message.scalar.hasValue else {
                throw invalid("nothing", "Invalid scalar resource: no value")
            }
            if let amount = Amount(value) { return .scalar(amount) }
            let isTooLarge = value > 0
            throw invalid(
                Resource.text(of: value),
                "Invalid scalar resource: " + (isTooLarge ? "value too large" : "value <= 0"))
        case .ranges: return .ranges(try readRanges(message.ranges))
        case .set: return .set(message.set.item.sorted())
        case .text: throw invalid("text", "a resource cannot be of type TEXT")
        }
    }

    private func readRanges(_ message: Mesos_V1_Value.Ranges) throws(Refusal) -> Ranges {
        var intervals: [ClosedRange<UInt64>] = []
        var fault = ""
        for range in message.range {
            if range.begin <= range.end {
                intervals.append(range.begin...range.end)
            } else {
                fault = "begin > end"
            }
        }
        if fault.isEmpty, let ranges = Ranges(disjoint: intervals) { return ranges }
        let shown = message.range.prefix(10).map { "\($0.begin)-\($0.end)" }.joined(separator: ", ")
        throw invalid(
            "[\(shown)]",
            "Invalid ranges resource: " + (fault.isEmpty ? "overlapping ranges" : fault))
    }

    /// As Mesos writes it: without a fraction where there is none.
    private static func text(of value: Double) -> String {
        guard value.isFinite, value == value.rounded(), abs(value) < 1e15 else { return "\(value)" }
        return "\(Int64(value))"
    }

    /// A refusal that shows this resource with a value which could not be read.
    private func invalid(_ value: String, _ rule: String) -> Refusal {
        let text = with(.ranges(Ranges())).detailedText.dropLast(2) + value
        return Refusal(.invalid, "Resource '\(text)' is invalid: \(rule)")
    }

    /// The stack: from `reservations`, else from `role` and `reservation`.
    private static func reservations(
        of message: Mesos_V1_Resource
    ) throws(Refusal) -> [Reservation] {
        if !message.reservations.isEmpty {
            var stack: [Reservation] = []
            for level in message.reservations { stack.append(try Reservation(level)) }
            return stack
        }
        if message.hasReservation {
            guard message.role != Role.unreserved else {
                throw Refusal(
                    .invalid,
                    "Resource '\(message.name)' is invalid: "
                        + "Invalid reservation: role \"*\" cannot be reserved")
            }
            return [Reservation(oldForm: message.reservation, role: message.role)]
        }
        return message.role == Role.unreserved ? [] : [Reservation(.fixed, role: message.role)]
    }

    /// Beside `reservations` the old fields may be there too, and must then say the same.
    private func checkOldFields(_ message: Mesos_V1_Resource) throws(Refusal) {
        guard let only = message.reservations.isEmpty ? nil : reservations.first else { return }
        let form = "Invalid resource format: 'Resource.role' and 'Resource.reservation' must "
        let rule: String?
        if reservations.count > 1 {
            rule =
                message.hasRole || message.hasReservation
                ? form + "not be set if there is more than one reservation in"
                    + " 'Resource.reservations'" : nil
        } else if only.kind == .dynamic {
            if message.hasRole != message.hasReservation {
                rule =
                    form + "either be both set or both not set if the single reservation in"
                    + " 'Resource.reservations' is DYNAMIC"
            } else {
                let old = Reservation(oldForm: message.reservation, role: message.role)
                rule =
                    message.hasRole && old != only
                    ? form + "agree with the single reservation in 'Resource.reservations'" : nil
            }
        } else if message.hasReservation {
            rule =
                "Invalid resource format: 'Resource.reservation' must not be set if the single"
                + " reservation in 'Resource.reservations' is STATIC"
        } else {
            rule =
                message.hasRole && message.role != only.role
                ? form + "agree with the single reservation in 'Resource.reservations'" : nil
        }
        guard let rule else { return }
        throw Refusal(.invalid, "Resource '\(detailedText)' is invalid: \(rule)")
    }
}

extension Reservation {
    fileprivate init(_ message: Mesos_V1_Resource.ReservationInfo) throws(Refusal) {
        guard message.hasRole else {
            throw Refusal(.invalid, "Invalid reservation: 'role' must be set")
        }
        let kind: Kind
        switch message.type {
        case .static: kind = .fixed
        case .dynamic: kind = .dynamic
        case .unknown:
            throw Refusal(.invalid, "Invalid reservation: 'type' must be STATIC or DYNAMIC")
        }
        self.init(kind, role: message.role, message)
    }

    fileprivate init(oldForm message: Mesos_V1_Resource.ReservationInfo, role: String) {
        self.init(.dynamic, role: role, message)
    }

    private init(_ kind: Kind, role: String, _ message: Mesos_V1_Resource.ReservationInfo) {
        self.init(
            kind, role: role, principal: message.hasPrincipal ? message.principal : nil,
            labels: Labels(message.labels))
    }
}

extension Disk {
    fileprivate init(_ message: Mesos_V1_Resource.DiskInfo) throws(Refusal) {
        self.init()
        if message.hasPersistence {
            let item = message.persistence
            persistence = Persistence(
                id: item.id, principal: item.hasPrincipal ? item.principal : nil)
        }
        if message.hasVolume {
            let item = message.volume
            volume = Volume(
                containerPath: item.containerPath, hostPath: item.hasHostPath ? item.hostPath : nil,
                mode: item.mode == .ro ? .readOnly : .readWrite)
        }
        if message.hasSource { source = try DiskSource(message.source) }
        if message.hasLimits { limits = VolumeLimits(message.limits) }
    }
}

extension DiskSource {
    fileprivate init(_ message: Mesos_V1_Resource.DiskInfo.Source) throws(Refusal) {
        switch message.type {
        case .path:
            self.init(.path, root: message.path.hasRoot ? message.path.root : nil)
        case .mount:
            self.init(.mount, root: message.mount.hasRoot ? message.mount.root : nil)
        case .block: self.init(.block)
        case .raw: self.init(.raw)
        case .unknown:
            throw Refusal(
                .invalid, "Invalid DiskInfo: 'source.type' must be PATH, MOUNT, BLOCK or RAW")
        }
        if message.hasID { id = message.id }
        if message.hasVendor { vendor = message.vendor }
        if message.hasProfile { profile = message.profile }
        metadata = Labels(message.metadata)
    }
}

extension Labels {
    package init(_ message: Mesos_V1_Labels) {
        self.init(message.labels.map { Label($0.key, $0.hasValue ? $0.value : nil) })
    }
}
