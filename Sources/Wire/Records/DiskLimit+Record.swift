package import HoldfastAPI
package import Model

extension DiskLimitRule: RecordCoded {
    package var form: Holdfast_DiskLimitRule {
        var form = Holdfast_DiskLimitRule()
        switch action {
        case .fail: form.action = .fail
        case .kill: form.action = .kill
        case .grow(let rule):
            form.action = .grow
            form.percent = UInt32(clamping: rule.percent)
            form.stepThousandths = rule.step.thousandths
            if let cap = rule.cap { form.capThousandths = cap.thousandths }
        }
        switch subject {
        case .volumes: break
        case .volume(let id): form.persistenceID = id
        case .sandbox: form.sandbox = true
        }
        return form
    }

    package init(_ form: Holdfast_DiskLimitRule) throws(Refusal) {
        let action: Action
        // An action of a later version is not known: to guess one could end a task.
        switch try Needed.value(form.hasAction, form.action, "disk_limit.action") {
        case .fail: action = .fail
        case .kill: action = .kill
        case .grow:
            guard Amount.recordable.contains(form.stepThousandths),
                Amount.recordable.contains(form.capThousandths)
            else { throw Refusal(.invalid, "'disk_limit.step_thousandths' is out of range") }
            action = .grow(
                GrowthRule(
                    percent: Int(form.percent), step: Amount(thousandths: form.stepThousandths),
                    cap: form.hasCapThousandths
                        ? Amount(thousandths: form.capThousandths) : nil))
        }
        let subject: Subject =
            form.sandbox
            ? .sandbox : form.hasPersistenceID ? .volume(id: form.persistenceID) : .volumes
        self.init(action, for: subject)
    }
}

extension AlarmRule: RecordCoded {
    package var form: Holdfast_AlarmRule {
        var form = Holdfast_AlarmRule()
        form.percents = percents.map { UInt32(clamping: $0) }
        if let fullWithinSeconds { form.fullWithinSeconds = fullWithinSeconds }
        return form
    }

    package init(_ form: Holdfast_AlarmRule) throws(Refusal) {
        self.init(
            percents: form.percents.map { Int($0) },
            fullWithinSeconds: form.hasFullWithinSeconds ? form.fullWithinSeconds : nil)
    }
}

extension RoleDiskRule: RecordCoded {
    package var form: Holdfast_RoleDiskRule {
        var form = Holdfast_RoleDiskRule()
        form.role = role
        if let limit { form.limit = DiskLimitRule(limit).form }
        if let alarms { form.alarms = alarms.form }
        return form
    }

    package init(_ form: Holdfast_RoleDiskRule) throws(Refusal) {
        self.init(
            role: try Needed.value(form.hasRole, form.role, "rule.role"),
            limit: form.hasLimit ? try DiskLimitRule(form.limit).action : nil,
            alarms: form.hasAlarms ? try AlarmRule(form.alarms) : nil)
    }
}

extension UsageAlarm: RecordCoded {
    package var form: Holdfast_UsageAlarm {
        var form = Holdfast_UsageAlarm()
        form.kind = kind
        form.text = text
        form.nanoseconds = nanoseconds
        form.volumes = volumes.map(\.value)
        if let persistenceID { form.persistenceID = persistenceID }
        if let role { form.role = role }
        if let usedBytes { form.usedBytes = usedBytes }
        if let limitBytes { form.limitBytes = limitBytes }
        if let percent { form.percent = UInt32(clamping: percent) }
        if let fullInSeconds { form.fullInSeconds = fullInSeconds }
        if let earliestSeconds { form.earliestSeconds = earliestSeconds }
        if let latestSeconds { form.latestSeconds = latestSeconds }
        if let disk { form.disk = disk }
        return form
    }

    package init(_ form: Holdfast_UsageAlarm) throws(Refusal) {
        self.init(
            kind: try Needed.value(form.hasKind, form.kind, "alarm.kind"), text: form.text,
            nanoseconds: form.nanoseconds)
        guard form.text.utf8.count <= Self.textBytesAtMost,
            form.volumes.count <= Self.volumesAtMost
        else { throw Refusal(.tooLarge, "'alarm' is too long") }
        for volume in form.volumes { volumes.append(try Needed.id(volume, "alarm.volumes")) }
        if form.hasPersistenceID { persistenceID = form.persistenceID }
        if form.hasRole { role = form.role }
        if form.hasUsedBytes { usedBytes = form.usedBytes }
        if form.hasLimitBytes { limitBytes = form.limitBytes }
        if form.hasPercent { percent = Int(form.percent) }
        if form.hasFullInSeconds { fullInSeconds = form.fullInSeconds }
        if form.hasEarliestSeconds { earliestSeconds = form.earliestSeconds }
        if form.hasLatestSeconds { latestSeconds = form.latestSeconds }
        if form.hasDisk { disk = form.disk }
    }
}
