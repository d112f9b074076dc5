internal import CMongoC
internal import Foundation

/// A thread that runs the jobs of one ``MongoConnection``, so that a call into libmongoc blocks this thread and no
/// other.
///
/// It is the executor of that actor, and of the tasks that ``MongoClient/start(_:_:orElse:)`` makes for it.
///
/// The thread ends once ``stop()`` was called and its jobs are done. Only the connection, an actor, and tasks that
/// refer to it enqueue jobs. The actor calls `stop` in its deinit, so no job can follow.
///
/// `@unchecked Sendable`: mutable state is accessed only while `condition` is held.
final class ConnectionThread: SerialExecutor, TaskExecutor, @unchecked Sendable {
    private let condition = NSCondition()
    private var jobs: [UnownedJob] = []
    private var isStopping = false
    /// The thread has nothing to do, and was not signalled since.
    private var isWaiting = false

    init(name: String) {
        // The block retains the executor until the thread ends: a job in progress always finds it alive.
        let thread = Thread {
            // Foundation on Linux does not pass the name to the system, so tools would not show it.
            daybook_thread_set_name(name)
            self.run()
        }
        thread.stackSize = 4 << 20
        thread.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        wake { jobs.append(job) }
    }

    /// Changes what the thread waits for. Signalling is a call into the kernel, so it happens only when the thread
    /// waits, and after unlocking, so that the thread need not wait for the lock.
    private func wake(_ change: () -> Void) {
        condition.lock()
        change()
        let isWaiting = isWaiting
        self.isWaiting = false
        condition.unlock()
        if isWaiting { condition.signal() }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        UnownedTaskExecutor(ordinary: self)
    }

    func stop() {
        wake { isStopping = true }
    }

    private func run() {
        var batch: [UnownedJob] = []
        while true {
            condition.lock()
            while jobs.isEmpty && !isStopping {
                isWaiting = true
                condition.wait()
            }
            isWaiting = false
            swap(&batch, &jobs)
            condition.unlock()
            if batch.isEmpty { return }
            for job in batch {
                job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
            }
            batch.removeAll(keepingCapacity: true)
        }
    }
}
