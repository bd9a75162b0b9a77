// The two places that have pages: what holds of both is tested in both.
import { expect } from "./fixture.js";
import { idOf, shown } from "./steps.js";
import { portal, world } from "./portal.js";
import { account, link } from "./world.js";

/** What the console and the portal call things, and how one comes into each. */
export const SITES = [
  {
    name: "console",
    at: "/console",
    cookie: { name: "__Host-keyward_console", sameSite: "Strict" },
    create: "Create restricted key",
    /** An account with keys of its own. */
    tenant: async (members) => (await account(members)).id,
    /** The address of a link that opens a session once. */
    link: async (who = "admin@example.com") => `/console/enter#${await link("admin", who)}`,
    /** The end of a key that a page of it leads to. */
    ends: "Expire",
  },
  {
    name: "portal",
    at: "/portal",
    cookie: { name: "__Host-keyward_portal", sameSite: "Lax" },
    create: "Create key",
    tenant: async (members) => {
      await world();
      return (await account({ policy: `customers-p${process.pid}`, ...members })).id;
    },
    link: async (who = "ada@acme.example", of = undefined) => {
      const whole = await portal(of ?? (await world()).acme, { actor: { id: who } });
      return whole.slice(whole.indexOf("/portal/"));
    },
    ends: "Expire",
  },
];

/** Follows a link, as a person does. */
export async function come(page, site, who, of) {
  await page.goto(await site.link(who, of));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((now) => now.pathname.startsWith(`${site.at}/keys`));
}

/** Makes a key on its page, and returns its value, which the page shows once. */
export async function make(page, site, hand, { name, owner, permissions = {} }) {
  await page.goto(`${site.at}/keys`);
  await hand.open(page, site.create);
  await page.waitForURL(`**${site.at}/keys/new`);
  await hand.type(page, "Name", name);
  if (site.name === "console") await hand.type(page, "Account", owner);
  for (const [group, level] of Object.entries(permissions)) await hand.choose(page, group, level);
  await hand.press(page, "Create key");
  return shown(page);
}

/** Puts the value's page away. Returns the id of its key. */
export async function done(page, site) {
  await page.getByRole("button", { name: "Done" }).click();
  await page.waitForURL(new RegExp(`${site.at}/keys/mk_\\w+$`));
  return idOf(page);
}

export { expect };
