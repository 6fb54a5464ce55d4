import MachineCore
import Model

/// The rules of ids that frameworks give.
enum NameValidation {
    /// Throws `invalid` in Mesos's words.
    static func validate(_ name: String, limits: Limits) throws(Refusal) {
        guard !name.isEmpty else { throw Refusal(.invalid, "ID must not be empty") }
        guard name.utf8.count <= limits.identifierBytes else {
            throw Refusal(
                .invalid,
                "ID must not be greater than \(limits.identifierBytes) characters")
        }
        guard name != ".", name != ".." else {
            throw Refusal(.invalid, "'\(name)' is disallowed")
        }
        let isForbidden: (UInt8) -> Bool = { $0 < 0x20 || $0 == 0x7F || $0 == 0x2F || $0 == 0x5C }
        guard !name.utf8.contains(where: isForbidden) else {
            throw Refusal(.invalid, "'\(name)' contains invalid characters")
        }
    }

    static func validate(_ framework: FrameworkDescription, suppressed: [String], limits: Limits)
        throws(Refusal)
    {
        guard framework.roles.count <= limits.rolesPerFramework,
            suppressed.count <= limits.rolesPerFramework
        else {
            throw Refusal(
                .tooLarge, "a framework has at most \(limits.rolesPerFramework) roles")
        }
        var seen: Set<String> = []
        var repeated: [String] = []
        for role in framework.roles where !seen.insert(role).inserted {
            if !repeated.contains(role) { repeated.append(role) }
        }
        guard repeated.isEmpty else {
            throw Refusal(
                .invalid,
                "'FrameworkInfo.roles' contains duplicate items: { "
                    + repeated.joined(separator: ", ") + " }")
        }
        for role in framework.roles {
            do throws(Refusal) {
                try Role.validate(role)
            } catch {
                throw Refusal(
                    .invalid, "'FrameworkInfo.roles' contains invalid role: \(error.message)")
            }
        }
        for role in suppressed where !seen.contains(role) {
            throw Refusal(
                .invalid, "Suppressed role '\(role)' is not contained in the list of roles")
        }
    }
}
