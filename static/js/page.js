// What htmx does not do on any page: toasts, menus, uploads' progress, copying. Everything works without this file.

// What is said, in the language of the page (see shared/_words.html).
const words = document.getElementById("words").dataset;

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
  tellUpload(form, words.tooLong.replace("{limit}", form.dataset.uploadLimit));
}

function watchUploads() {
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.detail.elt;
    if (!form.matches("[data-upload]")) return;
    if (isTooLong(form)) {
      event.preventDefault();
      tellTooLong(form);
    } else tellUpload(form, words.uploading, 0);
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
    const percent = `${Math.floor(done * 100)} %`;
    tellUpload(form, done < 1 ? words.uploaded.replace("{percent}", percent) : words.storing, done);
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
  const before = (button.dataset.before ??= word.textContent);
  word.textContent = words.copied;
  setTimeout(() => (word.textContent = before), 2000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

// ---- toasts ----

// Long enough to be read twice; trouble stays until somebody has seen it.
const readingTime = (text) => 6000 + 120 * text.length;

function dismiss(toast) {
  const next = toast.nextElementSibling || toast.previousElementSibling;
  const hadFocus = toast.contains(document.activeElement);
  toast.remove();
  if (hadFocus) (next?.querySelector("[data-dismiss]") || document.getElementById("main")).focus();
}

function dismissInTime(toast) {
  const isRead = () => document.hidden || toast.matches(":hover, :focus-within");
  setTimeout(() => (isRead() ? dismissInTime(toast) : dismiss(toast)), readingTime(toast.textContent));
}

// Put into the region anew, for only what comes later is read aloud.
function raiseToasts() {
  const region = document.getElementById("messages");
  if (!region) return;
  const toasts = [...region.querySelectorAll("[data-toast]")];
  region.classList.add("floating");
  region.replaceChildren();
  setTimeout(() => {
    region.append(...toasts);
    for (const toast of toasts) {
      toast.querySelector("[data-dismiss]").hidden = false;
      if (toast.matches(".notice-success, .notice-info")) dismissInTime(toast);
    }
  }, 50);
}

// ---- menus ----

const openMenus = () => document.querySelectorAll("details.menu[open]");

function closeMenusBut(target) {
  for (const menu of openMenus()) if (!menu.contains(target)) menu.open = false;
}

function closeMenuByKey(event) {
  const menu = event.key === "Escape" && document.activeElement.closest("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (event.key === "Escape") closeMenusBut(null);
}

// ---- dialogs ----

function showDialog(dialog) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-keep]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.showModal();
}

function dialogOf(page, address) {
  const title = page.querySelector("h1");
  const form = page.querySelector("form.deletion");
  if (!title || !form) return null;
  const dialog = document.createElement("dialog");
  const heading = document.createElement("h2");
  heading.id = "asked";
  heading.textContent = title.textContent;
  form.action = address;
  dialog.className = "dialog";
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.append(heading, document.adoptNode(form));
  dialog.addEventListener("close", () => dialog.remove());
  return dialog;
}

// What the page behind a link would ask before a deed is asked here. Whatever is in the way, the link leads to the page.
async function ask(link) {
  try {
    const answer = await fetch(link.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const dialog = answer.ok && !answer.redirected && dialogOf(page, link.href);
    if (!dialog) return location.assign(link.href);
    document.body.append(dialog);
    // The link may be in a menu that is closed by now: nothing in it can have the focus again.
    dialog.addEventListener("close", () => link.closest("details.menu")?.querySelector("summary").focus());
    showDialog(dialog);
  } catch {
    location.assign(link.href);
  }
}

const isPlainClick = (event) => !(event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-ask]");
  if (!link || !isPlainClick(event)) return;
  event.preventDefault();
  ask(link);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dialog]");
  if (button) showDialog(document.getElementById(button.dataset.dialog));
});
for (const button of document.querySelectorAll("[data-dialog]")) button.hidden = false;

document.addEventListener("click", (event) => {
  closeMenusBut(event.target);
  const button = event.target.closest("[data-dismiss]");
  if (button) dismiss(button.closest("[data-toast]"));
});
document.addEventListener("focusin", (event) => closeMenusBut(event.target));
document.addEventListener("keydown", closeMenuByKey);
document.body.addEventListener("htmx:afterSettle", revealCopyButtons);
raiseToasts();
revealCopyButtons();
watchUploads();
