// Slack's forms: opened, filled in, changed while one types, refused in place, sent.

import { drawBlock, mrkdwn } from "./blocks.js";
import { $, element, send } from "./elements.js";

const CHANGED_AFTER = 250;
let shown = { id: "", hash: "" };
let stale = null; // forms that were left open before this page was loaded
let people = [];
let speaker = () => "";
let waiting = 0;

export function drawForm(state, who) {
  people = state.users.filter((u) => u.id);
  speaker = who;
  stale ??= new Set(state.views.map((v) => v.id));
  const open = state.views.filter((v) => v.type === "modal" && v.user === speaker() && !stale.has(v.id)).at(-1);
  const dialog = $("#form");
  if (!open) {
    if (shown.id) dialog.close();
    shown = { id: "", hash: "" };
    return;
  }
  if (shown.id === open.id && shown.hash === open.hash) return;
  const kept = shown.id === open.id ? values(dialog) : {};
  const focus = document.activeElement?.name;
  const caret = document.activeElement?.selectionStart;
  shown = { id: open.id, hash: open.hash };
  dialog.querySelector("h2").textContent = open.title.text;
  dialog.querySelector("button[value=send]").textContent = open.submit?.text || "Send";
  dialog.querySelector(".fields").replaceChildren(...open.blocks.map((block) => drawField(block, open, kept)));
  dialog.querySelector("button.plain").onclick = () => send("/control/slack/view/close", { view_id: open.id });
  dialog.oncancel = () => send("/control/slack/view/close", { view_id: open.id });
  dialog.querySelector("form").onsubmit = (event) => { event.preventDefault(); submit(open, dialog); };
  if (!dialog.open) dialog.showModal();
  const again = focus && dialog.querySelector(`[name="${CSS.escape(focus)}"]`);
  if (again) {
    again.focus();
    if (caret != null && again.setSelectionRange && again.type !== "number") again.setSelectionRange(caret, caret);
  }
}

function drawField(block, view, kept) {
  if (block.type !== "input") return drawBlock(block, () => {});
  const { element: item } = block;
  const name = `${block.block_id}/${item.action_id}`;
  const before = kept[block.block_id]?.[item.action_id];
  const field = drawInput(item, name, !block.optional, before);
  if (block.dispatch_action) {
    const live = item.type === "plain_text_input";
    field.addEventListener(live ? "input" : "change", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => changed(view, item, block), live ? CHANGED_AFTER : 0);
    });
  }
  return element("label", { "data-block": block.block_id },
    element("span", {}, block.label.text, block.optional ? element("i", {}, " (optional)") : null), field,
    block.hint ? element("small", {}, block.hint.text) : null, element("p", { class: "wrong" }));
}

function drawInput(item, name, required, before) {
  const common = { name, "data-type": item.type };
  const options = (chosen, list) => list.map((o) => element("option", { value: o.value, selected: o.value === chosen }, o.text.text));
  const several = (type, chosen) => element("div", { class: "several" }, ...item.options.map((o) => {
    const text = item.options.length > 1 || type === "radio" ? o.text.text : o.text.text;
    return element("label", {}, element("input", { ...common, type, value: o.value, checked: chosen.includes(o.value) }), text);
  }));
  switch (item.type) {
    case "static_select": {
      const chosen = before?.selected_option?.value ?? item.initial_option?.value ?? "";
      return element("select", { ...common, required }, element("option", { value: "" }, "…"), ...options(chosen, item.options));
    }
    case "users_select": {
      const chosen = before?.selected_user ?? item.initial_user ?? "";
      const list = people.map((u) => ({ value: u.id, text: { text: u.name } }));
      return element("select", { ...common, required }, element("option", { value: "" }, "…"), ...options(chosen, list));
    }
    case "radio_buttons": return several("radio", [before?.selected_option?.value ?? item.initial_option?.value ?? ""]);
    case "checkboxes": return several("checkbox", (before?.selected_options ?? item.initial_options ?? []).map((o) => o.value));
    default: {
      const value = before?.value ?? item.initial_value ?? "";
      const made = item.multiline
        ? element("textarea", { ...common, required, rows: 5, maxlength: item.max_length }, value)
        : element("input", { ...common, required, type: item.type === "number_input" ? "number" : "text",
            min: item.min_value, max: item.max_value, maxlength: item.max_length, value });
      return made;
    }
  }
}

function values(dialog) {
  const found = {};
  const option = (field, text) => ({ value: field.value, text: { type: "plain_text", text } });
  for (const field of dialog.querySelectorAll("[name]")) {
    const [block, action] = field.name.split("/");
    const type = field.dataset.type;
    const place = (found[block] ??= {});
    const before = (place[action] ??= { type });
    if (type === "static_select") before.selected_option = field.value ? option(field, field.selectedOptions[0].textContent) : null;
    else if (type === "users_select") before.selected_user = field.value || null;
    else if (type === "radio_buttons") { if (field.checked) before.selected_option = option(field, field.parentNode.textContent); }
    else if (type === "checkboxes") (before.selected_options ??= []).push(...(field.checked ? [option(field, field.parentNode.textContent)] : []));
    else before.value = field.value || null;
  }
  return found;
}

function changed(view, item, block) {
  const given = values($("#form"));
  const now = given[block.block_id][item.action_id];
  send("/control/slack/view/field", { user: speaker(), view_id: view.id, values: given, action_id: item.action_id,
    block_id: block.block_id, ...now });
}

async function submit(view, dialog) {
  const button = dialog.querySelector("button[value=send]");
  for (const wrong of dialog.querySelectorAll(".wrong")) wrong.replaceChildren();
  button.disabled = true;
  const result = await send("/control/slack/view", { user: speaker(), view_id: view.id, values: values(dialog) });
  button.disabled = false;
  if (!result?.acknowledged) {
    dialog.querySelector("form > .wrong").textContent = "The app did not answer in three seconds.";
    return;
  }
  if (result.answer?.response_action !== "errors") return;
  for (const [block, text] of Object.entries(result.answer.errors)) {
    const place = dialog.querySelector(`[data-block="${CSS.escape(block)}"] .wrong`) || dialog.querySelector("form > .wrong");
    place.replaceChildren(...mrkdwn(text));
  }
}
