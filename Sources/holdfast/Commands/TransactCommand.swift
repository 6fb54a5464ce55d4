import ArgumentParser
import MesosAPI
import Model
import SwiftProtobuf
import Wire

struct TransactCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transact",
        abstract: "Do several operations on one agent, all of them or none.",
        discussion: """
            FILE is YAML or JSON; '-' reads it from the standard input:

              role: db            # of all reservations and volumes
              agent: ID           # may be left out when there is one agent only
              principal: NAME     # may be left out
              key: NAME           # may be left out, or given by --key
              steps:              # in this order
                - reserve: cpus:1;mem:256;disk:1024
                - create: {id: data, size: 1GiB, path: data}
                - grow: {volume: ID, by: 512MiB}
                - destroy: ID
                - unreserve: cpus:1
            """)
    @OptionGroup var client: ClientOptions
    @Option(help: "The same key with the same steps is done once, however often it is asked for.")
    var key: String?
    @Argument(help: "The file with the steps, or - for the standard input.")
    var file: String

    func run() async throws {
        let plan = try TransactionFile.read(file)
        let answer = try await withClient(client.master) { api in
            var call = Mesos_V1_Master_Call()
            call.type = .transact
            call.transact = try await plan.message(api)
            if let key = key ?? plan.key { call.transact.key = key }
            return try await api.send(
                "/api/v1", try call.serializedBytes(), contentType: "application/x-protobuf")
        }
        // An operation that the agent has not confirmed is told in JSON.
        guard answer.first != UInt8(ascii: "{") else {
            return report(String(decoding: answer, as: UTF8.self), "", asJSON: client.json)
        }
        let result = try Mesos_V1_Master_Response(serializedBytes: answer).transact
        guard !client.json else { return print(jsonText(message: result)) }
        print("done: transaction \(result.uuid) on agent \(result.agentID.value)")
        var table = Table([
            ("step", "STEP"), ("type", "OPERATION"), ("uuid", "UUID"), ("volumes", "VOLUMES"),
        ])
        for (index, step) in result.steps.enumerated() {
            table.add([
                .number(Double(index + 1)), .text(step.type.operationType?.rawValue ?? "-"),
                .text(step.operationUuid),
                step.volumeUuids.isEmpty
                    ? .missing : .text(step.volumeUuids.joined(separator: " ")),
            ])
        }
        table.print(asJSON: false)
    }
}
