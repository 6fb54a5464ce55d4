import Foundation
import MachineCore
import Synchronization
import Testing

@testable import Daemons

/// A register of numbers, each of which needs a record; it refuses new ones itself when space is
/// low. What is below zero it must take all the same.
private struct Numbers: Machine {
    enum Event: Equatable, Sendable {
        case added(Int)
        /// Told before its record.
        case ended(Int)
        /// Answered without a record.
        case asked(String)
        case noted(String)
        case ticked
        case spaceLow(Bool)
        case timed(after: Span)
    }

    enum Action: Equatable, Sendable {
        case store(Int)
        case tell(String)
        case tellAhead(String)
    }

    var numbers: [Int] = []
    var notes: [String] = []
    var isSpaceLow = false
    var ticks = 0
    var deadline: Instant?

    mutating func handle(_ event: Event, at now: Instant, into outbox: inout Outbox<Action>) {
        switch event {
        case .added(let number):
            if isSpaceLow, number >= 0 {
                outbox.append(.tell("no room for \(number)"))
            } else {
                numbers.append(number)
                outbox.append(.store(number))
                outbox.append(.tell("took \(number)"))
            }
        case .ended(let number):
            numbers.append(number)
            outbox.append(.tellAhead("ended \(number)"))
            outbox.append(.store(number))
            outbox.append(.tellAhead("stored \(number)"))
        case .asked(let text): outbox.append(.tell("\(text): \(numbers.count)"))
        case .noted(let text): notes.append(text)
        case .ticked:
            ticks += 1
            deadline = nil
            outbox.append(.store(0))
        case .spaceLow(let isLow): isSpaceLow = isLow
        case .timed(let span): deadline = now + span
        }
    }
}

/// Stores numbers as long as there is room: so many of them, and so many below zero besides.
private final class NumberShell: MachineShell {
    struct Disk {
        var room = Int.max
        var reserve = 0
        var isLow = false
        var stored: [Int] = []
        var told: [String] = []
        /// What had been told when each number was stored.
        var toldBefore: [Int: [String]] = [:]
    }

    let disk = Mutex(Disk())
    /// Why the process would have ended.
    let failure = Mutex<String?>(nil)

    func persist(_ actions: [Numbers.Action]) throws {
        try disk.withLock { disk in
            let wanted = actions.compactMap { action in
                if case .store(let number) = action { number } else { nil }
            }
            let isForced = wanted.allSatisfy { $0 < 0 } && wanted.count <= disk.reserve
            if wanted.count <= disk.room {
                disk.room -= wanted.count
            } else if isForced {
                disk.reserve -= wanted.count
            } else {
                disk.isLow = true
                throw StorageFull("no room")
            }
            disk.stored += wanted
            for number in wanted { disk.toldBefore[number] = disk.told }
        }
    }

    func perform(_ action: Numbers.Action) {
        switch action {
        case .store: break
        case .tell(let text), .tellAhead(let text): disk.withLock { $0.told.append(text) }
        }
    }

    func mayPrecedeRecords(_ action: Numbers.Action) -> Bool {
        if case .tellAhead = action { true } else { false }
    }

    func isRecord(_ action: Numbers.Action) -> Bool {
        if case .store = action { true } else { false }
    }

    func refuse(_ event: Numbers.Event, because reason: String) -> RefusedEvent {
        switch event {
        case .added(-13): return .fatal
        case .added(let number) where number < 0: return .later
        case .added(let number):
            disk.withLock { $0.told.append("refused \(number)") }
            return .told
        case .ended, .asked, .noted, .ticked, .spaceLow, .timed: return .later
        }
    }

    func isSpaceLow() -> Bool { disk.withLock(\.isLow) }

    func makeRoom(_ count: Int) {
        disk.withLock { disk in
            disk.room = count
            disk.isLow = false
        }
    }
}

@Suite struct MachineHostTests {
    private let shell = NumberShell()

    private func host(_ machine: Numbers = Numbers()) -> MachineHost<Numbers> {
        let host = MachineHost<Numbers>(
            clock: ProcessClock(), tick: .ticked, spaceChanged: { .spaceLow($0) }
        ) { [shell] error in shell.failure.withLock { $0 = "\(error)" } }
        host.start(machine, shell: shell, name: "test")
        return host
    }

