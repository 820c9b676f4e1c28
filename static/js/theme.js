// The theme: set before anything is painted, so this one script is not deferred. Without it the system's choice counts.
"use strict";

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

function chooseTheme(theme) {
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // Not remembered, then.
  }
  showTheme(theme);
  for (const group of document.querySelectorAll("[data-theme-switch]")) markTheme(group, theme);
}

function markTheme(group, theme) {
  for (const button of group.children) button.setAttribute("aria-pressed", button.value === theme);
}

showTheme(storedTheme());

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-switch] > button");
  if (button) chooseTheme(button.value);
});

document.addEventListener("DOMContentLoaded", () => {
  for (const group of document.querySelectorAll("[data-theme-switch]")) {
    markTheme(group, storedTheme());
    group.hidden = false;
  }
});

// Chosen in another window.
addEventListener("storage", (event) => {
  if (event.key === "theme") chooseTheme(storedTheme());
});
