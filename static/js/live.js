// What is live: parts of a page that ask for news of themselves (dashboard/live.py says how). Everything works without this file.

// What is said, in the language of the page (see shared/_words.html).
const words = document.getElementById("words").dataset;
const isLive = (element) => element.hasAttribute("data-live");

// ---- when they ask ----

// Seconds between two looks, as the server last told: the more people look on, the more.
let pace = 1;
// Of each part: when it last asked, and how often in a row there was nothing new.
const looks = new WeakMap();
const LONGEST_REST = 5000;

function looksOf(element) {
  if (!looks.has(element)) looks.set(element, { at: -Infinity, quiet: 0 });
  return looks.get(element);
}

// Where nothing changes, it is looked less often. A timer may ring a little early.
function isTooSoon(element) {
  const { at, quiet } = looksOf(element);
  const rest = Math.max(1000 * pace, Math.min(200 * quiet, LONGEST_REST));
  return performance.now() - at < rest - 250;
}

function mayAsk(element, event) {
  return !document.hidden && (event?.type === "refresh" || !isTooSoon(element));
}

function noteAnswer(element, xhr) {
  const look = looksOf(element);
  look.quiet = xhr.status === 204 ? look.quiet + 1 : 0;
  pace = Number(xhr.getResponseHeader("Live-Pace")) || pace;
}

function refreshAll() {
  for (const element of document.querySelectorAll("[data-live]:not([data-follows])")) htmx.trigger(element, "refresh");
}

// What follows another part asks when that part has seen something else than itself.
function refreshFollowers() {
  for (const element of document.querySelectorAll("[data-follows]")) {
    const { follows, seen } = element.dataset;
    if (document.getElementById(follows).dataset.seen !== seen) htmx.trigger(element, "refresh");
  }
}

// ---- what came is merged into what is there: scroll, focus, selection and folds stay as they are ----

// What a person has opened or closed stays so.
const handled = new WeakSet();

// What a script has shown, or a person opened, is not for the server to take back.
function isOurs(element, name) {
  return (name === "open" && handled.has(element)) || (name === "hidden" && element.matches("button, input"));
}

function mergeAttributes(old, fresh) {
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value && !isOurs(old, name)) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !isOurs(old, name)) old.removeAttribute(name);
  }
}

function mergeChildren(old, fresh) {
  const wanted = new Set([...fresh.children].map((child) => child.id));
  for (const child of [...old.children]) {
    if (child.id && !wanted.has(child.id)) child.remove();
  }
  const named = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const same = child.id ? named.get(child.id) : place?.nodeName === child.nodeName && !place.id ? place : null;
    if (same === place && place) place = place.nextSibling;
    else old.insertBefore(same || child, place);
    if (same) merge(same, child);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

// A radio button that comes pressed releases the one that a person has pressed.
function mergeKeepingChoices(old, fresh) {
  const chosen = [...old.querySelectorAll("input[type=radio]:checked")].filter((one) => !one.defaultChecked);
  merge(old, fresh);
  for (const one of chosen) one.checked = true;
}

// Makes `old` what `fresh` is, and touches nothing that is so already.
function merge(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeName !== fresh.nodeName) old.replaceWith(fresh);
  else if (old.nodeType !== Node.ELEMENT_NODE) old.data = fresh.data;
  else {
    mergeAttributes(old, fresh);
    mergeChildren(old, fresh);
  }
}

htmx.defineExtension("merge", {
  isInlineSwap: (style) => style === "merge",
  handleSwap(style, target, fragment) {
    if (style !== "merge") return false;
    mergeKeepingChoices(target, fragment.firstElementChild);
    return [target];
  },
});

// ---- what is said ----

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
    say(words.lost);
  } else if (event.detail.xhr.status === 403) sayBriefly(words.tooOld);
  else sayBriefly(words.notSent);
}

function connectionReturned() {
  if (!lost) return;
  lost = false;
  sayBriefly(words.again);
}

// Reads a change of state aloud, and only that.
function announce() {
  const text = document.querySelector("[data-announce]")?.dataset.announce || "";
  if (announced && text !== announced) document.getElementById("announcer").textContent = text;
  announced = text;
}

// ---- times that go on between two pieces of news ----

// Of each clock: the seconds that the server told, and when they came.
const clocks = new WeakMap();

function duration(seconds) {
  const whole = Math.round(seconds);
  const [minutes, hours, days] = [60, 3600, 86400].map((length) => Math.floor(whole / length));
  const two = (number) => String(number).padStart(2, "0");
  if (!minutes) return `${whole} s`;
  if (!hours) return `${minutes} min ${two(whole % 60)} s`;
  return days ? `${days} d ${hours % 24} h` : `${hours} h ${two(minutes % 60)} min`;
}

function tick() {
  for (const clock of document.querySelectorAll("[data-clock]")) {
    const told = clock.dataset.clock;
    if (clocks.get(clock)?.told !== told) clocks.set(clock, { told, at: performance.now() });
    const gone = (performance.now() - clocks.get(clock).at) / 1000;
    if (gone >= 0.9) clock.textContent = duration(Number(told) + gone).replaceAll(" ", "\u00a0");
  }
}

// ---- together ----

function watchLiveParts() {
  const body = document.body;
  body.setAttribute("hx-ext", "merge");
  body.addEventListener("htmx:configRequest", (event) => {
    const { elt, headers } = event.detail;
    if (isLive(elt) && elt.dataset.seen) headers["Live-Seen"] = elt.dataset.seen;
  });
  body.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, requestConfig } = event.detail;
    if (!isLive(elt)) return;
    if (!mayAsk(elt, requestConfig.triggeringEvent)) event.preventDefault();
    else looksOf(elt).at = performance.now();
  });
  body.addEventListener("htmx:beforeSwap", (event) => {
    const { elt, xhr, target } = event.detail;
    // The session has ended: what came is the page to sign in on, and belongs in the whole window.
    if (new URL(xhr.responseURL).pathname === body.dataset.login) {
      event.preventDefault();
      location.reload();
    } else if (isLive(elt) && elt === target) event.detail.swapOverride = "merge";
  });
  for (const trouble of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    body.addEventListener(trouble, onTrouble);
  }
  body.addEventListener("htmx:afterOnLoad", (event) => {
    const { elt, xhr } = event.detail;
    if (xhr.status < 500) connectionReturned();
    if (isLive(elt)) noteAnswer(elt, xhr);
    if (isLive(elt) && !elt.dataset.follows) refreshFollowers();
  });
  body.addEventListener("htmx:afterSettle", announce);
  document.addEventListener("click", (event) => {
    const fold = event.target.closest("summary")?.parentElement;
    if (fold) handled.add(fold);
  });
  document.addEventListener("visibilitychange", () => document.hidden || refreshAll());
  setInterval(tick, 1000);
  announce();
}

watchLiveParts();
