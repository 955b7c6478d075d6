// What the canvas shows: a picture, or a job at one of its moments, with the strength and the page.

import { $, button, make, say } from "./dom.js";
import { taskOf, viewOf } from "./server.js";
import { Layer } from "./viewer.js";
import { lives, yetOf } from "./words.js";

const FULL = { step: null, strength: 1, page: 1, output: null };

/** The moments to look at, in their order; step null is the result, "latest" the newest. */
function momentsOf(job) {
  const ended = job.outputs.length > 0;
  const steps = job.moments.filter((step) => !ended || step !== job.chosen);
  const moments = steps.map((step) => ({ step, at: step }));
  if (ended) moments.push({ step: null, at: job.chosen || Infinity });
  else if (lives(job) && steps.length) moments.at(-1).step = "latest";
  return moments.sort((a, b) => a.at - b.at);
}

/** Of what the job makes, where it is known. */
function sizeOf(job, file) {
  if (job.width) return { width: job.width, height: job.height };
  return taskOf(job.task)?.mixes && file ? { width: file.width, height: file.height } : null;
}

export class Stage {
  /** changed() is called when another moment, strength, page or part is chosen. */
  constructor(node, viewer, changed) {
    Object.assign(this, { viewer, changed, file: null, job: null, choice: { ...FULL } });
    this.slider = make("input", {
      type: "range",
      min: "0",
      step: "1",
      id: "moment",
      oninput: () => this.slide(),
    });
    this.ticks = make("div", { class: "ticks", "aria-hidden": "true" });
    this.told = make("output", { for: "moment" });
    this.back = button("Back to the rule's choice", () => this.choose({ step: null }));
    this.force = make("input", {
      type: "range",
      min: "0",
      max: "1",
      step: "0.05",
      id: "strength",
      oninput: () => this.mix(),
    });
    this.forced = make("output", { for: "strength" });
    this.page = make("input", {
      type: "number",
      min: "1",
      id: "page",
      onchange: () => this.turn(),
    });
    this.of = make("span", { class: "quiet" });
    this.part = make("select", {
      id: "part",
      onchange: () => this.choose({ output: this.part.value }),
    });
    const label = (name, text) => make("label", { for: name, text });
    this.rows = {
      moment: make(
        "div",
        { class: "row" },
        label("moment", "Moment"),
        make("div", { class: "track" }, this.slider, this.ticks),
        this.told,
        this.back,
      ),
      strength: make(
        "div",
        { class: "row" },
        label("strength", "Strength"),
        this.force,
        this.forced,
      ),
      page: make("div", { class: "row" }, label("page", "Page"), this.page, this.of),
      part: make("div", { class: "row" }, label("part", "Show"), this.part),
    };
    const { moment, ...others } = this.rows;
    this.row = make("div", { class: "row" }, ...Object.values(others));
    node.append(moment, this.row);
  }

  show(file, job) {
    if (file?.id !== this.file?.id || job?.id !== this.job?.id) {
      this.choice = { ...FULL };
    }
    Object.assign(this, { file, job });
    this.moments = job ? momentsOf(job) : [];
    const steps = this.moments.map(({ step }) => step);
    const usual = steps.includes(null) ? null : (steps.at(-1) ?? null);
    if (!steps.includes(this.choice.step)) this.choice.step = usual;
    this.controls();
    this.picture();
  }

  choose(choice) {
    Object.assign(this.choice, choice);
    this.show(this.file, this.job);
    this.changed();
  }

  slide() {
    this.choose({ step: this.moments[this.slider.value].step });
  }

  mix() {
    this.choose({ strength: Number(this.force.value) });
  }

  turn() {
    const page = Math.round(Number(this.page.value));
    this.choose({ page: Math.min(Math.max(1, page || 1), Number(this.page.max)) });
  }

  get whole() {
    const { job, choice } = this;
    return !job?.outputs.length || choice.output === null || choice.output === job.outputs[0].name;
  }

  controls() {
    const { job, file, rows, choice } = this;
    const pages = job?.pages ?? (job?.options.page ? 1 : (file?.pages ?? 1));
    rows.moment.hidden = this.moments.length < 2 || !this.whole;
    rows.strength.hidden = !(job?.outputs.length && taskOf(job.task)?.mixes && this.whole);
    rows.page.hidden = pages < 2;
    rows.part.hidden = !job || job.outputs.length < 2;
    this.page.max = pages;
    this.page.value = choice.page;
    say(this.of, `of ${pages}`);
    this.force.value = choice.strength;
    say(this.forced, `${Math.round(100 * choice.strength)} %`);
    this.force.setAttribute("aria-valuetext", this.forced.textContent);
    $("yet").hidden = !(job && file && lives(job) && !this.moments.length);
    if (!$("yet").hidden) say($("yet"), yetOf(job));
    if (job) this.momentControls();
    if (!rows.part.hidden) this.parts();
  }

  momentControls() {
    const { job, moments, choice } = this;
    const at = moments.findIndex(({ step }) => step === choice.step);
    this.slider.max = Math.max(0, moments.length - 1);
    this.slider.value = at;
    const words = this.worded(moments[at]);
    say(this.told, words);
    this.slider.setAttribute("aria-valuetext", words);
    this.back.hidden = !job.outputs.length;
    this.back.disabled = choice.step === null;
    const own = job.outputs.length ? moments.findIndex(({ step }) => step === null) : -1;
    this.ticks.hidden = own < 0;
    this.ticks.style.setProperty("--at", moments.length > 1 ? own / (moments.length - 1) : 0);
  }

  worded(moment) {
    if (!moment) return "";
    if (moment.step === "latest") return `step ${moment.at}, the newest`;
    if (moment.step !== null) return `step ${moment.step}`;
    return Number.isFinite(moment.at) ? `step ${moment.at}, the rule's choice` : "the result";
  }

  parts() {
    const names = this.job.outputs.map(({ name }) => name);
    if ([...this.part.options].map(({ value }) => value).join() !== names.join()) {
      this.part.replaceChildren(
        ...names.map((name) => make("option", { value: name, text: name })),
      );
    }
    this.part.value = this.choice.output ?? names[0];
  }

  picture() {
    const { job, file, choice, viewer, moments } = this;
    viewer.strength = this.rows.strength.hidden ? 1 : choice.strength;
    viewer.draw();
    const page = job?.options.page ?? (file?.pages > 1 ? choice.page : null);
    const given = file && this.layer("files", file, { page });
    const size = job && sizeOf(job, file);
    if (!size || !moments.length) return viewer.show(given, null);
    const step = choice.step === "latest" ? job.moments.at(-1) : choice.step;
    const query = {
      page: job.pages > 1 ? choice.page : null,
      ...(this.whole ? { step } : { output: choice.output }),
    };
    const restored = this.layer("jobs", { ...job, ...size }, query, step ? "" : job.state);
    return viewer.show(restored, this.whole ? given : null);
  }

  layer(kind, { id, width, height }, query, version = "") {
    const key = [kind, id, JSON.stringify(query), version].join(" ");
    const address = (region) => viewOf(kind, id, { ...query, ...region });
    return new Layer(key, width, height, address);
  }
}
