package import Linux

/// Commits to a journal on a thread of its own: many submitters share one fsync.
///
/// Bounds are the submitters': each waits for its answer before it promises anything.
package final class JournalWriter: Sendable {
    package typealias Completion = @Sendable (Result<Void, JournalError>) -> Void

    private enum Item: Sendable {
        case append([[UInt8]], Completion)
        case compact([[UInt8]], Completion)
    }

    private let thread: CommitThread<Item>

    /// Submissions are put together up to about `sharedBytesLimit` a commit.
    package init(
        _ store: any JournalStore, name: String = "journal", sharedBytesLimit: Int = 4 << 20
    ) throws(SystemError) {
        thread = try CommitThread(name: name) { items in
            Self.commit(items, to: store, sharedBytesLimit)
        }
    }

    /// Stores the records as one batch; `completion` is called on the writer's thread once they are
    /// durable or refused, in the order of the submissions.
    ///
    /// Submissions that share a commit are refused together.
    package func submit(_ records: [[UInt8]], _ completion: @escaping Completion) {
        post(.append(records, completion), completion)
    }

    /// Puts `snapshot` in the place of everything submitted before it.
    package func compact(_ snapshot: [[UInt8]], _ completion: @escaping Completion) {
        post(.compact(snapshot, completion), completion)
    }

    /// Commits what was submitted and ends the thread; later submissions fail.
    package func stop() { thread.stop() }

    private func post(_ item: Item, _ completion: Completion) {
        if !thread.post(item) { completion(.failure(.poisoned(reason: "the writer is stopped"))) }
    }

    private static func commit(
        _ items: [Item], to store: any JournalStore, _ sharedBytesLimit: Int
    ) {
        var records: [[UInt8]] = []
        var completions: [Completion] = []
        var bytes = 0
        func flush() {
            if completions.isEmpty { return }
            let result = attempt { () throws(JournalError) in try store.append(records) }
            for completion in completions { completion(result) }
            records.removeAll(keepingCapacity: true)
            completions.removeAll(keepingCapacity: true)
            bytes = 0
        }
        for item in items {
            switch item {
            case .append(let more, let completion):
                let size = more.reduce(0) { $0 + $1.count }
                if bytes + size > sharedBytesLimit { flush() }
                records += more
                completions.append(completion)
                bytes += size
            case .compact(let snapshot, let completion):
                flush()
                completion(
                    attempt { () throws(JournalError) in try store.compact(snapshot) })
            }
        }
        flush()
    }

    private static func attempt(
        _ body: () throws(JournalError) -> Void
    ) -> Result<Void, JournalError> {
        do {
            try body()
            return .success(())
        } catch {
            return .failure(error)
        }
    }
}
