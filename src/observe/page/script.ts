/**
 * What makes the status page live: it asks for the page again each second and makes its own like it, node by node, so
 * that the server alone knows how anything looks. Whatever has not changed is left alone: an opened stack stays open, the
 * focus and a selection where they are. It writes text only as text.
 */

export const SCRIPT = `(() => {
"use strict";
const EVERY_MS = 1000, HIDDEN_MS = 5000, PATIENCE_MS = 4000;
const root = document.documentElement;
const connection = document.getElementById("connection");
const { version } = root.dataset;
let asOf = document.getElementById("as-of").textContent;
let timer;

const update = (old, fresh) => {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes])
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  for (const { name, value } of fresh.attributes)
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  updateChildren(old, fresh);
};

const updateChildren = (old, fresh) => {
  const known = new Map([...old.children].filter(({ id }) => id).map((child) => [child.id, child]));
  const wanted = new Set([...fresh.children].map(({ id }) => id));
  let at = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    while (at && at.id && !wanted.has(at.id)) at = removed(at);
    const same = next.id ? known.get(next.id) : at && !at.id && at.nodeName === next.nodeName ? at : undefined;
    known.delete(next.id);
    if (!same) {
      old.insertBefore(document.adoptNode(next), at);
      continue;
    }
    if (same === at) at = at.nextSibling;
    else old.insertBefore(same, at);
    update(same, next);
  }
  while (at) at = removed(at);
};

const removed = (node) => {
  const next = node.nextSibling;
  node.remove();
  return next;
};

const take = (text) => {
  const next = new DOMParser().parseFromString(text, "text/html");
  if (next.documentElement.dataset.version !== version) {
    if (next.documentElement.dataset.version) location.reload();
    throw new Error("something else answers here");
  }
  for (const part of ["header", "main", "footer"])
    update(document.querySelector(part), next.querySelector(part));
  document.title = next.title;
  const [icon, newIcon] = [document, next].map((page) => page.querySelector("link[rel=icon]"));
  if (icon.href !== newIcon.href) icon.href = newIcon.href;
  asOf = document.getElementById("as-of").textContent;
  say("");
};

const say = (text) => {
  root.classList.toggle("stale", text !== "");
  if (connection.textContent !== text) connection.textContent = text;
};

const lost = (why) => {
  say(why + " since " + asOf + ". This page shows what was then, and asks on.");
  if (!document.title.startsWith("! ")) document.title = "! no answer · " + document.title;
};

const ask = async () => {
  clearTimeout(timer);
  try {
    const answer = await fetch(location.origin + location.pathname, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.status === 401 || answer.status === 403) lost("The server has not let this page in");
    else if (!answer.ok) lost("The server has answered with status " + answer.status);
    else take(await answer.text());
  } catch {
    lost("The server has not answered");
  }
  timer = setTimeout(ask, document.hidden ? HIDDEN_MS : EVERY_MS);
};

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  clearTimeout(timer);
  timer = setTimeout(ask, 0);
});
timer = setTimeout(ask, EVERY_MS);
})();`;
