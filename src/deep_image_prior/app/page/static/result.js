// One job in words: how far it is, what came of it, what can be done with it.

import { button, errorLine, make, say, size } from "./dom.js";
import { drawCurve } from "./curve.js";
import { fileOf, post } from "./server.js";
import { CONFIDENCE, lives, progressOf, share, stateOf, titled } from "./words.js";

const ACTS = {
  waiting: [],
  running: ["pause", "stop"],
  paused: ["resume", "stop"],
  done: ["again"],
  stopped: ["again"],
  failed: ["again"],
  cancelled: ["again"],
  interrupted: ["again"],
};
const DOUBT = "confidence: "; // how lines begin that are shown elsewhere
const CAUTION = "caution: ";
const STOPPING = "stopping"; // the phase between the button and the best so far
const WORDS = { pause: "Pause", resume: "Resume", stop: "Stop and keep the best" };

export class Result {
  /** acts: {select(id), end(job), change(job)}; stage: which moment is shown, see stage.js. */
  constructor(node, stage, acts) {
    Object.assign(this, { node, stage, acts, job: null, asking: false });
    this.title = make("h2", { id: "result-title", tabindex: "-1" });
    this.state = make("p", { class: "state" });
    this.bar = make("progress", { max: 1, "aria-label": "Progress" });
    this.far = make("p", { class: "quiet" });
    this.buttons = make("div", { class: "row" });
    this.error = errorLine();
    this.why = make("p", { class: "error" });
    this.confidence = make("div");
    this.notes = make("ul", { class: "notes" });
    this.curve = make("canvas", { class: "curve", role: "img" });
    this.figure = make(
      "figure",
      {},
      this.curve,
      make("figcaption", { class: "quiet", text: "Energy over the steps" }),
    );
    this.saves = make("div", { class: "saves" });
    this.lines = make("ul", { class: "lines" });
    this.command = make("code", { class: "quiet" });
    node.append(
      this.title,
      this.state,
      this.bar,
      this.far,
      this.confidence,
      this.why,
      this.notes,
      this.saves,
      this.buttons,
      this.error.node,
      this.figure,
      this.lines,
      make("p", {}, this.command),
    );
    new ResizeObserver(() => this.draw()).observe(this.curve);
  }

  update(job) {
    this.node.hidden = !job;
    const other = job?.id !== this.job?.id;
    this.job = job;
    if (!job) return;
    if (other) this.error.show(null);
    say(this.title, titled(job));
    this.title.title = titled(job);
    say(this.state, stateOf(job));
    this.state.className = `state ${job.state}`;
    this.bar.hidden = !["running", "paused"].includes(job.state);
    if (share(job) === null) this.bar.removeAttribute("value");
    else this.bar.value = share(job);
    say(this.far, progressOf(job));
    say(this.why, job.error ?? "");
    this.judge();
    this.act();
    this.save();
    say(this.command, job.command ?? "");
    this.draw();
  }

  judge() {
    const { confidence, lines, notes } = this.job;
    const judged = CONFIDENCE[confidence];
    const doubt = lines.find((line) => line.startsWith(DOUBT))?.split("; ")[1];
    const key = JSON.stringify([confidence, lines, notes]);
    if (key === this.judged) return;
    this.judged = key;
    this.confidence.className = `confidence ${confidence ?? ""}`;
    this.confidence.hidden = !judged;
    if (judged) {
      const mark = make("span", { class: "mark", "aria-hidden": "true", text: judged.mark });
      const more = doubt ? ` ${doubt[0].toUpperCase()}${doubt.slice(1)}.` : "";
      this.confidence.replaceChildren(mark, make("p", {}, make("b", { text: judged.words }), more));
    }
    const item = (text) => make("li", { text });
    const cautions = lines.filter((line) => line.startsWith(CAUTION));
    const said = [...cautions.map((line) => line.slice(CAUTION.length)), ...notes];
    this.notes.replaceChildren(...said.map(item));
    const rest = lines.filter((line) => !line.startsWith(CAUTION) && !line.startsWith(DOUBT));
    this.lines.replaceChildren(...rest.map(item));
  }

  act() {
    const { job } = this;
    const stopping = job.phase === STOPPING;
    const key = `${job.id} ${job.state} ${stopping} ${job.resumable} ${Boolean(fileOf(job.file))}`;
    if (key === this.acted) return;
    this.acted = key;
    const focused = this.buttons.contains(document.activeElement);
    const named = (name) => WORDS[name] ?? (job.resumable ? "Go on" : "Run again");
    const names = stopping ? [] : (ACTS[job.state] ?? []);
    const once = (name) => (event) => event.detail < 2 && this.ask(name); // a double click is one
    const acts = names.map((name) => button(named(name), once(name)));
    const change = fileOf(job.file)
      ? button("Change settings", () => this.acts.change(this.job))
      : null;
    const end = button(lives(job) ? "Cancel" : "Remove", () => this.acts.end(this.job));
    this.buttons.replaceChildren(...acts, ...(change ? [change] : []), end);
    if (focused) (this.buttons.querySelector("button") ?? this.title).focus();
  }

  async ask(name) {
    if (this.asking) return;
    this.asking = true;
    this.error.show(null);
    try {
      const job = await post(`api/jobs/${this.job.id}/${name}`);
      if (job && job.id !== this.job.id) this.acts.select(job);
    } catch (error) {
      this.error.show(error);
    } finally {
      this.asking = false;
    }
  }

  save() {
    const { job, stage } = this;
    const { step, strength } = stage.choice;
    const key = JSON.stringify([job.id, job.outputs, job.state, step, strength]);
    if (key === this.saved) return;
    this.saved = key;
    this.saves.hidden = !job.outputs.length;
    if (this.saves.hidden) return;
    const address = (query) => `api/jobs/${job.id}/download?${new URLSearchParams(query)}`;
    const link = (text, href, attributes = {}) =>
      make("a", { text, href, download: "", ...attributes });
    const [result, ...parts] = job.outputs;
    const other = step !== null || strength < 1;
    const query = {
      output: result.name,
      ...(step === null ? {} : { step }),
      ...(strength < 1 ? { strength } : {}),
    };
    const words = [
      step === null ? null : `step ${step}`,
      strength < 1 ? `strength ${strength}` : null,
    ].filter(Boolean);
    const said = other
      ? `Download with ${words.join(" and ")}`
      : `Download ${result.file} (${size(result.bytes)})`;
    this.saves.replaceChildren(
      link(said, address(query), { class: "button main" }),
      ...parts.map((part) =>
        link(`${part.name}: ${part.file} (${size(part.bytes)})`, address({ output: part.name })),
      ),
      link("Record of the run (JSON)", `api/jobs/${job.id}/record`),
    );
  }

  draw() {
    const { job } = this;
    this.figure.hidden = !job || job.energy.length < 2;
    if (this.figure.hidden) return;
    const { step } = this.stage.choice;
    drawCurve(this.curve, job.energy, { chosen: job.chosen || null, shown: Number(step) || null });
  }
}
