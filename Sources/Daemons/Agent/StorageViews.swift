import AgentCore
import Linux
import MesosAPI
import Model
import Volumes

/// The agent's books for a comparison with its disks, and what it finds as the API has it.
enum StorageViews {
    /// `workDirectory` is the real path of the one in the agent's options.
    static func books(_ agent: Agent, _ workDirectory: String) -> StorageBooks {
        var books = StorageBooks()
        books.journal = agent.volumeViews().map {
            booked($0.volume, isPrepared: !agent.state.unprepared.contains($0.volume.uuid))
        }
        for operation in agent.pendingOperations {
            for change in operation.volumeChanges {
                switch change {
                case .create(let volume):
                    books.moving.insert(volume.uuid)
                    books.arriving.append(booked(volume, isPrepared: false))
                case .destroy(let uuid), .resize(let uuid, _): books.moving.insert(uuid)
                }
            }
        }
        let prefix = agent.options.workDirectory
        for entry in agent.state.executors.values {
            let row = entry.row
            let rest =
                row.directory.hasPrefix(prefix)
                ? String(row.directory.dropFirst(prefix.count)) : row.directory
            books.containerPlaces.insert(workDirectory + rest)
            books.containerPlaces.insert(
                "\(workDirectory)/images/containers/\(row.container.value)")
        }
        return books
    }

    private static func booked(_ volume: VolumeDescription, isPrepared: Bool) -> BookedVolume {
        let resource = volume.resource
        return BookedVolume(
            uuid: volume.uuid, role: resource.role,
            persistenceID: resource.disk?.persistence?.id ?? "",
            bytes: AgentVolumes.bytes(resource.amount), disk: resource.disk?.source?.root ?? "",
            isPrepared: isPrepared)
    }

    static func finding(
        _ finding: StorageFinding
    ) -> Mesos_V1_Agent_Response.CheckStorage.Finding {
        var message = Mesos_V1_Agent_Response.CheckStorage.Finding()
        message.code = finding.code.rawValue
        message.severity = finding.code.severity.name
        message.subject = finding.subject
        if let uuid = finding.uuid { message.uuid = uuid.value }
        message.evidence = finding.evidence
        if let repair = finding.repair {
            message.repair = repair.text
            if repair.needsSetAside { message.needsSetAside = true }
        }
        return message
    }
}

extension RegistryVolume {
    init(_ volume: Mesos_V1_Agent_Call.CheckStorage.Volume) {
        self.init(
            uuid: VolumeUUID(volume.uuid), role: volume.role,
            persistenceID: volume.persistenceID, bytes: volume.bookedBytes, state: volume.state)
    }
}
