// What htmx does not do: the theme, the place in the navigation, polling only while somebody looks, lost connections, uploads' progress, copying.
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

// Where the navigation is wider than its window.
function showPlace() {
  document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

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

// ---- uploads ----

function tellUpload(form, text, value) {
  const line = form.querySelector(".uploading");
  const bar = line.querySelector("progress");
  line.hidden = false;
  line.querySelector("p").textContent = text;
  bar.hidden = value === undefined;
  if (value < 1) bar.value = value;
  else bar.removeAttribute("value");
}

// The server would break off in the middle of what is too long, before it could say why.
function isTooLong(form) {
  const files = [...form.querySelector("[type=file]").files];
  return files.reduce((sum, file) => sum + file.size + 512, 4096) > Number(form.dataset.upload);
}

function tellTooLong(form) {
  tellUpload(form, `An upload may have ${form.dataset.uploadLimit} at most. Send the files in several.`);
}

function watchUploads() {
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.detail.elt;
    if (!form.matches("[data-upload]")) return;
    if (isTooLong(form)) {
      event.preventDefault();
      tellTooLong(form);
    } else tellUpload(form, "Uploading…", 0);
  });
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const form = event.detail.requestConfig.elt;
    if (event.detail.xhr.status !== 413 || event.detail.serverResponse.includes('id="change"')) return;
    // From a web server that knows nothing of the form.
    event.detail.shouldSwap = false;
    if (form.matches("[data-upload]")) tellTooLong(form);
  });
  document.body.addEventListener("htmx:xhr:progress", (event) => {
    const form = event.target;
    const { loaded, total } = event.detail;
    // What comes after all was sent is the answer on its way.
    if (!form.matches("[data-upload]") || !form.querySelector("progress").hasAttribute("value") || !total) return;
    const done = loaded / total;
    tellUpload(form, done < 1 ? `Uploading… ${Math.floor(done * 100)} %` : "All is sent. Storing it…", done);
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt;
    const told = event.detail.xhr.status === 413;
    if (form.matches("[data-upload]") && event.detail.failed && !told) form.querySelector(".uploading").hidden = true;
  });
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
  showPlace();
  revealCopyButtons();
  watchLiveParts();
  watchUploads();
});
