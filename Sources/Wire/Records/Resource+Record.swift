package import HoldfastAPI
package import Model

extension Resource: RecordCoded {
    package var form: Holdfast_Resource {
        var form = Holdfast_Resource()
        form.name = name
        switch value {
        case .scalar(let amount): form.thousandths = amount.thousandths
        case .ranges(let ranges):
            form.ranges.intervals = ranges.intervals.map { interval in
                var item = Holdfast_Interval()
                item.begin = interval.lowerBound
                item.end = interval.upperBound
                return item
            }
        case .set(let items): form.set.items = items
        }
        form.reservations = reservations.map(\.form)
        if let disk { form.disk = disk.form }
        if let allocationRole { form.allocationRole = allocationRole }
        if isShared { form.shared = true }
        if isRevocable { form.revocable = true }
        if let providerID { form.providerID = providerID }
        return form
    }

    package init(_ form: Holdfast_Resource) throws(Refusal) {
        let name = try Needed.value(form.hasName, form.name, "resource.name")
        var reservations: [Reservation] = []
        for level in form.reservations { reservations.append(try Reservation(level)) }
        self.init(
            name, try ResourceValue(form.value), reservations: reservations,
            disk: form.hasDisk ? try Disk(form.disk) : nil,
            allocationRole: form.hasAllocationRole ? form.allocationRole : nil,
            isShared: form.shared, isRevocable: form.revocable,
            providerID: form.hasProviderID ? form.providerID : nil)
    }
}

extension Amount {
    /// Thousandths that a record may hold: sums of a thousand of the largest amounts.
    static let recordable = 0...Amount.largest.thousandths * 1000
}

extension ResourceValue {
    fileprivate init(_ form: Holdfast_Resource.OneOf_Value?) throws(Refusal) {
        switch form {
        case .thousandths(let count):
            guard Amount.recordable.contains(count) else {
                throw Refusal(.invalid, "'resource.thousandths' is out of range")
            }
            self = .scalar(Amount(thousandths: count))
        case .ranges(let ranges):
            var intervals: [ClosedRange<UInt64>] = []
            for item in ranges.intervals {
                guard item.begin <= item.end else {
                    throw Refusal(.invalid, "'resource.ranges' has a range that ends early")
                }
                intervals.append(item.begin...item.end)
            }
            guard let ranges = Ranges(disjoint: intervals) else {
                throw Refusal(.invalid, "'resource.ranges' overlap")
            }
            self = .ranges(ranges)
        case .set(let set): self = .set(set.items)
        case nil: throw Refusal(.invalid, "'resource.value' is missing")
        }
    }
}

extension Labels {
    fileprivate init(_ forms: [Holdfast_Label]) {
        self.init(forms.map { Label($0.key, $0.hasValue ? $0.value : nil) })
    }

    fileprivate var forms: [Holdfast_Label] {
        sorted.map { label in
            var form = Holdfast_Label()
            form.key = label.key
            if let value = label.value { form.value = value }
            return form
        }
    }
}

extension Reservation: RecordCoded {
    package var form: Holdfast_Reservation {
        var form = Holdfast_Reservation()
        form.fixed = kind == .fixed
        form.role = role
        if let principal { form.principal = principal }
        form.labels = labels.forms
        return form
    }

    package init(_ form: Holdfast_Reservation) throws(Refusal) {
        self.init(
            form.fixed ? .fixed : .dynamic,
            role: try Needed.value(form.hasRole, form.role, "reservation.role"),
            principal: form.hasPrincipal ? form.principal : nil, labels: Labels(form.labels))
    }
}

extension Disk {
    fileprivate var form: Holdfast_Disk {
        var form = Holdfast_Disk()
        if let persistence {
            form.persistence.id = persistence.id
            if let principal = persistence.principal { form.persistence.principal = principal }
        }
        if let volume {
            form.volume.containerPath = volume.containerPath
            if let hostPath = volume.hostPath { form.volume.hostPath = hostPath }
            form.volume.readOnly = volume.mode == .readOnly
        }
        if let source { form.source = source.form }
        if let limits { form.limits = limits.form }
        return form
    }

    fileprivate init(_ form: Holdfast_Disk) throws(Refusal) {
        self.init()
        if form.hasPersistence {
            persistence = Persistence(
                id: try Needed.value(form.persistence.hasID, form.persistence.id, "persistence.id"),
                principal: form.persistence.hasPrincipal ? form.persistence.principal : nil)
        }
        if form.hasVolume {
            volume = Volume(
                containerPath: form.volume.containerPath,
                hostPath: form.volume.hasHostPath ? form.volume.hostPath : nil,
                mode: form.volume.readOnly ? .readOnly : .readWrite)
        }
        if form.hasSource { source = try DiskSource(form.source) }
        if form.hasLimits { limits = VolumeLimits(form.limits) }
    }
}

extension DiskSource {
    fileprivate var form: Holdfast_DiskSource {
        var form = Holdfast_DiskSource()
        switch kind {
        case .path: form.kind = .path
        case .mount: form.kind = .mount
        case .block: form.kind = .block
        case .raw: form.kind = .raw
        }
        if let root { form.root = root }
        if let id { form.id = id }
        if let vendor { form.vendor = vendor }
        if let profile { form.profile = profile }
        form.metadata = metadata.forms
        return form
    }

    fileprivate init(_ form: Holdfast_DiskSource) throws(Refusal) {
        guard form.hasKind else { throw Refusal(.invalid, "'source.kind' is missing") }
        let kind: Kind =
            switch form.kind {
            case .path: .path
            case .mount: .mount
            case .block: .block
            case .raw: .raw
            }
        self.init(
            kind, root: form.hasRoot ? form.root : nil, id: form.hasID ? form.id : nil,
            vendor: form.hasVendor ? form.vendor : nil,
            profile: form.hasProfile ? form.profile : nil, metadata: Labels(form.metadata))
    }
}
