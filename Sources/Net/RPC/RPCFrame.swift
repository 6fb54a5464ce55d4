import NIOCore

/// One message between master and agent: what it is, and its bytes.
package struct RPCFrame: Hashable, Sendable {
    /// The largest payload in bytes.
    package static let payloadLimit = 64 << 20

    package let kind: UInt8
    package let payload: [UInt8]

    package init(kind: UInt8, payload: [UInt8]) {
        self.kind = kind
        self.payload = payload
    }
}

/// A connection of this process since its start; never used twice.
package struct RPCConnectionID: Hashable, Sendable, CustomStringConvertible {
    package let number: UInt64

    package init(number: UInt64) { self.number = number }

    package var description: String { "connection \(number)" }
}

/// Why a connection ended or was not made.
package enum RPCDisconnection: Hashable, Sendable, CustomStringConvertible {
    /// The other side closed it, or the network did.
    case closedByPeer
    /// This side closed it.
    case closedHere
    /// The other side does not read what is sent to it.
    case peerTooSlow
    /// The other side does not speak this protocol: no or a wrong greeting in time.
    case notHoldfast
    case unsupportedVersion(UInt16)
    case frameTooLarge(bytes: Int)
    /// No connection came about, or it broke.
    case failed(reason: String)

    package var description: String {
        switch self {
        case .closedByPeer: "closed by the other side"
        case .closedHere: "closed here"
        case .peerTooSlow: "the other side does not read"
        case .notHoldfast: "the other side does not speak Holdfast's protocol"
        case .unsupportedVersion(let version): "the other side speaks version \(version)"
        case .frameTooLarge(let bytes): "a message of \(bytes) bytes is too large"
        case .failed(let reason): reason
        }
    }
}

/// What happens on connections; of one connection in order: connected, received..., disconnected.
package enum RPCEvent: Sendable {
    /// Greetings are exchanged; `peer` is `address:port`.
    case connected(RPCConnectionID, peer: String)
    /// Everything that came in one read, in order.
    case received(RPCConnectionID, [RPCFrame])
    case disconnected(RPCConnectionID, RPCDisconnection)
}
