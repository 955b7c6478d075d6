// One canvas for a picture of any size: before and after, zoom and pan, regions fetched as needed.
// Coordinates: the picture's pixels (of `after`), and the canvas' (device pixels); at = origin + scale * pixel.

import { get } from "./server.js";

const OVERVIEW = 2048; // pixels to the longer side that are held of the whole picture
const MARGIN = 0.25; // of a region, fetched around what is seen
const MOST = 64; // device pixels for a pixel of the picture
const PIXELS = 2; // from this scale on they are seen as squares
const LARGEST = 8; // the same where it is fitted
const WAIT = 120; // milliseconds of rest before regions are fetched
const KEY_PAN = 0.1; // of the canvas

async function bitmapOf(address, signal) {
  const response = await get(address, { signal });
  return createImageBitmap(await response.blob());
}

/** A picture on the server: address({x, y, width, height, side}) of a PNG of a part of it. */
export class Layer {
  constructor(key, width, height, address) {
    Object.assign(this, { key, width, height, address });
    this.whole = null; // {bitmap, x, y, width, height}
    this.detail = null;
    this.wanted = null;
    this.stop = new AbortController();
  }

  async load() {
    this.whole ??= await this.fetched(
      { x: 0, y: 0, width: this.width, height: this.height },
      OVERVIEW,
    );
  }

  /** Fetches the region {x, y, width, height} where scale (device pixels a pixel) asks for it. */
  async want(region, scale) {
    const enough = (held, factor) => held && held.bitmap.width >= 0.95 * held.width * factor;
    const factor = Math.min(1, scale);
    if (enough(this.whole, factor)) return false;
    if (enough(this.detail, factor) && inside(region, this.detail)) return false;
    const larger = grown(region, MARGIN, this);
    const side = Math.ceil(Math.max(larger.width, larger.height) * factor);
    const wanted = (this.wanted = {});
    const detail = await this.fetched(larger, side);
    if (wanted !== this.wanted) return false;
    this.detail?.bitmap.close();
    this.detail = detail;
    return true;
  }

  async fetched(region, side) {
    const bitmap = await bitmapOf(this.address({ ...region, side }), this.stop.signal);
    return { ...region, bitmap };
  }

  /** Onto a canvas that is transformed to the pixels of this layer; scale as in `want`. */
  draw(context, scale) {
    for (const held of [this.whole, this.detail]) {
      if (!held) continue;
      const pixels = held.bitmap.width >= held.width && scale >= PIXELS;
      context.imageSmoothingEnabled = !pixels;
      context.imageSmoothingQuality = "high";
      context.drawImage(held.bitmap, held.x, held.y, held.width, held.height);
    }
  }

  close() {
    this.stop.abort();
    for (const held of [this.whole, this.detail]) held?.bitmap.close();
    this.whole = this.detail = null;
  }
}

function inside(a, b) {
  return (
    a.x >= b.x && a.y >= b.y && a.x + a.width <= b.x + b.width && a.y + a.height <= b.y + b.height
  );
}

function grown({ x, y, width, height }, share, within) {
  const left = Math.max(0, Math.floor(x - share * width));
  const top = Math.max(0, Math.floor(y - share * height));
  const right = Math.min(within.width, Math.ceil(x + width * (1 + share)));
  const bottom = Math.min(within.height, Math.ceil(y + height * (1 + share)));
  return { x: left, y: top, width: right - left, height: bottom - top };
}

const between = (low, value, high) => Math.min(high, Math.max(low, value));

export class Viewer {
  /** zoomed(scale) and failed(error or null) are called; tool: what the pointer does, see brush.js. */
  constructor(canvas, divider, { zoomed, failed }) {
    Object.assign(this, { canvas, divider, zoomed, failed });
    this.context = canvas.getContext("2d", { alpha: false });
    this.after = this.before = null;
    this.size = { width: 1, height: 1 };
    this.scale = 1;
    this.origin = { x: 0, y: 0 };
    this.fitted = true;
    this.split = 0.5;
    this.strength = 1;
    this.tool = null;
    this.pointers = new Map();
    new ResizeObserver(() => this.resized()).observe(canvas);
    this.listen();
  }

