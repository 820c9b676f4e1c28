// A check proposes a name and a base path. What somebody has typed meanwhile stays.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const field = event.detail.target.querySelector("input:not([type=hidden])");
  if (field && field.value !== field.defaultValue) event.detail.shouldSwap = false;
});

// What was found, or is being looked for, at one address says nothing of another.
document.addEventListener("input", (event) => {
  if (!["url", "upstream", "remote"].includes(event.target.name)) return;
  htmx.trigger("#check-button", "htmx:abort");
  document.getElementById("check").replaceChildren();
});
