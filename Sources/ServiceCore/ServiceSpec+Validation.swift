package import Model

extension ServiceSpec {
    /// Throws what is wrong with it and what would be right.
    package func validate() throws(Refusal) {
        try check(name.isPlainName, "name must be 1 to 63 letters, digits, '-', '_' or '.'")
        try Role.validate(role)
        try check(role != Role.unreserved, "role '*' can't be reserved: name one")
        try check(!command.isEmpty || image != nil, "needs a command or an image")
        try check(
            image.map { (1...1024).contains($0.utf8.count) } ?? true,
            "image must have 1 to 1024 bytes")
        try check(cpus > .zero, "resources.cpus must be above zero")
        try check(memory > .zero, "resources.mem must be above zero")
        try check(killGraceMilliseconds >= 0, "kill_grace must not be negative")
        var names: [String] = []
        var paths: [String] = []
        for volume in volumes {
            try check(volume.name.isPlainName, "a volume's name must be a plain name")
            try check(!names.contains(volume.name), "volume '\(volume.name)' stands twice")
            try check(!paths.contains(volume.path), "volume path '\(volume.path)' stands twice")
            try check(volume.size > .zero, "volume '\(volume.name)' needs a size above zero")
            try check(
                isContainerPath(volume.path),
                image == nil
                    ? "volume '\(volume.name)': path must be relative and stay inside the sandbox"
                    : "volume '\(volume.name)': path must not contain '..' or empty names")
            do throws(Refusal) { try volume.limits?.validate() } catch {
                throw Refusal(
                    .invalid, "service '\(name)': volume '\(volume.name)': \(error.message)")
            }
            names.append(volume.name)
            paths.append(volume.path)
        }
        var portNames: [String] = []
        var numbers: [UInt64] = []
        for port in ports {
            try check(!portNames.contains(port.name), "port '\(port.name)' stands twice")
            portNames.append(port.name)
            guard let number = port.number else { continue }
            try check(!numbers.contains(number), "port \(number) stands twice")
            numbers.append(number)
        }
        for port in ports {
            try check(port.name.isPlainName, "a port's name must be a plain name")
            try check(port.number.map { 1...65535 ~= $0 } ?? true, "ports go from 1 to 65535")
        }
        switch health?.probe {
        case .tcp(let port), .http(let port, _):
            try check(ports.contains { $0.name == port }, "health check: no port '\(port)'")
        case .command, nil: break
        }
    }

    /// Below the sandbox; with an image absolute ones, too, as no file of the host is covered.
    private func isContainerPath(_ path: String) -> Bool {
        let relative = image != nil && path.hasPrefix("/") ? String(path.dropFirst()) : path
        let parts = relative.split(separator: "/", omittingEmptySubsequences: false)
        return !relative.isEmpty && !parts.contains("..") && !parts.contains("")
    }

    /// Whether what is reserved and created for it stays the same.
    package func hasSameShape(as other: ServiceSpec) -> Bool {
        role == other.role && cpus == other.cpus && memory == other.memory
            && volumes == other.volumes && ports == other.ports
    }

    private func check(_ isRight: Bool, _ text: String) throws(Refusal) {
        guard isRight else { throw Refusal(.invalid, "service '\(name)': \(text)") }
    }
}

extension String {
    /// 1 to 63 letters, digits, dashes, underscores and dots, not starting with a dot or dash.
    fileprivate var isPlainName: Bool {
        guard (1...63).contains(utf8.count), !hasPrefix("."), !hasPrefix("-") else { return false }
        return utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
    }
}
