package import Logging
package import Metrics
internal import Synchronization
internal import Tracing

/// A store's logs, metrics and spans. They never show the content of a document, an event or a command.
package final class Telemetry: Sendable {
    package let logger: Logger
    /// The size above which a state is counted and logged as large.
    let stateWarningBytes: Int
    package let factory: any MetricsFactory
    /// Nil where no tracer would record the spans.
    private let tracer: (any Tracer)?
    private let aggregates = Mutex<[AggregateType: AggregateMetrics]>([:])

    /// How many commits were sent in one insert.
    let batchSize: Recorder
    /// How long a commit waited until its insert was sent.
    let queueWait: Timer
    /// How long an operation took.
    private let durations = Mutex<[String: Timer]>([:])

    /// - Parameters:
    ///   - factory: The factory of the counters and timers; that of `MetricsSystem` if nil.
    ///   - tracer: The tracer that records spans; that of `InstrumentationSystem` if nil.
    init(
        logger: Logger, factory: (any MetricsFactory)? = nil, tracer: (any Tracer)? = nil,
        stateWarningBytes: Int = .max
    ) {
        self.logger = logger
        self.stateWarningBytes = stateWarningBytes
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

    /// Runs an operation of the API: in a span, timed, and with its error enriched once, where it crosses into the API.
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
            let made = Timer(
                label: "daybook.operation.duration", dimensions: [("operation", operation)], factory: factory)
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
    /// Records a `DaybookError`. Of any other error only the type is recorded: a rejection may contain parts of a
    /// state, and is not a fault.
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
