// The page of the emulators. It fetches one snapshot, draws it, and looks again when the stream says so.

const $ = (selector) => document.querySelector(selector);
const FACES = ["#7a3e9d", "#1f7a8c", "#b4532a", "#3a7d44", "#8a3b5c", "#4255a4", "#97721b", "#5b6770"];
const FAULTS = [
  ["PagerDuty answers 503", { service: "pagerduty", call: "*", fault: "status", code: 503, times: -1 }],
  ["Slack answers 429", { service: "slack", call: "chat.postMessage", fault: "status", code: 429, retry_after: 2, times: -1 }],
  ["Slack is down", { service: "slack", call: "*", fault: "drop_before", times: -1 }],
  ["Status page is slow (5 s)", { service: "statuspage", call: "*", fault: "slow", seconds: 5, times: -1 }],
];

let state = null;
let place = location.hash.slice(1) || "room/C0INCIDENTS";
const speaker = () => localStorage.getItem("speaker") || "U0ANNE";

async function send(path, body, method = "POST") {
  const answer = await fetch(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) alert(await answer.text());
  return answer.ok ? answer.json() : null;
}

async function look() {
  const room = place.startsWith("room/") ? place.slice(5) : "";
  state = await (await fetch(`/page/state?room=${encodeURIComponent(room)}`)).json();
  draw();
}

// -- drawing ---------------------------------------------------------------------------------------------

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

