import AgentCore
import MachineCore
import MesosAPI
import Model
import Net
import Wire

/// POST /api/v1 on the agent.
struct AgentEndpoint: Sendable {
    let host: MachineHost<Agent>
    let containers: AgentContainers
    let files: SandboxFiles
    let usage: UsageEndpoint
    let storage: AgentStorage
    let version: Mesos_V1_VersionInfo
    let threads = BlockingThreads("files", limit: 2)

    func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
        do throws(ErrorForm) {
            guard request.method == "POST" else {
                throw ErrorForm.methodNotAllowed(request.method)
            }
            let type = try MediaType.ofRequest(contentType: request.headers["content-type"])
            let accept = try MediaType.ofResponse(accept: request.headers["accept"])
            let call: Mesos_V1_Agent_Call
            do throws(Refusal) {
                call = try type.decodeCall(Mesos_V1_Agent_Call.self, from: request.body)
            } catch { throw ErrorForm(error) }
            try serve(call) { result in
                switch result {
                case .success(let response):
                    responder.answer(
                        HTTPAnswer(
                            status: 200, headers: ["Content-Type": accept.rawValue],
                            body: accept.encode(response)))
                case .failure(let form): responder.answer(HTTPAnswer(form))
                }
            }
        } catch {
            responder.answer(HTTPAnswer(error))
        }
    }

    private typealias Finish =
        @Sendable (Result<Mesos_V1_Agent_Response, ErrorForm>) -> Void

    private func serve(
        _ call: Mesos_V1_Agent_Call, _ finish: @escaping Finish
    ) throws(ErrorForm) {
        var response = Mesos_V1_Agent_Response()
        switch call.type {
        case .getHealth:
            response.type = .getHealth
            response.getHealth.healthy = true
            finish(.success(response))
        case .getVersion:
            response.type = .getVersion
            response.getVersion.versionInfo = version
            finish(.success(response))
        case .getState:
            host.query { agent, _ in
                let response = AgentViews.state(agent)
                return { finish(.success(response)) }
            }
        case .getOperations:
            host.query { agent, _ in
                let response = AgentViews.operations(agent)
                return { finish(.success(response)) }
            }
        case .getContainers:
            host.query { [containers, usage] agent, now in
                let found = AgentViews.containers(agent)
                let seconds = now.seconds
                return { [threads] in
                    threads.run {
                        let snapshot = usage.monitor.snapshot
                        finish(
                            .success(AgentViews.response(found, containers, snapshot, seconds)))
                    }
                }
            }
        case .listFiles:
            read(call.listFiles.path, finish) { files, place throws(ErrorForm) in
                try files.list(place)
            }
        case .readFile:
            read(call.readFile.path, finish) { files, place throws(ErrorForm) in
                try files.read(place, call.readFile)
            }
        case .checkStorage: storage.check(call.checkStorage, finish)
        case .repairStorage: storage.repair(call.repairStorage, finish)
        case .keepVolume: storage.keep(call.keepVolume, finish)
        case .adoptDirectory: storage.adopt(call.adoptDirectory, finish)
        case .volumeUsage: usage.answer(call.volumeUsage, finish)
        case .volumeHistory: try usage.answer(call.volumeHistory, finish)
        case .diskTraffic: usage.answerTraffic(storage.volumes, finish)
        case .listErasures: finish(.success(storage.volumes.erasures()))
        default: throw ErrorForm.notImplemented
        }
    }

    /// Finds the sandbox that a path names and reads in it on a thread that may block.
    private func read(
        _ path: String, _ finish: @escaping Finish,
        _ body:
            @escaping @Sendable (SandboxFiles, SandboxFiles.Place) throws(ErrorForm) ->
            Mesos_V1_Agent_Response
    ) {
        host.query { [threads, files] agent, _ in
            let place = SandboxFiles.place(path, agent)
            return {
                guard let place else {
                    return finish(
                        .failure(ErrorForm(status: 404, text: "No such sandbox: \(path)")))
                }
                threads.run {
                    do throws(ErrorForm) {
                        finish(.success(try body(files, place)))
                    } catch {
                        finish(.failure(error))
                    }
                }
            }
        }
    }
}
