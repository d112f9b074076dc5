// Tests of what compose/mongosh does, on a stand-in for MongoDB that knows the few commands it sends. Run with node by scripts/lint-compose.
// The stand-in refuses what MongoDB refuses here: strangers, wrong passwords, what exists already, ranges that overlap.
"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { test } = require("node:test");
const vm = require("node:vm");

const folder = path.join(__dirname, "..", "..", "compose", "mongosh");
const failure = (code) => Object.assign(new Error(`code ${code}`), { code });
const minKey = { $minKey: 1 }, maxKey = { $maxKey: 1 };

class Cluster {
    servers = {}; // by host: the configuration of its replica set
    users = {}; // by replica set
    roles = [];
    shards = [];
    shardZones = [];
    tags = [];
    sharded = [];
    collections = [];
    writes = 0;

    connect(uri) {
        const { user, password, hosts, options } = uri.match(
            /^mongodb:\/\/(?:(?<user>[^:]+):(?<password>\w+)@)?(?<hosts>[^/]+)\/\?(?<options>.*)$/).groups;
        const list = hosts.split(",");
        const isRouter = list[0] === "router:1";
        const set = isRouter ? "config" : this.servers[list[0]]?._id;
        const wanted = options.match(/replicaSet=(\w+)/)?.[1];
        assert.ok(!wanted || wanted === set, "there is no primary to wait for");
        const check = () => {
            if (!user) return false;
            if (this.users[set]?.[user]?.pwd !== password) throw failure(18);
            return true;
        };
        const run = (command) => {
            const [name] = Object.keys(command);
            return this[name](command, { set, host: list[0], isSignedIn: check() });
        };
        const database = (name) => ({
            runCommand: run,
            getSiblingDB: database,
            getCollectionNames: () => this.collections,
            getCollection: (collection) => ({
                find: ({ ns }) => ({ toArray: () => this.tags.filter((tag) => tag.ns === ns) }),
                findOne: ({ _id }) => (assert.equal(collection, "collections"), this.sharded.find((known) => known._id === _id)),
            }),
        });
        return { getDB: database };
    }

    change({ isSignedIn, set }, byStranger = false) {
        if (!isSignedIn && !(byStranger && !Object.keys(this.users[set] ?? {}).length)) throw failure(13);
        this.writes += 1;
        return { ok: 1 };
    }

    ping() { return { ok: 1 }; }
    hello(_, { host }) {
        const config = this.servers[host];
        return config?.members.some((member) => member.host === host) ? { setName: config._id } : { isreplicaset: true };
    }
    replSetInitiate({ replSetInitiate: config }, at) {
        if (this.servers[at.host]) throw failure(this.users[at.set] ? 13 : 23);
        for (const { host } of config.members) this.servers[host] = config;
        return this.change(at, true);
    }
    replSetGetConfig(_, at) {
        assert.ok(at.isSignedIn);
        return { config: structuredClone(this.servers[at.host]) };
    }
    replSetReconfig({ replSetReconfig: config, force }, at) {
        assert.ok(force && config.version > this.servers[at.host].version);
        for (const { host } of config.members) this.servers[host] = config;
        return this.change(at);
    }
    createUser({ createUser: user, pwd, roles }, at) {
        this.change(at, true);
        this.users[at.set] ??= {};
        assert.ok(!this.users[at.set][user]);
        this.users[at.set][user] = { pwd, roles };
    }
    updateUser({ updateUser: user, pwd, roles }, at) {
        assert.equal(roles, undefined, "would take away roles on other databases");
        this.change(at);
        this.users[at.set][user].pwd = pwd;
    }
    grantRolesToUser({ grantRolesToUser: user, roles }, at) {
        this.change(at);
        const has = this.users[at.set][user].roles;
        for (const role of roles) if (!has.some((known) => known.role === role.role && known.db === role.db)) has.push(role);
    }
    usersInfo({ usersInfo: user }, { set }) { return { users: this.users[set][user] ? [user] : [] }; }
    rolesInfo({ rolesInfo: { role, db } }) { return { roles: this.roles.filter((known) => known === `${db}.${role}`) }; }
    listShards() { return { shards: this.shards.map((_id) => ({ _id })) }; }
    addShard({ addShard, name }, at) {
        assert.ok(addShard.startsWith(`${name}/`) && !this.shards.includes(name));
        this.shards.push(name);
        return this.change(at);
    }
    addShardToZone({ addShardToZone: shard, zone }) {
        if (!this.shardZones.includes(`${shard} ${zone}`)) this.shardZones.push(`${shard} ${zone}`);
    }
    updateZoneKeyRange({ updateZoneKeyRange: ns, min, max, zone }, at) {
        const is = (tag) => tag.ns === ns && JSON.stringify([tag.min, tag.max]) === JSON.stringify([min, max]);
        this.tags = this.tags.filter((tag) => !is(tag));
        const order = (key) => { const [value] = Object.values(key); return value === minKey ? "" : value === maxKey ? "\uffff" : value; };
        if (zone) {
            const meets = (tag) => tag.ns === ns && order(min) < order(tag.max) && order(tag.min) < order(max);
            assert.ok(!this.tags.some(meets), "overlaps");
            this.tags.push({ ns, min, max, tag: zone });
        }
        return this.change(at);
    }
    shardCollection({ shardCollection: _id, key }, at) {
        assert.ok(this.collections.includes(_id.slice(_id.indexOf(".") + 1)));
        this.sharded = this.sharded.filter((known) => known._id !== _id).concat({ _id, key });
        return this.change(at);
    }
}

