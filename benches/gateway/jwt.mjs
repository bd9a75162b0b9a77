// Prints a fresh key as a JWKS and a token signed with it, as JSON: {"jwks": …, "token": …}.
import { generateKeyPairSync, sign } from "node:crypto";

const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const coded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const head = coded({ alg: "RS256", typ: "JWT", kid: "bench" });
const claims = coded({ iss: "bench", sub: "acct_1", exp: 4102444800, scope: "customer_read" });
const signature = sign("sha256", Buffer.from(`${head}.${claims}`), privateKey).toString("base64url");
const jwk = { ...publicKey.export({ format: "jwk" }), kid: "bench", alg: "RS256", use: "sig" };
console.log(JSON.stringify({ jwks: JSON.stringify({ keys: [jwk] }), token: `${head}.${claims}.${signature}` }));
