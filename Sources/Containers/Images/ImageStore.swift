internal import Dispatch
internal import Linux
internal import Synchronization

/// The agent's images: fetched by skopeo, unpacked once by umoci, and given to containers as roots.
///
///     roots/DIGEST/root, config.json   complete images; one is renamed here when it is durable
///     names/HASH                       which image a name stands for, durable
///     containers/ID                    the containers' roots (ImageRoots)
///     staging/N                        what is being made or erased; emptied by the next agent
///
/// A container waits for its image by a callback: no thread waits, and one pull serves all who wait
/// for the same image. Images are never removed here.
package final class ImageStore: Sendable {
    package typealias Completion = @Sendable (Result<PreparedImage, ContainerError>) -> Void
    /// Runs a call that blocks for long on a thread of its own.
    package typealias Run = @Sendable (@escaping @Sendable () -> Void) -> Void

    package struct Options: Sendable {
        /// The store's; no container sees it.
        package var directory: String
        package var limits = ImageLimits()
        package var supervisor = SupervisedContainers.usualSupervisor
        /// Overlayfs where it is possible; false: always a copy.
        package var usesOverlay = true
        /// Told of progress, a line each time.
        package var log: @Sendable (String) -> Void = { _ in }

        package init(directory: String) { self.directory = directory }
    }

    private struct Waiter {
        let container: String
        let completion: Completion
    }

    private struct Pull {
        let cancellation: Cancellation
        var waiters: [Waiter]
    }

    private struct State {
        var pulls: [String: Pull] = [:]
        /// By container: the key of the pull that it waits for.
        var waiting: [String: String] = [:]
        /// By container: its root is being copied.
        var copying: [String: Cancellation] = [:]
        var lastStaging = 0
    }

    private let options: Options
    private let run: Run
    private let roots: ImageRoots
    private let names: ImageNames
    private let state = Mutex(State())

    /// Makes the directories and begins to erase what a former agent left unfinished.
    package init(_ options: Options, run: @escaping Run) throws(ContainerError) {
        self.options = options
        self.run = run
        roots = ImageRoots(directory: "\(options.directory)/containers")
        names = ImageNames(directory: "\(options.directory)/names")
        do throws(SystemError) {
            for name in ["", "/roots", "/names", "/containers", "/staging"] {
                try Files.makeDirectories(options.directory + name, mode: 0o700)
            }
            for name in try Files.list("\(options.directory)/staging") {
                erase("\(options.directory)/staging/\(name)")
            }
        } catch {
            throw ContainerError("the image store: \(error)")
        }
    }

    // MARK: - Asking

    /// Makes a root for a container, and calls back once: here and now where the image is there, on
    /// one of the store's threads where it must be fetched or copied.
    package func prepare(
        _ request: ImageRequest, for container: String, _ completion: @escaping Completion
    ) {
        let waiter = Waiter(container: container, completion: completion)
        do throws(ContainerError) {
            let key = try request.name.key()
            try checkAccess(request)
            if let digest = known(key, request) { return make(digest, waiter) }
            enqueue(key, request, waiter)
        } catch {
            completion(.failure(error))
        }
    }

    /// Ends a container's wait; its callback hears of it. False: it does not wait.
    package func cancel(_ container: String) -> Bool {
        let (waiter, isCopying) = state.withLock { state -> (Waiter?, Bool) in
            if let copy = state.copying[container] {
                copy.set()
                return (nil, true)
            }
            guard let key = state.waiting.removeValue(forKey: container),
                let index = state.pulls[key]?.waiters.firstIndex(where: {
                    $0.container == container
                })
            else { return (nil, false) }
            let waiter = state.pulls[key]?.waiters.remove(at: index)
            if state.pulls[key]?.waiters.isEmpty == true {
                state.pulls.removeValue(forKey: key)?.cancellation.set()
            }
            return (waiter, false)
        }
        waiter?.completion(.failure(ContainerError("killed while its image was fetched")))
        return waiter != nil || isCopying
    }

    /// Takes a container's root away with all that the container wrote to it; its volumes and its
    /// sandbox are elsewhere.
    package func remove(_ container: String) {
        let trash = nextStaging()
        do throws(SystemError) {
            if try roots.retire(container, to: trash) { erase(trash) }
        } catch {
            options.log("the root of container \(container) stays: \(error)")
        }
    }

    /// Removes the roots of all containers but these: what a former agent could not remove.
    package func removeRoots(keeping containers: Set<String> = []) {
        for container in (try? roots.all()) ?? [] where !containers.contains(container) {
            remove(container)
        }
    }

    /// What a container has written outside of its sandbox and volumes lies here; for a poller.
    package func upperDirectory(_ container: String) -> String { roots.upper(container) }

    /// The image of that name that is there already, if it will do.
    private func known(_ key: String, _ request: ImageRequest) -> String? {
        guard request.isCached, let digest = names.digest(of: key),
            FileStatus.exists("\(options.directory)/roots/\(digest)/root")
        else { return nil }
        return digest
    }

    // MARK: - Pulls

    /// Refuses a local image that the task's user may not read.
    private func checkAccess(_ request: ImageRequest) throws(ContainerError) {
        guard let path = request.name.guardedFile else { return }
        var limits = ImageLimits()
        limits.timeoutMilliseconds = 10_000
        do throws(ContainerError) {
            try ImageTool(
                directory: options.directory, limits: limits, cancellation: Cancellation()
            ).run(
                ["test", "-r", path],
                as: .init(supervisor: options.supervisor, user: request.user))
        } catch {
            throw ContainerError("user \(request.user.name) may not read the image \(path)")
        }
    }

    private func enqueue(_ key: String, _ request: ImageRequest, _ waiter: Waiter) {
        let cancellation = state.withLock { state -> Cancellation? in
            state.waiting[waiter.container] = key
            if state.pulls[key] != nil {
                state.pulls[key]?.waiters.append(waiter)
                return nil
            }
            let cancellation = Cancellation()
            state.pulls[key] = Pull(cancellation: cancellation, waiters: [waiter])
            return cancellation
        }
        guard let cancellation else { return }
        run { [self] in
            let result: Result<String, ContainerError>
            do throws(ContainerError) {
                result = .success(try pull(key, request, cancellation))
            } catch {
                result = .failure(error)
            }
            finish(key, cancellation, result)
        }
    }

    private func pull(
        _ key: String, _ request: ImageRequest, _ cancellation: Cancellation
    ) throws(ContainerError) -> String {
        // Another pull may have ended between the asker's look and its wait.
        if let digest = known(key, request) { return digest }
        let title = request.name.title
        let staging = nextStaging()
        do throws(SystemError) {
            try Files.makeDirectory(staging, mode: 0o700)
        } catch {
            throw ContainerError("image \(title): \(error)")
        }
        defer { erase(staging) }
        options.log("image \(title): fetching")
        let tool = ImageTool(
            directory: options.directory, limits: options.limits, cancellation: cancellation
        ) { [options] in options.log("image \(title): \($0)") }
        do throws(ContainerError) {
            let digest = try ImagePull(
                name: request.name, user: request.user, supervisor: options.supervisor, tool: tool,
                directory: staging, roots: "\(options.directory)/roots"
            ).run()
            do throws(ContainerError) { try names.store(digest, of: key) } catch {
                // It only costs another pull.
                options.log("image \(title): its name can't be stored: \(error)")
            }
            options.log("image \(title): is sha256:\(digest)")
            return digest
        } catch {
            throw ContainerError("image \(title): \(error)")
        }
    }

    private func finish(
        _ key: String, _ cancellation: Cancellation, _ result: Result<String, ContainerError>
    ) {
        let waiters = state.withLock { state -> [Waiter] in
            // A pull that nobody waits for any more may have a successor.
            guard let pull = state.pulls[key], pull.cancellation === cancellation else { return [] }
            state.pulls[key] = nil
            for waiter in pull.waiters { state.waiting[waiter.container] = nil }
            return pull.waiters
        }
        for waiter in waiters {
            switch result {
            case .success(let digest): make(digest, waiter)
            case .failure(let error): waiter.completion(.failure(error))
            }
        }
    }

    // MARK: - Roots

    private func make(_ digest: String, _ waiter: Waiter) {
        let image = "\(options.directory)/roots/\(digest)"
        do throws(ContainerError) {
            let configuration = try ImageLayout.configuration("\(image)/config.json")
            remove(waiter.container)
            guard let root = overlay("\(image)/root", waiter.container) else {
                return copy("\(image)/root", configuration, waiter)
            }
            waiter.completion(.success(.init(directory: root, configuration: configuration)))
        } catch {
            waiter.completion(.failure(error))
        }
    }

    /// Nil where only a copy will do.
    private func overlay(_ image: String, _ container: String) -> String? {
        guard options.usesOverlay else { return nil }
        do throws(SystemError) {
            return try roots.mount(container, over: image)
        } catch {
            options.log("container \(container) gets a copy of its image: \(error)")
            return nil
        }
    }

    private func copy(_ image: String, _ configuration: ImageConfiguration, _ waiter: Waiter) {
        let cancellation = Cancellation()
        state.withLock { $0.copying[waiter.container] = cancellation }
        run { [self] in
            let tool = ImageTool(
                directory: options.directory, limits: options.limits, cancellation: cancellation)
            let result: Result<PreparedImage, ContainerError>
            do throws(ContainerError) {
                let root = try roots.copy(waiter.container, of: image, tool)
                result = .success(.init(directory: root, configuration: configuration))
            } catch {
                result = .failure(ContainerError("a copy of the image's files: \(error)"))
            }
            state.withLock { $0.copying[waiter.container] = nil }
            waiter.completion(result)
        }
    }

    // MARK: - Erasing

    private func nextStaging() -> String {
        state.withLock { state in
            while true {
                state.lastStaging += 1
                let path = "\(options.directory)/staging/\(state.lastStaging)"
                if !FileStatus.exists(path) { return path }
            }
        }
    }

    /// Another agent's copy of the host's files may hold a root's mount for a while: that is tried
    /// again each second.
    private func erase(_ path: String) {
        run { [self] in
            do throws(SystemError) {
                while try !DirectoryRemoval.advance(path, entries: 10_000) {}
            } catch {
                guard error.isBusy else {
                    return options.log("\(path) stays until the agent starts anew: \(error)")
                }
                DispatchQueue.global().asyncAfter(deadline: .now() + 1) { [self] in erase(path) }
            }
        }
    }
}
