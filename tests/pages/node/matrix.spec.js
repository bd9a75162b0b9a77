// The gateway does what the matrix shows: every permission of the catalogue at every level it has,
// through one form per level.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "./fixture.js";
import { shown } from "./steps.js";
import { account, api, call, eventually } from "./world.js";

/** For each permission and level an endpoint that asks for it: for it only, where there is one. */
function endpoints() {
  const text = readFileSync(join(__dirname, "../../../catalogue/stripe.tsv"), "utf8");
  const found = new Map();
  for (const line of text.split("\n")) {
    if (!line || line.startsWith("#")) continue;
    const [method, path, permissions, marked] = line.split("\t");
    const access = marked === "-" ? (method === "GET" ? "read" : "write") : marked;
    const any = permissions.split("|");
    for (const permission of any) {
      const of = `${permission}_${access}`;
      if (!found.has(of) || found.get(of).any.length > any.length) found.set(of, { permission, any, access, method, path: path.replaceAll(/\{[^}]*\}/g, "x1") });
    }
  }
  return [...found.values()];
}

const RANK = { none: 0, read: 1, write: 2 };

for (const level of ["none", "read", "write"]) {
  test(`every permission at ${level}`, async ({ signedIn: page }) => {
    const { id: owner } = await account();
    await page.goto("/console/keys/new");
    await page.getByLabel("Name", { exact: true }).fill(`Everything at ${level}`);
    await page.getByLabel("Account", { exact: true }).fill(owner);
    // Row by row, as a person would. Permissions that manage keys stay at None. A level that a
    // permission lacks cannot be chosen.
    const chosen = await page.evaluate((wanted) => {
      const rows = [...document.querySelectorAll('[data-matrix="p"] .group')].filter((group) => !group.querySelector("summary").textContent.startsWith("Keys and gateways"));
      const all = {};
      for (const row of rows.flatMap((group) => [...group.querySelectorAll("[data-row]")])) {
        row.querySelector(`input[value="${wanted}"]`)?.click();
        const input = row.querySelector("input:checked");
        all[input.name.slice(2)] = input.value;
      }
      return all;
    }, level);
    await page.getByRole("button", { name: "Create key" }).click();
    const value = await shown(page);

    // The key has what was chosen, including permissions that no endpoint of the catalogue
    // requires.
    const [made] = (await api("GET", `/v2/iam/api_keys?owner=${owner}`)).data;
    const held = Object.entries(chosen).filter(([, of]) => of !== "none").map(([name, of]) => `${name}_${of}`);
    expect(made.permissions).toEqual(held.sort());

    // According to the catalogue: what was chosen, and what that implies.
    const may = { ...chosen };
    for (const one of (await api("GET", "/v2/keyward/permissions")).data) {
      if (!RANK[chosen[one.name]]) continue;
      for (const name of one.implies) if (RANK[may[name] ?? "none"] < 1) may[name] = "read";
    }
    const asked = endpoints().filter((one) => one.permission in chosen);
    expect(new Set(asked.map((one) => one.permission)).size, "permissions that an endpoint asks for").toBeGreaterThan(100);
    await eventually("the gateway knows the key", async () => (await call(value, "GET", "/v1/nothing")).denied !== "unknown_key");
    const wrong = [];
    for (const { permission, any, access, method, path } of asked) {
      const expected = any.some((one) => RANK[may[one] ?? "none"] >= RANK[access]) ? 200 : "insufficient_permission";
      const answer = await call(value, method, path);
      const did = answer.denied ?? answer.status;
      if (did !== expected) wrong.push(`${method} ${path} (${permission}_${access}, chosen ${chosen[permission]}): ${did}`);
    }
    expect(wrong).toEqual([]);
  });
}
