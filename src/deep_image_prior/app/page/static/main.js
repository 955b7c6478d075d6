// The page: what is selected, and what happens when the server tells of something.

import { $, button, errorLine, list, make, say, size } from "./dom.js";
import { Brush } from "./brush.js";
import { Form } from "./form.js";
import { jobCard, pictureCard } from "./lists.js";
import { Result } from "./result.js";
import { fileOf, files, follow, jobOf, known, post, remove, take, upload } from "./server.js";
import { Stage } from "./stage.js";
import { Viewer } from "./viewer.js";
import { lives, share, sized, stateOf, titled } from "./words.js";

const NAME = document.title;
const WAIT = 30; // milliseconds in which changes are gathered
const stageError = errorLine();
const selected = { file: null, job: null };
const states = new Map(); // of the jobs, as they were told of

const zoomed = make("output", { "aria-label": "Zoom" });
const viewer = new Viewer($("canvas"), $("divider"), {
  zoomed: (scale) => say(zoomed, `${Number((100 * scale).toPrecision(3))} %`),
  failed: (error) => stageError.show(error),
});
const stage = new Stage($("bar"), viewer, () => result.update(jobOf(selected.job)));
const result = new Result($("result"), stage, { select: adopt, end, change });
const brush = new Brush($("brush"), viewer, { use: useMask, closed });
let form = null;
const drawPictures = list(
  $("pictures"),
  pictureCard({
    select: (file) => select(file.id, null),
    remove: removeFile,
    isSelected: (file) => file.id === selected.file,
  }),
);
const drawJobs = list(
  $("jobs"),
  jobCard({
    select: (job) => select(job.file, job.id),
    end,
    isSelected: (job) => job.id === selected.job,
  }),
);

// What is selected is in the address, so that a reload shows it again.

function select(file, job) {
  if (file !== selected.file || job) brush.close();
  Object.assign(selected, { file, job });
  history.replaceState(null, "", job ? `#job=${job}` : file ? `#file=${file}` : location.pathname);
  draw();
}

function remembered() {
  const { file, job } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  if (jobOf(job)) Object.assign(selected, { file: jobOf(job).file, job });
  else if (fileOf(file)) Object.assign(selected, { file, job: null });
}

/** What was selected may be gone. */
function settle() {
  if (!selected.file && !selected.job) remembered();
  if (selected.job && !jobOf(selected.job)) selected.job = null;
  if (!selected.job && !fileOf(selected.file)) selected.file = files("picture")[0]?.id ?? null;
}

function draw() {
  settle();
  const [file, job] = [fileOf(selected.file), jobOf(selected.job)];
  const pictures = files("picture");
  if (brush.painting && !fileOf(brush.painting.file.id)) brush.close();
  brush.forget(new Set(known.files.map(({ id }) => id)));
  if (!form || JSON.stringify(known.tasks) !== JSON.stringify(form.tasks)) makeForm();
  drawPictures(pictures);
  drawJobs(known.jobs.toReversed());
  const paints = Boolean(brush.painting);
  $("strip").hidden = paints || (!pictures.length && !$("uploads").childElementCount);
  $("queue").hidden = !known.jobs.length;
  $("settings").hidden = !file || Boolean(job) || paints;
  form.update();
  stage.show(file, job);
  result.update(job);
  $("empty").hidden = Boolean(file || job);
  $("bar").hidden = !$("empty").hidden;
  const what = job ? titled(job) : file ? `${file.name}, ${sized(file)}` : "No picture";
  $("canvas").setAttribute("aria-label", `${what}. Arrow keys move, plus and minus zoom, 0 fits.`);
  say($("place"), known.folder ? `Results are kept in ${known.folder}` : "");
  title();
}

function title() {
  const running = known.jobs.find((job) => job.state === "running");
  const percent =
    running && share(running) !== null ? `${Math.round(100 * share(running))} % ` : "";
  document.title = percent + NAME;
}

function makeForm() {
  form = new Form(known.tasks, { run, paint });
  $("settings").replaceChildren(form.node);
}

// Jobs.

async function run(all) {
  const wanted = all ? files("picture") : [fileOf(selected.file)];
  const options = form.fields.values();
  const failed = [];
  let first = null;
  for (const file of wanted) {
    try {
      const job = await post("api/jobs", { task: form.task.name, file: file.id, options });
      first ??= job;
    } catch (error) {
      failed.push(wanted.length > 1 ? `${file.name}: ${error.message}` : error.message);
    }
  }
  if (failed.length) throw new Error(failed.join("\n"));
  adopt(first);
}

/** Selects a job that the server has just made; its event may have come before. */
function adopt(job) {
  if (!jobOf(job.id)) take("job", job);
  select(job.file, job.id);
  $("result-title").focus({ preventScroll: true });
}

function change(job) {
  form.fill(job.task, job.options);
  select(job.file, null);
  form.node.querySelector("[name=task]:checked").focus();
}