const userName = (id) => (id === "U0PANIC" ? "Don't Panic" : state.users.find((u) => u.id === id)?.name || id);
const channelName = (id) => state.channels.find((c) => c.id === id)?.name || id;
const clock = (ts) => new Date(ts * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

function draw() {
  drawPlaces();
  const [kind, id] = place.split("/");
  const content = $("#content");
  const low = content.scrollHeight - content.scrollTop - content.clientHeight < 80 || content.dataset.place !== place;
  content.replaceChildren(...({ room: drawRoom, pagerduty: drawPagerDuty, status: drawStatus, faults: drawFaults }[kind] || drawRoom)(id));
  content.dataset.place = place;
  if (kind === "room" && low) content.scrollTop = content.scrollHeight;
  $("#say").hidden = kind !== "room";
  drawForm();
}

function drawPlaces() {
  const rooms = state.channels.filter((c) => !c.is_im);
  const incidents = rooms.filter((c) => c.name.startsWith("inc-")).reverse();
  const others = rooms.filter((c) => !c.name.startsWith("inc-"));
  const mine = state.channels.filter((c) => c.is_im && c.user === speaker());
  const link = (to, text) => element("a", { href: `#${to}`, class: place === to ? "here" : "" }, text);
  const group = (title, links) => (links.length ? [element("h2", {}, title), ...links] : []);
  const firing = state.faults.length ? ` (${state.faults.length})` : "";
  $("#places").replaceChildren(
    ...group("Incidents", incidents.map((c) => link(`room/${c.id}`, `# ${c.name}`))),
    ...group("Channels", others.map((c) => link(`room/${c.id}`, `# ${c.name}`))),
    ...group("To you", mine.map((c) => link(`room/${c.id}`, "✉ Don't Panic"))),
    ...group("Outside", [link("pagerduty", "PagerDuty"), link("status", "Status page"), link("faults", `Faults${firing}`)]),
  );
  const select = $("#speaker");
  if (!select.options.length) {
    select.append(...state.users.filter((u) => u.id).map((u) => element("option", { value: u.id }, u.name)));
  }
  select.value = speaker();
}

function drawRoom(id) {
  const channel = state.channels.find((c) => c.id === id);
  title(channel ? (channel.is_im ? "Direct messages from Don't Panic" : `# ${channel.name}`) : "?", channel?.topic.value);
  let before = null;
  return state.messages.filter((m) => !m.ephemeral_to || m.ephemeral_to === speaker()).map((message) => {
    const same = before && before.user === message.user && message.ts - before.ts < 120 && !message.ephemeral_to;
    before = message.ephemeral_to ? null : message;
    return drawMessage(message, channel, same);
  });
}

function drawMessage(message, channel, same) {
  const name = userName(message.user);
  const colour = FACES[[...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % FACES.length];
  const initials = message.bot_id ? "!" : name.split(" ").map((part) => part[0]).slice(0, 2).join("");
  const body = element("div", { class: "body" });
  body.append(...(message.blocks?.length ? message.blocks.map((block) => drawBlock(block, message)) : mrkdwn(message.text)));
  return element(
    "article",
    { class: ["message", same && "same", message.ephemeral_to && "private"].filter(Boolean).join(" "), "data-ts": message.ts },
    element("div", { class: "face", style: `background:${message.bot_id ? "#c0264b" : colour}`, "aria-hidden": true }, initials),
    element("div", { class: "who" }, element("b", {}, name), element("time", {}, clock(message.ts)),
      message.ephemeral_to ? element("em", {}, " · only visible to you") : null,
      message.edited ? element("em", {}, " · edited") : null,
      channel?.pins.includes(message.ts) ? element("span", { class: "pin" }, "📌 pinned") : null),
    body,
  );
}

function drawBlock(block, message) {
  const text = (t) => element("div", {}, ...(t.type === "mrkdwn" ? mrkdwn(t.text) : [t.text]));
  switch (block.type) {
    case "header": return element("h3", {}, block.text.text);
    case "divider": return element("hr");
    case "context": return element("small", {}, ...block.elements.flatMap((e) => (e.text ? mrkdwn(e.text) : [])));
    case "section": {
      const parts = [block.text, ...(block.fields || [])].filter(Boolean).map(text);
      if (block.accessory) parts.push(drawElement(block.accessory, block, message));
      return element("div", {}, ...parts);
    }
    case "actions": return element("div", { class: "actions" }, ...block.elements.map((e) => drawElement(e, block, message)));
    default: return element("div", {}, `[${block.type}]`);
  }
}

function drawElement(item, block, message) {
  if (item.type !== "button") return element("span", {}, `[${item.type}]`);
  const press = () => send("/control/slack/action", {
    user: speaker(), channel: message.channel, ts: message.ts, action_id: item.action_id, value: item.value, block_id: block.block_id,
  });
  return element("button", { class: item.style || "", "data-action": item.action_id, "data-value": item.value, onclick: press }, item.text.text);
}

function mrkdwn(source) {
  // Slack's markup, as nodes: never as HTML.
  return source.split("\n").flatMap((line, n, all) => {
    const quoted = line.startsWith("&gt; ") || line.startsWith("> ");
    const nodes = inline(quoted ? line.replace(/^(&gt;|>) /, "") : line);
    const shown = quoted ? [element("blockquote", {}, ...nodes)] : nodes;
    return n < all.length - 1 && !quoted ? [...shown, "\n"] : shown;
  });
}

function inline(line) {
  const parts = line.split(/(<[^>]+>|`[^`]+`|\*[^*\s][^*]*\*)/);
  const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
  return parts.filter(Boolean).map((part) => {
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
    if (part.startsWith("`")) return element("code", {}, plain(part.slice(1, -1)));
    if (/^\*.+\*$/.test(part)) return element("b", {}, plain(part.slice(1, -1)));
    return plain(part);
  });
}

function title(text, under = "") {
  $("#title").textContent = text;
  $("#topic").textContent = under || "";
}

function drawPagerDuty() {
  title("PagerDuty", "Whose phone rings, and who has heard it. Acknowledging is not commanding.");
  return state.pagerduty.map((incident) => {
    const heard = incident.acknowledgements.map((a) => a.acknowledger.id);
    const waiting = incident.assignments.filter((a) => !heard.includes(a.assignee.id));
    return element("div", { class: "card" },
      element("h3", {}, incident.title, element("span", { class: `state ${incident.status}` }, incident.status)),
      element("p", {}, incident.body || ""),
      element("small", {}, [incident.service.summary, incident.priority?.summary, incident.incident_key].filter(Boolean).join(" · ")),
      ...incident.acknowledgements.map((a) => element("p", { class: "ok" }, `✓ ${a.acknowledger.summary} acknowledged`)),
      element("div", { class: "actions" }, ...(incident.status === "resolved" ? [] : waiting.map((a) =>
        element("button", { class: "primary", onclick: () => acknowledge(incident.id, a.assignee.id) }, `${a.assignee.summary}: acknowledge`)))));
  });
}

async function acknowledge(incident, user) {
  await send("/control/pagerduty/acknowledge", { incident, user });
  look();
}

function drawStatus() {
  title("Status page", "What customers read.");
  const rows = state.components.map((c) => element("tr", {}, element("td", {}, c.name), element("td", { class: c.status }, c.status)));
  return [element("table", {}, ...rows), ...state.statuspage.map((incident) => element("div", { class: "card" },
    element("h3", {}, incident.name, element("span", { class: `state ${incident.status}` }, incident.status)),
    ...incident.incident_updates.map((u) => element("p", {}, u.body, element("br"), element("small", {}, `${u.status}, ${new Date(u.created_at).toLocaleTimeString()}`)))))];
}

function drawFaults() {
  title("Faults", "What the outside does wrong. It stays wrong until you clear it.");
  const add = (fault) => send("/control/faults", fault).then(look);
  const system = (name, status) => element("button", { onclick: () => send(`/control/status/${name}`, { status }).then(look) }, status);
  return [
    element("div", { class: "card" }, element("h3", {}, "Switch on"),
      element("div", { class: "actions" }, ...FAULTS.map(([text, fault]) => element("button", { onclick: () => add(fault) }, text)))),
    element("div", { class: "card" }, element("h3", {}, "On now"),
      ...(state.faults.length ? state.faults.map((f) => element("p", {}, `${f.service} ${f.call}: ${f.fault} ${f.fault === "status" ? f.code : ""}`)) : [element("p", {}, "none")]),
      element("div", { class: "actions" }, element("button", { onclick: () => send("/control/faults", {}, "DELETE").then(look) }, "Clear all"))),
    element("div", { class: "card" }, element("h3", {}, "The monitored system"), ...Object.entries(state.systems).map(([name, status]) =>
      element("p", {}, `${name}: `, element("b", { class: status }, status), " ", ...["ok", "degraded", "down"].map((s) => system(name, s))))),
  ];
}

// -- forms -----------------------------------------------------------------------------------------------

let shownForm = null;

function drawForm() {
  const open = state.views.filter((v) => v.type === "modal" && v.user === speaker() && !v.closed).at(-1);
  const dialog = $("#form");
  if (!open || shownForm === open.id) return;
  shownForm = open.id;
  dialog.querySelector("h2").textContent = open.title.text;
  dialog.querySelector(".fields").replaceChildren(...open.blocks.map(drawField));
  dialog.querySelector(".wrong").textContent = "";
  dialog.querySelector("button.plain").onclick = () => dialog.close();
  dialog.querySelector("form").onsubmit = (event) => { event.preventDefault(); submit(open, dialog); };
  dialog.showModal();
}

function drawField(block) {
  if (block.type !== "input") return drawBlock(block, {});
  const { element: item } = block;
  const name = `${block.block_id}/${item.action_id}`;
  const options = (item.options || []).map((o) => element("option", { value: o.value }, o.text.text));
  const field = options.length
    ? element("select", { name, "data-type": item.type }, ...options)
    : element(item.multiline ? "textarea" : "input", { name, "data-type": item.type, required: !block.optional }, item.initial_value || "");
  if (item.initial_value && !item.multiline) field.value = item.initial_value;
  return element("label", {}, block.label.text, field);
}

async function submit(view, dialog) {
  const values = {};
  for (const field of dialog.querySelectorAll("[name]")) {
    const [block, action] = field.name.split("/");
    const value = field.tagName === "SELECT"
      ? { type: field.dataset.type, selected_option: { value: field.value, text: { type: "plain_text", text: field.selectedOptions[0]?.textContent || "" } } }
      : { type: field.dataset.type, value: field.value || null };
    values[block] = { ...values[block], [action]: value };
  }
  const result = await send("/control/slack/view", { user: speaker(), view_id: view.id, values });
  const wrong = result?.answer?.response_action === "errors" ? Object.values(result.answer.errors) : [];
  dialog.querySelector(".wrong").textContent = wrong.join(" ");
  if (!wrong.length) dialog.close();
  look();
}

// -- speaking --------------------------------------------------------------------------------------------

$("#say").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("#words").value.trim();
  if (!text) return;
  $("#words").value = "";
  const channel = place.slice(5);
  if (text.startsWith("/")) {
    const [command, ...rest] = text.split(" ");
    await send("/control/slack/command", { user: speaker(), channel, command, text: rest.join(" ") });
  } else await send("/control/slack/message", { user: speaker(), channel, text: text.replaceAll("&", "&amp;").replaceAll("<", "&lt;") });
  look();
});
$("#words").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    $("#say").requestSubmit();
  }
});
$("#speaker").addEventListener("change", (event) => {
  localStorage.setItem("speaker", event.target.value);
  look();
});
$("#menu").addEventListener("click", () => document.body.classList.toggle("places"));
addEventListener("hashchange", () => {
  place = location.hash.slice(1);
  document.body.classList.remove("places");
  look();
});

new EventSource("/page/changes").onmessage = look;
look();
