// What the other scripts share: secrets, which come as files, and connections. A password is never an argument.

function setting(name) {
    const value = process.env[name];
    if (!value) throw new Error(`${name} is not set`);
    return value;
}

function secret(name) {
    return require("fs").readFileSync(`/run/secrets/${name}`, "utf8").trim();
}

const administrator = "daybook-admin";

// The database admin of some hosts. Passwords are hexadecimal digits, which mean nothing else in a URI.
function adminOf(hosts, options, isSignedIn) {
    const user = isSignedIn ? `${administrator}:${secret("administrator")}@` : "";
    const all = [...options, "serverSelectionTimeoutMS=60000", ...(isSignedIn ? ["authSource=admin"] : [])];
    return new Mongo(`mongodb://${user}${hosts.join(",")}/?${all.join("&")}`).getDB("admin");
}

// Where an application's clients go: the router of a sharded cluster, or else the primary of the only replica set.
function entrance() {
    if (process.env.DAYBOOK_ROUTER) return adminOf([process.env.DAYBOOK_ROUTER], [], true);
    const [set] = replicaSets();
    return adminOf(set.hosts, [`replicaSet=${set.name}`], true);
}

// DAYBOOK_SETS: "name=host:port,host:port name=host:port"
function replicaSets() {
    return setting("DAYBOOK_SETS").split(" ").map((set) => {
        const [name, hosts] = set.split("=");
        return { name, hosts: hosts.split(",") };
    });
}
