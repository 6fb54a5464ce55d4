extension Resource {
    /// `disk(db)[data:path]:1024`, for messages and tables.
    package var text: String {
        var text = name
        if let reservation = reservations.last { text += "(\(reservation.role))" }
        if let persistence = disk?.persistence {
            text += "[\(persistence.id):\(disk?.volume?.containerPath ?? "")]"
        }
        return text + ":" + value.text
    }
}

extension Resource {
    /// With everything that tells it from others, as Mesos writes it in messages:
    /// `disk(allocated: db)(reservations: [(DYNAMIC,db,ops)])[data:path]:1024`.
    package var detailedText: String {
        var text = name
        if let allocationRole { text += "(allocated: \(allocationRole))" }
        if !reservations.isEmpty {
            text += "(reservations: [" + reservations.map(\.text).joined(separator: ",") + "])"
        }
        if let disk {
            let parts = [disk.source?.text, disk.volumeText].compactMap(\.self)
            text += "[" + parts.joined(separator: ",") + "]"
        }
        if isRevocable { text += "{REV}" }
        if isShared { text += "<SHARED>" }
        return text + ":" + value.text
    }
}

extension Reservation {
    /// `(DYNAMIC,db,ops,{key: value})`.
    fileprivate var text: String {
        var parts = [kind == .dynamic ? "DYNAMIC" : "STATIC", role]
        if let principal { parts.append(principal) }
        if !labels.isEmpty {
            let pairs = labels.sorted.map { label in
                label.value.map { "\(label.key): \($0)" } ?? label.key
            }
            parts.append("{" + pairs.joined(separator: ", ") + "}")
        }
        return "(" + parts.joined(separator: ",") + ")"
    }
}

extension DiskSource {
    /// `PATH:/root`, or the kind with id and profile where it has no root.
    fileprivate var text: String {
        let type =
            switch kind {
            case .path: "PATH"
            case .mount: "MOUNT"
            case .block: "BLOCK"
            case .raw: "RAW"
            }
        let rest = [root, id, profile].compactMap(\.self).joined(separator: ",")
        return rest.isEmpty ? type : type + ":" + rest
    }
}

extension Disk {
    /// `id:path`, for a persistent volume.
    fileprivate var volumeText: String? {
        guard let persistence else { return volume?.text }
        return persistence.id + (volume.map { ":" + $0.text } ?? "")
    }
}

extension Disk.Volume {
    /// `path`, or `host:path:rw` where it is of a path of the host.
    fileprivate var text: String {
        guard let hostPath else { return containerPath }
        let ending =
            switch mode {
            case .readWrite: "rw"
            case .readOnly: "ro"
            }
        return "\(hostPath):\(containerPath):\(ending)"
    }
}

extension ResourceValue {
    /// `1024`, `[1-2, 5-7]` or `{a, b}`.
    package var text: String {
        switch self {
        case .scalar(let amount): amount.text
        case .ranges(let ranges):
            "["
                + ranges.intervals.map { "\($0.lowerBound)-\($0.upperBound)" }
                .joined(separator: ", ") + "]"
        case .set(let items): "{" + items.joined(separator: ", ") + "}"
        }
    }
}

extension Amount {
    /// Without trailing zeros: `4`, `0.5`, `1024.125`.
    package var text: String {
        let whole = thousandths / 1000
        let rest = abs(thousandths % 1000)
        guard rest != 0 else { return "\(whole)" }
        var digits = "\(rest + 1000)".dropFirst()
        while digits.hasSuffix("0") { digits = digits.dropLast() }
        return (thousandths < 0 && whole == 0 ? "-0." : "\(whole).") + digits
    }
}
