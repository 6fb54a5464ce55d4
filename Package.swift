// swift-tools-version: 6.2
import PackageDescription

// The rooms and who may import whom: docs/architecture.md. Tests/HouseTests holds the same table
// and fails on an import that is not in it.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]
/// Exclusivity checks off and cross-module optimization in release (measured 5 to 20 times in cores).
let fast = SwiftSetting.unsafeFlags(
    ["-enforce-exclusivity=unchecked", "-cross-module-optimization"],
    .when(configuration: .release))
/// The rooms that the simulator runs: optimized in debug too, as each test run plays hundreds of histories.
let quick = SwiftSetting.unsafeFlags(["-O"], .when(configuration: .debug))
let simulated = strict + [fast, quick]
/// Generated messages: their generator's style, not ours, and no warnings of ours.
let generated: [SwiftSetting] = [.swiftLanguageMode(.v6), fast]

let orderedCollections = Target.Dependency.product(
    name: "OrderedCollections", package: "swift-collections")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOFoundationCompat", package: "swift-nio"),
]

let values: [Target.Dependency] = ["Model", "MachineCore", "MesosAPI", "HoldfastAPI"]

func room(
    _ name: String, _ dependencies: [Target.Dependency],
    _ settings: [SwiftSetting] = strict + [fast]
) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "holdfast",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "holdfast", targets: ["holdfast"]),
        .executable(name: "holdfast-supervisor", targets: ["holdfast-supervisor"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),

        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        // values
        room("Model", [orderedCollections], simulated),
        room("MachineCore", [], simulated),
        room("MesosAPI", [protobuf], generated),
        room("HoldfastAPI", [protobuf, "MesosAPI"], generated),
        // pure cores
        room("AllocatorCore", values + [orderedCollections], simulated),
        room("MasterCore", values + ["AllocatorCore", orderedCollections], simulated),
        room("AgentCore", values + [orderedCollections], simulated),
        room("ServiceCore", values + [orderedCollections]),
        room("Wire", values + [protobuf], simulated),
        // outside
        .target(name: "CLinux"),
        .systemLibrary(name: "CZlib"),
        room("Linux", ["CLinux"]),
        room("Journal", ["Linux"]),
        room(
            "Registry",
            [
                "Model", "MesosAPI", "HoldfastAPI", "Linux",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        room("Volumes", ["Model", "Linux", "Journal"]),
        room("Containers", ["Model", "Linux", "Journal", "Volumes"]),
        room(
            "Net",
            nio + [
                "CZlib", .product(name: "AsyncHTTPClient", package: "async-http-client"),
                logging,
            ]),
        // shells
        room(
            "Daemons",
            values + [
                "AllocatorCore", "MasterCore", "AgentCore", "ServiceCore", "Wire", "Linux",
                "Journal", "Registry", "Volumes", "Containers", "Net", logging, protobuf,
                orderedCollections, .product(name: "Yams", package: "Yams"),
            ]),
        room(
            "Simulator",
            values + [
                "AllocatorCore", "MasterCore", "AgentCore", "ServiceCore", "Wire",
                orderedCollections, protobuf,
            ], simulated),
        // top
        .executableTarget(
            name: "holdfast",
            dependencies: values + [
                "AllocatorCore", "MasterCore", "AgentCore", "ServiceCore", "Wire", "Linux",
                "Volumes",
                "Containers",
                "Net", "Daemons", "Simulator", logging, protobuf,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),
        // Small C, linked statically: it runs inside images too, and starts in a millisecond.
        // Swift's linker driver adds its runtime to any executable; these flags leave it out.
        .executableTarget(
            name: "holdfast-supervisor", path: "Sources/holdfast-supervisor",
            cSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra", "-Werror"])],
            linkerSettings: [
                .unsafeFlags(["-nostartfiles", "-static-stdlib", "-Xclang-linker", "-static"])
            ]),
        tests("ModelTests", ["Model", "MachineCore"]),
        tests("WireTests", ["Wire", "Model", "MachineCore", "MesosAPI", "HoldfastAPI", protobuf]),
        tests("AllocatorCoreTests", ["AllocatorCore", "Model", "MachineCore"]),
        tests(
            "MasterCoreTests",
            ["MasterCore", "AllocatorCore", "Model", "MachineCore", orderedCollections]),
        tests("AgentCoreTests", ["AgentCore", "Model", "MachineCore"]),
        tests("ServiceCoreTests", ["ServiceCore", "Model", "MachineCore"]),
        tests("JournalTests", ["Journal", "Linux"]),
        tests(
            "RegistryTests",
            ["Registry", "Linux", "Model", .product(name: "GRDB", package: "GRDB.swift")]),
        tests("VolumesTests", ["Volumes", "Linux", "Model"]),
        tests("ContainersTests", ["Containers", "Linux", "Model", "Volumes"]),
        tests("NetTests", ["Net"] + nio),
        tests(
            "DaemonsTests",
            [
                "Daemons", "Model", "MachineCore", "MasterCore", "AgentCore", "ServiceCore", "Wire",
                "Net", "Volumes", "Containers", "Registry", "Journal", "MesosAPI", logging,
            ]),
        tests("SimulatorTests", ["Simulator", "Model", "MachineCore", "MasterCore", "AgentCore"]),
        tests("HouseTests", []),
    ]
)
