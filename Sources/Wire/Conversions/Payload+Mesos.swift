package import Model
package import SwiftProtobuf

extension Payload {
    /// Keeps a message as bytes; a template with required fields missing is fine.
    package init(_ message: some Message) {
        self.init((try? message.serializedBytes(partial: true)) ?? [])
    }

    /// The message again; an empty one for no bytes. Payloads are only ever made of messages that
    /// were read before, so that what can't be read is as good as nothing.
    package func message<Body: Message>(_ type: Body.Type = Body.self) -> Body {
        (try? Body(serializedBytes: bytes, partial: true)) ?? Body()
    }
}
