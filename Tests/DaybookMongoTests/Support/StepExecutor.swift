import Synchronization

/// Runs its tasks on the thread that calls ``run()``, and only then: after it, every task has ended or waits for
/// something.
///
/// So a test can say "now it waits" without a pause and a hope.
final class StepExecutor: TaskExecutor {
    private let jobs = Mutex<[UnownedJob]>([])

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
    }

    /// Runs what is there and what comes of it, in order.
    func run() {
        while let job = jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    /// Starts a task and runs it until it waits.
    func start<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) -> Task<R, any Error> {
        let task = Task(executorPreference: self) { try await body() }
        run()
        return task
    }
}
