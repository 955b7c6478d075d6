// What is said of files and jobs.

import { duration } from "./dom.js";
import { fileOf } from "./server.js";

const DEPTHS = {
  bool: "1 bit",
  uint8: "8 bit",
  uint16: "16 bit",
  float16: "16-bit float",
  float32: "32-bit float",
};
const COLOURS = { 1: "gray", 2: "gray and alpha", 3: "colour", 4: "colour and alpha" };
const STATES = {
  waiting: "Waiting",
  running: "Running",
  paused: "Paused",
  done: "Done",
  stopped: "Stopped, the best so far is saved",
  failed: "Failed",
  cancelled: "Cancelled, nothing was saved",
  interrupted: "Interrupted",
};
export const CONFIDENCE = {
  high: { mark: "\u2713", words: "High confidence." },
  medium: { mark: "~", words: "Medium confidence. Look at the details." },
  low: { mark: "!", words: "Low confidence. Look closely before you use this result." },
};

export const depth = (file) => DEPTHS[file.dtype] ?? file.dtype;

export function sized(file) {
  const pages = file.pages > 1 ? `${file.pages} pages, ` : "";
  const colours = COLOURS[file.channels] ?? `${file.channels} channels`;
  return `${pages}${file.width} x ${file.height}, ${colours}, ${depth(file)}`;
}

export const lives = (job) => ["waiting", "running", "paused"].includes(job.state);

export function titled(job) {
  return `${fileOf(job.file)?.name ?? job.outputs[0]?.file ?? "Picture"}: ${job.task}`;
}

export const share = (job) => (job.total ? Math.min(1, job.done / job.total) : null);

export function stateOf(job) {
  if (job.state === "waiting")
    return job.place ? `${STATES.waiting}, number ${job.place}` : STATES.waiting;
  if (job.state === "running" && job.phase) return job.phase[0].toUpperCase() + job.phase.slice(1);
  return STATES[job.state] ?? job.state;
}

/** What is said over the picture as it came, while there is no other. */
export function yetOf(job) {
  const state = stateOf(job);
  const words = `${state[0].toLowerCase()}${state.slice(1)}`;
  return `Nothing to see yet: ${words}. This is the picture as it came.`;
}

/** How far it is, in numbers. */
export function progressOf(job) {
  if (job.state !== "running" && job.state !== "paused") return "";
  const of = job.total ? `${job.done} of ${job.total}` : job.done ? `${job.done}` : "";
  const left =
    job.state === "running" && job.left !== null ? `about ${duration(job.left)} left` : "";
  return [of, left].filter(Boolean).join(", ");
}