  /** Shows `after`, and `before` left of the divider; what is there stays until they have come. */
  async show(after, before) {
    if (after?.key === this.asked?.after?.key && before?.key === this.asked?.before?.key) return;
    const asked = { after, before };
    const kept = [this.after, this.before];
    for (const name of ["after", "before"]) {
      const same = kept.find((layer) => layer && layer.key === asked[name]?.key);
      if (same) asked[name] = same;
      const stale = this.asked?.[name];
      if (stale && !kept.includes(stale) && stale.key !== asked[name]?.key) stale.close();
    }
    this.asked = asked;
    const layers = [asked.after, asked.before].filter(Boolean);
    const loads = layers.map((layer) => layer.load().then(() => this.look(layer, asked.after)));
    try {
      await Promise.all(loads);
    } catch (error) {
      if (asked === this.asked && error.name !== "AbortError") {
        this.asked = null;
        this.failed(error);
      }
      return;
    }
    if (asked !== this.asked) return;
    this.failed(null);
    for (const layer of kept) if (layer && !layers.includes(layer)) layer.close();
    Object.assign(this, asked);
    this.resize(asked.after ?? { width: 1, height: 1 });
    this.draw();
    this.sharpen();
  }

  /** The frame has another size: fit, or keep looking at the same place. */
  resize({ width, height }) {
    const old = this.size;
    if (old.width === width && old.height === height) return;
    this.size = { width, height };
    if (this.fitted || old.width * height !== old.height * width) return this.fit();
    this.scale *= old.width / width;
    this.moved();
  }

  /** Fetches the region of a layer that is seen, in the frame of `after`. */
  async look(layer, { width, height } = this.size) {
    const [across, down] = [layer.width / width, layer.height / height];
    const same = width === this.size.width && height === this.size.height;
    const seen = same ? this.seen() : { x: 0, y: 0, width: 0, height: 0 };
    const region = {
      x: seen.x * across,
      y: seen.y * down,
      width: seen.width * across,
      height: seen.height * down,
    };
    return region.width ? layer.want(region, this.scale / across) : false;
  }

  /** The pixels of the picture that are seen. */
  seen() {
    const x = between(0, -this.origin.x / this.scale, this.size.width);
    const y = between(0, -this.origin.y / this.scale, this.size.height);
    const right = between(0, (this.canvas.width - this.origin.x) / this.scale, this.size.width);
    const bottom = between(0, (this.canvas.height - this.origin.y) / this.scale, this.size.height);
    return { x, y, width: right - x, height: bottom - y };
  }

  resized() {
    const ratio = window.devicePixelRatio;
    const { clientWidth, clientHeight } = this.canvas;
    const middle = this.pixelAt(this.canvas.width / 2, this.canvas.height / 2);
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    if (this.fitted) return this.fit();
    this.origin.x = this.canvas.width / 2 - middle.x * this.scale;
    this.origin.y = this.canvas.height / 2 - middle.y * this.scale;
    this.moved();
  }

  fit() {
    const { width, height } = this.canvas;
    const scale = Math.min(width / this.size.width, height / this.size.height, LARGEST);
    this.fitted = true;
    this.scale = scale || 1;
    this.moved();
  }

  /** Zooms to `scale`, the pixel under the point of the canvas (its middle) staying where it is. */
  zoom(scale, x = this.canvas.width / 2, y = this.canvas.height / 2) {
    const { width, height } = this.canvas;
    const least = Math.min(1, width / this.size.width, height / this.size.height);
    const pixel = this.pixelAt(x, y);
    this.fitted = false;
    this.scale = between(least, scale, MOST);
    this.origin = { x: x - pixel.x * this.scale, y: y - pixel.y * this.scale };
    this.moved();
  }

  pan(x, y) {
    this.origin = { x: this.origin.x + x, y: this.origin.y + y };
    this.moved();
  }

