package import MesosAPI
package import Model

extension Mesos_V1_AgentInfo {
    /// The whole message with id and resources (static reservations included).
    package init(_ agent: AgentDescription, form: ReservationForm = .postRefinement) {
        self = agent.payload.message()
        hostname = agent.hostname
        port = Int32(clamping: agent.port)
        if let id = agent.id { self.id.value = id.value }
        resources = Mesos_V1_Resource.list(agent.resources, form: form)
    }

    /// What `AgentDescription.payload` keeps: attributes and domain.
    package var payload: Payload {
        var rest = self
        rest.clearID()
        rest.resources = []
        return Payload(rest)
    }
}

extension Mesos_V1_Attribute {
    package init(_ attribute: Attribute) {
        self.init()
        name = attribute.name
        switch attribute.value {
        case .scalar(let number):
            type = .scalar
            scalar.value = number
        case .ranges(let value):
            type = .ranges
            ranges = Mesos_V1_Value.Ranges(value)
        case .text(let value):
            type = .text
            text.value = value
        }
    }
}

extension Mesos_V1_MasterInfo {
    /// What a master tells of itself in SUBSCRIBED and GET_MASTER. `address` is an IPv4 address in
    /// dots, or anything else, which then has no integer form.
    package init(id: String, hostname: String, address: String, port: UInt16, version: String) {
        self.init()
        self.id = id
        self.hostname = hostname
        self.version = version
        self.port = UInt32(port)
        ip = Mesos_V1_MasterInfo.integer(of: address)
        pid = "master@\(address):\(port)"
        self.address.hostname = hostname
        self.address.ip = address
        self.address.port = Int32(port)
    }

    /// The four bytes of an IPv4 address as a little-endian integer, as Mesos sends it.
    private static func integer(of address: String) -> UInt32 {
        let parts = address.split(separator: ".", omittingEmptySubsequences: false)
            .map { UInt8($0) }
        guard parts.count == 4 else { return 0 }
        var value: UInt32 = 0
        for part in parts.reversed() {
            guard let part else { return 0 }
            value = value << 8 | UInt32(part)
        }
        return value
    }
}
