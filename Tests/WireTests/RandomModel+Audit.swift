import Model

extension RandomModel {
    mutating func use() -> VolumeUse {
        VolumeUse(
            task: TaskKey(id(), id()), name: text(), sinceNanoseconds: number(),
            untilNanoseconds: maybe { $0.number() })
    }

    mutating func auditEntry() -> AuditEntry {
        var entry = AuditEntry(
            nanoseconds: number(), action: pick(AuditAction.allCases),
            outcome: pick(AuditOutcome.allCases), message: maybe { $0.text() })
        entry.framework = maybe { $0.id() }
        entry.principal = maybe { $0.text() }
        entry.agent = maybe { $0.id() }
        entry.task = maybe { $0.id() }
        entry.operation = maybe { $0.id() }
        entry.operationID = maybe { $0.id() }
        entry.transaction = maybe { $0.id() }
        entry.consumed = list { $0.resource() }
        entry.converted = list { $0.resource() }
        entry.volumes = list { $0.id() }
        entry.isRetold = flag()
        return entry
    }
}
