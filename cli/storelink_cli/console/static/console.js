// What pages cannot do without a script: parts that stay up to date, the merchant's page too, and buttons that copy.
"use strict";

async function refresh(part) {
  if (document.hidden) return;
  let html;
  try {
    const answer = await fetch(part.dataset.live);
    if (!answer.ok) throw new Error(answer.status);
    html = await answer.text();
  } catch {
    part.classList.add("stale");
    return;
  }
  part.classList.remove("stale");
  if (html === part.dataset.shown) return;
  part.dataset.shown = html;
  const focused = part.contains(document.activeElement) && document.activeElement.getAttribute("href");
  const opened = [...part.querySelectorAll("details")].map((one) => one.open);
  part.innerHTML = html;
  part.querySelectorAll("details").forEach((one, nth) => { one.open = Boolean(opened[nth]); });
  const version = part.querySelector("[data-version]")?.dataset.version;
  for (const frame of document.querySelectorAll("iframe[data-version]")) {
    if (frame.dataset.version === version) continue;
    frame.dataset.version = version;
    frame.src = frame.src;
  }
  if (focused) [...part.querySelectorAll("a")].find((one) => one.getAttribute("href") === focused)?.focus();
}

for (const part of document.querySelectorAll("[data-live]")) {
  setInterval(() => refresh(part), 1000 * part.dataset.every);
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
  });
}
