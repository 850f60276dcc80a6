// The vendor's side of the sign-in, in Node.js 18 or newer, without packages. docs/sign-in.md tells the format.
import { createHmac, timingSafeEqual } from "node:crypto";

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const decoded = (text) => JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
const signature = (text, key) => createHmac("sha256", key).update(text).digest();

/**
 * What Storelink asks, verified; show its `store_url` to the merchant.
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
  const told = decoded(claims);
  if (told.aud !== signInUrl) throw new Error("meant for another login");
  if (!(told.exp > Date.now() / 1000)) throw new Error("over");
  return told;
}

/** Where to send the browser (303) once the merchant has signed in and agreed: the connection is `tenant`'s then. */
export function returnUrl(state, key, signInUrl, tenant) {
  const told = readState(state, key, signInUrl);
  const now = Math.floor(Date.now() / 1000);
  const answer = { iss: signInUrl, aud: told.iss, sub: tenant, jti: told.jti, iat: now, exp: now + 60 };
  const signing = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded(answer)}`;
  const query = new URLSearchParams({ state, answer: `${signing}.${signature(signing, key).toString("base64url")}` });
  return `${told.return_url}?${query}`;
}
