// Slack's markup and blocks, as nodes: never as HTML.

import { ago, element, send } from "./elements.js";

let people = [];
let channels = [];
let speaker = () => "";

export function know(state, who) {
  people = state.users;
  channels = state.channels;
  speaker = who;
}

export const userName = (id) => (id === "U0PANIC" ? "Don't Panic" : people.find((u) => u.id === id)?.name || id);
const channelName = (id) => channels.find((c) => c.id === id)?.name || id;
const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

export function mrkdwn(source) {
  const parts = source.split(/\n?```\n?([^]*?)\n?```\n?/);
  return parts.flatMap((part, n) => (n % 2 ? [element("pre", {}, plain(part))] : part ? lines(part) : []));
}

function lines(source) {
  return source.split("\n").flatMap((line, n, all) => {
    const quoted = /^(&gt;|>) /.test(line);
    const nodes = inline(quoted ? line.replace(/^(&gt;|>) /, "") : line);
    const shown = quoted ? [element("blockquote", {}, ...nodes)] : nodes;
    return n < all.length - 1 && !quoted ? [...shown, "\n"] : shown;
  });
}

function inline(line) {
  const parts = line.split(/(<[^>]+>|`[^`]+`|\*[^*\s][^*]*\*|https?:\/\/[^\s<>`*]+)/);
  return parts.filter(Boolean).map((part) => {
    if (part.startsWith("<!date^")) return date(part);
    if (part.startsWith("<!")) return element("span", { class: "mention" }, `@${part.slice(2, -1)}`);
    if (part.startsWith("<@")) return element("span", { class: "mention" }, `@${userName(part.slice(2, -1).split("|")[0])}`);
    if (part.startsWith("<#")) {
      const id = part.slice(2, -1).split("|")[0];
      return element("a", { href: `#room/${id}` }, `#${channelName(id)}`);
    }
    if (/^<https?:/.test(part)) {
      const [url, label] = part.slice(1, -1).split("|");
      return element("a", { href: url, rel: "noreferrer" }, plain(label || url));
    }
    if (/^https?:/.test(part)) return element("a", { href: plain(part), rel: "noreferrer" }, plain(part));
    if (part.startsWith("`")) return element("code", {}, plain(part.slice(1, -1)));
    if (/^\*.+\*$/.test(part)) return element("b", {}, ...inline(part.slice(1, -1)));
    return plain(part);
  });
}

function date(part) {
  // <!date^1700000000^{time}|14:13>, in the reader's own time; {ago} goes on counting.
  const [, seconds, format] = part.slice(1, -1).split("|")[0].split("^");
  const at = new Date(Number(seconds) * 1000);
  const shown = element("time", { datetime: at.toISOString(), title: at.toUTCString() });
  const draw = () => {
    shown.textContent = format
      .replace("{ago}", ago(Number(seconds)))
      .replace("{time}", at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }))
      .replace("{date_short_pretty}", at.toLocaleDateString());
  };
  draw();
  if (format.includes("{ago}")) shown.dataset.ago = seconds;
  return shown;
}

setInterval(() => {
  for (const shown of document.querySelectorAll("[data-ago]")) shown.textContent = ago(Number(shown.dataset.ago));
}, 10_000);

// `press` is told what was pressed: an element of a message, or of a view.
export function drawBlock(block, press) {
  const text = (t) => element("div", {}, ...(t.type === "mrkdwn" ? mrkdwn(t.text) : [t.text]));
  switch (block.type) {
    case "header": return element("h3", {}, block.text.text);
    case "divider": return element("hr");
    case "context": return element("small", { class: "context" }, ...block.elements.flatMap((e) => (e.text ? mrkdwn(e.text) : [])));
    case "section": {
      const parts = [block.text, ...(block.fields || [])].filter(Boolean).map(text);
      if (block.accessory) parts.push(drawElement(block.accessory, block, press));
      return element("div", { class: "section" }, ...parts);
    }
    case "actions": return element("div", { class: "actions" }, ...block.elements.map((e) => drawElement(e, block, press)));
    default: return element("div", {}, `[${block.type}]`);
  }
}

function drawElement(item, block, press) {
  const pressed = (more) => press({ type: item.type, action_id: item.action_id, block_id: block.block_id, ...more });
  if (item.type === "button") {
    const shown = element("button", { type: "button", class: item.style || "", "data-action": item.action_id, "data-value": item.value }, item.text.text);
    shown.addEventListener("click", () => pressed({ value: item.value }));
    return shown;
  }
  if (item.type === "overflow") {
    const shown = element("details", { class: "menu" }, element("summary", { "aria-label": "More" }, "⋯"),
      element("div", {}, ...item.options.map((option) => {
        const choice = element("button", { type: "button", "data-value": option.value }, option.text.text);
        choice.addEventListener("click", () => { shown.open = false; pressed({ selected_option: option }); });
        return choice;
      })));
    return shown;
  }
  return element("span", {}, `[${item.type}]`);
}

export const pressIn = (message) => (action) =>
  send("/control/slack/action", { user: speaker(), channel: message.channel, ts: message.ts, ...action });
