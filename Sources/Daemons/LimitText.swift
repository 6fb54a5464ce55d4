package import Model

/// The limits of a volume as people write them in a service's file and on the command line.
package enum LimitText {
    package static let keys = ["read_bytes", "write_bytes", "reads", "writes", "inodes"]

    /// Sets one; sizes a second like `10MiB`, counts a second like `500`. Throws `invalid` for
    /// what is neither and for a key that there is not.
    package static func set(
        _ key: String, _ text: String, in limits: inout VolumeLimits
    ) throws(Refusal) {
        switch key {
        case "read_bytes": limits.rates.readBytes = try bytes(text)
        case "write_bytes": limits.rates.writtenBytes = try bytes(text)
        case "reads": limits.rates.reads = try count(key, text)
        case "writes": limits.rates.writes = try count(key, text)
        case "inodes": limits.inodes = try count(key, text)
        default:
            throw Refusal(
                .invalid,
                "there is no limit '\(key)'; there are: \(keys.joined(separator: ", "))")
        }
    }

    /// From `write_bytes=10MiB,inodes=1000`.
    package static func parse(_ text: String) throws(Refusal) -> VolumeLimits {
        var limits = VolumeLimits()
        for part in text.split(separator: ",") {
            let words = part.split(separator: "=", maxSplits: 1)
            guard words.count == 2 else {
                throw Refusal(.invalid, "'\(part)' is no limit like write_bytes=10MiB")
            }
            try set(String(words[0]), String(words[1]), in: &limits)
        }
        guard !limits.isEmpty else {
            throw Refusal(.invalid, "no limit is given, like write_bytes=10MiB,inodes=1000")
        }
        try limits.validate()
        return limits
    }

    /// A number without a unit is in bytes.
    private static func bytes(_ text: String) throws(Refusal) -> Int64 {
        let units: [(String, Double)] = [
            ("TiB", 1_099_511_627_776), ("GiB", 1_073_741_824), ("MiB", 1_048_576),
            ("KiB", 1024), ("", 1),
        ]
        for (unit, factor) in units where text.hasSuffix(unit) {
            if let value = Double(text.dropLast(unit.count)), value >= 0,
                let bytes = Int64(exactly: (value * factor).rounded())
            {
                return bytes
            }
            break
        }
        throw Refusal(
            .invalid, "'\(text)' is not a size a second like 10MiB, 512KiB or 1048576 (bytes)")
    }

    private static func count(_ key: String, _ text: String) throws(Refusal) -> Int64 {
        guard let count = Int64(text) else {
            throw Refusal(.invalid, "limit '\(key)': '\(text)' is not a whole number")
        }
        return count
    }
}