async function end(job) {
  const asked = lives(job)
    ? `Cancel ${titled(job)}? Nothing of it is kept.`
    : `Remove ${titled(job)}? Its result is deleted from ${known.folder}.`;
  if ((job.outputs.length || job.state !== "failed") && !confirm(asked)) return;
  await shown(
    lives(job) ? () => post(`api/jobs/${job.id}/cancel`) : () => remove(`api/jobs/${job.id}`),
  );
}

async function removeFile(file) {
  if (confirm(`Remove ${file.name} from this page? The file that you opened stays where it is.`)) {
    await shown(() => remove(`api/files/${file.id}`));
  }
}

async function shown(act) {
  stageError.show(null);
  try {
    await act();
  } catch (error) {
    stageError.show(error);
  }
}

// Masks.

async function paint() {
  await viewer.shown;
  await shown(() => brush.open(fileOf(selected.file)));
  draw();
  $("stage").scrollIntoView({ block: "nearest" });
}

/** Back to the form, where the mask was asked for. */
function closed() {
  draw();
  form.node.querySelector("[data-paints]")?.focus();
}

function useMask(id) {
  form.fields.update();
  form.fields.set("mask", id);
  form.fields.set("mask_marks", null); // a painted mask is white where pixels are known
}

// Files that come in.

async function open(list) {
  const rows = [...list].map((file) => ({ file, ...row(file.name) }));
  draw();
  let first = true;
  for (const { file, node, bar, stop, fail } of rows) {
    if (!node.isConnected) continue;
    if (file.size > known.limit) {
      fail(
        `${file.name} has ${size(file.size)}; this page takes ${size(known.limit)} at the most.`,
      );
      continue;
    }
    const { sent, abort } = upload(file, file.name, "picture", (part) => (bar.value = part));
    stop(abort);
    try {
      const picture = await sent;
      node.remove();
      if (first && !brush.painting) select(picture.id, null);
      first = false;
    } catch (error) {
      fail(error);
    }
  }
}

/** The line of a file on its way. */
function row(name) {
  const bar = make("progress", { max: 1, value: 0, "aria-label": `Sending ${name}` });
  const error = errorLine();
  let abort = () => {};
  const out = button(
    "\u00d7",
    () => {
      abort();
      node.remove();
      draw();
    },
    { class: "ask", "aria-label": `Do not open ${name}` },
  );
  const node = make("div", { class: "row" }, make("span", { text: name }), bar, error.node, out);
  $("uploads").append(node);
  const fail = (reason) => {
    bar.hidden = node.firstChild.hidden = true; // the line names the file
    error.show(
      reason.message?.startsWith(name) || !reason.message ? reason : `${name}: ${reason.message}`,
    );
    out.setAttribute("aria-label", `Dismiss ${name}`);
  };
  return { node, bar, fail, stop: (act) => (abort = act) };
}

function listen() {
  $("open").addEventListener("click", () => $("chooser").click());
  $("chooser").addEventListener("change", () => {
    open($("chooser").files);
    $("chooser").value = "";
  });
  $("empty").addEventListener("click", () => $("chooser").click());
  addEventListener(
    "paste",
    (event) => event.clipboardData.files.length && open(event.clipboardData.files),
  );
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  for (const name of ["dragleave", "drop"]) {
    addEventListener(name, (event) => {
      event.preventDefault();
      if (name === "drop" || !event.relatedTarget) document.body.classList.remove("dropping");
    });
  }
  addEventListener(
    "drop",
    (event) => event.dataTransfer.files.length && open(event.dataTransfer.files),
  );
  addEventListener("beforeunload", (event) => brush.unsaved && event.preventDefault());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    viewer.draw();
    result.draw();
  });
}

function tools() {
  const zoom = (text, label, act) => button(text, act, { "aria-label": label });
  const group = make("div", { class: "row tools", role: "group", "aria-label": "Zoom" });
  group.append(
    zoom("\u2212", "Zoom out", () => viewer.zoom(viewer.scale / Math.SQRT2)),
    zoomed,
    zoom("+", "Zoom in", () => viewer.zoom(viewer.scale * Math.SQRT2)),
    button("1:1", () => viewer.zoom(1), {
      "aria-label": "1:1, a pixel of the picture is a pixel of the screen",
    }),
    button("Fit", () => viewer.fit()),
  );
  stage.row.prepend(group);
  $("stage").append(stageError.node);
}

// What the server tells.

function told(job) {
  const before = states.get(job.id);
  states.set(job.id, job.state);
  if (before === undefined || before === job.state) return;
  const more = [job.error, job.confidence && `confidence ${job.confidence}`].filter(Boolean);
  const words = [`${titled(job)}. ${stateOf(job)}`, ...more].join(", ");
  say($("live"), words);
}

function lost(away) {
  const place = known.folder ? ` in ${known.folder}` : "";
  const words = [
    `The program does not answer. What was saved is safe${place}.`,
    "If it was ended, start dip page again: it opens a page with all that was here.",
    "Otherwise this page goes on by itself.",
  ].join(" ");
  $("banner").hidden = !away;
  say($("banner"), away ? words : "");
}

let gathered = null;
function changed() {
  known.jobs.forEach(told);
  gathered ??= setTimeout(() => {
    gathered = null;
    draw();
  }, WAIT);
}

listen();
tools();
follow(changed, lost);
