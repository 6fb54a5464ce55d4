/// How large a simulated cluster is and how long its faults last.
package struct SimulationOptions: Hashable, Sendable {
    package var agents = 3
    package var frameworks = 2
    /// Events with faults; the healing comes after them.
    package var events = 2_000
    /// Within so many further events everything that is pending must end.
    package var healingEventsAtMost = 8_000
    /// Once in so many events a process dies in the middle of its actions.
    package var crashOneIn = 400
    /// Once in so many events everything is checked instead of what was touched.
    package var fullCheckEvery = 1_000

    package init() {}
}
