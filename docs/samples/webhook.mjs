// The app's side of the webhook, in Node.js 18 or newer, without packages. docs/webhooks.md describes the format.
// Run it: STORELINK_WEBHOOK_SECRET=… node webhook.mjs 8000
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

/** Seconds by which a request may be old, or the clocks may differ. */
const TOLERANCE = 300;

/**
 * Returns the event of a request. headers: by lower-case names. body: a Buffer of the bytes as they came.
 * secret: the text of the secret, with or without `whsec_`. Throws when Storelink did not send it: answer 401.
 */
export function verify(headers, body, secret) {
  const id = headers["webhook-id"] ?? "";
  const sentAt = headers["webhook-timestamp"] ?? "";
  if (!/^[0-9]+$/.test(sentAt) || Math.abs(Date.now() / 1000 - Number(sentAt)) > TOLERANCE) throw new Error("too old");
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const due = createHmac("sha256", key).update(`${id}.${sentAt}.`).update(body).digest();
  const signatures = (headers["webhook-signature"] ?? "").split(" ").map((one) => one.split(","));
  const came = signatures.filter(([version]) => version === "v1").map(([, text]) => Buffer.from(text ?? "", "base64"));
  if (!came.some((one) => one.length === due.length && timingSafeEqual(one, due))) {
    throw new Error("signed by another key");
  }
  return JSON.parse(body.toString("utf8"));
}

/** Ids of events. Use your database: an event can arrive twice. */
const seen = new Set();

/** Answers 204 as soon as the event is noted. Do what takes long after the answer. */
async function receive(request, response) {
  const parts = [];
  for await (const part of request) parts.push(part);
  let event;
  try {
    event = verify(request.headers, Buffer.concat(parts), process.env.STORELINK_WEBHOOK_SECRET);
  } catch (refused) {
    response.writeHead(401).end(refused.message);
    return;
  }
  if (!seen.has(request.headers["webhook-id"])) {
    seen.add(request.headers["webhook-id"]);
    console.log(event["detail-type"], event.detail.store_url);
  }
  response.writeHead(204).end();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  createServer(receive).listen(Number(process.argv[2]), "127.0.0.1");
}
