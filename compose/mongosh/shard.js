// Shards the journal and the snapshots of the database DAYBOOK_DATABASE, in the zones of zones.js. It may run again and again; run it
// after an aggregate type was added, after zones.js was changed, and after a rebuild that swapped collections.
//
// An aggregate's events and its snapshot have to be on one shard, or a commit of both is a two-phase commit that outside readers may see half
// of. So both collections have the same ranges of aggregate ids, each range in one zone.

// MongoDB compares strings by their bytes in UTF-8.
function precedes(left, right) {
    return Buffer.compare(Buffer.from(left), Buffer.from(right)) < 0;
}

// Each range reaches to where the next begins, the last one to the end: there is no gap and no overlap.
function rangesOf(list) {
    list.forEach(({ from }, index) => {
        if (index === 0 ? from !== "" : !precedes(list[index - 1].from, from)) {
            throw new Error(`zones.js: the ranges begin with "" and are in the order of bytes; "${from}" is not`);
        }
    });
    return list.map(({ from, zone }, index) => ({
        min: index === 0 ? MinKey() : from,
        max: index + 1 < list.length ? list[index + 1].from : MaxKey(),
        zone,
    }));
}

function assignShards(admin) {
    for (const [zone, shards] of Object.entries(zones)) {
        for (const shard of shards) admin.runCommand({ addShardToZone: shard, zone });
    }
}

function same(left, right) {
    return EJSON.stringify(left) === EJSON.stringify(right);
}

// Sets the collection's zones to exactly these. A range that is right is not touched, so that nothing moves for it.
function setZones(admin, namespace, key, wanted) {
    const found = admin.getSiblingDB("config").getCollection("tags").find({ ns: namespace }).toArray();
    const documents = wanted.map(({ min, max, zone }) => ({ min: { [key]: min }, max: { [key]: max }, zone }));
    for (const { min, max, tag } of found) {
        if (documents.some((range) => same([range.min, range.max, range.zone], [min, max, tag]))) continue;
        admin.runCommand({ updateZoneKeyRange: namespace, min, max, zone: null });
    }
    for (const range of documents) {
        if (found.some(({ min, max, tag }) => same([range.min, range.max, range.zone], [min, max, tag]))) continue;
        admin.runCommand({ updateZoneKeyRange: namespace, ...range });
    }
}

function shard(admin, namespace, key, wanted) {
    // Before it is sharded: an empty collection is then cut at the ranges at once.
    setZones(admin, namespace, key, wanted);
    const known = admin.getSiblingDB("config").getCollection("collections").findOne({ _id: namespace });
    if (known && !known.unsplittable) {
        if (!same(known.key, { [key]: 1 })) {
            throw new Error(`${namespace} is sharded by ${EJSON.stringify(known.key)}, and should be by {"${key}":1}: see reshardCollection`);
        }
        print(`${namespace}: is sharded by ${key}, in ${wanted.length} ranges`);
        return;
    }
    admin.runCommand({ shardCollection: namespace, key: { [key]: 1 } });
    print(`${namespace}: sharded by ${key}, in ${wanted.length} ranges`);
}

function shardDatabase(admin, database) {
    const collections = admin.getSiblingDB(database).getCollectionNames();
    if (!collections.includes("journal")) {
        throw new Error(`the database ${database} has no journal: first run init of the application's executable as the administrator`);
    }
    const wanted = rangesOf(ranges);
    assignShards(admin);
    shard(admin, `${database}.journal`, "aggregateId", wanted);
    for (const name of collections.filter((name) => name.startsWith("snapshots.") || otherSnapshots.includes(name)).sort()) {
        shard(admin, `${database}.${name}`, "_id", wanted);
    }
}

shardDatabase(entrance(), setting("DAYBOOK_DATABASE"));
