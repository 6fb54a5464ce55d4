import ArgumentParser

enum HoldfastVersion {
    static let holdfast = "0.1.0"
    /// The version of Mesos whose API is spoken; clients ask for it.
    static let mesos = "1.11.0"
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.")
    @Flag(help: "Print JSON for programs.")
    var json = false

    func run() {
        if json {
            let object = ["holdfast": HoldfastVersion.holdfast, "mesos_api": HoldfastVersion.mesos]
            print(jsonText(object))
        } else {
            print(
                "holdfast \(HoldfastVersion.holdfast) (speaks the Mesos \(HoldfastVersion.mesos) "
                    + "API)")
        }
    }
}