function run(cluster, files, environment, { secrets = {}, zones } = {}) {
    const lines = [];
    const known = { administrator: "a1", application: "b2", reader: "c3", operator: "d4", ...secrets };
    const context = vm.createContext({
        process: { env: environment }, print: (line) => lines.push(line), Buffer,
        require: () => ({ readFileSync: (file) => `${known[path.basename(file)]}\n` }),
        EJSON: JSON, MinKey: () => minKey, MaxKey: () => maxKey,
        Mongo: function (uri) { return cluster.connect(uri); },
    });
    for (const file of files) {
        const text = file === "zones" && zones ? zones : fs.readFileSync(path.join(folder, `${file}.js`), "utf8");
        vm.runInContext(text, context, { filename: `${file}.js` });
    }
    return lines;
}

const init = ["administrator", "initiate"], users = ["administrator", "users"], shard = ["administrator", "zones", "shard"];
const single = { DAYBOOK_SETS: "daybook=h:1", DAYBOOK_DATABASE: "shop" };
const three = { DAYBOOK_SETS: "daybook=h:1,h:2,h:3" };
const cluster = { DAYBOOK_SETS: "config=h:1 shard1=h:2 shard2=h:3", DAYBOOK_ROUTER: "router:1", DAYBOOK_DATABASE: "shop" };

// What was done, done again, changes nothing.
function runTwice(target, ...how) {
    run(target, ...how);
    const writes = target.writes;
    run(target, ...how);
    return target.writes - writes;
}

test("init initiates a set once, of all its members, and makes one administrator", () => {
    for (const [environment, size] of [[single, 1], [three, 3]]) {
        const target = new Cluster();
        assert.equal(runTwice(target, init, environment), 0);
        assert.equal(target.servers["h:1"].members.length, size);
        assert.deepEqual(Object.keys(target.users.daybook), ["daybook-admin"]);
    }
});

test("init moves a set whose ports have changed, and says so when the secrets are not its own", () => {
    const target = new Cluster();
    run(target, init, single);
    target.servers["h:9"] = { ...target.servers["h:1"], version: 1 };
    assert.equal(runTwice(target, init, { ...single, DAYBOOK_SETS: "daybook=h:9" }), 0);
    assert.equal(target.servers["h:9"].members[0].host, "h:9");
    assert.throws(() => run(target, init, single, { secrets: { administrator: "ff" } }), /not the one in the secrets/);
    assert.throws(() => run(target, init, { DAYBOOK_SETS: "other=h:1" }), /belongs to the replica set daybook/);
});