    /// Asks again until a condition holds, which it does soon or never.
    private func eventually(_ condition: () async -> Bool) async -> Bool {
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            if await condition() { return true }
            try? await Task.sleep(for: .milliseconds(2))
        }
        // Beside many other tests the last sleep may have been a long one.
        return await condition()
    }

    @Test func aBatchWithoutRoomIsRefusedAndNothingIsChanged() async {
        let host = host()
        host.send(.added(1))
        #expect(await host.read { machine, _ in machine.numbers } == [1])
        shell.disk.withLock { $0.room = 0 }
        host.send([.noted("a"), .added(2), .noted("b"), .added(3)])
        let after = await host.read { machine, _ in machine }
        #expect(after.numbers == [1])
        #expect(after.notes == ["a", "b"])
        #expect(after.isSpaceLow)
        host.send(.added(4))
        #expect(await host.read { machine, _ in machine.numbers } == [1])
        #expect(
            shell.disk.withLock(\.told)
                == ["took 1", "no room for 2", "no room for 3", "no room for 4"])
        shell.makeRoom(10)
        #expect(await eventually { await host.read { machine, _ in !machine.isSpaceLow } })
        host.send(.added(5))
        #expect(await host.read { machine, _ in machine.numbers } == [1, 5])
        #expect(shell.disk.withLock(\.stored) == [1, 5])
        host.stop()
    }

    @Test func onlyWhatComesBeforeTheRecordsMayPrecedeThem() async {
        let host = host()
        host.send(.ended(1))
        host.send(.added(2))
        #expect(await host.read { machine, _ in machine.numbers } == [1, 2])
        let disk = shell.disk.withLock { $0 }
        #expect(disk.told == ["ended 1", "stored 1", "took 2"])
        #expect(disk.toldBefore[1] == ["ended 1"])
        #expect(disk.toldBefore[2]?.contains("took 2") == false)
        host.stop()
    }

    @Test func anEndThatWasToldIsStoredWhenThereIsRoom() async {
        shell.disk.withLock { $0.room = 0 }
        let host = host()
        host.send(.ended(1))
        #expect(await eventually { await host.read { machine, _ in machine.isSpaceLow } })
        #expect(shell.disk.withLock(\.told).first == "ended 1")
        #expect(shell.disk.withLock(\.stored) == [])
        shell.makeRoom(1)
        #expect(await eventually { shell.disk.withLock(\.stored) == [1] })
        #expect(await host.read { machine, _ in machine.numbers } == [1])
        host.stop()
    }

    @Test func whatNeedsNoCommitIsDoneByTheThreadThatBringsIt() async {
        let host = host()
        #expect(await host.read { machine, _ in machine.numbers } == [])
        // Where the core thread looks after the read just then, it takes the event.
        #expect(
            await eventually {
                let before = shell.disk.withLock { $0.told.count }
                host.handle(.asked("now"))
                return shell.disk.withLock { $0.told.count } == before + 1
            })
        host.stop()
    }

    @Test func nothingIsToldBeforeWhatWasStoredInFrontOfIt() async {
        let host = host()
        for number in 0..<2_000 {
            host.handle(.added(number))
            host.handle(.asked("after \(number)"))
        }
        #expect(await host.read { machine, _ in machine.numbers } == Array(0..<2_000))
        let disk = shell.disk.withLock { $0 }
        let expected = (0..<2_000).flatMap { ["took \($0)", "after \($0): \($0 + 1)"] }
        #expect(disk.told == expected)
        #expect(disk.toldBefore.allSatisfy { !$0.value.contains("took \($0.key)") })
        host.stop()
    }

    @Test func threadsThatDecideInPassingLoseNothing() async {
        let host = host()
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    for number in 0..<500 {
                        let event = Numbers.Event.added(thread * 500 + number)
                        if number.isMultiple(of: 3) { host.send(event) } else { host.handle(event) }
                        if number.isMultiple(of: 5) { host.handle(.asked("x")) }
                    }
                }
            }
        }
        let numbers = await host.read { machine, _ in machine.numbers }
        #expect(numbers.sorted() == Array(0..<4_000))
        let disk = shell.disk.withLock { $0 }
        #expect(disk.stored == numbers)
        #expect(disk.told.count == 4_000 + 800)
        for thread in 0..<8 {
            let mine = numbers.filter { $0 / 500 == thread }
            #expect(mine == mine.sorted(), "thread \(thread)")
        }
        host.stop()
    }

    @Test func aDeadlineThatIsSetInPassingWakesTheCore() async {
        let host = host()
        host.handle(.timed(after: .milliseconds(5)))
        #expect(await eventually { await host.read { machine, _ in machine.ticks == 1 } })
        host.stop()
    }

    @Test func whatMustBeStoredTakesTheReserveAndThenWaits() async {
        let host = host()
        shell.disk.withLock { disk in
            disk.room = 0
            disk.reserve = 2
        }
        host.send([.added(-1), .added(7), .added(-2), .added(-3), .noted("x"), .added(-4)])
        let after = await host.read { machine, _ in machine }
        #expect(after.numbers == [-1, -2])
        #expect(after.notes == ["x"])
        #expect(shell.disk.withLock(\.told) == ["took -1", "no room for 7", "took -2"])
        shell.makeRoom(10)
        #expect(await eventually { await host.read { machine, _ in machine.numbers.count == 4 } })
        #expect(shell.disk.withLock(\.stored) == [-1, -2, -3, -4])
        host.stop()
    }

    @Test func aTickWithoutRoomComesAgain() async {
        shell.disk.withLock { $0.room = 0 }
        var machine = Numbers()
        machine.deadline = Instant(nanoseconds: 0)
        let host = host(machine)
        #expect(await eventually { await host.read { machine, _ in machine.isSpaceLow } })
        #expect(await host.read { machine, _ in machine.ticks } == 0)
        shell.makeRoom(1)
        #expect(await eventually { await host.read { machine, _ in machine.ticks == 1 } })
        host.stop()
    }

    @Test func whatTheShellCannotDoWithoutEndsTheProcess() async {
        shell.disk.withLock { $0.room = 0 }
        let host = host()
        host.send(.added(-13))
        #expect(await eventually { shell.failure.withLock { $0 } == "no room" })
        #expect(shell.disk.withLock(\.told) == [])
        host.stop()
    }

    @Test func manyEventsAreStoredInOrderAroundARefusal() async {
        let host = host()
        shell.disk.withLock { $0.room = 3_000 }
        for number in 0..<5_000 { host.send(.added(number)) }
        let after = await host.read { machine, _ in machine.numbers }
        #expect(after == shell.disk.withLock(\.stored))
        #expect(after.count <= 3_000)
        #expect(after == Array(0..<after.count))
        #expect(shell.disk.withLock { $0.told.count } == 5_000)
        host.stop()
    }
}

@Suite struct MachineHistoryTests {
    @Test func goingBackMakesTheStateBeforeABatch() {
        for span in [1, 4, 100] {
            for durable in [UInt64(0), 3, 7] {
                var history = MachineHistory(Numbers(), span: span)
                var machine = Numbers()
                var outbox = Outbox<Numbers.Action>()
                var states: [[Int]] = []
                for batch in 1...10 {
                    states.append(machine.numbers)
                    for number in [batch, -batch] {
                        let now = Instant(nanoseconds: Int64(batch))
                        history.note(.event(.added(number)), at: now, in: UInt64(batch))
                        machine.handle(.added(number), at: now, into: &outbox)
                    }
                    history.advance(
                        to: machine, after: UInt64(batch), durable: min(durable, UInt64(batch)))
                }
                let (before, inputs) = history.goBack(before: 8, tick: .ticked)
                #expect(before.numbers == states[7], "span \(span), durable \(durable)")
                let events = inputs.compactMap { input in
                    if case .event(let event) = input { event } else { nil }
                }
                #expect(events == [8, 9, 10].flatMap { [Numbers.Event.added($0), .added(-$0)] })
            }
        }
    }
}
