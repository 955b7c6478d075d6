// A gray PNG of 8 bits, row by row: what a canvas saves would have four channels.

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc(bytes) {
  let value = ~0;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return ~value >>> 0;
}

function chunk(kind, content) {
  const bytes = new Uint8Array(12 + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(kind), 4);
  bytes.set(content, 8);
  view.setUint32(8 + content.length, crc(bytes.subarray(4, 8 + content.length)));
  return bytes;
}

function header(width, height) {
  const bytes = new Uint8Array(13);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  bytes[8] = 8; // bits; the rest is 0: gray, deflated, not interlaced
  return bytes;
}

/** rows(y, count) -> their gray values, width * count; asked for `most` rows at a time. */
export async function grayPng(width, height, rows, most) {
  let y = 0;
  const lines = new ReadableStream({
    pull(stream) {
      const count = Math.min(most, height - y);
      const gray = rows(y, count);
      const bytes = new Uint8Array(count * (width + 1)); // each row begins with its filter, none
      for (let row = 0; row < count; row++) {
        bytes.set(gray.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
      }
      stream.enqueue(bytes);
      y += count;
      if (y === height) stream.close();
    },
  });
  const packed = await new Response(
    lines.pipeThrough(new CompressionStream("deflate")),
  ).arrayBuffer();
  const chunks = [
    chunk("IHDR", header(width, height)),
    chunk("IDAT", new Uint8Array(packed)),
    chunk("IEND", []),
  ];
  return new Blob([new Uint8Array(SIGNATURE), ...chunks], { type: "image/png" });
}
