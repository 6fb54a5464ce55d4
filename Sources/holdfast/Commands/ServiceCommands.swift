import ArgumentParser
import Foundation
import MesosAPI

struct ServiceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service", abstract: "Run stateful services: one YAML file each.",
        subcommands: [
            ServiceDeploy.self, ServiceStatus.self, ServiceLogs.self, ServiceRestart.self,
            ServiceResize.self, ServiceRemove.self,
        ])
}

/// Talks to the service scheduler, which the master knows as a framework with a web address.
struct SchedulerClient {
    let client: APIClient
    let address: String

    init(_ client: APIClient) async throws {
        let frameworks = try await client.ask(.getFrameworks).getFrameworks.frameworks
        let found = frameworks.first {
            $0.frameworkInfo.name == "holdfast-services" && $0.connected
        }
        guard let url = found?.frameworkInfo.webuiURL, url.hasPrefix("http://") else {
            throw CommandFailure(
                "no service scheduler is connected to \(client.address): start one with "
                    + "'holdfast scheduler --master \(client.address)' or use 'holdfast dev'")
        }
        self.client = client
        address = String(url.dropFirst("http://".count))
    }

    func call(
        _ path: String, body: [UInt8] = [], contentType: String = "application/json",
        timeoutSeconds: Int = 60
    ) async throws -> [String: Any] {
        let scheduler = APIClient(address)
        let answer: [UInt8]
        do {
            answer = try await scheduler.send(
                path, body, contentType: contentType, timeoutSeconds: timeoutSeconds)
            await scheduler.close()
        } catch {
            await scheduler.close()
            throw error
        }
        let object = try? JSONSerialization.jsonObject(with: Data(answer))
        return object as? [String: Any] ?? [:]
    }

    func services() async throws -> [[String: Any]] {
        try await call("/services/list")["services"] as? [[String: Any]] ?? []
    }

    func service(_ name: String) async throws -> [String: Any] {
        guard let found = try await services().first(where: { $0["name"] as? String == name })
        else {
            throw CommandFailure(
                "there is no service '\(name)': 'holdfast service status' lists all")
        }
        return found
    }
}

struct ServiceDeploy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy", abstract: "Run the service that a YAML file describes.")
    @OptionGroup var options: ClientOptions
    @Argument(help: "The service's YAML file.", completion: .file())
    var file: String
    @Flag(inversion: .prefixedNo, help: "Wait until it runs (and is healthy, if it has a check).")
    var wait = true
    @Option(help: "How long to wait.")
    var timeout = DurationOption(milliseconds: 120_000)

    func run() async throws {
        guard let text = FileManager.default.contents(atPath: file) else {
            throw CommandFailure("can't read \(file)")
        }
        try await withClient(options.master) { client in
            let scheduler = try await SchedulerClient(client)
            let answer = try await scheduler.call(
                "/services/deploy", body: Array(text), contentType: "application/yaml")
            let name = answer["name"] as? String ?? ""
            progress("service \(name) \(answer["message"] as? String ?? "")")
            let end = ContinuousClock.now + .milliseconds(timeout.milliseconds)
            while wait {
                let service = try await scheduler.service(name)
                if service["is_ready"] as? Bool == true { break }
                guard ContinuousClock.now < end else {
                    throw CommandFailure(
                        "service \(name) is not ready: \(service["phase"] ?? "?"), "
                            + "\(service["message"] ?? "no message")")
                }
                try await Task.sleep(for: .milliseconds(50))
            }
            let service = try await scheduler.service(name)
            if options.json {
                print(jsonText(service))
            } else {
                print(
                    "service \(name): \(service["phase"] ?? "?") on \(service["hostname"] ?? "-")")
            }
        }
    }
}

/// A line of progress for people, on the standard error.
func progress(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}

struct ServiceStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the services, or one of them.")
    @OptionGroup var options: ClientOptions
    @Argument(help: "A service's name; all when left out.")
    var name: String?

    func run() async throws {
        let services = try await withClient(options.master) { client in
            let all = try await SchedulerClient(client).services()
            return all.filter { name == nil || $0["name"] as? String == name }
        }
        if let name, services.isEmpty { throw CommandFailure("there is no service '\(name)'") }
        if options.json {
            print(jsonText(services))
            return
        }
        var table = Table([
            ("name", "NAME"), ("phase", "PHASE"), ("state", "STATE"), ("healthy", "HEALTHY"),
            ("agent", "AGENT"), ("launches", "LAUNCHES"), ("message", "MESSAGE"),
        ])
        for service in services {
            table.add(
                table.columns.map { column in
                    switch service[column.key] {
                    case let text as String: .text(text)
                    case let flag as Bool where column.key == "healthy": .flag(flag)
                    case let number as NSNumber: .number(number.doubleValue)
                    default: .missing
                    }
                })
        }
        table.print(asJSON: false)
    }
}

struct ServiceLogs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print what a service's task wrote.")
    @OptionGroup var options: ClientOptions
    @Argument var name: String
    @Flag(help: "Its standard error instead of its standard output.")
    var stderr = false

    func run() async throws {
        try await withClient(options.master) { client in
            let service = try await SchedulerClient(client).service(name)
            guard let id = service["task"] as? String else {
                throw CommandFailure("service '\(name)' has no task now: \(service["phase"] ?? "")")
            }
            let tasks = try await client.ask(.getTasks).getTasks
            guard
                let task = (tasks.tasks + tasks.completedTasks).first(where: {
                    $0.taskID.value == id
                })
            else { throw CommandFailure("the master does not know task \(id)") }
            try await printLog(of: task, file: stderr ? "stderr" : "stdout", master: client)
        }
    }
}

struct ServiceRestart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "End a service's task and launch it again.")
    @OptionGroup var options: ClientOptions
    @Argument var name: String

    func run() async throws {
        try await withClient(options.master) { client in
            let answer = try await SchedulerClient(client).call("/services/\(name)/restart")
            print(options.json ? jsonText(answer) : "service \(name) restarts")
        }
    }
}

struct ServiceResize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resize", abstract: "Give a service's volume another size.")
    @OptionGroup var options: ClientOptions
    @Argument var name: String
    @Option(help: "The volume's name; may be left out when there is one only.")
    var volume: String?
    @Option(help: "The new size, like 2GiB.")
    var size: String

    func run() async throws {
        let megabytes = try megabytes(size)
        try await withClient(options.master) { client in
            let scheduler = try await SchedulerClient(client)
            progress("service \(name) is being resized")
            var body: [String: Any] = ["size_mib": megabytes]
            if let volume { body["volume"] = volume }
            let answer = try await scheduler.call(
                "/services/\(name)/resize", body: Array(jsonText(body).utf8), timeoutSeconds: 300)
            let downtime = answer["downtime_milliseconds"] as? Int ?? 0
            let isMounted = answer["grown_while_mounted"] as? Bool ?? false
            let way = isMounted ? "grown while mounted, " : ""
            print(
                options.json
                    ? jsonText(answer)
                    : "service \(name): volume is \(size) now, \(way)downtime \(downtime) ms")
        }
    }
}

struct ServiceRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "End a service. Its volumes stay, unless they are to be destroyed.")
    @OptionGroup var options: ClientOptions
    @Argument var name: String
    @Flag(help: "Also destroy its volumes and all their data.")
    var destroyVolumes = false

    func run() async throws {
        let suffix = destroyVolumes ? "?destroy_volumes=true" : ""
        try await withClient(options.master) { client in
            let answer = try await SchedulerClient(client).call("/services/\(name)/remove\(suffix)")
            print(options.json ? jsonText(answer) : "service \(name) is being removed")
        }
    }
}
