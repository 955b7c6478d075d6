// A mask painted over a picture: which pixels are missing. As a file it is white where pixels are
// known and black where they are missing, as the task asks.

import { button, errorLine, make, say } from "./dom.js";
import { get, upload, viewOf } from "./server.js";
import { grayPng } from "./png.js";

const LARGEST = 100e6; // pixels that a browser can hold a painting of
const PAINT = "#ff2d78";
const VEIL = 0.6; // how dense it looks
const PART = 2048; // pixels a side that are fetched at a time
const ROWS = 256; // that are read at a time
const PURPOSE =
  "Paint over scratches, text or whatever should go. It is drawn anew. " +
  "All else is known and stays as it is.";
const CONVENTION =
  "As a file, the mask is white where pixels are known and black where they are missing.";
const KEYS =
  "With the picture in focus: arrows move the brush, with Shift by one pixel. Space paints. " +
  "E erases. [ and ] change the size. + and - zoom, 0 fits. Ctrl+Z undoes, anywhere.";
const TOOLS = { brush: "Brush", eraser: "Eraser", move: "Move" };

/** A file as a canvas of its size, fetched in parts. */
async function whole({ id, width, height }) {
  const image = make("canvas", { width, height });
  const context = image.getContext("2d");
  for (let y = 0; y < height; y += PART)
    for (let x = 0; x < width; x += PART) {
      const view = await get(viewOf("files", id, { x, y, width: PART, height: PART }));
      context.drawImage(await createImageBitmap(await view.blob()), x, y);
    }
  return image;
}

/** What is painted over one picture: strokes, kept so that they can be undone. */
export class Painting {
  constructor(file) {
    Object.assign(this, { file, done: [], undone: [], saved: null });
    if (file.width * file.height > LARGEST) {
      throw new Error(
        "This picture is too large to be painted on here. Open a mask made elsewhere.",
      );
    }
    this.canvas = make("canvas", { width: file.width, height: file.height });
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    if (!this.context) throw new Error("The browser has no memory for a mask of this size.");
    this.context.lineCap = this.context.lineJoin = "round";
    this.context.strokeStyle = this.context.fillStyle = PAINT;
  }

  get empty() {
    return !this.done.length;
  }

  /** act: {kind: stroke | clear | invert | image, ...}. */
  add(act) {
    this.done.push(act);
    this.undone = [];
    this.apply(act);
  }

  undo() {
    if (this.empty) return;
    this.undone.push(this.done.pop());
    this.replay();
  }

  redo() {
    if (!this.undone.length) return;
    this.done.push(this.undone.pop());
    this.apply(this.done.at(-1));
  }

  replay() {
    const fresh = this.done.findLastIndex(({ kind }) => kind === "clear" || kind === "image");
    this.clear();
    for (const act of this.done.slice(Math.max(0, fresh))) this.apply(act);
  }

  apply(act) {
    this.saved = null;
    const { width, height } = this.canvas;
    if (act.kind === "clear") this.clear();
    if (act.kind === "image") {
      this.clear();
      this.context.drawImage(act.image, 0, 0);
    }
    if (act.kind === "invert") {
      this.context.globalCompositeOperation = "source-out";
      this.context.fillRect(0, 0, width, height);
    }
    if (act.kind === "stroke")
      act.points.forEach((point, at) => this.segment(act, act.points[at - 1] ?? point, point));
    this.context.globalCompositeOperation = "source-over";
  }

  clear() {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  extend(stroke, point) {
    const last = stroke.points.at(-1) ?? point;
    stroke.points.push(point);
    this.saved = null;
    this.segment(stroke, last, point);
    this.context.globalCompositeOperation = "source-over";
  }

  segment({ size, erases }, from, to) {
    const { context } = this;
    context.globalCompositeOperation = erases ? "destination-out" : "source-over";
    context.lineWidth = size;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x + 0.01, to.y); // a line without length would be no dot
    context.stroke();
  }

  /** Raises Error if a mask of this size is not one of the picture. */
  check({ width, height }) {
    const { canvas } = this;
    if (width === canvas.width && height === canvas.height) return;
    const sizes = `${width} x ${height}, the picture ${canvas.width} x ${canvas.height}`;
    throw new Error(`The mask is ${sizes}. They must be of one size.`);
  }

  /** Draws a mask of the picture's size: dark is missing. Raises Error. */
  read(image) {
    const { width, height } = image;
    const context = image.getContext("2d");
    for (let y = 0; y < height; y += ROWS) {
      const rows = context.getImageData(0, y, width, Math.min(ROWS, height - y));
      for (let at = 0; at < rows.data.length; at += 4)
        rows.data[at + 3] = rows.data[at] < 128 ? 255 : 0;
      context.putImageData(rows, 0, y);
    }
    context.globalCompositeOperation = "source-in";
    context.fillStyle = PAINT;
    context.fillRect(0, 0, width, height);
    this.add({ kind: "image", image });
  }

