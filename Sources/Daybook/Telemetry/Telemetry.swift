package import Logging
internal import Metrics
internal import Synchronization
internal import Tracing

/// What a store tells of itself: log lines, counters and spans. Never what a document, an event or a command holds.
package final class Telemetry: Sendable {
    package let logger: Logger
    private let factory: any MetricsFactory
    /// Nil where spans would go nowhere.
    private let tracer: (any Tracer)?
    private let aggregates = Mutex<[AggregateType: AggregateMetrics]>([:])

    /// How many commits travelled in one insert.
    let batchSize: Recorder
    /// How long a commit waited for its insert to leave.
    let queueWait: Timer
    /// How long an operation took.
    private let durations = Mutex<[String: Timer]>([:])

    /// - Parameters:
    ///   - factory: What makes the counters and timers; that of `MetricsSystem` unless given.
    ///   - tracer: What makes the spans; that of `InstrumentationSystem` unless given.
    init(logger: Logger, factory: (any MetricsFactory)? = nil, tracer: (any Tracer)? = nil) {
        self.logger = logger
        let tracer: any Tracer = tracer ?? InstrumentationSystem.tracer
        self.tracer = tracer is NoOpTracer ? nil : tracer
        let factory = factory ?? MetricsSystem.factory
        self.factory = factory
        batchSize = Recorder(label: "daybook.batch.size", dimensions: [], aggregate: true, factory: factory)
        queueWait = Timer(label: "daybook.queue.wait", dimensions: [], factory: factory)
    }

    /// The counters of one kind of aggregate.
    func metrics(of type: AggregateType) -> AggregateMetrics {
        aggregates.withLock { aggregates in
            if let known = aggregates[type] { return known }
            let made = AggregateMetrics(type, factory)
            aggregates[type] = made
            return made
        }
    }

    /// Runs an operation of the API: in a span, timed, and with its error enriched, once, where it crosses into the API.
    package func perform<R>(
        _ operation: String, _ aggregateID: AggregateID? = nil, type: AggregateType? = nil,
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> R
    ) async throws -> R {
        let start = ContinuousClock.now
        defer { timer(operation).record(duration: ContinuousClock.now - start) }
        if let tracer { return try await tracer.span(operation, type ?? aggregateID?.type, aggregateID, body).get() }
        do {
            return try await body()
        } catch {
            throw DaybookError.enriching(error, operation: operation, aggregateID: aggregateID?.rawValue)
        }
    }

    private func timer(_ operation: String) -> Timer {
        durations.withLock { timers in
            if let known = timers[operation] { return known }
            let made = Timer(label: "daybook.operation.duration", dimensions: [("operation", operation)], factory: factory)
            timers[operation] = made
            return made
        }
    }
}

extension Tracer {
    fileprivate func span<R>(
        _ operation: String, _ type: AggregateType?, _ aggregateID: AggregateID?,
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> R
    ) async -> Result<R, any Error> {
        await withSpan("daybook.\(operation)", ofKind: .client) { span in
            if span.isRecording {
                span.attributes["db.system.name"] = "mongodb"
                span.attributes["db.operation.name"] = operation
                if let type { span.attributes["daybook.aggregate.type"] = type.rawValue }
                if let aggregateID { span.attributes["daybook.aggregate.id"] = aggregateID.rawValue }
            }
            do {
                return .success(try await body())
            } catch {
                let error = DaybookError.enriching(error, operation: operation, aggregateID: aggregateID?.rawValue)
                span.note(error)
                return .failure(error)
            }
        }
    }
}

extension Span {
    /// Records an error of ours. Of anybody else's the type alone: a rejection may tell what a state holds, and is no fault.
    fileprivate func note(_ error: any Error) {
        guard let error = error as? DaybookError else {
            attributes["error.type"] = "\(type(of: error))"
            return
        }
        attributes["error.type"] = error.code.rawValue
        recordError(error)
        setStatus(SpanStatus(code: .error, message: error.description))
    }
}
