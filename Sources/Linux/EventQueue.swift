internal import CLinux
internal import Glibc

/// Waits for many descriptors at once; each bears a word of the caller.
package struct EventQueue: ~Copyable, Sendable {
    private let queue: Descriptor
    private let bell: Descriptor
    private static let bellWord = UInt64.max

    private init(_ queue: consuming Descriptor, _ bell: consuming Descriptor) {
        self.queue = queue
        self.bell = bell
    }

    package static func make() throws(SystemError) -> EventQueue {
        let queue = Descriptor(
            owning: try SystemError.check("epoll_create1") { clinux_epoll_create() })
        let bell = Descriptor(owning: try SystemError.check("eventfd") { clinux_eventfd() })
        let made = EventQueue(queue, bell)
        let (first, second) = (made.queue.number, made.bell.number)
        try SystemError.check("epoll_ctl") { clinux_epoll_add(first, second, bellWord) }
        return made
    }

    /// From now on `word` is among what `wait` returns whenever it is readable or hung up.
    package func add(_ descriptor: borrowing Descriptor, word: UInt64) throws(SystemError) {
        let (queue, number) = (queue.number, descriptor.number)
        try SystemError.check("epoll_ctl") { clinux_epoll_add(queue, number, word) }
    }

    /// Makes `wait` return, also one that begins later.
    package func wake() {
        var one: UInt64 = 1
        _ = write(bell.number, &one, 8)
    }

    /// Waits without limit; empty: it was woken.
    package func wait() -> [UInt64] {
        var words = [UInt64](repeating: 0, count: 64)
        let count = clinux_epoll_wait(queue.number, &words, 64)
        var ring: UInt64 = 0
        _ = read(bell.number, &ring, 8)
        return words.prefix(Int(max(0, count))).filter { $0 != Self.bellWord }
    }
}
