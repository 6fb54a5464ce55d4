package import MesosAPI
package import Model

/// How a resource's reservations are written.
package enum ReservationForm: Hashable, Sendable {
    /// `reservations` only: for offers to frameworks with RESERVATION_REFINEMENT, tasks, agents.
    case postRefinement
    /// `role` and `reservation`: for other frameworks.
    case preRefinement
    /// Both, where the old form can say it: for operators.
    case endpoint

    /// The form of offers and tasks for a framework with these capabilities.
    package init(_ capabilities: FrameworkDescription.Capabilities) {
        self = capabilities.contains(.reservationRefinement) ? .postRefinement : .preRefinement
    }
}

extension Mesos_V1_Resource {
    /// A stack of several reservations, which the old fields can't say, is always in the new form.
    package init(_ resource: Resource, form: ReservationForm) {
        self.init()
        name = resource.name
        setValue(resource.value)
        let stack = resource.reservations
        if form != .preRefinement || stack.count > 1 {
            reservations = stack.map(Mesos_V1_Resource.ReservationInfo.init)
        }
        if form != .postRefinement, stack.count <= 1 { setOldFields(stack.first) }
        if let disk = resource.disk { self.disk = DiskInfo(disk) }
        if let role = resource.allocationRole { allocationInfo.role = role }
        if resource.isShared { shared = SharedInfo() }
        if resource.isRevocable { revocable = RevocableInfo() }
        if let id = resource.providerID { providerID.value = id }
    }

    /// The pieces that the peer understands: refined reservations are hidden from old frameworks.
    package static func list(
        _ resources: some Sequence<Resource>, form: ReservationForm
    ) -> [Mesos_V1_Resource] {
        resources.lazy.filter { form != .preRefinement || $0.reservations.count <= 1 }
            .map { Mesos_V1_Resource($0, form: form) }
    }

    private mutating func setValue(_ value: ResourceValue) {
        switch value {
        case .scalar(let amount):
            type = .scalar
            scalar.value = amount.value
        case .ranges(let value):
            type = .ranges
            ranges = Mesos_V1_Value.Ranges(value)
        case .set(let items):
            type = .set
            set.item = items
        }
    }

    private mutating func setOldFields(_ only: Reservation?) {
        role = only?.role ?? Role.unreserved
        guard let only, only.kind == .dynamic else { return }
        reservation = ReservationInfo(only)
        reservation.clearRole()
        reservation.clearType()
    }
}

extension Mesos_V1_Value.Ranges {
    init(_ ranges: Ranges) {
        self.init()
        range = ranges.intervals.map { interval in
            var range = Mesos_V1_Value.Range()
            range.begin = interval.lowerBound
            range.end = interval.upperBound
            return range
        }
    }
}

extension Mesos_V1_Resource.ReservationInfo {
    package init(_ reservation: Reservation) {
        self.init()
        switch reservation.kind {
        case .fixed: type = .static
        case .dynamic: type = .dynamic
        }
        role = reservation.role
        if let principal = reservation.principal { self.principal = principal }
        if !reservation.labels.isEmpty { labels = Mesos_V1_Labels(reservation.labels) }
    }
}

extension Mesos_V1_Resource.DiskInfo {
    fileprivate init(_ disk: Disk) {
        self.init()
        if let item = disk.persistence {
            persistence.id = item.id
            if let principal = item.principal { persistence.principal = principal }
        }
        if let item = disk.volume {
            volume.containerPath = item.containerPath
            if let hostPath = item.hostPath { volume.hostPath = hostPath }
            switch item.mode {
            case .readWrite: volume.mode = .rw
            case .readOnly: volume.mode = .ro
            }
        }
        if let item = disk.source { source = Source(item) }
    }
}

extension Mesos_V1_Resource.DiskInfo.Source {
    fileprivate init(_ source: DiskSource) {
        self.init()
        switch source.kind {
        case .path:
            type = .path
            if let root = source.root { path.root = root }
        case .mount:
            type = .mount
            if let root = source.root { mount.root = root }
        case .block: type = .block
        case .raw: type = .raw
        }
        if let id = source.id { self.id = id }
        if let vendor = source.vendor { self.vendor = vendor }
        if let profile = source.profile { self.profile = profile }
        if !source.metadata.isEmpty { metadata = Mesos_V1_Labels(source.metadata) }
    }
}

extension Mesos_V1_Labels {
    package init(_ labels: Labels) {
        self.init()
        self.labels = labels.sorted.map { item in
            var label = Mesos_V1_Label()
            label.key = item.key
            if let value = item.value { label.value = value }
            return label
        }
    }
}
