// Where aggregates live in the sharded cluster: yours to change; `shard` makes it so.

// The shards of each zone.
const zones = { zone1: ["shard1"], zone2: ["shard2"] };

// Ranges of aggregate ids (type/key), each from `from` to the next one's: in the order of their bytes, the first from "".
//
// An id begins with its type, so each type has cuts of its own; a type without one lies whole in the zone of the range that it falls into.
// Cut where the keys are: these are halves for keys that begin with a hexadecimal digit. Of a journal that has events, ask for cuts with
//   db.journal.aggregate([{ $bucketAuto: { groupBy: "$aggregateId", buckets: 8 } }])
const ranges = [
    { from: "", zone: "zone1" },
    { from: "license/8", zone: "zone2" },
    { from: "member/", zone: "zone1" },
    { from: "member/8", zone: "zone2" },
    { from: "title/", zone: "zone1" },
    { from: "title/8", zone: "zone2" },
];

// Snapshot collections of aggregates that named one themselves, and not snapshots.<type>.
const otherSnapshots = [];
