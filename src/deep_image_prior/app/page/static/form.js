// The form of a task, made of what the server says of its options. What is left alone is not sent.

import { button, errorLine, make, say } from "./dom.js";
import { files, upload } from "./server.js";

const FOLDED = "more";
let count = 0;

/** tasks: of the server; acts: {run(all), paint()}. */
export class Form {
  constructor(tasks, acts) {
    this.acts = acts;
    this.forms = new Map(); // of each task, kept with what was filled in
    this.tasks = tasks;
    this.error = errorLine();
    this.place = make("div");
    this.one = button("Restore", () => this.submit(false), { class: "main", type: "submit" });
    this.all = button("Restore all", () => this.submit(true));
    this.node = make(
      "form",
      { novalidate: false, onsubmit: (event) => event.preventDefault() },
      make("h2", { id: "settings-title", text: "Restore" }),
      this.chooser(),
      this.place,
      this.error.node,
      make("div", { class: "row ending" }, this.one, this.all),
    );
    if (tasks.length) this.choose(tasks[0].name);
  }

  chooser() {
    const choices = this.tasks.map((task) =>
      make(
        "label",
        { class: "choice" },
        make("input", {
          type: "radio",
          name: "task",
          value: task.name,
          onchange: () => this.choose(task.name),
        }),
        make(
          "span",
          {},
          make("b", { text: task.name }),
          make("span", { class: "quiet", text: task.summary }),
        ),
      ),
    );
    const legend = make("legend", { class: "unseen", text: "What to do" });
    return make("fieldset", { class: "choices" }, legend, ...choices);
  }

  choose(name) {
    const task = this.tasks.find((each) => each.name === name);
    if (!task) return;
    if (!this.forms.has(name)) this.forms.set(name, new Fields(task, this.acts));
    this.task = task;
    this.fields = this.forms.get(name);
    this.place.replaceChildren(this.fields.node);
    this.error.show(null);
    for (const radio of this.node.querySelectorAll("[name=task]"))
      radio.checked = radio.value === name;
    this.update();
  }

  /** What a job was asked for, to be changed. */
  fill(task, options) {
    this.choose(task);
    this.fields.fill(options);
  }

  update() {
    const pictures = files("picture").length;
    this.all.hidden = pictures < 2;
    say(this.all, `Restore all ${pictures}`);
    this.fields?.update();
  }

  async submit(all) {
    this.error.show(null);
    this.one.disabled = this.all.disabled = true;
    try {
      if (this.fields.valid()) await this.acts.run(all);
    } catch (error) {
      this.error.show(error);
    } finally {
      this.one.disabled = this.all.disabled = false;
    }
  }
}

class Fields {
  constructor(task, acts) {
    this.fields = task.options.map((option) => fieldOf(option, acts));
    const of = (folded) =>
      this.fields
        .filter(({ option }) => (option.group === FOLDED) === folded)
        .map(({ node }) => node);
    this.more = make("details", {}, make("summary", { text: "More options" }), ...of(true));
    this.node = make("div", { class: "fields" }, ...of(false));
    if (of(true).length) this.node.append(this.more);
  }

  /** Whether the browser accepts all; else it shows the first that it does not. */
  valid() {
    const wrong = this.fields.find(({ inputs }) => inputs.some((input) => !input.checkValidity()));
    if (wrong && this.more.contains(wrong.node)) this.more.open = true;
    wrong?.inputs.find((input) => !input.checkValidity()).reportValidity();
    return !wrong;
  }

  values() {
    const given = this.fields.map(({ option, value }) => [option.name, value()]);
    return Object.fromEntries(given.filter(([, value]) => value !== null));
  }

  set(name, value) {
    this.fields.find(({ option }) => option.name === name)?.fill(value);
  }

  fill(options) {
    for (const { option, fill } of this.fields) fill(options[option.name] ?? null);
    if (this.fields.some(({ option }) => option.group === FOLDED && option.name in options))
      this.more.open = true;
  }

  update() {
    for (const { update } of this.fields) update?.();
    const stacks = files("picture").some(({ pages }) => pages > 1);
    for (const { option, node } of this.fields) if (option.name === "page") node.hidden = !stacks;
  }
}

/** With the word for what is needed, where its name is another: Kernel (psf). */
function labelOf({ label, required, metavar }) {
  const word = metavar.toLowerCase();
  if (!required || !word || word === label.toLowerCase()) return label;
  return `${word[0].toUpperCase()}${word.slice(1)} (${label.toLowerCase()})`;
}

/** {option, node, inputs, value() or null, fill(value or null), update?}. */
function fieldOf(given, acts) {
  const option = { ...given, label: labelOf(given) };
  const id = `option-${count++}`;
  const hidden = !(option.required && option.metavar); // how it is spelled is to be read at once
  const help = make("p", { id: `${id}-help`, class: "help", text: option.help, hidden });
  const asked = button("?", () => toggle(asked, help), {
    class: "ask",
    "aria-label": `Help on ${option.label}`,
    "aria-expanded": String(!hidden),
    "aria-controls": help.id,
  });
  const kind = KINDS[option.kind] ?? typed;
  const parts = kind(option, { id, name: option.name, "aria-describedby": help.id }, acts);
  const label = make("label", { for: id, text: option.label });
  if (option.required) label.append(make("span", { class: "quiet", text: " (needed)" }));
  const node = make(
    "div",
    { class: "field" },
    make("div", { class: "row" }, label, asked),
    help,
    parts.node,
  );
  return { ...parts, option, node };
}

