internal import Foundation

/// What an image says about running it (OCI image specification, `config`), as far as Mesos's
/// docker/runtime isolator uses it. Its user is not: a task runs as its own, or the framework's.
package struct ImageConfiguration: Equatable, Sendable {
    package var entrypoint: [String] = []
    package var command: [String] = []
    package var environment: [ContainerSpec.Variable] = []
    /// Nil: the sandbox.
    package var workingDirectory: String?

    package init() {}

    /// Reads an image's config blob.
    package init(json: [UInt8]) throws(ContainerError) {
        let image: Image
        do {
            image = try JSONDecoder().decode(Image.self, from: Data(json))
        } catch {
            throw ContainerError("the image's configuration can't be read: \(error)")
        }
        guard let config = image.config else { return }
        entrypoint = config.entrypoint ?? []
        command = config.command ?? []
        environment = (config.environment ?? []).compactMap { text in
            guard let sign = text.firstIndex(of: "="), sign != text.startIndex else { return nil }
            return .init(String(text[..<sign]), String(text[text.index(after: sign)...]))
        }
        workingDirectory = config.workingDirectory.flatMap { $0.isEmpty ? nil : $0 }
    }

    private struct Image: Decodable {
        let config: Config?
    }

    private struct Config: Decodable {
        enum CodingKeys: String, CodingKey {
            case entrypoint = "Entrypoint"
            case command = "Cmd"
            case environment = "Env"
            case workingDirectory = "WorkingDir"
        }

        let entrypoint: [String]?
        let command: [String]?
        let environment: [String]?
        let workingDirectory: String?
    }

    /// What to execute, by Mesos's table of CommandInfo against Entrypoint and Cmd: a value takes
    /// their place, arguments without a value take Cmd's.
    package func execution(
        shell: Bool, value: String?, arguments: [String]
    ) throws(ContainerError) -> ContainerSpec.Command {
        if shell {
            guard let value else {
                throw ContainerError(
                    "a shell command needs a value; for the image's own command "
                        + "set shell to false")
            }
            return .shell(value)
        }
        if let value { return .program(value, arguments) }
        if let program = entrypoint.first {
            return .program(program, entrypoint + (arguments.isEmpty ? command : arguments))
        }
        guard let program = command.first else {
            throw ContainerError("neither the task nor its image has a command")
        }
        return .program(program, arguments.isEmpty ? command : [program] + arguments)
    }
}
