// A form for a value whose shape the engine knows. It is read as text, so that no number loses a digit.

// What is wrong with an input.
class Wrong extends Error {
  constructor(message, input) {
    super(message);
    this.input = input;
  }
}

const is_object = value => value !== null && typeof value === "object" && !Array.isArray(value) && !JSON.isRawJSON?.(value);
const is_number = value => typeof value === "number" || Boolean(JSON.isRawJSON?.(value));
const parsed = text => JSON.parse(text, exact);

// Whether the form for the shape can show the value without a loss.
function fits(shape, value) {
  if (value === undefined || value === null) return true;
  const all = (values, of) => values.length <= 100 && values.every(each => fits(of, each));
  switch (shape.type) {
    case "string": return typeof value === "string" && (!shape.values || shape.values.includes(value));
    case "integer": case "number": return is_number(value);
    case "boolean": return typeof value === "boolean";
    case "array": return Array.isArray(value) && (!shape.element || all(value, shape.element));
    case "map": return is_object(value) && (!shape.element || all(Object.values(value), shape.element));
    case "object": return is_object(value) && (shape.fields ?? []).every(field => fits(field, value[field.name]));
    default: return true;
  }
}

let editors = 0;
const type_name = { integer: "whole number", number: "number", string: "text", boolean: "yes or no", array: "list", any: "JSON" };

// An editor is { node, read }. read() returns JSON text, or undefined for what is left out, and throws a Wrong.
function editor(shape, value, name) {
  const make = shape.type === "object" && shape.fields ? object_editor
    : shape.type === "array" && shape.element ? list_editor
    : shape.type === "map" && shape.element ? map_editor : null;
  if (!make) return line_editor(shape, value, name);
  return shape.optional ? optional_editor(make, shape, value, name) : make(shape, value, name);
}

function labelled(shape, name, input) {
  input.id = `field-${++editors}`;
  return t(".entry", h("label", { for: input.id }, name, h("span.type", {}, ` ${type_name[shape.type] ?? shape.type}${shape.optional ? ", optional" : ""}`)), input);
}

function line_editor(shape, value, name) {
  const known = value !== undefined && value !== null;
  const choices = shape.values ?? (shape.type === "boolean" ? ["false", "true"] : null);
  const is_text = shape.type === "string";
  const is_json = !is_text && !choices && !["integer", "number"].includes(shape.type);
  const start = !known ? "" : is_text ? value : is_json ? pretty(value) : JSON.stringify(value);
  const input = choices ? h("select.field", {}, [...(shape.optional ? [""] : []), ...choices].map(each => h("option", { value: each }, each || "–")))
    : is_json || start.includes("\n") ? h("textarea.field.mono.short", { spellcheck: "false" })
    : h("input.field", { autocomplete: "off", spellcheck: "false", inputmode: is_text ? undefined : "decimal" });
  if (!choices || known) input.value = start;
  const wrong = text => { throw new Wrong(`${name}: ${text}`, input); };
  const read = () => {
    const text = is_text ? input.value : input.value.trim();
    if (text === "" && (shape.optional || is_json)) return shape.optional ? undefined : wrong("give a value as JSON");
    if (is_text) return JSON.stringify(text);
    if (choices) return text;
    if (shape.type === "integer" && !/^-?(0|[1-9]\d*)$/.test(text)) wrong("give a whole number");
    if (shape.type === "number" && !/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) wrong("give a number");
    if (!is_json) return text;
    let given;
    try { given = JSON.parse(text); } catch (error) { wrong(error.message); }
    if (shape.type === "array" && !Array.isArray(given)) wrong("give a JSON array");
    if (["object", "map"].includes(shape.type) && !is_object(given)) wrong("give a JSON object");
    return text;
  };
  return { node: labelled(shape, name, input), read };
}

function group(name, ...children) {
  return name === undefined ? t(".group", children) : t("fieldset.group", t("legend", name), children);
}

// Members that the shape does not have are kept.
function object_editor(shape, value, name) {
  const fields = shape.fields.map(field => ({ name: field.name, ...editor(field, value?.[field.name], field.name) }));
  const names = new Set(fields.map(field => field.name));
  const others = Object.entries(value ?? {}).filter(([key]) => !names.has(key));
  const rest = others.length ? line_editor({ type: "object", optional: true }, Object.fromEntries(others), "Other members") : null;
  const read = () => {
    const given = fields.map(field => [field.name, field.read()]).filter(each => each[1] !== undefined);
    const more = rest?.read()?.trim().slice(1, -1).trim();
    return `{${[...given.map(([key, text]) => `${JSON.stringify(key)}:${text}`), ...(more ? [more] : [])].join(",")}}`;
  };
  return { node: group(name, fields.map(field => field.node), rest?.node), read };
}

