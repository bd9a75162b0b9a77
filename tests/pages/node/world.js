// The server under test: its API with the operator's key, its links, and the keys that it makes,
// used through Envoy.
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export const url = process.env.KEYWARD_PAGES_URL;
const run = promisify(execFile);

/** A request with a key. */
export async function call(key, method, path, body, more = {}) {
  const headers = { authorization: `Bearer ${key}`, ...more };
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(url + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* an upstream's text */ }
  return { status: answer.status, denied: answer.headers.get("x-keyward-denied"), json, text };
}

/** A request of the operator's that must succeed. */
export async function api(method, path, body, more) {
  const answer = await call(process.env.KEYWARD_FIRST_KEY, method, path, body, more);
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.json;
}

let accounts = 0;
/** A new account, whose keys may do what their maker says. */
export async function account(members = {}) {
  accounts += 1;
  const id = `acct_t${process.pid}x${accounts}`;
  return api("POST", "/v2/keyward/accounts", { id, name: "Widgets Ltd", policy: "operator", ...members });
}

/** A new restricted test key. */
export async function key(owner, members = {}) {
  const { keyward, ...others } = members;
  const made = await api("POST", "/v2/iam/api_keys", {
    type: "secret_key", name: "Billing worker", permissions: ["customer_read"], ...others, keyward: { owner, livemode: false, ...keyward },
  });
  return { id: made.id, value: made.secret_key.token, object: made };
}

/** A link that opens a session once. */
export async function link(role = "admin", who = "admin@example.com") {
  const { stdout } = await run(process.env.KEYWARD_SERVER_BIN, ["link", "--data", process.env.KEYWARD_SERVER_DATA, "--role", role, "--for", who]);
  const found = /#\S+/.exec(stdout);
  if (!found) throw new Error(`no link: ${stdout}`);
  return found[0].slice(1);
}

/** Waits for a condition, with a bound. */
export async function eventually(what, check, bound = 30_000) {
  const end = Date.now() + bound;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await new Promise((go) => { setTimeout(go, 100); });
  }
}

/** What the gateway does with a request of this key. */
export const used = async (value, method, path) => {
  const answer = await call(value, method, path);
  return answer.denied ?? answer.status;
};

/** Fails where a value stands in anything that the server and Envoy wrote. */
export async function nowhere(value) {
  const random = value.slice(value.lastIndexOf("_") + 1);
  const folder = process.env.KEYWARD_SERVER_FOLDER;
  let files = 0;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    // A file that is written just now gets its own name at the end.
    const bytes = await readFile(path).catch((error) => {
      if (error.code !== "ENOENT") throw error;
    });
    if (!bytes) continue;
    files += 1;
    if (bytes.includes(random)) throw new Error(`${path} holds a value`);
  }
  if (files < 6) throw new Error(`only ${files} files were looked at`);
}