  /** An 8-bit PNG: 255 known, 0 missing. Raises Error if nothing is painted. */
  async png() {
    const { width, height } = this.canvas;
    let missing = 0;
    const rows = (y, count) => {
      const { data } = this.context.getImageData(0, y, width, count);
      const gray = new Uint8Array(width * count);
      for (let at = 0; at < gray.length; at++) {
        gray[at] = data[4 * at + 3] < 128 ? 255 : 0;
        missing += gray[at] === 0;
      }
      return gray;
    };
    const png = await grayPng(width, height, rows, ROWS);
    if (!missing) throw new Error("Nothing is painted yet: paint over what is missing.");
    return png;
  }

  get name() {
    return `${this.file.name.replace(/\.[^.]+$/, "")}-mask.png`;
  }
}

/** The bar and the pointer of the painting. It is a tool of the viewer. */
export class Brush {
  /** acts: {use(id), closed()}. */
  constructor(node, viewer, acts) {
    Object.assign(this, { node, viewer, acts, painting: null, stroke: null, at: null });
    this.paintings = new Map(); // by the id of the picture
    this.error = errorLine();
    this.where = make("output", { class: "quiet" });
    this.amount = make("input", {
      type: "range",
      min: "0",
      max: "100",
      value: "40",
      id: "brush-size",
      oninput: () => this.sized(),
    });
    this.width = make("output", { for: "brush-size" });
    this.chooser = make("input", {
      type: "file",
      accept: "image/*",
      hidden: true,
      onchange: () => this.load(),
    });
    this.undoes = button("Undo", () => this.undo(), { "aria-keyshortcuts": "Control+Z" });
    this.redoes = button("Redo", () => this.redo(), { "aria-keyshortcuts": "Control+Shift+Z" });
    addEventListener("keydown", (event) => this.shortcut(event));
    node.append(
      make("h2", { id: "brush-title", text: "Paint what is missing" }),
      make("p", { text: PURPOSE }),
      this.modes(),
      make("label", { class: "row" }, "Size", this.amount, this.width),
      make(
        "div",
        { class: "row" },
        this.undoes,
        this.redoes,
        button("Clear", () => this.act({ kind: "clear" })),
      ),
      button("Swap missing and known", () => this.act({ kind: "invert" })),
      make(
        "div",
        { class: "row" },
        button("Open a mask...", () => this.chooser.click()),
        button("Save the mask", () => this.save()),
        this.chooser,
      ),
      make("p", { class: "quiet", text: CONVENTION }),
      make(
        "details",
        {},
        make("summary", { text: "Keys" }),
        make("p", { class: "quiet", text: KEYS }),
      ),
      this.where,
      this.error.node,
      make(
        "div",
        { class: "row ending" },
        button("Use this mask", () => this.use(), { class: "main" }),
        button("Back", () => this.close()),
      ),
    );
  }

  modes() {
    const radios = Object.entries(TOOLS).map(([value, text]) =>
      make(
        "label",
        { class: "row" },
        make("input", {
          type: "radio",
          name: "tool",
          value,
          checked: value === "brush",
          onchange: () => this.choose(value),
        }),
        text,
      ),
    );
    this.mode = "brush";
    return make(
      "fieldset",
      { class: "row plain" },
      make("legend", { class: "unseen", text: "Tool" }),
      ...radios,
    );
  }

  choose(mode) {
    this.mode = mode;
    for (const radio of this.node.querySelectorAll("[name=tool]"))
      radio.checked = radio.value === mode;
    this.viewer.canvas.classList.toggle("paints", this.paints);
  }

  get paints() {
    return this.mode !== "move";
  }

  /** Pixels of the picture: from one to a quarter of its side, finer where it is small. */
  get size() {
    const most = Math.max(8, Math.min(this.painting.file.width, this.painting.file.height) / 4);
    return Math.max(1, Math.round(most ** (this.amount.value / 100)));
  }

  sized() {
    say(this.width, `${this.size} pixels`);
    this.amount.setAttribute("aria-valuetext", this.width.textContent);
    this.viewer.draw();
  }

  /** Starts to paint on a picture, or goes on. Raises Error. */
  open(file) {
    if (!this.paintings.has(file.id)) this.paintings.set(file.id, new Painting(file));
    this.painting = this.paintings.get(file.id);
    this.at = { x: file.width / 2, y: file.height / 2 };
    this.error.show(null);
    this.node.hidden = false;
    this.viewer.tool = this;
    this.choose("brush");
    this.sized();
    this.changed();
    this.viewer.moved();
    this.viewer.canvas.focus();
  }

  close() {
    if (!this.painting) return;
    this.end();
    this.painting = this.viewer.tool = null;
    this.node.hidden = true;
    this.viewer.canvas.classList.remove("paints");
    this.viewer.moved();
    this.acts.closed();
  }