function optional_editor(make, shape, value, name) {
  const node = t(".maybe");
  let inner = value === undefined || value === null ? null : make(shape, value, name);
  const draw = focus => {
    const flip = h("button.button.small", { type: "button", onclick: () => {
      inner = inner ? null : make(shape, undefined, name);
      draw(true);
    } }, inner ? `Leave out ${name}` : `Add ${name}`);
    node.replaceChildren(...[inner?.node, flip].filter(Boolean));
    if (focus) flip.focus();
  };
  draw();
  return { node, read: () => inner?.read() };
}

// Items that come and go. `make` makes one; it has a node.
function items(name, start, make) {
  const all = [];
  const rows = t(".items");
  const add = value => {
    const item = make(value, `${name ?? "Item"} ${all.length + 1}`);
    const away = h("button.button.small", { type: "button", "aria-label": `Remove ${name ?? "item"}`, onclick: () => {
      all.splice(all.indexOf(item), 1);
      row.remove();
      more.focus();
    } }, "Remove");
    const row = t(".item", item.node, away);
    all.push(item);
    rows.append(row);
    return row;
  };
  const more = h("button.button.small", { type: "button", onclick: () => add(undefined).querySelector("input, select, textarea, button").focus() }, `Add to ${name ?? "list"}`);
  start.forEach(add);
  return { all, node: group(name ?? "Items", rows, more) };
}

function list_editor(shape, value, name) {
  const { all, node } = items(name, value ?? [], (each, label) => editor({ ...shape.element, optional: false }, each, label));
  return { node, read: () => `[${all.map(item => item.read()).join(",")}]` };
}

function map_editor(shape, value, name) {
  const { all, node } = items(name, Object.entries(value ?? {}), (entry, label) => {
    const key = h("input.field", { autocomplete: "off", spellcheck: "false" });
    if (entry) key.value = entry[0];
    const inner = editor({ ...shape.element, optional: false }, entry?.[1], `${label}, value`);
    return { key, read: inner.read, node: t(".grow", labelled({ type: "string" }, `${label}, key`, key), inner.node) };
  });
  const read = () => {
    const seen = new Set();
    return `{${all.map(item => {
      const key = item.key.value;
      if (seen.has(key)) throw new Wrong(`${name ?? "The map"}: the key ${JSON.stringify(key)} is there twice`, item.key);
      seen.add(key);
      return `${JSON.stringify(key)}:${item.read()}`;
    }).join(",")}}`;
  };
  return { node, read };
}

// A payload as fields, where its shape is known, or as JSON. `area` has the JSON.
class Payload {
  constructor(area, fields, modes, changed) {
    Object.assign(this, { area, fields, modes, changed, shape: null, root: null });
  }

  // `value` is the payload to begin with; without one, the text stays.
  set(shape, value) {
    this.shape = shape?.fields ? shape : null;
    if (value !== undefined) this.area.value = pretty(value);
    this.root = null;
    this.show(this.shape && this.can_show() ? "fields" : "text");
  }

  can_show() {
    try { return fits(this.shape, parsed(this.area.value || "{}")); } catch { return false; }
  }

  show(mode) {
    this.root = mode === "fields" ? editor(this.shape, parsed(this.area.value || "{}")) : null;
    this.fields.replaceChildren(...(this.root ? [this.root.node] : []));
    this.fields.hidden = !this.root;
    this.area.hidden = this.area.previousElementSibling.hidden = Boolean(this.root);
    this.modes.hidden = !this.shape;
    patch(this.modes, [mode, Boolean(this.shape)], () => [["fields", "Fields"], ["text", "JSON"]].map(([name, text]) =>
      h("button.chip", { type: "button", "aria-pressed": mode === name, onclick: () => this.turn(name) }, text)));
  }

  turn(mode) {
    if ((mode === "fields") === Boolean(this.root)) return;
    try {
      const text = this.text();
      if (this.root) this.area.value = pretty(parsed(text));
      else if (!this.can_show()) throw new Wrong("The fields can't show these data: their types are other ones.", this.area);
      this.show(mode);
      this.changed("");
    } catch (error) { this.changed(error.message); }
  }

  focus() { (this.root ? this.fields.querySelector("input, select, textarea, button") : this.area)?.focus(); }

  // The payload as JSON text. Throws a Wrong.
  text() {
    for (const input of this.fields.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
    if (this.root) return this.root.read();
    const text = this.area.value.trim() || "{}";
    let value;
    try { value = JSON.parse(text); } catch (error) { throw new Wrong(error.message.replace("JSON.parse: ", ""), this.area); }
    if (!is_object(value)) throw new Wrong("The data must be a JSON object: { … }", this.area);
    return text;
  }
}
