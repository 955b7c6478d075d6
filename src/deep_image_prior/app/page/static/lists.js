// The pictures that are open, and the jobs.

import { button, make, say } from "./dom.js";
import { fileOf, viewOf } from "./server.js";
import { lives, progressOf, share, sized, stateOf, titled } from "./words.js";

const THUMB = 160; // pixels

function thumb(image, address) {
  if (image.getAttribute("src") !== address) image.setAttribute("src", address);
}

/** A picture; acts: {select(file), remove(file)}. */
export function pictureCard(acts) {
  return (file) => {
    const image = make("img", { alt: "", src: viewOf("files", file.id, { side: THUMB }) });
    const words = make(
      "span",
      {},
      make("b", { text: file.name, title: file.name }),
      make("span", { class: "quiet", text: sized(file) }),
    );
    const card = make(
      "button",
      { type: "button", class: "card", onclick: () => acts.select(file) },
      image,
      words,
    );
    const out = button("\u00d7", () => acts.remove(file), {
      class: "ask",
      "aria-label": `Remove ${file.name}`,
    });
    const update = () => card.setAttribute("aria-current", String(acts.isSelected(file)));
    return { node: make("li", {}, card, out), update };
  };
}

/** A job; acts: {select(job), isSelected(job), end(job)}. */
export function jobCard(acts) {
  return (first) => {
    let job = first;
    const image = make("img", { alt: "" });
    const name = make("b");
    const state = make("span", { class: "quiet" });
    const bar = make("progress", { max: 1, "aria-label": "Progress" });
    const words = make("span", {}, name, state, bar);
    const card = make(
      "button",
      { type: "button", class: "card", onclick: () => acts.select(job) },
      image,
      words,
    );
    const out = button("\u00d7", () => acts.end(job), { class: "ask" });
    const node = make("li", {}, card, out);
    function update(now) {
      job = now;
      const [kind, id] = job.outputs.length ? ["jobs", job.id] : ["files", job.file];
      image.hidden = kind === "files" && !fileOf(job.file);
      if (!image.hidden) thumb(image, viewOf(kind, id, { side: THUMB }));
      say(name, titled(job));
      name.title = titled(job);
      say(
        state,
        [stateOf(job), progressOf(job), job.confidence && `confidence ${job.confidence}`]
          .filter(Boolean)
          .join(", "),
      );
      bar.hidden = !["running", "paused"].includes(job.state);
      if (share(job) === null) bar.removeAttribute("value");
      else bar.value = share(job);
      node.className = `job ${job.state} ${job.confidence ?? ""}`;
      card.setAttribute("aria-current", String(acts.isSelected(job)));
      out.setAttribute("aria-label", `${lives(job) ? "Cancel" : "Remove"} ${titled(job)}`);
    }
    return { node, update };
  };
}
