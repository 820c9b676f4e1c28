// What htmx does not do: the theme, polling only while somebody looks, lost connections, copying.
// Everything works without this file.
"use strict";

const THEMES = ["system", "light", "dark"];
const root = document.documentElement;

function storedTheme() {
  try {
    return localStorage.getItem("theme") || "system";
  } catch {
    return "system";
  }
}

function showTheme(theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
}

function nextTheme(theme) {
  return THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
}

function labelSwitch(button, theme) {
  const label = `Theme: ${theme}. Switch to ${nextTheme(theme)}`;
  button.title = label;
  button.setAttribute("aria-label", label);
}

function switchTheme(button) {
  const theme = nextTheme(storedTheme());
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // Not remembered, then.
  }
  showTheme(theme);
  labelSwitch(button, theme);
}

// Before anything is painted.
showTheme(storedTheme());

// ---- live parts ----

const isLive = (element) => element.hasAttribute("data-live");

function refreshAll() {
  for (const element of document.querySelectorAll("[data-live]")) htmx.trigger(element, "refresh");
}

let lost = false;
let announced = "";

function say(text) {
  document.getElementById("connection").textContent = text;
}

function sayBriefly(text) {
  say(text);
  setTimeout(() => lost || say(""), 5000);
}

// What is live asks again by itself; what a person sent has to be sent again.
function onTrouble(event) {
  const live = isLive(event.detail.elt);
  if (live && event.detail.xhr.status === 404) location.reload();
  else if (live) {
    lost = true;
    say("Connection lost. Trying again…");
  } else if (event.detail.xhr.status === 403) sayBriefly("This page is too old. Reload it and try again.");
  else sayBriefly("That did not arrive. Please try again.");
}

function connectionReturned() {
  if (!lost) return;
  lost = false;
  sayBriefly("Connected again");
}

// Reads a change of state aloud, and only that: the panel is drawn anew every second.
function announce() {
  const text = document.querySelector("[data-announce]")?.dataset.announce || "";
  if (announced && text !== announced) document.getElementById("announcer").textContent = text;
  announced = text;
}

// Drawn anew, a turning icon would start over each time; so all turn by the page's clock.
function keepTurning() {
  for (const animation of document.getAnimations()) {
    if (animation instanceof CSSAnimation) animation.startTime = 0;
  }
}

function watchLiveParts() {
  const body = document.body;
  body.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && isLive(event.detail.elt)) event.preventDefault();
  });
  body.addEventListener("htmx:beforeSwap", (event) => {
    // The session has ended: what came is the page to sign in on, and belongs in the whole window.
    if (new URL(event.detail.xhr.responseURL).pathname === body.dataset.login) {
      event.preventDefault();
      location.reload();
    }
  });
  for (const trouble of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    body.addEventListener(trouble, onTrouble);
  }
  body.addEventListener("htmx:afterOnLoad", (event) => {
    if (event.detail.xhr.status < 500) connectionReturned();
  });
  body.addEventListener("htmx:afterSettle", () => {
    announce();
    keepTurning();
    revealCopyButtons();
  });
  document.addEventListener("visibilitychange", () => document.hidden || refreshAll());
  announce();
}

// ---- copying ----

function revealCopyButtons() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
}

// The clipboard is only open to pages that came over TLS or from this machine.
function copyByHand(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

async function copy(button) {
  const text = button.dataset.copy;
  if (navigator.clipboard) await navigator.clipboard.writeText(text).catch(() => copyByHand(text));
  else copyByHand(text);
  button.focus();
  const word = button.querySelector("span");
  word.textContent = "Copied";
  setTimeout(() => (word.textContent = "Copy"), 2000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-theme-switch]");
  if (button?.hasAttribute("data-copy")) copy(button);
  else if (button) switchTheme(button);
});

document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    labelSwitch(button, storedTheme());
    button.hidden = false;
  }
  revealCopyButtons();
  watchLiveParts();
});
