import AgentCore
import Containers
import MesosAPI
import Model
import Volumes
import Wire

extension AgentContainers {
    /// What a running executor's container is to hold.
    struct Held: Sendable {
        /// Its own among them.
        var resources: [Resource]
        /// Of its tasks.
        var volumes: [VolumeMount]
        /// TaskInfos.
        var tasks: [Payload]
    }

    /// All volumes of a container that is to start. The groups by which it uses shared ones become
    /// the user's.
    func volumes(
        _ wish: ContainerWish, _ user: inout UserIdentity
    ) throws -> [ContainerSpec.Volume] {
        let launch = wish.launch
        var mounted: [ContainerSpec.Volume] = []
        for mount in launch.volumes {
            let group = mount.isShared ? try volumes.group(of: mount.volume, uid: user.uid) : nil
            if let group, user.gid != group, !user.groups.contains(group) {
                user.groups.insert(group, at: 0)
            }
            mounted.append(
                try reach(mount, uid: user.uid, gid: user.gid, group, mayBeInUse: false))
        }
        return mounted + (try wish.volumes.map { try $0.volume(sandbox: launch.directory) })
    }

    /// The volumes of the tasks of a container that runs as `owner`.
    func volumes(_ held: Held, _ owner: ContainerOwner) throws -> [ContainerSpec.Volume] {
        var mounted: [ContainerSpec.Volume] = []
        for mount in held.volumes {
            let group = mount.isShared ? try self.group(mount, owner) : nil
            mounted.append(
                try reach(mount, uid: owner.uid, gid: owner.gid, group, mayBeInUse: true))
        }
        for payload in held.tasks {
            let task: Mesos_V1_TaskInfo = payload.message()
            mounted += try VolumeWish.shared(task).compactMap {
                $0.volume(ofExecutorIn: owner.sandbox)
            }
        }
        return mounted
    }

    /// A process that runs can't be given another group.
    private func group(_ mount: VolumeMount, _ owner: ContainerOwner) throws -> UInt32? {
        let group = try volumes.group(of: mount.volume, uid: owner.uid)
        guard let group, owner.uid != 0, owner.gid != group, !owner.groups.contains(group) else {
            return group
        }
        throw ContainerError(
            "the shared volume \(mount.volume) is used by group \(group), which the running "
                + "executor is not in: let it be among the executor's own resources, or run the "
                + "executor as root")
    }

    /// A volume, reachable on the host and owned by the user, or else by the group.
    private func reach(
        _ mount: VolumeMount, uid: UInt32, gid: UInt32, _ group: UInt32?, mayBeInUse: Bool
    ) throws -> ContainerSpec.Volume {
        let owner =
            group.map(VolumeGroups.owner) ?? VolumeOwner(uid: uid, gid: gid, mode: 0o700)
        return ContainerSpec.Volume(
            hostPath: try volumes.mount(
                mount.volume, owner: owner, mayBeInUse: mayBeInUse || group != nil),
            containerPath: mount.containerPath, isReadOnly: mount.isReadOnly,
            throttle: volumes.throttle(mount.volume))
    }
}
