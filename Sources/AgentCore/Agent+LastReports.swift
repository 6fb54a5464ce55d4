import Model

extension Agent {
    /// The report that a task ends with when its container does.
    func lastReport(of key: TaskKey, _ run: ContainerRun, _ ending: Ending) -> Report {
        switch run.kind {
        case .command: commandReport(of: key, run, ending)
        case .default, .custom: executorReport(of: key, run, ending)
        }
    }

    private func isKilled(_ key: TaskKey) -> Bool { state.tasks[key]?.row.isKilled == true }

    private func commandReport(
        of key: TaskKey, _ run: ContainerRun, _ ending: Ending
    ) -> Report {
        switch ending {
        case .failed(let reason):
            guard !isKilled(key) else { return killedDuringLaunch(reason) }
            return launchFailed(reason)
        case .gone(let text):
            return Report(
                isKilled(key) ? .killed : .failed, .agent, reason: .agentRestarted, message: text)
        case .ended(let end):
            if let limited = limitReport(run, end) { return limited }
            let status = end.waitStatus.map(WaitStatus.init)
            let text =
                status.map { "Command \($0.text)" }
                ?? "The exit status of the command is not known"
            var report = Report(
                status?.isSuccess == true ? .finished : .failed, .executor, message: text,
                isHealthy: run.isHealthy, payload: run.status.merged(with: end.status))
            switch run.cause {
            case .maxCompletionTime:
                report.state = .failed
                report.reason = .maxCompletionTimeReached
            case .unhealthy:
                report.state = .failed
                report.isHealthy = false
            case .killed, .shutdown, .registrationTimeout, .reregistrationTimeout, .diskLimit, nil:
                guard isKilled(key) else { break }
                guard run.phase == .running else { return killedDuringLaunch(text) }
                report.state = .killed
            }
            return report
        }
    }

    /// For a task that its executor had not ended.
    private func executorReport(
        of key: TaskKey, _ run: ContainerRun, _ ending: Ending
    ) -> Report {
        switch ending {
        case .failed(let reason):
            guard !isKilled(key) else { return killedDuringLaunch(reason) }
            return launchFailed(reason)
        case .gone(let text):
            return Report(
                isKilled(key) ? .killed : .failed, .agent, reason: .agentRestarted, message: text)
        case .ended(let end):
            if let limited = limitReport(run, end) { return limited }
            var text =
                end.waitStatus.map { "Executor \(WaitStatus(raw: $0).text)" }
                ?? "Executor ended; its exit status is not known"
            let reason: StatusReason
            switch run.cause {
            case .registrationTimeout:
                text = "Executor did not register in time"
                reason = .registrationTimeout
            case .reregistrationTimeout:
                text = "Executor did not come back in time after the agent's restart"
                reason = .reregistrationTimeout
            case .killed, .shutdown, .maxCompletionTime, .unhealthy, .diskLimit, nil:
                reason = .executorTerminated
            }
            if isKilled(key) {
                return Report(.killed, .agent, reason: reason, message: text)
            }
            let isUndelivered =
                state.tasks[key]?.latest == nil && !run.delivered.contains(key.task)
                && !(run.hasWorked && run.stream == nil)
            return Report(
                isUndelivered ? dropped(state.frameworks[key.framework]) : .failed, .agent,
                reason: reason, message: text)
        }
    }

    private func limitReport(_ run: ContainerRun, _ end: ContainerEnd) -> Report? {
        if case .diskLimit(let message, let status) = run.cause {
            return Report(
                .failed, .agent, reason: .diskLimitation, message: message,
                payload: run.status.merged(with: status))
        }
        guard end.isOutOfMemory, run.cause == nil else { return nil }
        return Report(
            .failed, .agent, reason: .memoryLimitation,
            message: end.message ?? "Memory limit exceeded",
            payload: run.status.merged(with: end.status))
    }

    private func launchFailed(_ reason: String) -> Report {
        Report(
            .failed, .agent, reason: .launchFailed,
            message: "Failed to launch container: \(reason)")
    }

    private func killedDuringLaunch(_ text: String) -> Report {
        Report(.killed, .agent, reason: .killedDuringLaunch, message: text)
    }
}
