import DaybookBSON

/// Prints the bytes of the fixture in hexadecimal. The tests run it several times: each run is a process of its own.
@main
enum CodecProbe {
    static func main() throws {
        let digits = Array("0123456789abcdef".utf8)
        let bytes = try BSONEncoder().encode(Fixture()).bytes
        print(String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self))
    }
}
