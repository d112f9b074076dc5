// Makes each server a member of its replica set, each set's administrator, and of replica sets a sharded cluster where there is a router.
// It may run again and again: what is there stays.
//
// A MongoDB without users allows a client on its own machine only to initiate a replica set and create the first user:
// https://www.mongodb.com/docs/manual/core/localhost-exception/
// The administrator of a shard is made for that too: it closes the exception.

const unauthorized = 13, authenticationFailed = 18, alreadyInitialized = 23;

function members(hosts) {
    return hosts.map((host, _id) => ({ _id, host }));
}

function initiate({ name, hosts }) {
    const direct = "directConnection=true";
    const admin = adminOf(hosts.slice(0, 1), [direct], false);
    const hello = admin.runCommand({ hello: 1 });
    if (hello.setName === name) {
        print(`${name}: is a replica set`);
        return;
    }
    if (hello.setName) throw new Error(`${hosts[0]} belongs to the replica set ${hello.setName}, not to ${name}`);
    const config = { _id: name, members: members(hosts) };
    if (name === "config") config.configsvr = true;
    try {
        admin.runCommand({ replSetInitiate: config });
        print(`${name}: initiated as a replica set of ${hosts.length}`);
    } catch (error) {
        if (error.code !== unauthorized && error.code !== alreadyInitialized) throw error;
        move(adminOf(hosts.slice(0, 1), [direct], true), { name, hosts });
    }
}

// A member that does not find itself in its set's configuration has other ports than when it was initiated.
function move(admin, { name, hosts }) {
    const { config } = admin.runCommand({ replSetGetConfig: 1 });
    if (config._id !== name || config.members.length !== hosts.length) {
        throw new Error(`the data is of the replica set ${config._id} of ${config.members.length}, not of ${name} of ${hosts.length}`);
    }
    config.members.forEach((member, index) => { member.host = hosts[index]; });
    config.version += 1;
    admin.runCommand({ replSetReconfig: config, force: true });
    print(`${name}: moved to ${hosts.join(", ")}`);
}

function makeAdministrator({ name, hosts }) {
    const options = [`replicaSet=${name}`]; // waits for a primary
    try {
        adminOf(hosts, options, true).runCommand({ ping: 1 });
        print(`${name}: has its administrator`);
        return;
    } catch (error) {
        if (error.code !== authenticationFailed) throw error;
    }
    try {
        adminOf(hosts, options, false).runCommand({
            createUser: administrator, pwd: secret("administrator"), mechanisms: ["SCRAM-SHA-256"],
            roles: [{ role: "root", db: "admin" }], writeConcern: { w: "majority", wtimeout: 60000 },
        });
    } catch (error) {
        if (error.code !== unauthorized) throw error;
        throw new Error(`${name} has users, and the password of ${administrator} is not the one in the secrets: were they made anew?`);
    }
    print(`${name}: made the administrator ${administrator}`);
}

function addShards(shards) {
    const admin = entrance();
    const known = admin.runCommand({ listShards: 1 }).shards.map((shard) => shard._id);
    for (const { name, hosts } of shards) {
        if (known.includes(name)) {
            print(`${name}: is a shard`);
            continue;
        }
        admin.runCommand({ addShard: `${name}/${hosts.join(",")}`, name });
        print(`${name}: added as a shard`);
    }
}

for (const set of replicaSets()) {
    initiate(set);
    makeAdministrator(set);
}
if (process.env.DAYBOOK_ROUTER) addShards(replicaSets().filter((set) => set.name !== "config"));
