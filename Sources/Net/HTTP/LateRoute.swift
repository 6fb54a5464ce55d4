internal import Synchronization

/// The route of a server that listens before its route can be made, because that needs to know the
/// port: 503 until `set`.
package final class LateRoute: Sendable {
    /// A bare function in generic storage would come out with one more wrapper around it at each
    /// reading, and calls would grow slower and deeper for as long as the process lives.
    private struct Holder: Sendable {
        let route: HTTPServer.Route
    }

    private let holder = Mutex<Holder?>(nil)

    package init() {}

    package func set(_ route: @escaping HTTPServer.Route) {
        holder.withLock { $0 = Holder(route: route) }
    }

    package func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
        guard let holder = holder.withLock({ $0 }) else {
            return responder.answer(.text(503, "starting"))
        }
        holder.route(request, responder)
    }
}
