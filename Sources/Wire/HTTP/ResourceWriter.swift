import MesosAPI
import Model
import SwiftProtobuf

extension ProtobufWriter {
    /// A resource's fields, byte for byte as the library writes `Mesos_V1_Resource` in its
    /// post-refinement form: a list of a hundred thousand volumes is mostly their resources, and
    /// the library makes and measures each message in a message.
    mutating func resource(_ resource: Resource) {
        guard resource.disk?.source == nil else {
            // Seldom, and with many parts.
            let message = Mesos_V1_Resource(resource, form: .postRefinement)
            return append((try? message.serializedBytes(partial: true)) ?? [])
        }
        text(1, resource.name)
        value(resource.value)
        if let disk = resource.disk {
            message(7) { $0.disk(disk) }
        }
        if resource.isRevocable { message(9) { _ in } }
        if resource.isShared { message(10) { _ in } }
        if let role = resource.allocationRole { message(11) { $0.text(1, role) } }
        if let id = resource.providerID { message(12) { $0.text(1, id) } }
        for reservation in resource.reservations { message(13) { $0.reservation(reservation) } }
    }

    private mutating func text(_ number: Int, _ text: String) {
        tag(number, .delimited)
        delimited(text.utf8)
    }

    private mutating func number(_ number: Int, _ value: Int) {
        tag(number, .varint)
        varint(UInt64(value))
    }

    mutating func message(_ number: Int, _ fields: (inout ProtobufWriter) -> Void) {
        tag(number, .delimited)
        let start = open()
        fields(&self)
        close(start)
    }

    private mutating func value(_ value: ResourceValue) {
        switch value {
        case .scalar(let amount):
            number(2, Mesos_V1_Value.TypeEnum.scalar.rawValue)
            message(3) {
                $0.tag(1, .fixed64)
                $0.double(amount.value)
            }
        case .ranges(let ranges):
            number(2, Mesos_V1_Value.TypeEnum.ranges.rawValue)
            message(4) { writer in
                for interval in ranges.intervals {
                    writer.message(1) {
                        $0.tag(1, .varint)
                        $0.varint(interval.lowerBound)
                        $0.tag(2, .varint)
                        $0.varint(interval.upperBound)
                    }
                }
            }
        case .set(let items):
            number(2, Mesos_V1_Value.TypeEnum.set.rawValue)
            message(5) { writer in
                for item in items { writer.text(1, item) }
            }
        }
    }

    private mutating func disk(_ disk: Disk) {
        if let item = disk.persistence {
            message(1) {
                $0.text(1, item.id)
                if let principal = item.principal { $0.text(2, principal) }
            }
        }
        if let item = disk.volume {
            message(2) {
                $0.text(1, item.containerPath)
                if let hostPath = item.hostPath { $0.text(2, hostPath) }
                let mode: Mesos_V1_Volume.Mode =
                    switch item.mode {
                    case .readWrite: .rw
                    case .readOnly: .ro
                    }
                $0.number(3, mode.rawValue)
            }
        }
    }

    private mutating func reservation(_ reservation: Reservation) {
        if let principal = reservation.principal { text(1, principal) }
        if !reservation.labels.isEmpty {
            message(2) { writer in
                for label in reservation.labels.sorted {
                    writer.message(1) {
                        $0.text(1, label.key)
                        if let value = label.value { $0.text(2, value) }
                    }
                }
            }
        }
        text(3, reservation.role)
        let type: Mesos_V1_Resource.ReservationInfo.TypeEnum =
            switch reservation.kind {
            case .fixed: .static
            case .dynamic: .dynamic
            }
        number(4, type.rawValue)
    }
}
