import Glibc
import Synchronization

/// A thread with a mailbox: it takes all that was posted since it last looked, as one batch.
///
/// So that many small writes share one commit: while one batch is made durable, the next gathers.
package final class CommitThread<Item: Sendable>: Sendable {
    private struct Mailbox {
        var items: [Item] = []
        var isSleeping = false
        var isStopped = false
    }

    private let mailbox = Mutex(Mailbox())
    private let bell = Bell()
    private let thread = Mutex<pthread_t?>(nil)
    private let handle: @Sendable ([Item]) -> Void

    /// `handle` runs on the thread, one batch at a time, in the order of `post`.
    package init(
        name: String, handle: @escaping @Sendable ([Item]) -> Void
    ) throws(SystemError) {
        self.handle = handle
        let body = Unmanaged.passRetained(ThreadBody(name: name) { [self] in loop() })
        var identifier = pthread_t()
        let code = pthread_create(&identifier, nil, runThreadBody, body.toOpaque())
        if code != 0 {
            body.release()
            throw SystemError("pthread_create", name, errno: code)
        }
        thread.withLock { $0 = identifier }
    }

    /// Hands over an item; false after `stop`, and the item is not handled.
    package func post(_ item: Item) -> Bool {
        let (isTaken, mustRing) = mailbox.withLock { mailbox -> (Bool, Bool) in
            if mailbox.isStopped { return (false, false) }
            mailbox.items.append(item)
            defer { mailbox.isSleeping = false }
            return (true, mailbox.isSleeping)
        }
        if mustRing { bell.ring() }
        return isTaken
    }

    /// Handles what was posted, ends the thread and waits for its end; not from the thread itself.
    package func stop() {
        let mustRing = mailbox.withLock { mailbox in
            mailbox.isStopped = true
            defer { mailbox.isSleeping = false }
            return mailbox.isSleeping
        }
        if mustRing { bell.ring() }
        let ended = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let ended { pthread_join(ended, nil) }
    }

    private func loop() {
        while true {
            let batch = mailbox.withLock { mailbox -> [Item]? in
                if mailbox.items.isEmpty {
                    if mailbox.isStopped { return nil }
                    mailbox.isSleeping = true
                    return []
                }
                defer { mailbox.items = [] }
                return mailbox.items
            }
            guard let batch else { return }
            if batch.isEmpty { bell.wait() } else { handle(batch) }
        }
    }
}

/// What a new thread runs.
final class ThreadBody: Sendable {
    let name: String
    let run: @Sendable () -> Void

    init(name: String, run: @escaping @Sendable () -> Void) {
        self.name = name
        self.run = run
    }
}

/// The C entry of a thread: takes over the reference to its body.
func runThreadBody(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let body = Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
    // Only for those who look at the process: the kernel keeps 15 bytes of a thread's name.
    let comm = try? OpenFile(path: "/proc/thread-self/comm", flags: O_WRONLY)
    try? comm?.write(Array(body.name.utf8.prefix(15)), at: 0)
    body.run()
    return nil
}

/// A semaphore: one thread sleeps until another rings.
private final class Bell: @unchecked Sendable {
    // The kernel waits on the semaphore's address, so it must not move: it lives on the heap.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func ring() { sem_post(semaphore) }

    func wait() { _ = retrying { sem_wait(semaphore) } }
}
