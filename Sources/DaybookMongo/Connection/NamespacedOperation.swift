/// A write to one collection, as part of a bulk write to several.
package struct NamespacedOperation: Sendable {
    package let operation: BulkOperation
    package let namespace: Namespace

    package init(_ operation: BulkOperation, in namespace: Namespace) {
        self.operation = operation
        self.namespace = namespace
    }
}
