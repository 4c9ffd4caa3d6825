// Parts that tell of work ask anew by themselves. Without this script the pages are the same, and stand still.
"use strict";
for (const part of document.querySelectorAll("[data-live]")) {
  const pause = part.id === "job" ? 400 : 2000;
  let last = part.innerHTML;
  const ask = async () => {
    try {
      const answer = await fetch(part.dataset.live, { headers: { accept: "text/html" } });
      if (answer.status === 205) return location.reload();
      if (answer.ok) {
        const text = await answer.text();
        if (text !== last && !part.contains(document.activeElement)) part.innerHTML = text;
        else if (text !== last) for (const name of [".stage"]) {
          const [now, then] = [new DOMParser().parseFromString(text, "text/html").querySelector(name), part.querySelector(name)];
          if (now && then) then.replaceWith(now);
        }
        last = text;
      }
    } catch { /* safemigrate was ended: what stands there stays */ }
    setTimeout(ask, document.hidden ? 5000 : pause);
  };
  setTimeout(ask, pause);
}
// once more is once too often
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", () => setTimeout(() => form.querySelectorAll("button").forEach((b) => { b.disabled = true; })));
}
addEventListener("pageshow", () => document.querySelectorAll("button:disabled").forEach((b) => { b.disabled = false; }));
