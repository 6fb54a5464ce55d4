internal import Glibc
internal import Linux

/// A command that is run beside a container's own, with a time limit.
struct Execution {
    let program: String
    let arguments: [String]
    let environment: [String]
    let timeoutMilliseconds: Int64

    /// The wait status; nil when the time was over. Then everything in the command's session has
    /// been killed, after `expired` was called with its first process.
    func run(expired: (ProcessHandle) -> Void) throws(ContainerError) -> Int32? {
        let handle: ProcessHandle
        do throws(SystemError) {
            handle = try SpawnedProcess.start(
                program, arguments, environment: environment, descriptors: [nil, nil, nil])
        } catch {
            throw ContainerError("\(error)")
        }
        if handle.waitForEnd(withinMilliseconds: timeoutMilliseconds) { return handle.reap() ?? 0 }
        expired(handle)
        kill(-handle.pid, SIGKILL)
        handle.send(SIGKILL)
        _ = handle.waitForEnd(withinMilliseconds: 5_000)
        handle.reap()
        return nil
    }
}

extension ContainerSpec {
    /// `NAME=VALUE`, with a search path if the task has none.
    var environmentTexts: [String] {
        let texts = environment.map { "\($0.name)=\($0.value)" }
        return environment.contains { $0.name == "PATH" }
            ? texts : texts + ["PATH=" + Self.searchPath]
    }

    static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
}

extension UserIdentity {
    /// As the supervisor's options want it.
    var text: String { Self.text(uid, gid, groups) }

    static func text(_ uid: UInt32, _ gid: UInt32, _ groups: [UInt32]) -> String {
        let list = groups.prefix(256).map(String.init).joined(separator: ",")
        return "\(uid):\(gid)" + (list.isEmpty ? "" : ":\(list)")
    }
}
