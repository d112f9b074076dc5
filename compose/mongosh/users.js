// Makes a user for each of Daybook's roles in the database DAYBOOK_DATABASE, or gives the role to the user who is there.
// What a role may do is the application's to know: `init --roles` of its executable makes the roles.

const users = [
    { user: "daybook-application", secretName: "application", role: "daybookApplication" },
    { user: "daybook-reader", secretName: "reader", role: "daybookReader" },
    { user: "daybook-operator", secretName: "operator", role: "daybookOperator" },
];

function makeUsers(admin, database) {
    const lacking = [];
    for (const { role } of users) {
        if (admin.runCommand({ rolesInfo: { role, db: database } }).roles.length === 0) lacking.push(role);
    }
    if (lacking.length > 0) {
        throw new Error(`the database ${database} has no role ${lacking.join(", ")}: first run init --roles of the application's executable`
            + " as the administrator");
    }
    for (const { user, secretName, role } of users) {
        const roles = [{ role, db: database }];
        const login = { pwd: secret(secretName), mechanisms: ["SCRAM-SHA-256"] };
        if (admin.runCommand({ usersInfo: user }).users.length === 0) {
            admin.runCommand({ createUser: user, ...login, roles });
            print(`${user}: made, with ${role} on ${database}`);
        } else {
            admin.runCommand({ updateUser: user, ...login });
            admin.runCommand({ grantRolesToUser: user, roles }); // beside those on other databases
            print(`${user}: has ${role} on ${database}`);
        }
    }
}

makeUsers(entrance(), setting("DAYBOOK_DATABASE"));
