import MachineCore
import Model

// The data of a volume that goes to its end, erased before its DESTROY. Nothing of this is in the
// journal: the disk tells how far it is, and the master asks again at each registration.

extension Agent {
    mutating func erase(
        _ uuid: VolumeUUID, _ order: EraseOrder, into outbox: inout Outbox<Action>
    ) {
        if let objection = objection(toErasing: uuid) {
            return outbox.append(.send(.volumeErased(uuid, failure: objection)))
        }
        erasing.insert(uuid)
        outbox.append(.eraseVolume(uuid, order))
    }

    private func objection(toErasing uuid: VolumeUUID) -> String? {
        guard let volume = state.volumes[uuid] else { return "this agent has no such volume" }
        if state.used.entry(ResourceKey(volume.resource)) != nil { return "it is in use" }
        let isAwaited = waiting.launches.contains { launch in
            mounts(of: launch.task.resources).contains { $0.volume == uuid }
        }
        return isAwaited ? "a task waits for it" : nil
    }

    mutating func erased(
        _ uuid: VolumeUUID, failure: String?, into outbox: inout Outbox<Action>
    ) {
        guard isRegistered else { return }
        outbox.append(.send(.volumeErased(uuid, failure: failure)))
    }
}
