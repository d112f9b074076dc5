// swift-tools-version: 6.2
import Foundation
import PackageDescription

// The project's scripts set DAYBOOK_STRICT: a warning of ours then fails the build. Someone who depends on Daybook
// never meets it.
let isStrict = ProcessInfo.processInfo.environment["DAYBOOK_STRICT"].map { !$0.isEmpty && $0 != "0" } ?? false

let settings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (isStrict ? [.treatAllWarnings(as: .error)] : [])

let package = Package(
    name: "daybook",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Daybook", targets: ["Daybook", "DaybookBSON"]),
        .library(name: "DaybookOperations", targets: ["DaybookOperations"]),
        .library(name: "DaybookSubscriptions", targets: ["DaybookSubscriptions"]),
        .library(name: "DaybookTesting", targets: ["DaybookTesting"]),
        .library(name: "DaybookAdmin", targets: ["DaybookAdmin"]),
        .executable(name: "daybook", targets: ["DaybookCommand"]),
        .executable(name: "licensing", targets: ["LicensingService"]),
        .executable(name: "daybook-bench", targets: ["DaybookBench"]),
    ],
    traits: [
        .trait(name: "Benchmarks", description: "Builds daybook-bench, with what it alone needs.")
    ],
    dependencies: [
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CMongoC", pkgConfig: "libmongoc-1.0",
            providers: [.apt(["libmongoc-dev"]), .brew(["mongo-c-driver@1"])]),
        .target(name: "DaybookBSON", dependencies: ["CMongoC"], swiftSettings: settings),
        .target(
            name: "DaybookMongo",
            dependencies: ["CMongoC", "DaybookBSON", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings
        ),
        .target(
            name: "Daybook",
            dependencies: [
                "DaybookBSON", "DaybookMongo",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "DaybookSubscriptions",
            dependencies: [
                "Daybook", "DaybookBSON", "DaybookMongo",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "DaybookOperations",
            dependencies: [
                "Daybook", "DaybookBSON", "DaybookMongo", "DaybookSubscriptions",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "DaybookAdmin",
            dependencies: [
                "Daybook", "DaybookBSON", "DaybookOperations", "DaybookSubscriptions",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "DaybookTesting",
            dependencies: [
                "Daybook", "DaybookBSON", "DaybookSubscriptions", .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "DaybookCommand",
            dependencies: ["DaybookAdmin", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: settings
        ),
        // The example domain, and the service that keeps it.
        .target(
            name: "Licensing",
            dependencies: ["Daybook", "DaybookSubscriptions", .product(name: "Crypto", package: "swift-crypto")],
            path: "Sources/Examples/Licensing", swiftSettings: settings),
        .executableTarget(
            name: "LicensingService",
            dependencies: [
                "Daybook", "DaybookAdmin", "DaybookBSON", "DaybookSubscriptions", "Licensing",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/Examples/LicensingService", swiftSettings: settings
        ),
        // What Daybook is measured against: libmongoc called from C, with nothing in between; and what counts
        // allocations and commands.
        .target(name: "CBareDriver", dependencies: ["CMongoC"]),
        .executableTarget(
            name: "DaybookBench",
            dependencies: [
                "CBareDriver", "Daybook", "DaybookBSON", "DaybookMongo", "DaybookOperations", "DaybookSubscriptions",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift", condition: .when(traits: ["Benchmarks"])),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        // Aggregates for tests, with a server and without.
        .target(
            name: "SampleAggregates", dependencies: ["Daybook", "DaybookSubscriptions"], path: "Tests/SampleAggregates",
            swiftSettings: settings),
        // Random values that are the same in every run.
        .target(name: "TestSupport", dependencies: ["DaybookBSON"], path: "Tests/TestSupport", swiftSettings: settings),
        .testTarget(
            name: "DaybookBSONTests", dependencies: ["DaybookBSON", "CodecProbe", "TestSupport"],
            swiftSettings: settings),
        // A process of its own, to compare its bytes with another's.
        .executableTarget(
            name: "CodecProbe", dependencies: ["DaybookBSON"], path: "Tests/CodecProbe", swiftSettings: settings),
        // It runs daybook-bench as a process, and must not be linked with it.
        .testTarget(name: "DaybookBenchTests", swiftSettings: settings),
        .testTarget(
            name: "DaybookMongoTests", dependencies: ["DaybookBSON", "DaybookMongo", "IntegrationSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "DaybookTests",
            dependencies: ["Daybook", "DaybookBSON", "DaybookMongo", "SampleAggregates", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "DaybookOperationsTests",
            dependencies: ["Daybook", "DaybookBSON", "DaybookMongo", "DaybookOperations", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "DaybookSubscriptionsTests",
            dependencies: [
                "Daybook", "DaybookBSON", "DaybookMongo", "DaybookSubscriptions", "SampleAggregates",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "DaybookAdminTests",
            dependencies: [
                "Daybook", "DaybookAdmin", "DaybookBSON", "DaybookOperations", "DaybookSubscriptions",
                "SampleAggregates",
                "TestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            exclude: ["Golden"], swiftSettings: settings),
        .testTarget(
            name: "DaybookTestingTests",
            dependencies: ["Daybook", "DaybookBSON", "DaybookSubscriptions", "DaybookTesting", "SampleAggregates"],
            exclude: ["Golden"], swiftSettings: settings),
        .testTarget(
            name: "LicensingTests",
            dependencies: [
                "Daybook", "DaybookSubscriptions", "DaybookTesting", "Licensing", "LicensingService", "TestSupport",
            ],
            exclude: ["Golden"], swiftSettings: settings),
        // A process of its own, for the integration tests to kill.
        .executableTarget(
            name: "CommitWriter", dependencies: ["Daybook", "IntegrationSupport", "Licensing"],
            path: "Tests/CommitWriter",
            swiftSettings: settings),
        // The same, for subscriptions.
        .executableTarget(
            name: "SubscriptionRunner",
            dependencies: [
                "Daybook", "DaybookSubscriptions", "IntegrationSupport", "SampleAggregates",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/SubscriptionRunner",
            swiftSettings: settings),
        // An application with subscriptions, whose commands the integration tests run.
        .executableTarget(
            name: "Teller",
            dependencies: [
                "Daybook", "DaybookAdmin", "DaybookSubscriptions", "SampleAggregates",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/Teller", swiftSettings: settings),
        // What the integration tests and the processes they kill have in common: a database for each test, and the
        // sample aggregates.
        .target(
            name: "IntegrationSupport",
            dependencies: [
                "Daybook", "DaybookBSON", "DaybookMongo", "DaybookOperations", "DaybookSubscriptions", "DaybookTesting",
                "SampleAggregates",
            ],
            path: "Tests/IntegrationSupport",
            swiftSettings: settings),
        // The integration tests are two targets that take about the same time, for scripts/test to run side by side:
        // those of operations, of the admin commands and of sharded clusters, and all others.
        .testTarget(
            name: "DaybookIntegrationTests",
            dependencies: [
                "Daybook", "DaybookBSON", "DaybookMongo", "DaybookOperations", "DaybookSubscriptions", "DaybookTesting",
                "IntegrationSupport", "CommitWriter", "Licensing", "LicensingService", "SubscriptionRunner",
                "TestSupport",
                .product(name: "InMemoryLogging", package: "swift-log"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            // Read where they are.
            exclude: ["Evolution/Fixtures"],
            swiftSettings: settings),
        .testTarget(
            name: "OperationsIntegrationTests",
            dependencies: [
                "Daybook", "DaybookAdmin", "DaybookBSON", "DaybookMongo", "DaybookOperations", "DaybookSubscriptions",
                "DaybookTesting", "IntegrationSupport", "Licensing", "LicensingService", "DaybookCommand", "Teller",
                "TestSupport",
            ],
            exclude: ["Admin/Golden"],
            swiftSettings: settings),
    ]
)