test("init makes a cluster of its shards, each with an administrator", () => {
    const target = new Cluster();
    assert.equal(runTwice(target, init, cluster), 0);
    assert.deepEqual(target.shards, ["shard1", "shard2"]);
    assert.deepEqual(Object.keys(target.users), ["config", "shard1", "shard2"]);
    assert.equal(target.servers["h:1"].configsvr, true);
    assert.equal(target.servers["h:2"].configsvr, undefined);
});

test("users waits for the roles, gives each user one, and keeps those on other databases", () => {
    const target = new Cluster();
    run(target, init, single);
    assert.throws(() => run(target, users, single), /has no role daybookApplication, daybookReader, daybookOperator/);
    for (const database of ["shop", "other"]) {
        target.roles.push(...["Application", "Reader", "Operator"].map((role) => `${database}.daybook${role}`));
        run(target, users, { ...single, DAYBOOK_DATABASE: database });
        run(target, users, { ...single, DAYBOOK_DATABASE: database });
    }
    const made = target.users.daybook;
    assert.deepEqual(Object.keys(made).sort(), ["daybook-admin", "daybook-application", "daybook-operator", "daybook-reader"]);
    assert.deepEqual(JSON.parse(JSON.stringify(made["daybook-reader"].roles)),
        [{ role: "daybookReader", db: "shop" }, { role: "daybookReader", db: "other" }]);
    assert.equal(new Set(Object.values(made).map(({ pwd }) => pwd)).size, 4);
});

const rangesOf = (target, ns) => target.tags.filter((tag) => tag.ns === ns)
    .map(({ min, max, tag }) => [Object.values(min)[0], Object.values(max)[0], tag]).sort((left, right) => (left[0] < right[0] ? -1 : 1));

test("shard gives the journal and every snapshot collection the same ranges, and follows a change", () => {
    const target = new Cluster();
    run(target, init, cluster);
    assert.throws(() => run(target, shard, cluster), /has no journal/);
    target.collections = ["snapshots.license", "journal", "daybook.leases", "snapshots.member", "visits"];
    target.sharded.push({ _id: "shop.journal", key: { _id: 1 }, unsplittable: true });
    assert.equal(runTwice(target, shard, cluster), 0);
    assert.deepEqual(JSON.parse(JSON.stringify(target.sharded)), [
        { _id: "shop.journal", key: { aggregateId: 1 } }, { _id: "shop.snapshots.license", key: { _id: 1 } },
        { _id: "shop.snapshots.member", key: { _id: 1 } }]);
    const zones = (list, others = []) => `const zones = { zone1: ["shard1"], zone2: ["shard2"] };
        const ranges = ${JSON.stringify(list)}; const otherSnapshots = ${JSON.stringify(others)};`;
    const change = zones([{ from: "", zone: "zone2" }, { from: "license/Z", zone: "zone1" }, { from: "license/é", zone: "zone2" }], ["visits"]);
    assert.equal(runTwice(target, shard, cluster, { zones: change }), 0);
    for (const name of ["journal", "snapshots.license", "snapshots.member", "visits"]) {
        assert.deepEqual(rangesOf(target, `shop.${name}`),
            [[minKey, "license/Z", "zone2"], ["license/Z", "license/é", "zone1"], ["license/é", maxKey, "zone2"]], name);
    }
    for (const list of [[{ from: "a", zone: "zone1" }], [{ from: "", zone: "zone1" }, { from: "b", zone: "zone2" }, { from: "a", zone: "zone1" }]]) {
        assert.throws(() => run(target, shard, cluster, { zones: zones(list) }), /the order of bytes/);
    }
    target.sharded = [{ _id: "shop.journal", key: { version: 1 } }];
    assert.throws(() => run(target, shard, cluster), /is sharded by/);
});
