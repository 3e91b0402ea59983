// The page of the emulators. It fetches one snapshot, draws it, and looks again when the stream says so.

import { drawBlock, know, mrkdwn, pressIn, userName } from "./blocks.js";
import { $, clock, element, send } from "./elements.js";
import { drawForm } from "./forms.js";

const FACES = ["#7a3e9d", "#1f7a8c", "#b4532a", "#3a7d44", "#8a3b5c", "#4255a4", "#97721b", "#5b6770"];
const FAULTS = [
  ["PagerDuty answers 503", { service: "pagerduty", call: "*", fault: "status", code: 503, times: -1 }],
  ["Slack answers 429", { service: "slack", call: "chat.postMessage", fault: "status", code: 429, retry_after: 2, times: -1 }],
  ["Slack is down", { service: "slack", call: "*", fault: "drop_before", times: -1 }],
  ["X answers 503", { service: "x", call: "*", fault: "status", code: 503, times: -1 }],
  ["Status page is slow (5 s)", { service: "statuspage", call: "*", fault: "slow", seconds: 5, times: -1 }],
];
const SHORTCUTS = [["note", "Note this"], ["todo", "Make it a TODO"], ["propose", "Propose as repair action"]];

let state = null;
let place = location.hash.slice(1) || "room/C0INCIDENTS";
let thread = "";
const speaker = () => localStorage.getItem("speaker") || "U0ANNE";

async function look() {
  const room = place.startsWith("room/") ? place.slice(5) : "";
  state = await (await fetch(`/page/state?room=${encodeURIComponent(room)}`)).json();
  know(state, speaker);
  draw();
}

function draw() {
  drawPlaces();
  const [kind, id] = place.split("/");
  const content = $("#content");
  const low = content.scrollHeight - content.scrollTop - content.clientHeight < 80 || content.dataset.place !== place;
  const places = { room: drawRoom, home: drawHome, pagerduty: drawPagerDuty, status: drawStatus, faults: drawFaults };
  content.replaceChildren(...(places[kind] || drawRoom)(id));
  content.dataset.place = place;
  if (kind === "room" && low) content.scrollTop = content.scrollHeight;
  $("#say").hidden = kind !== "room";
  drawForm(state, speaker);
}

function drawPlaces() {
  const visible = (c) => !c.is_im && (!c.is_private || c.members.includes(speaker()));
  const rooms = state.channels.filter(visible);
  const incidents = rooms.filter((c) => c.name.startsWith("inc-")).reverse();
  const others = rooms.filter((c) => !c.name.startsWith("inc-"));
  const mine = state.channels.filter((c) => c.is_im && c.user === speaker());
  const link = (to, text) => element("a", { href: `#${to}`, class: place === to ? "here" : "" }, text);
  const group = (name, links) => (links.length ? [element("h2", {}, name), ...links] : []);
  const firing = state.faults.length ? ` (${state.faults.length})` : "";
  const sign = (c) => (c.is_private ? "◆" : "#");
  $("#places").replaceChildren(
    ...group("Incidents", incidents.map((c) => link(`room/${c.id}`, `${sign(c)} ${c.name}`))),
    ...group("Channels", others.map((c) => link(`room/${c.id}`, `${sign(c)} ${c.name}`))),
    ...group("Don't Panic", [link("home", "⌂ Home"), ...mine.map((c) => link(`room/${c.id}`, "✉ Messages to you"))]),
    ...group("Outside", [link("pagerduty", "PagerDuty"), link("status", "Status page and X"), link("faults", `Faults${firing}`)]),
  );
  const select = $("#speaker");
  if (!select.options.length) {
    select.append(...state.users.filter((u) => u.id).map((u) => element("option", { value: u.id }, u.name)));
  }
  select.value = speaker();
}

function title(text, under = "", bookmarks = []) {
  $("#title").textContent = text;
  $("#topic").replaceChildren(...mrkdwn(under || ""));
  $("#bookmarks").replaceChildren(...bookmarks.map((b) => element("a", { href: b.link, rel: "noreferrer" }, `${b.title} ↗`)));
}

// -- a room ----------------------------------------------------------------------------------------------

function drawRoom(id) {
  const channel = state.channels.find((c) => c.id === id);
  if (!channel) return [element("p", {}, "There is no such room.")];
  title(channel.is_im ? "Messages from Don't Panic" : `# ${channel.name}`, channel.topic.value, channel.bookmarks);
  const seen = state.messages.filter((m) => !m.ephemeral_to || m.ephemeral_to === speaker());
  const reply = (m) => m.thread_ts && m.thread_ts !== m.ts && seen.some((parent) => parent.ts === m.thread_ts);
  const top = seen.filter((m) => !reply(m));
  const pinned = top.filter((m) => channel.pins.includes(m.ts));
  let before = null;
  const drawn = top.map((message) => {
    const same = before && before.user === message.user && message.ts - before.ts < 120 && !message.ephemeral_to
      && !message.blocks && !before.blocks;
    before = message.ephemeral_to ? null : message;
    const replies = seen.filter((m) => reply(m) && m.thread_ts === message.ts);
    return drawMessage(message, channel, same, replies);
  });
  const jump = pinned.map((m) => element("button", { class: "jump", type: "button",
    onclick: () => $(`[data-ts="${m.ts}"]`).scrollIntoView({ behavior: "smooth" }) }, "Incident card"));
  return [...(jump.length ? [element("div", { class: "pins" }, ...jump)] : []), ...drawn];
}

