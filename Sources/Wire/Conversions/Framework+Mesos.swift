package import MesosAPI
package import Model

extension FrameworkDescription {
    /// What a SUBSCRIBE or UPDATE_FRAMEWORK says of a framework. Throws `invalid` in Mesos's words;
    /// the names themselves are the master's to judge.
    package init(_ message: Mesos_V1_FrameworkInfo) throws(Refusal) {
        var capabilities: Capabilities = []
        for capability in message.capabilities where capability.type != .unknown {
            capabilities.insert(Capabilities(capability.type))
        }
        let roles: [String]
        if capabilities.contains(.multiRole) {
            guard !message.hasRole else {
                throw Refusal(
                    .invalid,
                    "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable")
            }
            roles = message.roles
        } else {
            guard message.roles.isEmpty else {
                throw Refusal(
                    .invalid,
                    "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE"
                        + " capable")
            }
            roles = [message.role]
        }
        var rest = message
        rest.clearID()
        self.init(
            id: message.hasID && !message.id.value.isEmpty ? FrameworkID(message.id.value) : nil,
            name: message.name, user: message.user, roles: roles,
            principal: message.hasPrincipal ? message.principal : nil, hostname: message.hostname,
            capabilities: capabilities, isCheckpointing: message.checkpoint,
            failoverTimeoutMilliseconds: Duration.milliseconds(seconds: message.failoverTimeout),
            payload: Payload(rest))
    }
}

extension Mesos_V1_FrameworkInfo {
    /// The whole message with its id; made of the fields where there is no payload.
    package init(_ framework: FrameworkDescription) {
        self = framework.payload.message()
        if let id = framework.id { self.id.value = id.value }
        guard framework.payload.bytes.isEmpty else { return }
        name = framework.name
        user = framework.user
        if let principal = framework.principal { self.principal = principal }
        if !framework.hostname.isEmpty { hostname = framework.hostname }
        checkpoint = framework.isCheckpointing
        failoverTimeout = Double(framework.failoverTimeoutMilliseconds) / 1000
        if framework.capabilities.contains(.multiRole) {
            roles = framework.roles
        } else if let only = framework.roles.first {
            role = only
        }
        capabilities = Capability.TypeEnum.allCases
            .filter { $0 != .unknown }
            .filter { framework.capabilities.contains(.init($0)) }
            .map { type in
                var capability = Capability()
                capability.type = type
                return capability
            }
    }
}

extension FrameworkDescription.Capabilities {
    /// Mesos's numbers are bits; our own begin at 1000.
    fileprivate init(_ type: Mesos_V1_FrameworkInfo.Capability.TypeEnum) {
        self =
            type == .atomicAccept
            ? .atomicAccept : Self(rawValue: 1 << UInt32(type.rawValue))
    }
}

/// Lengths of time as peers give them.
enum Duration {
    /// 100 years: what is longer counts as that.
    private static let longestSeconds = 100.0 * 365 * 86_400

    /// Zero for negatives and for what is no number.
    static func milliseconds(seconds: Double) -> Int64 {
        seconds > 0 ? Int64(min(seconds, longestSeconds) * 1000) : 0
    }

    /// Away from zero, so that a wait is never too short and what is negative stays so.
    static func milliseconds(_ message: Mesos_V1_DurationInfo) -> Int64 {
        let (whole, rest) = message.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return whole + rest.signum()
    }

    static func message(milliseconds: Int64) -> Mesos_V1_DurationInfo {
        var message = Mesos_V1_DurationInfo()
        message.nanoseconds = milliseconds.multipliedReportingOverflow(by: 1_000_000).partialValue
        return message
    }
}
