import AgentCore
import Containers
import Foundation
import Glibc
import Linux
import MesosAPI
import Model
import Wire

/// What LIST_FILES and READ_FILE answer out of the sandboxes of this agent.
struct SandboxFiles: Sendable {
    /// A place in a sandbox.
    struct Place: Sendable {
        /// As the caller wrote it.
        let path: String
        let sandbox: String
        /// Below the sandbox.
        let rest: String
        /// The volumes that a container has there.
        let mounts: [VolumeMount]
    }

    let volumes: AgentVolumes

    /// Where a path leads: absolute, or `/frameworks/F/executors/E/runs/R/...` in which R may be
    /// `latest`. Nil: into no sandbox of this agent.
    static func place(_ path: String, _ agent: Agent) -> Place? {
        var found: [(row: ExecutorRow, mounts: [VolumeMount])] = []
        for framework in agent.completedFrameworks {
            found += framework.executors.map { ($0, []) }
        }
        for view in agent.frameworkViews() {
            found += view.completedExecutors.map { ($0, []) }
            found += view.executors.map { ($0.row, $0.mounts) }
        }
        for (row, mounts) in found.reversed() {
            let runs =
                "/frameworks/\(row.framework.value)/executors/\(row.executor.id.value)/runs"
            let real = String(row.directory.dropLast(row.container.value.utf8.count + 1))
            let names = [
                row.directory, "\(real)/latest", "\(runs)/\(row.container.value)", "\(runs)/latest",
            ]
            for name in names where path == name || path.hasPrefix(name + "/") {
                return Place(
                    path: path, sandbox: row.directory,
                    rest: String(path.dropFirst(name.count).drop { $0 == "/" }), mounts: mounts)
            }
        }
        return nil
    }

    func list(_ place: Place) throws(ErrorForm) -> Mesos_V1_Agent_Response {
        var response = Mesos_V1_Agent_Response()
        response.type = .listFiles
        let base = place.path.hasSuffix("/") ? String(place.path.dropLast()) : place.path
        do throws(SystemError) {
            response.listFiles.fileInfos = try reader(place).list(place.rest).map { entry in
                var info = Mesos_V1_FileInfo()
                info.path = "\(base)/\(entry.path.split(separator: "/").last ?? "")"
                info.nlink = Int32(clamping: entry.links)
                info.size = UInt64(clamping: entry.size)
                info.mtime.nanoseconds = entry.modifiedSeconds * 1_000_000_000
                info.mode = entry.mode
                info.uid = HostNames.user(entry.uid)
                info.gid = HostNames.group(entry.gid)
                return info
            }
        } catch { throw Self.form(error) }
        return response
    }

    func read(
        _ place: Place, _ call: Mesos_V1_Agent_Call.ReadFile
    ) throws(ErrorForm) -> Mesos_V1_Agent_Response {
        var response = Mesos_V1_Agent_Response()
        response.type = .readFile
        let length = call.hasLength ? Int(clamping: call.length) : SandboxReader.readLimit
        do throws(SystemError) {
            let read = try reader(place).read(
                place.rest, offset: Int64(clamping: call.offset),
                length: min(length, SandboxReader.readLimit))
            response.readFile.data = Data(read.bytes)
            response.readFile.size = UInt64(clamping: read.size)
        } catch { throw Self.form(error) }
        return response
    }

    private func reader(_ place: Place) -> SandboxReader {
        SandboxReader(
            place.sandbox,
            volumes: place.mounts.compactMap { mount in
                volumes.path(mount.volume).map {
                    .init(
                        hostPath: $0, containerPath: mount.containerPath,
                        isReadOnly: mount.isReadOnly)
                }
            })
    }

    /// 400 for what is there and can't be read like that, else 404.
    private static func form(_ error: SystemError) -> ErrorForm {
        ErrorForm(status: error.errno == EINVAL ? 400 : 404, text: "\(error)")
    }
}