function toggle(asked, help) {
  help.hidden = !help.hidden;
  asked.setAttribute("aria-expanded", String(!help.hidden));
}

const shown = (option) => String(option.default ?? "");

function typed(option, attributes) {
  const node = make("input", {
    type: "text",
    placeholder: shown(option) || option.metavar,
    required: Boolean(option.required),
    autocomplete: "off",
    ...attributes,
  });
  const value = () => node.value.trim() || null;
  return { node, inputs: [node], value, fill: (given) => (node.value = given ?? "") };
}

function number(option, attributes) {
  const whole = option.kind === "whole";
  const { node } = typed(option, {
    type: "number",
    step: whole ? "1" : "any",
    min: option.least,
    max: option.most,
    inputmode: whole ? "numeric" : "decimal",
    ...attributes,
  });
  node.addEventListener("input", () => node.setCustomValidity(outside(option, node)));
  const value = () => (node.value === "" ? null : Number(node.value));
  return { node, inputs: [node], value, fill: (given) => (node.value = given ?? "") };
}

/** What browsers do not check: ranges without their ends. */
function outside({ above, below }, { value, valueAsNumber }) {
  if (value === "") return "";
  if (above !== null && above !== undefined && valueAsNumber <= above)
    return `Must be above ${above}.`;
  if (below !== null && below !== undefined && valueAsNumber >= below)
    return `Must be below ${below}.`;
  return "";
}

/** values: what is sent; words: what is read. */
function select(option, attributes, values, words) {
  const usual = shown(option) ? `default: ${shown(option)}` : "default";
  const first = make("option", { value: "", text: option.required ? "choose..." : usual });
  const entries = words.map((text, at) => make("option", { value: at, text }));
  const node = make(
    "select",
    { required: Boolean(option.required), ...attributes },
    first,
    ...entries,
  );
  const value = () => (node.value === "" ? null : values[node.value]);
  const fill = (given) =>
    (node.value = given === null ? "" : values.map(String).indexOf(String(given)));
  return { node, inputs: [node], value, fill };
}

const choice = (option, attributes) =>
  select(option, attributes, option.choices, option.choices.map(String));
const yesno = (option, attributes) => select(option, attributes, [true, false], ["yes", "no"]);

/** A file among those that were opened, or another, or the mask that is painted. */
function file(option, attributes, acts) {
  const first = make("option", { value: "", text: option.required ? "choose..." : "none" });
  const node = make("select", { required: Boolean(option.required), ...attributes }, first);
  const error = errorLine();
  const progress = make("progress", {
    max: 1,
    hidden: true,
    "aria-label": `Sending ${option.label}`,
  });
  const chooser = make("input", { type: "file", hidden: true, onchange: () => send() });
  const open = button("Open...", () => chooser.click(), {
    "aria-label": `Open a file for ${option.label}`,
  });

  async function send() {
    const [chosen] = chooser.files;
    chooser.value = "";
    if (!chosen) return;
    error.show(null);
    progress.hidden = false;
    try {
      const { id } = await upload(chosen, chosen.name, "guide", (share) => (progress.value = share))
        .sent;
      update();
      node.value = id;
      node.dispatchEvent(new Event("change"));
    } catch (reason) {
      error.show(reason);
    } finally {
      progress.hidden = true;
    }
  }

  function update() {
    const there = [...files("guide").toReversed(), ...files("picture")];
    const ids = there.map(({ id }) => id);
    if (
      [...node.options]
        .slice(1)
        .map((each) => each.value)
        .join() === ids.join()
    )
      return;
    const chosen = node.value;
    const named = ({ id, name, width, height }) =>
      make("option", { value: id, text: `${name} (${width} x ${height})` });
    node.replaceChildren(first, ...there.map(named));
    node.value = ids.includes(chosen) ? chosen : "";
  }

  function fill(given) {
    update();
    node.value = given ?? "";
  }

  const paint =
    option.name === "mask"
      ? button("Paint...", () => acts.paint(), { class: "main", "data-paints": "" })
      : null;
  const row = make("div", { class: "row" }, node, paint, open, chooser);
  const whole = make("div", {}, row, progress, error.node);
  return { node: whole, inputs: [node], value: () => node.value || null, fill, update };
}

/** Words, or a file in their place. */
function textOrFile(option, attributes, acts) {
  const text = typed(option, { ...attributes, required: false });
  const others = { id: `${attributes.id}-file`, "aria-label": `${option.label}: a file` };
  const picture = file({ ...option, required: false }, others, acts);
  const value = () => picture.value() ?? text.value();
  const check = () => {
    text.node.disabled = Boolean(picture.value());
    text.node.required = Boolean(option.required) && !picture.value();
  };
  const fill = (given) => {
    picture.update();
    const named = files().some(({ id }) => id === given);
    picture.fill(named ? given : null);
    text.fill(named ? null : given);
    check();
  };
  const update = () => {
    picture.update();
    check();
  };
  picture.inputs[0].addEventListener("change", check);
  check();
  const node = make(
    "div",
    {},
    text.node,
    make("p", { class: "quiet", text: "or a file:" }),
    picture.node,
  );
  return { node, inputs: [text.node, ...picture.inputs], value, fill, update };
}

const KINDS = {
  whole: number,
  number,
  text: typed,
  yesno,
  choice,
  file,
  "text-or-file": textOrFile,
};
