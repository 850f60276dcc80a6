"use strict";

const root = document.documentElement;
const page = document.getElementById("page");
const news = document.getElementById("news");
let seen = page.cloneNode(true);
let pause = 1000;

// Causes of a silence are named after this time; without script they are shown at once.
const CAUSES_AFTER = 15000;

root.classList.add("script", "early");
setTimeout(() => {
  root.classList.remove("early");
  const causes = document.getElementById("causes");
  if (causes) news.textContent = causes.textContent;
}, CAUSES_AFTER);

async function look() {
  try {
    const answer = await fetch(location.href, {cache: "no-store"});
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.ok && next.getElementById("page")) show(next);
  } catch { /* the next look may succeed */ }
  pause = Math.min(pause * 1.02, 5000);
  proceed();
}

function show(next) {
  const now = next.getElementById("page");
  for (const part of ["header", "main", "footer"]) {
    renew(page.querySelector(part), seen.querySelector(part), now.querySelector(part));
  }
  if (now.dataset.news !== seen.dataset.news) news.textContent = now.dataset.news;
  page.dataset.waiting = now.dataset.waiting;
  document.title = next.title;
  seen = now.cloneNode(true);
}

// Only what the server changed: what is focused, selected or turning stays as it is.
function renew(live, before, now) {
  if (before.children.length !== now.children.length) {
    live.replaceChildren(...now.cloneNode(true).childNodes);
    return;
  }
  [...now.children].forEach((child, nth) => {
    if (!child.isEqualNode(before.children[nth])) live.children[nth].replaceWith(child.cloneNode(true));
  });
}

function proceed() {
  const go = document.getElementById("go");
  if (go && go.dataset.follow) setTimeout(() => location.replace(go.href), 900);
  else if (page.dataset.waiting === "true") setTimeout(look, pause);
}

page.addEventListener("click", async (event) => {
  const button = event.target.closest("#copy");
  if (!button) return;
  const details = document.getElementById("details");
  const text = document.getElementById("support");
  try {
    await navigator.clipboard.writeText(text.value);
    const label = button.textContent;
    button.textContent = news.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = label; }, 3000);
  } catch { // no permission, or no clipboard: the text is there to be selected
    details.open = true;
    text.focus();
    text.select();
  }
});

proceed();
