internal import Glibc
internal import Linux

/// What a TCP or HTTP check found.
package enum CheckProbeResult: Equatable, Sendable {
    case connected
    /// The status code of the answer.
    case answered(Int)
    /// Refused, unreachable or not HTTP; for people.
    case failed(String)
    case timedOut
}

/// TCP and HTTP checks of a task on this host; they block the caller's thread up to the time limit.
package struct CheckProbe: Sendable {
    /// A numeric IPv4 address.
    package let address: String
    package let port: UInt16
    package let timeoutMilliseconds: Int64

    package init(address: String = "127.0.0.1", port: UInt16, timeoutMilliseconds: Int64) {
        self.address = address
        self.port = port
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// Connects and closes.
    package func connect() -> CheckProbeResult {
        run { _, _ in .connected }
    }

    /// Asks for a path and reads the status line only; no redirect is followed.
    package func get(_ path: String) -> CheckProbeResult {
        let isClean = path.hasPrefix("/") && path.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
        guard isClean else { return .failed("'\(path)' is not a path") }
        let request =
            "GET \(path) HTTP/1.1\r\nHost: \(address):\(port)\r\n"
            + "User-Agent: holdfast\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        return run { number, limit in
            if let failure = Self.send(Array(request.utf8), number, limit) { return failure }
            return Self.statusLine(number, limit)
        }
    }

    private func run(_ body: (Int32, Int64) -> CheckProbeResult) -> CheckProbeResult {
        let limit = MonotonicTime.milliseconds() + timeoutMilliseconds
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        guard inet_pton(AF_INET, address, &target.sin_addr) == 1 else {
            return .failed("'\(address)' is not an IPv4 address")
        }
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let number = socket(AF_INET, kind | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard number >= 0 else { return .failed(Self.reason(errno)) }
        let descriptor = Descriptor(owning: number)
        let code = withUnsafePointer(to: &target) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor.number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if code != 0 {
            guard errno == EINPROGRESS else { return .failed(Self.reason(errno)) }
            guard Self.wait(number, POLLOUT, limit) else { return .timedOut }
            var error: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(number, SOL_SOCKET, SO_ERROR, &error, &size)
            guard error == 0 else { return .failed(Self.reason(error)) }
        }
        return body(descriptor.number, limit)
    }

    /// Nil: all was sent.
    private static func send(_ bytes: [UInt8], _ number: Int32, _ limit: Int64) -> CheckProbeResult?
    {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard wait(number, POLLOUT, limit) else { return .timedOut }
            let count = Array(rest).withUnsafeBytes {
                Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return .failed(reason(errno)) }
            rest = rest.dropFirst(count)
        }
        return nil
    }

    private static func statusLine(_ number: Int32, _ limit: Int64) -> CheckProbeResult {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 256)
        while line.count < 1024, !line.contains(UInt8(ascii: "\n")) {
            guard wait(number, POLLIN, limit) else { return .timedOut }
            let count = recv(number, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count >= 0 else { return .failed(reason(errno)) }
            if count == 0 { break }
            line += buffer[..<count]
        }
        let words = String(decoding: line, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].utf8.count == 3,
            let status = Int(words[1]), status >= 100
        else { return .failed("the answer is not HTTP") }
        return .answered(status)
    }

    private static func wait(_ number: Int32, _ events: Int32, _ limit: Int64) -> Bool {
        while true {
            let rest = limit - MonotonicTime.milliseconds()
            guard rest > 0 else { return false }
            var polled = pollfd(fd: number, events: Int16(events), revents: 0)
            let count = poll(&polled, 1, Int32(clamping: rest))
            if count < 0, errno == EINTR { continue }
            return count > 0
        }
    }

    private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
