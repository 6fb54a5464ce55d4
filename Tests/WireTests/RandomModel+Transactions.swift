import Model

extension RandomModel {
    mutating func step() -> TransactionStep {
        TransactionStep(
            uuid: id(), type: pick(OperationType.allCases), id: maybe { $0.id() },
            conversion: ResourceConversion(consumed: resources(), converted: resources()),
            volumes: list { $0.id() })
    }

    mutating func transaction() -> TransactionRow {
        let key = text() + "k"
        let framework: FrameworkID? = maybe { $0.id() }
        let principal = maybe { $0.text() }
        return TransactionRow(
            owner: TransactionKey(framework: framework, principal: principal, key: key),
            fingerprint: text(), startedNanoseconds: number(),
            result: Transaction(
                uuid: id(), key: key, agent: id(), state: pick(OperationState.allCases),
                message: maybe { $0.text() }, steps: list { $0.step() }, tasks: list { $0.id() }))
    }
}
