// Ticks in the rows of a list: all at once, and how many there are. The buttons work without this file.
const ticksOf = (form) => [...document.querySelectorAll(`[name="chosen"][form="${form}"]`)];

function showTicks() {
  for (const all of document.querySelectorAll("[data-tick-all]")) {
    const ticks = ticksOf(all.dataset.tickAll);
    const ticked = ticks.filter((tick) => tick.checked).length;
    all.hidden = !ticks.length;
    all.checked = ticked > 0 && ticked === ticks.length;
    all.indeterminate = ticked > 0 && ticked < ticks.length;
  }
  for (const line of document.querySelectorAll("[data-ticked]")) {
    const ticked = ticksOf(line.dataset.ticked).filter((tick) => tick.checked).length;
    line.textContent = ticked ? line.dataset.some.replace("{}", ticked) : line.dataset.none;
  }
}

document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-tick-all]");
  if (all) for (const tick of ticksOf(all.dataset.tickAll)) tick.checked = all.checked;
  if (all || event.target.name === "chosen") showTicks();
});

// A list that is drawn anew while somebody ticks rows keeps the ticks.
let kept = [];
document.addEventListener("htmx:beforeSwap", () => {
  kept = [...document.querySelectorAll('[name="chosen"]:checked')].map((tick) => tick.id);
});
document.addEventListener("htmx:afterSettle", () => {
  for (const id of kept) {
    const tick = document.getElementById(id);
    if (tick) tick.checked = true;
  }
  showTicks();
});
showTicks();
