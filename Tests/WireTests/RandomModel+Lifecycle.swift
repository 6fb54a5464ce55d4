import Model

extension RandomModel {
    mutating func eraseOrder() -> EraseOrder {
        EraseOrder(
            pick(EraseMode.allCases), mebibytesPerSecond: maybe { UInt32($0.number() % 100) })
    }

    mutating func policy() -> LifecyclePolicy {
        LifecyclePolicy(
            role: text(), orphans: pick([.never, .ownerGone, .unused(nanoseconds: number())]),
            retentionNanoseconds: maybe { $0.number() }, trashNanoseconds: number(),
            isProtecting: flag(), erasure: eraseOrder(), atLimit: maybe { $0.limitAction() },
            alarms: maybe { $0.alarmRule() })
    }

    mutating func volumeInTrash() -> VolumeRow {
        var row = VolumeRow(agent: id(), volume: volume(), standing: .active)
        row.lifecycle.stage = pick(VolumeLifecycle.Stage.allCases)
        row.lifecycle.sinceNanoseconds = number()
        row.lifecycle.isProtected = maybe { $0.flag() }
        row.lifecycle.goneOwners = list { $0.id() }
        row.lifecycle.order = maybe { $0.eraseOrder() }
        row.lifecycle.problem = maybe { $0.text() }
        row.lifecycle.destroyed = maybe {
            DestroyedBy(uuid: $0.id(), id: $0.id(), framework: $0.id())
        }
        return row
    }
}
