extension Resource {
    /// The rules that need no state: of the value, of the reservation stack, of disk and sharing.
    /// Throws `invalid` with the resource and the rule that it breaks.
    package func validate() throws(Refusal) {
        do {
            try validateValue()
            try validateReservations()
            try validateDisk()
        } catch {
            throw Refusal(error.kind, "Resource '\(detailedText)' is invalid: \(error.message)")
        }
    }

    private func validateValue() throws(Refusal) {
        guard !name.isEmpty, name.utf8.count <= 255 else {
            throw Refusal(.invalid, "a resource name must have 1 to 255 bytes")
        }
        switch value {
        case .scalar(let amount):
            guard amount > .zero else {
                throw Refusal(.invalid, "Invalid scalar resource: value <= 0")
            }
            guard amount <= .largest else {
                throw Refusal(.invalid, "Invalid scalar resource: value too large")
            }
            guard name != "gpus" || amount.thousandths % 1000 == 0 else {
                throw Refusal(.invalid, "The 'gpus' resource must be an unsigned integer")
            }
        case .ranges(let ranges):
            guard !ranges.isEmpty else {
                throw Refusal(.invalid, "Invalid ranges resource: no ranges")
            }
        case .set(let items):
            guard !items.isEmpty else {
                throw Refusal(.invalid, "Invalid set resource: no items")
            }
            guard Set(items).count == items.count else {
                throw Refusal(.invalid, "Invalid set resource: duplicated elements")
            }
        }
        if let expected = Resource.fixedKinds[name], expected != value.kind {
            throw Refusal(.invalid, "'\(name)' must be of type \(expected)")
        }
    }

    /// The names whose type Mesos fixes.
    static let fixedKinds: [String: ResourceValue.Kind] = [
        "cpus": .scalar, "gpus": .scalar, "mem": .scalar, "disk": .scalar, "ports": .ranges,
    ]

    private func validateReservations() throws(Refusal) {
        for (level, reservation) in reservations.enumerated() {
            guard reservation.role != Role.unreserved else {
                throw Refusal(.invalid, "Invalid reservation: role \"*\" cannot be reserved")
            }
            try Role.validate(reservation.role)
            guard level > 0 else { continue }
            let below = reservations[level - 1].role
            guard reservation.kind == .dynamic else {
                throw Refusal(
                    .invalid, "Invalid refined reservation: a refined reservation must be DYNAMIC")
            }
            guard Role.isStrictSubrole(reservation.role, of: below) else {
                throw Refusal(
                    .invalid,
                    "Invalid refined reservation: role '\(reservation.role)'"
                        + " is not a refinement of '\(below)'")
            }
        }
        if let allocationRole { try Role.validate(allocationRole) }
        if isRevocable, let last = reservations.last, last.kind == .dynamic {
            throw Refusal(
                .invalid,
                "Invalid ReservationInfo: Dynamically reserved resource \(detailedText)"
                    + " cannot be created from revocable resources")
        }
    }

    private func validateDisk() throws(Refusal) {
        if isShared, !isPersistentVolume {
            throw Refusal(.invalid, "Only persistent volumes can be shared")
        }
        guard let disk else { return }
        guard name == "disk" else {
            throw Refusal(.invalid, "DiskInfo should not be set for \(name) resource")
        }
        guard let persistence = disk.persistence else {
            guard disk.volume == nil else {
                throw Refusal(.invalid, "Invalid DiskInfo: Non-persistent volume not supported")
            }
            guard disk.limits == nil else {
                throw Refusal(
                    .invalid, "Invalid DiskInfo: 'limits' are of persistent volumes only")
            }
            return
        }
        if let source = disk.source, source.kind == .block || source.kind == .raw {
            throw Refusal(
                .invalid, "Invalid DiskInfo: Persistent volumes need a root, PATH or MOUNT disk")
        }
        guard !reservations.isEmpty else {
            throw Refusal(
                .invalid,
                "Invalid DiskInfo: Persistent volumes cannot be created from unreserved resources")
        }
        guard !isRevocable else {
            throw Refusal(
                .invalid,
                "Invalid DiskInfo: Persistent volumes cannot be created from revocable resources")
        }
        try persistence.validateID()
        guard let volume = disk.volume else {
            throw Refusal(
                .invalid, "Invalid DiskInfo: Expecting 'volume' to be set for persistent volume")
        }
        guard volume.hostPath == nil else {
            throw Refusal(
                .invalid,
                "Invalid DiskInfo: Expecting 'host_path' to be unset for persistent volume")
        }
        try volume.validateContainerPath()
        try disk.limits?.validate()
    }
}

extension Disk.Persistence {
    /// The id names a directory and must be one plain file name.
    fileprivate func validateID() throws(Refusal) {
        let rule: String? =
            if id.isEmpty {
                "ID must not be empty"
            } else if id.utf8.count > 255 {
                "ID must not be longer than 255 bytes"
            } else if id == "." || id == ".." {
                "'\(id)' is disallowed"
            } else if id.unicodeScalars.contains(where: {
                $0 == "/" || $0 == "\\" || $0.properties.generalCategory == .control
            }) {
                "'\(id)' contains invalid characters"
            } else {
                nil
            }
        guard let rule else { return }
        throw Refusal(
            .invalid, "Invalid DiskInfo: Invalid persistence ID for persistent volume: \(rule)")
    }
}

extension Disk.Volume {
    /// Nested and absolute paths are taken, as Mesos does; none may climb out of its root.
    fileprivate func validateContainerPath() throws(Refusal) {
        let parts = containerPath.split(separator: "/")
        guard !parts.isEmpty, containerPath.utf8.count <= 4095 else {
            throw Refusal(
                .invalid, "Invalid DiskInfo: 'container_path' must have 1 to 4095 bytes")
        }
        let isClean = parts.allSatisfy { part in
            part != ".." && part.utf8.count <= 255
                && !part.unicodeScalars.contains { $0.properties.generalCategory == .control }
        }
        guard isClean, parts.contains(where: { $0 != "." }) else {
            throw Refusal(
                .invalid,
                "Invalid DiskInfo: 'container_path' must not contain '..', control characters or"
                    + " names of more than 255 bytes")
        }
    }
}
