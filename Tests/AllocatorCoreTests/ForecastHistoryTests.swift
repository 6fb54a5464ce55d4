import MachineCore
import Model
import Testing

@testable import AllocatorCore

/// Over random histories the forecast is what the next pass does.
@Suite struct ForecastHistoryTests {
    @Test(arguments: 100..<106)
    func foretellsThePass(seed: Int) {
        var history = History(seed: UInt64(seed))
        history.checksForecasts = true
        for step in 0..<500 {
            history.step()
            guard history.mistakes.isEmpty else {
                Issue.record("seed \(seed), step \(step): \(history.mistakes)")
                return
            }
        }
        #expect(history.counts.allocations > 50)
        let seen = history.counts.decisive.sorted { $0.rawValue < $1.rawValue }
        #expect(seen.count >= 9, "too few reasons: \(seen)")
    }
}

extension History {
    /// Every subject and agent, also those that are not there.
    func forecasts() -> [OfferForecast.Subject: [AgentID: OfferOutlook]] {
        let subjects = (0..<7).flatMap { framework in
            History.roles.map {
                OfferForecast.Subject(framework: FrameworkID("framework\(framework)"), role: $0)
            }
        }
        let agents = (0..<7).map { AgentID("agent\($0)") }
        let forecast = OfferForecast(
            cluster.allocator, subjects: subjects, agents: agents, at: cluster.now)
        var result: [OfferForecast.Subject: [AgentID: OfferOutlook]] = [:]
        for subject in subjects {
            for agent in agents {
                result[subject, default: [:]][agent] = forecast.outlook(subject, agent)
            }
        }
        return result
    }

    /// Keeps as a complaint each outlook that is not what the pass did.
    mutating func compare(
        _ forecasts: [OfferForecast.Subject: [AgentID: OfferOutlook]],
        with allocations: [Allocation]
    ) {
        for (subject, outlooks) in forecasts {
            for (agent, outlook) in outlooks {
                let made = allocations.first {
                    $0.framework == subject.framework && $0.role == subject.role
                        && $0.agent == agent
                }
                if let decisive = outlook.decisive { counts.decisive.insert(decisive.code) }
                let isExplained = outlook.offered != nil || outlook.decisive != nil
                guard outlook.offered == made?.resources, isExplained else {
                    let codes = outlook.reasons.map(\.code.rawValue).joined(separator: ", ")
                    mistakes.append(
                        "\(subject.framework) \(subject.role) \(agent): foretold"
                            + " \(outlook.offered?.summaryText ?? codes), made"
                            + " \(made?.text ?? "nothing")")
                    continue
                }
            }
        }
    }
}

extension Resources {
    fileprivate var summaryText: String { map(\.text).sorted().joined(separator: " ") }
}
