internal import CLinux
internal import Glibc

/// A FIFO that tells whether a process which holds its writing end still lives.
package enum Fifo {
    package static func make(_ path: String) throws(SystemError) {
        try SystemError.check("mkfifo", path) { mkfifo(path, 0o600) }
    }

    /// A writing end, to be handed on; it does not wait for a reader.
    package static func openWriter(_ path: String) throws(SystemError) -> Descriptor {
        try Descriptor.open(path, .readWrite)
    }

    /// A reading end, which hangs up when the last writer has gone.
    package static func openReader(_ path: String) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try SystemError.check("open", path) {
                open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            })
    }

    /// Whether anybody holds a writing end; nothing is ever written.
    package static func hasWriter(_ reader: borrowing Descriptor) -> Bool {
        var byte: UInt8 = 0
        let number = reader.number
        return retrying { read(number, &byte, 1) } != 0
    }
}

/// A pipe whose ends are closed on exec.
package struct PipeEnds: ~Copyable, Sendable {
    package let reader: Descriptor
    package let writer: Descriptor

    package init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try SystemError.check("pipe2") { clinux_pipe(&ends) }
        reader = Descriptor(owning: ends[0])
        writer = Descriptor(owning: ends[1])
    }

    /// Closes the writing end of this process.
    package consuming func closingWriter() -> Descriptor { reader }
}

extension Descriptor {
    /// Writes a small file's whole contents from its beginning.
    package func writeAll(_ bytes: [UInt8]) throws(SystemError) {
        let number = self.number
        let count = try SystemError.check("pwrite") { pwrite(number, bytes, bytes.count, 0) }
        guard count == bytes.count else { throw SystemError("pwrite", "", errno: ENOSPC) }
    }

    /// Reads a stream to its end, at most `limit` bytes; nil: the time was over before.
    package func readToEnd(limit: Int, timeoutMilliseconds: Int64) -> [UInt8]? {
        let until = MonotonicTime.milliseconds() + timeoutMilliseconds
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        let number = self.number
        while bytes.count < limit {
            let rest = until - MonotonicTime.milliseconds()
            var polled = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
            guard rest > 0 else { return nil }
            guard retrying({ poll(&polled, 1, Int32(clamping: rest)) }) > 0 else { return nil }
            let count = retrying { Glibc.read(number, &buffer, buffer.count) }
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer[..<min(count, limit - bytes.count)])
        }
        return bytes
    }
}
