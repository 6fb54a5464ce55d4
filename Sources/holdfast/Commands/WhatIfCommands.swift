import ArgumentParser
import MesosAPI

struct WhatIfCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "what-if",
        abstract: "What would come of a call? Nothing is done.",
        discussion: """
            Whether the master would take the call, which offers it would rescind, what the \
            agent's books would be afterwards, and who would be offered what is free then.
            """,
        subcommands: [
            WhatIfReserve.self, WhatIfUnreserve.self, WhatIfCreate.self, WhatIfDestroy.self,
            WhatIfGrow.self, WhatIfShrink.self, WhatIfTransact.self, WhatIfDrain.self,
        ])
}

/// Asks what would come of a call, and prints the answer.
private func ask(
    _ client: APIClient, asJSON: Bool,
    _ fill: (inout Mesos_V1_Master_Call.WhatIf) -> Void
) async throws {
    let answer = try await client.ask(.whatIf) { fill(&$0.whatIf) }.whatIf
    print(asJSON ? jsonText(message: answer) : PredictionText().text(answer))
}

struct WhatIfReserve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reserve", abstract: "Reserve resources of an agent for a role.")
    @OptionGroup var options: ResourceOptions
    @Argument(help: "What to reserve, like 'cpus:2;mem:512;disk:1024'.")
    var what: String

    func run() async throws {
        let resources = try options.resources(what)
        try await withClient(options.client.master) { client in
            let agent = try await options.agentID(client)
            try await ask(client, asJSON: options.client.json) {
                $0.reserveResources.agentID = agent
                $0.reserveResources.resources = resources
            }
        }
    }
}

struct WhatIfUnreserve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unreserve", abstract: "Give reserved resources of an agent back.")
    @OptionGroup var options: ResourceOptions
    @Argument(help: "What to give back, like 'cpus:2;mem:512'.")
    var what: String

    func run() async throws {
        let resources = try options.resources(what)
        try await withClient(options.client.master) { client in
            let agent = try await options.agentID(client)
            try await ask(client, asJSON: options.client.json) {
                $0.unreserveResources.agentID = agent
                $0.unreserveResources.resources = resources
            }
        }
    }
}

struct WhatIfCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a volume out of disk that is reserved for the role.")
    @OptionGroup var options: ResourceOptions
    @Option(help: "Its size, like 1GiB or 512 (MiB).")
    var size: String
    @Option(help: "Where a task sees it, below its sandbox.")
    var path = "data"
    @Argument(help: "The volume's id, unique for the role on the agent.")
    var id: String

    func run() async throws {
        let volume = try newVolume(id, size: size, path: path, options)
        try await withClient(options.client.master) { client in
            let agent = try await options.agentID(client)
            try await ask(client, asJSON: options.client.json) {
                $0.createVolumes.agentID = agent
                $0.createVolumes.volumes = [volume]
            }
        }
    }
}

struct WhatIfDestroy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy", abstract: "Destroy a volume and all its data.")
    @OptionGroup var choice: VolumeChoice

    func run() async throws {
        try await withClient(choice.client.master) { client in
            let volume = try await choice.find(client)
            try await ask(client, asJSON: choice.client.json) {
                $0.destroyVolumes.agentID = volume.agentID
                $0.destroyVolumes.volumes = [volume.resource]
            }
        }
    }
}

struct WhatIfGrow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grow", abstract: "Grow a volume by disk that is reserved like it.")
    @OptionGroup var choice: VolumeChoice
    @Option(help: "By how much, like 1GiB or 512 (MiB).")
    var by: String

    func run() async throws {
        let addition = try disk(size: by)
        try await withClient(choice.client.master) { client in
            let volume = try await choice.find(client)
            try await ask(client, asJSON: choice.client.json) {
                $0.growVolume.agentID = volume.agentID
                $0.growVolume.volume = volume.resource
                $0.growVolume.addition = addition
                $0.growVolume.addition.reservations = volume.resource.reservations
            }
        }
    }
}

struct WhatIfShrink: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shrink", abstract: "Shrink an idle volume.")
    @OptionGroup var choice: VolumeChoice
    @Option(help: "By how much, like 1GiB or 512 (MiB).")
    var by: String

    func run() async throws {
        let amount = try megabytes(by)
        try await withClient(choice.client.master) { client in
            let volume = try await choice.find(client)
            try await ask(client, asJSON: choice.client.json) {
                $0.shrinkVolume.agentID = volume.agentID
                $0.shrinkVolume.volume = volume.resource
                $0.shrinkVolume.subtract.value = amount
            }
        }
    }
}

struct WhatIfTransact: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transact",
        abstract: "Do several operations on one agent, all of them or none.",
        discussion: "FILE is that of 'holdfast transact'; '-' reads it from the standard input.")
    @OptionGroup var client: ClientOptions
    @Argument(help: "The file with the steps, or - for the standard input.")
    var file: String

    func run() async throws {
        let plan = try TransactionFile.read(file)
        try await withClient(client.master) { api in
            var message = try await plan.message(api)
            if let key = plan.key { message.key = key }
            try await ask(api, asJSON: client.json) { $0.transact = message }
        }
    }
}

struct WhatIfDrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Drain an agent: what runs there, what stays, and where tasks would fit.")
    @OptionGroup var client: ClientOptions
    @Argument(help: "The agent's id.")
    var agent: String

    func run() async throws {
        try await withClient(client.master) { api in
            try await ask(api, asJSON: client.json) { $0.drainAgent.agentID.value = agent }
        }
    }
}
