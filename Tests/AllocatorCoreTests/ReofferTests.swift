import MachineCore
import Model
import Testing

@testable import AllocatorCore

@Suite("DECLINE with refuse_seconds 0") struct ReofferTests {
    func cluster(agents: Int) -> Cluster {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        for index in 0..<agents { cluster.agent("a\(index)", Make.resources(cpus: 1, mem: 64)) }
        return cluster
    }

    @Test func bringsTheNextOfferAtOnce() {
        var cluster = cluster(agents: 1)
        cluster.recover(cluster.allocate()[0], refuseSeconds: 0)
        #expect(cluster.offers() == ["f1 a0 cpus:1 mem:64"])
    }

    @Test func bringsNoMoreThanFiftyOffersASecond() {
        var cluster = cluster(agents: 1)
        var times: [Instant] = []
        var offers = cluster.allocate()
        for _ in 0..<5000 {
            for offer in offers { cluster.recover(offer, refuseSeconds: 0) }
            offers = cluster.allocate()
            if !offers.isEmpty { times.append(cluster.now) }
            cluster.advance(milliseconds: 1)
        }
        #expect(times.count == 250, "five seconds of 50")
        for (index, time) in times.enumerated() {
            let inSecond = times[index...].count { $0 < time + .seconds(1) }
            #expect(inSecond <= 50)
        }
        let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect(gaps.allSatisfy { $0 == .milliseconds(20) }, "none waits longer than the interval")
    }

    @Test func ofAllAgentsInOneCallComeBackTogether() {
        var cluster = cluster(agents: 10)
        for offer in cluster.allocate() { cluster.recover(offer, refuseSeconds: 0) }
        let again = cluster.allocate()
        #expect(again.count == 10)
        cluster.advance(milliseconds: 1)
        for offer in again { cluster.recover(offer, refuseSeconds: 0) }
        #expect(cluster.offers() == [])
        #expect(cluster.allocator.deadline == Instant(nanoseconds: 20_000_000))
        cluster.advance(milliseconds: 19)
        #expect(cluster.offers().count == 10)
    }

    @Test func isNotMadeFasterByRevive() {
        var cluster = cluster(agents: 1)
        var offers = cluster.allocate()
        var count = 0
        for _ in 0..<1000 {
            for offer in offers { cluster.recover(offer, refuseSeconds: 0) }
            cluster.allocator.revive(FrameworkID("f1"), roles: [])
            offers = cluster.allocate()
            count += offers.count
            cluster.advance(milliseconds: 1)
        }
        #expect(count == 50)
    }

    @Test func doesNotHoldBackWhatIsNew() {
        var cluster = cluster(agents: 2)
        var offers = cluster.allocate()
        cluster.recover(offers[0], refuseSeconds: 0)
        let again = cluster.allocate()
        cluster.recover(again[0], refuseSeconds: 0)
        #expect(cluster.offers() == [])
        offers.removeFirst()
        cluster.recover(offers[0])
        #expect(cluster.offers() == ["f1 a1 cpus:1 mem:64"], "a task ended: no re-offer")
    }

    @Test func isLimitedForEachFrameworkAlone() {
        var cluster = cluster(agents: 1)
        cluster.recover(cluster.allocate()[0], refuseSeconds: 0)
        cluster.recover(cluster.allocate()[0], refuseSeconds: 0)
        #expect(cluster.offers() == [])
        cluster.framework("f2", "r2")
        #expect(cluster.offers() == ["f2 a0 cpus:1 mem:64"])
    }

    @Test func givesOthersTheirTurnWhileItIsHeld() {
        var cluster = cluster(agents: 1)
        cluster.framework("f2", "r2")
        var counts: [String: Int] = [:]
        var offers = cluster.allocate()
        for _ in 0..<2000 {
            for offer in offers {
                counts[offer.framework.value, default: 0] += 1
                cluster.recover(offer, refuseSeconds: 0)
            }
            offers = cluster.allocate()
            cluster.advance(milliseconds: 1)
        }
        #expect(counts["f1", default: 0] >= 99)
        #expect(counts["f2", default: 0] >= 99)
    }
}
