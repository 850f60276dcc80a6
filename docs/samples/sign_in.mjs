// The vendor's side of the sign-in, in Node.js 18 or newer, without packages. docs/sign-in.md describes the format.
import { createHmac, timingSafeEqual } from "node:crypto";

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const decoded = (text) => JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
const signature = (text, key) => createHmac("sha256", key).update(text).digest();

/**
 * Returns the verified claims of a state. Show its `store_url` to the merchant.
 *
 * key: the secret of the output SignInSecretArn. signInUrl: the parameter SignInUrl, as it was given.
 * Throws: then show an error and send the browser nowhere.
 */
export function readState(state, key, signInUrl) {
  const [header, claims, signed, ...more] = state.split(".");
  if (!header || !claims || !signed || more.length) throw new Error("not a token");
  const came = Buffer.from(signed, "base64url");
  const due = signature(`${header}.${claims}`, key);
  if (came.length !== due.length || !timingSafeEqual(came, due)) throw new Error("signed by another key");
  if (decoded(header).alg !== "HS256") throw new Error("signed in another way");
  const found = decoded(claims);
  if (found.aud !== signInUrl) throw new Error("meant for another login");
  if (!(found.exp > Date.now() / 1000)) throw new Error("over");
  return found;
}

/** Returns where to send the browser (303) after the merchant has agreed. The connection then belongs to `tenant`. */
export function returnUrl(state, key, signInUrl, tenant) {
  const found = readState(state, key, signInUrl);
  const now = Math.floor(Date.now() / 1000);
  const answer = { iss: signInUrl, aud: found.iss, sub: tenant, jti: found.jti, iat: now, exp: now + 60 };
  const signing = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded(answer)}`;
  const query = new URLSearchParams({ state, answer: `${signing}.${signature(signing, key).toString("base64url")}` });
  return `${found.return_url}?${query}`;
}
