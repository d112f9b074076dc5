internal import Crypto
internal import Foundation

/// Which program this is, by the bytes of its executable: a run that another program has begun is not resumed, because
/// that one may have folded the same events to other states without raising `stateSchema`.
///
/// What an application loads besides, such as a dynamic library of its own, is not part of it.
package enum ProgramFingerprint {
    private static let current: String? = {
        #if os(Linux)
            // The file that runs, also where another has taken its place on disk since.
            let file = FileHandle(forReadingAtPath: "/proc/self/exe")
        #else
            let file = Bundle.main.executablePath.flatMap { FileHandle(forReadingAtPath: $0) }
        #endif
        guard let file else { return nil }
        defer { try? file.close() }
        var hash = SHA256()
        do {
            while let bytes = try file.read(upToCount: 1 << 20), !bytes.isEmpty { hash.update(data: bytes) }
        } catch {
            return nil
        }
        return hash.finalize().prefix(16).map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0\(text)" : text
        }.joined()
    }()

    /// 32 hexadecimal digits; nil where the executable cannot be read. It is read once, on a thread of its own.
    package static func read() async -> String? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: current) }
        }
    }
}
