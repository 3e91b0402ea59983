// Small things that everything on the page is made of.

export const $ = (selector) => document.querySelector(selector);

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child != null && child !== false));
  return made;
}

export async function send(path, body, method = "POST") {
  const answer = await fetch(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) notice(await answer.text());
  return answer.ok ? answer.json() : null;
}

export function notice(text) {
  const shown = element("p", { class: "notice", role: "alert" }, text);
  document.body.append(shown);
  setTimeout(() => shown.remove(), 6000);
}

export const clock = (ts) => new Date(ts * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

export function ago(seconds) {
  const passed = Math.max(0, Math.round((Date.now() / 1000 - seconds) / 60));
  if (passed < 1) return "just now";
  return passed < 60 ? `${passed} min ago` : `${Math.floor(passed / 60)} h ${passed % 60} min ago`;
}