  /** Keeps the picture on the canvas, draws, and fetches what is seen once it rests. */
  moved() {
    const held = (origin, canvas, picture) =>
      Math.round(picture <= canvas ? (canvas - picture) / 2 : between(canvas - picture, origin, 0));
    this.origin = {
      x: held(this.origin.x, this.canvas.width, this.size.width * this.scale),
      y: held(this.origin.y, this.canvas.height, this.size.height * this.scale),
    };
    this.canvas.style.touchAction = this.fitted && !this.tool ? "pan-y" : "none";
    this.zoomed(this.scale);
    this.draw();
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.sharpen(), WAIT);
  }

  sharpen() {
    const layers = [this.after, this.before].filter(Boolean);
    for (const layer of layers) {
      this.look(layer).then(
        (came) => came && this.draw(),
        (error) => error.name !== "AbortError" && this.failed(error),
      );
    }
  }

  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.paint();
    });
  }

  paint() {
    const { context, canvas } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.fillStyle = getComputedStyle(canvas).backgroundColor;
    context.fillRect(0, 0, canvas.width, canvas.height);
    canvas.parentElement.classList.toggle("compares", Boolean(this.before));
    if (this.before) this.paintLayer(this.before, 1);
    if (this.after) this.paintLayer(this.after, this.before ? this.strength : 1);
    if (this.before) this.paintBefore();
    if (this.tool) {
      context.setTransform(this.scale, 0, 0, this.scale, this.origin.x, this.origin.y);
      this.tool.draw(context, this.scale);
    }
  }

  paintBefore() {
    const { context, canvas } = this;
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.beginPath();
    context.rect(0, 0, Math.round(this.split * canvas.width), canvas.height);
    context.clip();
    this.paintLayer(this.before, 1);
    context.restore();
    this.divider.style.left = `${100 * this.split}%`;
    const percent = Math.round(100 * this.split);
    this.divider.setAttribute("aria-valuenow", percent);
    this.divider.setAttribute("aria-valuetext", `before on the left ${percent} %`);
  }

  paintLayer(layer, alpha) {
    const scale = (this.scale * this.size.width) / layer.width;
    const down = (this.scale * this.size.height) / layer.height;
    this.context.globalAlpha = alpha;
    this.context.setTransform(scale, 0, 0, down, this.origin.x, this.origin.y);
    layer.draw(this.context, scale);
    this.context.globalAlpha = 1;
  }

  pixelAt(x, y) {
    return { x: (x - this.origin.x) / this.scale, y: (y - this.origin.y) / this.scale };
  }

  /** Of an event, in the pixels of the canvas. */
  pointOf(event) {
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / box.width;
    return { x: (event.clientX - box.left) * ratio, y: (event.clientY - box.top) * ratio };
  }

  divide(split) {
    this.split = between(0, split, 1);
    this.draw();
  }

  listen() {
    const { canvas, divider } = this;
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => this.up(event));
    }
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("keyup", (event) => this.tool?.released(event.key));
    canvas.addEventListener("blur", () => this.tool?.end());
    divider.addEventListener("pointerdown", (event) => divider.setPointerCapture(event.pointerId));
    divider.addEventListener("pointermove", (event) => {
      if (divider.hasPointerCapture(event.pointerId))
        this.divide(this.pointOf(event).x / canvas.width);
    });
    divider.addEventListener("keydown", (event) => this.dividerKey(event));
  }

  wheel(event) {
    event.preventDefault();
    const { x, y } = this.pointOf(event);
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.zoom(this.scale * Math.exp(-0.002 * lines * event.deltaY), x, y);
  }

  down(event) {
    if (this.fitted && !this.tool && event.pointerType === "touch") return; // the page scrolls
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.pointOf(event));
    const paints = this.tool?.paints && event.button === 0 && this.pointers.size === 1;
    if (this.pointers.size > 1) this.tool?.end();
    if (paints) this.tool.begin(this.pixelOf(event));
  }

  move(event) {
    const last = this.pointers.get(event.pointerId);
    this.tool?.hover(this.pixelOf(event));
    if (!last) return;
    const point = this.pointOf(event);
    if (this.tool?.stroke) {
      for (const each of event.getCoalescedEvents?.() ?? [event]) this.tool.to(this.pixelOf(each));
    } else if (this.pointers.size === 2) {
      this.pinch(event.pointerId, last, point);
    } else {
      this.pan(point.x - last.x, point.y - last.y);
    }
    this.pointers.set(event.pointerId, point);
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    this.tool?.end();
  }

  pixelOf(event) {
    const { x, y } = this.pointOf(event);
    return this.pixelAt(x, y);
  }

  pinch(id, last, point) {
    const [, other] = [...this.pointers].find(([each]) => each !== id);
    const apart = (each) => Math.hypot(each.x - other.x, each.y - other.y) || 1;
    this.pan((point.x - last.x) / 2, (point.y - last.y) / 2);
    this.zoom(
      (this.scale * apart(point)) / apart(last),
      (point.x + other.x) / 2,
      (point.y + other.y) / 2,
    );
  }

  key(event) {
    if (this.tool?.key(event)) return event.preventDefault();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const across = KEY_PAN * this.canvas.width;
    const acts = {
      ArrowLeft: () => this.pan(across, 0),
      ArrowRight: () => this.pan(-across, 0),
      ArrowUp: () => this.pan(0, across),
      ArrowDown: () => this.pan(0, -across),
      "+": () => this.zoom(this.scale * Math.SQRT2),
      "=": () => this.zoom(this.scale * Math.SQRT2),
      "-": () => this.zoom(this.scale / Math.SQRT2),
      0: () => this.fit(),
      1: () => this.zoom(1),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }

  dividerKey(event) {
    const step = event.shiftKey ? 0.1 : 0.02;
    const to = {
      ArrowLeft: this.split - step,
      ArrowDown: this.split - step,
      ArrowRight: this.split + step,
      ArrowUp: this.split + step,
      PageDown: this.split - 0.1,
      PageUp: this.split + 0.1,
      Home: 0,
      End: 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.divide(to);
  }
}
