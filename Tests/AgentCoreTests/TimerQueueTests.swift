import MachineCore
import Testing

@testable import AgentCore

@Suite struct TimerQueueTests {
    @Test func ringsInOrderAndOnce() {
        var queue = TimerQueue<String>()
        for (key, time) in [("c", 3), ("a", 1), ("d", 3), ("b", 2)] {
            queue.set(key, at: Instant(nanoseconds: Int64(time)))
        }
        #expect(queue.popDue(at: Instant(nanoseconds: 0)) == nil)
        var rung: [String] = []
        while let key = queue.popDue(at: Instant(nanoseconds: 3)) { rung.append(key) }
        #expect(rung == ["a", "b", "c", "d"])
        #expect(queue.first == nil)
    }

    @Test func aNewTimeReplacesTheOld() {
        var queue = TimerQueue<String>()
        queue.set("a", at: Instant(nanoseconds: 1))
        queue.set("b", at: Instant(nanoseconds: 2))
        queue.set("a", at: Instant(nanoseconds: 3))
        #expect(queue.first?.nanoseconds == 2)
        queue.cancel("b")
        #expect(queue.first?.nanoseconds == 3)
        #expect(queue.instant(of: "a")?.nanoseconds == 3)
        #expect(!queue.contains("b"))
    }

    @Test func agreesWithASortedList() {
        var generator = SeededGenerator(seed: 5)
        var queue = TimerQueue<Int>()
        var model: [Int: Int64] = [:]
        for _ in 0..<5_000 {
            let key = generator.below(50)
            if generator.oneIn(4) {
                queue.cancel(key)
                model[key] = nil
            } else {
                let time = Int64(generator.below(1_000))
                queue.set(key, at: Instant(nanoseconds: time))
                model[key] = time
            }
            #expect(queue.first?.nanoseconds == model.values.min())
        }
    }
}
