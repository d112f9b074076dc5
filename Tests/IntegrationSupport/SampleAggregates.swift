// Every integration test uses some of them: one import brings both modules.
@_exported public import SampleAggregates
