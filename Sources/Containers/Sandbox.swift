internal import Glibc
internal import Linux

/// Makes containers' sandboxes and what is in them before the task.
package enum Sandbox {
    /// Makes the sandbox, owned by the user, and points `latest` beside it to it; one that is there
    /// is taken over. Not durable: after a reboot no task is left that could want it.
    package static func make(_ path: String, owner: UserIdentity) throws(ContainerError) {
        do throws(SystemError) {
            do throws(SystemError) { try makeParents(path) } catch {
                // A parent was empty, and the collector of old sandboxes took it away just now.
                guard error.isNotFound else { throw error }
                try makeParents(path)
            }
            try Files.own(directory: path, uid: owner.uid, gid: owner.gid, mode: 0o750)
            try Files.replaceLink(
                "\(Files.parent(of: path))/latest", target: Files.name(of: path))
        } catch {
            throw ContainerError("sandbox: \(error)")
        }
    }

    private static func makeParents(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            try Files.makeDirectory(path, mode: 0o755)
        } catch {
            guard error.isNotFound, path != "/" else { throw error }
            try makeParents(Files.parent(of: path))
            try Files.makeDirectory(path, mode: 0o755)
        }
    }

    /// The components of a path below the sandbox; nil: it climbs or is empty. An absolute path
    /// counts from the sandbox.
    package static func components(_ path: String) -> [String]? {
        switch try? ContainerPath(path) {
        case .inSandbox(let components), .absolute(let components): components
        case nil: nil
        }
    }

    /// Makes the directories and files on which volumes will be mounted, never through a link that
    /// a fetched archive may hold.
    static func makeMountPoints(
        _ paths: [[String]], files: [[String]] = [], in sandbox: String, uid: UInt32, gid: UInt32
    ) throws(ContainerError) {
        for components in files {
            do throws(SystemError) {
                try InsideDirectory(sandbox).makeFile(components, uid: uid, gid: gid)
            } catch {
                throw ContainerError(
                    "no file for the volume at \(components.joined(separator: "/")): \(error)")
            }
        }
        for components in paths {
            do throws(SystemError) {
                _ = try InsideDirectory(sandbox).makeDirectories(components, uid: uid, gid: gid)
            } catch {
                throw ContainerError(
                    "no directory for the volume at \(components.joined(separator: "/")): \(error)")
            }
        }
    }

    /// Removes a link that still points to its volume; what the task has put there stays.
    static func removeLink(
        _ link: LaunchPlan.Link, in sandbox: String
    ) throws(ContainerError) {
        guard
            let directory = try? InsideDirectory(sandbox).open(
                (["."] + link.path.dropLast()).joined(separator: "/"), isDirectory: true)
        else { return }
        do throws(SystemError) {
            try Files.removeLink(link.path.last ?? "", in: directory, target: link.target)
        } catch {
            throw ContainerError(
                "the link at \(link.path.joined(separator: "/")) can't be removed: \(error)")
        }
    }

    /// Makes symbolic links to volumes, with the same care.
    static func makeLinks(
        _ links: [LaunchPlan.Link], in sandbox: String, uid: UInt32, gid: UInt32
    ) throws(ContainerError) {
        for link in links {
            do throws(SystemError) {
                let directory = try InsideDirectory(sandbox).makeDirectories(
                    Array(link.path.dropLast()), uid: uid, gid: gid)
                try Files.makeLink(link.path.last ?? "", in: directory, target: link.target)
            } catch {
                guard !error.isOccupied else {
                    throw ContainerError(
                        "a volume can't be at \(link.path.joined(separator: "/")): something else "
                            + "is there in the sandbox")
                }
                throw ContainerError(
                    "no link for the volume at \(link.path.joined(separator: "/")): \(error)")
            }
        }
    }
}