function drawMessage(message, channel, same, replies = []) {
  const name = userName(message.user);
  const colour = FACES[[...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % FACES.length];
  const initials = message.bot_id ? "!" : name.split(" ").map((part) => part[0]).slice(0, 2).join("");
  const body = element("div", { class: "body" });
  const press = pressIn({ ...message, channel: channel.id });
  body.append(...(message.blocks?.length ? message.blocks.map((block) => drawBlock(block, press)) : mrkdwn(message.text)));
  const classes = ["message", same && "same", message.ephemeral_to && "private", message.blocks?.length && "blocks"];
  return element(
    "article",
    { class: classes.filter(Boolean).join(" "), "data-ts": message.ts },
    element("div", { class: "face", style: `background:${message.bot_id ? "#c0264b" : colour}`, "aria-hidden": true }, initials),
    element("div", { class: "who" }, element("b", {}, name), element("time", {}, clock(message.ts)),
      message.ephemeral_to ? element("em", {}, " · only visible to you") : null,
      message.edited ? element("em", {}, " · edited") : null,
      channel.pins.includes(message.ts) ? element("span", { class: "pin" }, "pinned") : null,
      message.ephemeral_to ? null : drawMessageMenu(message, channel)),
    body,
    replies.length ? element("div", { class: "thread" }, ...replies.map((r) => drawMessage(r, channel, false))) : null,
  );
}

function drawMessageMenu(message, channel) {
  const take = (callback_id) => send("/control/slack/shortcut", { user: speaker(), callback_id, channel: channel.id, ts: message.ts });
  const close = (event) => event.target.closest("details").removeAttribute("open");
  return element("details", { class: "menu" }, element("summary", { "aria-label": "Of this message" }, "⋯"),
    element("div", {},
      element("button", { type: "button", onclick: (event) => { close(event); answer(message); } }, "Reply in thread"),
      ...SHORTCUTS.map(([id, text]) => element("button", { type: "button", "data-shortcut": id, onclick: (event) => { close(event); take(id); } }, text))));
}

function answer(message) {
  thread = message ? message.thread_ts || message.ts : "";
  $("#thread").hidden = !thread;
  $("#thread span").textContent = message ? `In a thread: ${message.text.slice(0, 60)}` : "";
  if (thread) $("#words").focus();
}

// -- the app's home --------------------------------------------------------------------------------------

function drawHome() {
  title("Don't Panic", "Home");
  const home = state.views.find((v) => v.type === "home" && v.user === speaker());
  if (!home) return [element("p", {}, "…")];
  const press = (action) => send("/control/slack/view/field", { user: speaker(), view_id: home.id, values: {}, ...action });
  return [element("div", { class: "card" }, ...home.blocks.map((block) => drawBlock(block, press)))];
}

const openHome = () => place === "home" && send("/control/slack/home", { user: speaker() });

// -- outside ---------------------------------------------------------------------------------------------

function drawPagerDuty() {
  title("PagerDuty", "Whose phone rings, and who has heard it. Acknowledging is not commanding.");
  const trigger = () => {
    const text = $("#trigger").value.trim();
    if (text) send("/control/pagerduty/trigger", { title: text, priority: $("#priority").value }).then(look);
  };
  const maker = element("div", { class: "card" }, element("h3", {}, "A monitor triggers an incident"),
    element("div", { class: "actions" }, element("input", { id: "trigger", placeholder: "the search is slow", "aria-label": "What is wrong" }),
      element("select", { id: "priority", "aria-label": "Priority" }, ...state.priorities.map((p) => element("option", { value: p.id }, p.name))),
      element("button", { type: "button", onclick: trigger }, "Trigger")));
  const kept = { text: $("#trigger")?.value, priority: $("#priority")?.value };
  if (kept.text) maker.querySelector("#trigger").value = kept.text;
  if (kept.priority) maker.querySelector("#priority").value = kept.priority;
  return [maker, ...state.pagerduty.map((incident) => {
    const heard = incident.acknowledgements.map((a) => a.acknowledger.id);
    const waits = incident.assignments.filter((a) => !heard.includes(a.assignee.id));
    return element("div", { class: "card" },
      element("h3", {}, incident.title, element("span", { class: `state ${incident.status}` }, incident.status)),
      element("p", {}, incident.body || ""),
      element("small", {}, [incident.service.summary, incident.priority?.summary, incident.incident_key].filter(Boolean).join(" · ")),
      ...incident.acknowledgements.map((a) => element("p", { class: "ok" }, `✓ ${a.acknowledger.summary} acknowledged`)),
      element("div", { class: "actions" }, ...(incident.status === "resolved" ? [] : waits.map((a) =>
        element("button", { class: "primary", onclick: () => acknowledge(incident.id, a.assignee.id) }, `${a.assignee.summary}: acknowledge`)))));
  })];
}

const acknowledge = (incident, user) => send("/control/pagerduty/acknowledge", { incident, user }).then(look);

function drawStatus() {
  title("Status page and X", "What customers read.");
  const rows = state.components.map((c) => element("tr", {}, element("td", {}, c.name), element("td", { class: c.status }, c.status)));
  const time = (at) => element("small", {}, clock(Date.parse(at) / 1000));
  const page = element("section", {}, element("h2", {}, "Status page"), element("table", {}, ...rows), ...state.statuspage.map((incident) =>
    element("div", { class: "card" }, element("h3", {}, incident.name, element("span", { class: `state ${incident.status}` }, incident.status)),
      ...incident.incident_updates.map((u) => element("p", {}, u.body, element("br"), element("small", {}, `${u.status}, `), time(u.created_at))))));
  const posts = state.x.posts.map((post) => element("div", { class: "card post" },
    element("h3", {}, "Example Corp Status ", element("small", {}, `@${state.x.account}`)), element("p", {}, post.text), time(post.created_at)));
  const x = element("section", {}, element("h2", {}, "X"), ...(posts.length ? posts : [element("p", {}, "Nothing is posted.")]));
  return [element("div", { class: "outlets" }, page, x)];
}

function drawFaults() {
  title("Faults", "What the outside does wrong. It stays wrong until you clear it.");
  const add = (fault) => send("/control/faults", fault).then(look);
  const system = (name, status) => element("button", { onclick: () => send(`/control/status/${name}`, { status }).then(look) }, status);
  const metric = (name, value, text) => element("button", { onclick: () => send(`/control/metric/${name}`, { value }).then(look) }, text);
  const impact = (id, impacted, text) => element("button", { onclick: () => send("/control/pagerduty/impact", { business_service: id, impacted }).then(look) }, text);
  const deploy = () => send("/control/change", { text: "shop-api deployed by hand" }).then(look);
  return [
    element("div", { class: "card" }, element("h3", {}, "Switch on"),
      element("div", { class: "actions" }, ...FAULTS.map(([text, fault]) => element("button", { onclick: () => add(fault) }, text)),
        element("button", { onclick: () => send("/control/slack/socket", { refuse_for: 5 }) }, "Slack drops the connection"))),
    element("div", { class: "card" }, element("h3", {}, "On now"),
      ...(state.faults.length ? state.faults.map((f) => element("p", {}, `${f.service} ${f.call}: ${f.fault} ${f.fault === "status" ? f.code : ""}`)) : [element("p", {}, "none")]),
      element("div", { class: "actions" }, element("button", { onclick: () => send("/control/faults", {}, "DELETE").then(look) }, "Clear all"))),
    element("div", { class: "card" }, element("h3", {}, "The monitored system"), ...Object.entries(state.systems).map(([name, status]) =>
      element("p", {}, `${name}: `, element("b", { class: status }, status), " ", ...["ok", "degraded", "down"].map((s) => system(name, s)))),
      ...Object.entries(state.metrics).map(([name, value]) =>
        element("p", {}, `${name} (Prometheus): `, element("b", {}, value ?? "no data"), " ",
          ...[0.004, 0.08, 0.4].map((v) => metric(name, v, `${v}`)), metric(name, null, "no data"))),
      ...state.business_services.map((s) =>
        element("p", {}, `${s.name} (PagerDuty): `, element("b", { class: s.impacted ? "down" : "ok" }, s.impacted ? "impacted" : "not impacted"), " ",
          impact(s.id, true, "impacted"), impact(s.id, false, "not impacted")))),
    element("div", { class: "card" }, element("h3", {}, "Changed lately"),
      ...state.changes.slice(-5).reverse().map((c) => element("p", {}, `${clock(Date.parse(c.at) / 1000)} ${c.what}`)),
      element("div", { class: "actions" }, element("button", { onclick: deploy }, "Deploy shop-api"))),
  ];
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
    await send("/control/slack/command", { user: speaker(), channel, command, text: mentioned(rest.join(" ")) });
  } else {
    await send("/control/slack/message", { user: speaker(), channel, text: mentioned(text), thread_ts: thread });
    answer(null);
  }
  look();
});

// @Bob Boberson, or @bob, becomes a mention as Slack's own box makes one.
function mentioned(text) {
  return state.users.reduce((line, user) => {
    const first = user.name.split(" ")[0];
    return line.replaceAll(new RegExp(`@(${user.name}|${first})\\b`, "gi"), user.id ? `<@${user.id}>` : "$1");
  }, text);
}

$("#words").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    $("#say").requestSubmit();
  }
});
$("#thread button").addEventListener("click", () => answer(null));
$("#speaker").addEventListener("change", (event) => {
  localStorage.setItem("speaker", event.target.value);
  openHome();
  look();
});
$("#menu").addEventListener("click", () => document.body.classList.toggle("places"));
addEventListener("hashchange", () => {
  place = location.hash.slice(1);
  document.body.classList.remove("places");
  answer(null);
  openHome();
  look();
});

new EventSource("/page/changes").onmessage = look;
openHome();
look();
