internal import CMongoC
internal import Foundation

/// A thread that runs the jobs of one ``MongoConnection``, so that a call into libmongoc blocks this thread and no other.
///
/// It ends once ``stop()`` was called and its jobs are done. The connection, an actor, is the only one that hands it jobs and calls `stop`
/// when nobody refers to it any more, so no job can come after.
///
/// `@unchecked Sendable`: `jobs` and `isStopping` are only touched while `condition` is held.
final class ConnectionThread: SerialExecutor, @unchecked Sendable {
    private let condition = NSCondition()
    private var jobs: [UnownedJob] = []
    private var isStopping = false

    init(name: String) {
        // The block retains the executor until the thread ends: a job in progress always finds it alive.
        let thread = Thread {
            // Foundation on Linux keeps a name to itself, and no tool would show it.
            daybook_thread_set_name(name)
            self.run()
        }
        thread.stackSize = 4 << 20
        thread.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        condition.lock()
        jobs.append(job)
        condition.signal()
        condition.unlock()
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    func stop() {
        condition.lock()
        isStopping = true
        condition.signal()
        condition.unlock()
    }

    private func run() {
        var batch: [UnownedJob] = []
        while true {
            condition.lock()
            while jobs.isEmpty && !isStopping {
                condition.wait()
            }
            swap(&batch, &jobs)
            condition.unlock()
            if batch.isEmpty { return }
            for job in batch {
                job.runSynchronously(on: asUnownedSerialExecutor())
            }
            batch.removeAll(keepingCapacity: true)
        }
    }
}
