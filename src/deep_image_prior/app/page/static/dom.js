// Elements without a framework. Text is only ever set as text.

export const $ = (id) => document.getElementById(id);

/** An element; `on...` are listeners, `text` is its text, true and false set or leave out. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") node.toggleAttribute(name, value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

export function button(text, onclick, attributes = {}) {
  return make("button", { type: "button", text, onclick, ...attributes });
}

/** Sets the text if it is another, so that live regions speak only of changes. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A list that is kept in step with `items`: a part {node, update} an item, made once. */
export function list(parent, create) {
  const parts = new Map();
  return (items) => {
    const ids = new Set(items.map((item) => item.id));
    for (const [id, part] of parts) {
      if (!ids.has(id)) {
        part.node.remove();
        parts.delete(id);
      }
    }
    items.forEach((item, at) => {
      if (!parts.has(item.id)) parts.set(item.id, create(item));
      const { node, update } = parts.get(item.id);
      if (parent.children[at] !== node) parent.insertBefore(node, parent.children[at] ?? null);
      update(item);
    });
  };
}

/** A line for errors, read aloud when it is filled. */
export function errorLine() {
  const node = make("p", { class: "error", role: "alert" });
  return { node, show: (error) => say(node, error ? (error.message ?? error) : "") };
}

export function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  const at = bytes < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** at).toPrecision(3))}\u00a0${units[at]}`;
}

export function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