  /** Whether something was painted that the server does not have. */
  get unsaved() {
    return [...this.paintings.values()].some((painting) => !painting.empty && !painting.saved);
  }

  forget(ids) {
    for (const id of this.paintings.keys()) if (!ids.has(id)) this.paintings.delete(id);
  }

  changed() {
    this.undoes.disabled = this.painting.empty;
    this.redoes.disabled = !this.painting.undone.length;
    this.viewer.draw();
  }

  act(act) {
    this.painting.add(act);
    this.error.show(null);
    this.changed();
  }

  undo() {
    this.painting.undo();
    this.changed();
  }

  redo() {
    this.painting.redo();
    this.changed();
  }

  async load() {
    const [chosen] = this.chooser.files;
    this.chooser.value = "";
    if (!chosen) return;
    await this.guarded(async () => {
      const mask = await upload(chosen, chosen.name, "guide").sent;
      this.painting.check(mask);
      this.painting.read(await whole(mask));
      this.changed();
    });
  }

  async save() {
    await this.guarded(async () => {
      const address = URL.createObjectURL(await this.painting.png());
      make("a", { href: address, download: this.painting.name }).click();
      setTimeout(() => URL.revokeObjectURL(address), 60000);
    });
  }

  async use() {
    await this.guarded(async () => {
      await this.send();
      this.close();
    });
  }

  /** Sends the mask, if it was changed, and chooses it in the form. Raises Error. */
  async send() {
    const { painting } = this;
    const { sent } = painting.saved ? {} : upload(await painting.png(), painting.name, "guide");
    if (sent) painting.saved = (await sent).id;
    this.acts.use(painting.saved);
  }

  async guarded(act) {
    this.error.show(null);
    try {
      await act();
    } catch (error) {
      this.error.show(error);
    }
  }

  // What the viewer calls. Points are pixels of the picture.

  begin(point) {
    if (!this.paints) return;
    this.stroke = { kind: "stroke", size: this.size, erases: this.mode === "eraser", points: [] };
    this.to(point);
  }

  to(point) {
    this.at = point;
    this.painting.extend(this.stroke, point);
    this.viewer.draw();
  }

  end() {
    if (!this.stroke) return;
    this.painting.done.push(this.stroke);
    this.painting.undone = [];
    this.stroke = null;
    this.changed();
  }

  hover(point) {
    this.at = point;
    this.viewer.draw();
  }

  key(event) {
    const { key, shiftKey } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
      key
    ] ?? [0, 0];
    if (x || y) this.step(x, y, shiftKey ? 1 : Math.max(1, Math.round(this.size / 4)));
    else if (key === " ") this.press();
    else if (key === "e" || key === "E") this.choose(this.mode === "eraser" ? "brush" : "eraser");
    else if (key === "[" || key === "]") {
      this.amount.value = Number(this.amount.value) + (key === "]" ? 4 : -4);
      this.sized();
    } else return false;
    return true;
  }

  /** Ctrl+Z and Ctrl+Shift+Z, wherever the focus is. */
  shortcut(event) {
    const asked = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (!this.painting || !asked) return;
    event.preventDefault();
    if (event.shiftKey) this.redo();
    else this.undo();
  }

  press() {
    if (this.stroke) return;
    if (!this.paints) this.choose("brush");
    this.begin(this.at);
  }

  released(key) {
    if (key === " ") this.end();
  }

  step(x, y, far) {
    const { width, height } = this.painting.file;
    const to = (at, most) => Math.min(most, Math.max(0, at));
    this.at = { x: to(this.at.x + x * far, width), y: to(this.at.y + y * far, height) };
    if (this.stroke) this.to(this.at);
    this.follow();
    say(this.where, `at ${Math.round(this.at.x)}, ${Math.round(this.at.y)}`);
    this.viewer.draw();
  }

  /** Pans so that the brush is seen. */
  follow() {
    const { viewer } = this;
    const at = {
      x: viewer.origin.x + this.at.x * viewer.scale,
      y: viewer.origin.y + this.at.y * viewer.scale,
    };
    const over = (value, most) => Math.min(0, most - value) - Math.min(0, value);
    viewer.pan(over(at.x, viewer.canvas.width), over(at.y, viewer.canvas.height));
  }

  draw(context, scale) {
    context.globalAlpha = VEIL;
    context.imageSmoothingEnabled = scale < 1;
    context.imageSmoothingQuality = "low"; // it is drawn at every move
    context.drawImage(this.painting.canvas, 0, 0);
    context.globalAlpha = 1;
    if (!this.at || !this.paints) return;
    for (const [color, width] of [
      ["#000", 3],
      ["#fff", 1.5],
    ]) {
      context.strokeStyle = color;
      context.lineWidth = width / scale;
      context.beginPath();
      context.arc(this.at.x, this.at.y, this.size / 2, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}
