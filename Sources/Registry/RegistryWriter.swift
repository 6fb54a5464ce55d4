package import Linux

/// Commits to a registry on a thread of its own: many submitters share one transaction.
///
/// Bounds are the submitters': each waits for its answer before it promises anything.
package final class RegistryWriter: Sendable {
    package typealias Completion = @Sendable (Result<Void, RegistryError>) -> Void

    private struct Submission: Sendable {
        let changes: [RegistryChange]
        let completion: Completion
    }

    private let thread: CommitThread<Submission>

    /// Submissions are put together up to about `sharedChangesLimit` changes a transaction.
    package init(
        _ store: any RegistryStore, sharedChangesLimit: Int = 4096
    ) throws(SystemError) {
        thread = try CommitThread(name: "registry") { submissions in
            Self.commit(submissions, to: store, sharedChangesLimit)
        }
    }

    /// Makes the changes, all or none; `completion` is called on the writer's thread once they are
    /// durable or refused, in the order of the submissions.
    ///
    /// Submissions that share a transaction are refused together.
    package func submit(_ changes: [RegistryChange], _ completion: @escaping Completion) {
        if !thread.post(Submission(changes: changes, completion: completion)) {
            completion(.failure(.poisoned(reason: "the writer is stopped")))
        }
    }

    /// Commits what was submitted and ends the thread; later submissions fail.
    package func stop() { thread.stop() }

    private static func commit(
        _ submissions: [Submission], to store: any RegistryStore, _ limit: Int
    ) {
        var rest = submissions[...]
        while let first = rest.popFirst() {
            var group = [first]
            var changes = first.changes
            while let next = rest.first, changes.count + next.changes.count <= limit {
                group.append(rest.removeFirst())
                changes += next.changes
            }
            let result = attempt(changes, store)
            for submission in group { submission.completion(result) }
        }
    }

    private static func attempt(
        _ changes: [RegistryChange], _ store: any RegistryStore
    ) -> Result<Void, RegistryError> {
        do {
            try store.commit(changes)
            return .success(())
        } catch {
            return .failure(error)
        }
    }
}
