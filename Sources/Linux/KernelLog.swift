internal import Glibc

/// New lines of the kernel's log (/dev/kmsg), from the moment it was opened on.
///
/// Belongs to one thread.
package final class KernelLog {
    private let file: OpenFile

    /// Nil where this process may not read it.
    package init?() {
        guard let file = try? OpenFile(path: "/dev/kmsg", flags: O_RDONLY | O_NONBLOCK) else {
            return nil
        }
        lseek(file.descriptor, 0, SEEK_END)
        self.file = file
    }

    /// What has come since the last call; what the kernel has overwritten meanwhile is left out.
    package func news() -> [String] {
        var lines: [String] = []
        var buffer = [UInt8](repeating: 0, count: 8192)
        while lines.count < 10_000 {
            let count = read(file.descriptor, &buffer, buffer.count)
            if count < 0, errno == EPIPE || errno == EINTR { continue }
            guard count > 0 else { break }
            let text = String(decoding: buffer[..<count], as: UTF8.self)
            // `priority,number,time,flags;text`, then lines of details.
            let line = text.split(separator: "\n").first ?? ""
            guard let start = line.firstIndex(of: ";") else { continue }
            lines.append(String(line[line.index(after: start)...]))
        }
        return lines
    }
}

/// What a line of the kernel's log says of a device that fails.
package struct DeviceFault: Hashable, Sendable {
    /// Like `sda1`.
    package let device: String
    package let text: String

    /// Nil for a line that says nothing of that kind.
    package init?(line: String) {
        text = line
        let marks = [
            ("I/O error, dev ", ","), ("Buffer I/O error on dev ", ","),
            ("EXT4-fs error (device ", ")"), ("BTRFS error (device ", ")"),
        ]
        for (mark, end) in marks {
            guard let found = line.firstRange(of: mark) else { continue }
            // btrfs also tells of the state: `sda1 state E`.
            let rest = line[found.upperBound...].prefix { String($0) != end && $0 != " " }
            guard !rest.isEmpty else { return nil }
            device = String(rest)
            return
        }
        // `XFS (sda1): metadata I/O error in ...`, `XFS (sda1): Corruption detected`.
        guard line.hasPrefix("XFS ("), let close = line.firstIndex(of: ")"),
            line.contains("I/O error") || line.contains("Corruption")
                || line.contains("shutting down")
        else { return nil }
        device = String(line[line.index(line.startIndex, offsetBy: 5)..<close])
    }
}
