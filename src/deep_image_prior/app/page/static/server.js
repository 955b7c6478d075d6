// The server on this computer: what it knows, and how it is asked. See api/events for the rest.

const HEADERS = { "X-Dip": "1" };
const SILENT = "The server does not answer.";
const RETRY = 1000; // milliseconds

export const known = { folder: "", version: "", limit: Infinity, tasks: [], files: [], jobs: [] };

export const files = (role) => known.files.filter((file) => !role || file.role === role);
export const fileOf = (id) => known.files.find((file) => file.id === id);
export const jobOf = (id) => known.jobs.find((job) => job.id === id);
export const taskOf = (name) => known.tasks.find((task) => task.name === name);

async function reason(response) {
  const text = await response.text();
  try {
    return JSON.parse(text).error ?? text;
  } catch {
    return `${text || response.statusText} (${response.status})`;
  }
}

/** fetch that raises an Error with the line that the server gives. */
export async function get(address, options = {}) {
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    throw error.name === "AbortError" ? error : new Error(SILENT);
  }
  if (!response.ok) throw new Error(await reason(response));
  return response;
}

async function ask(method, address, content) {
  const body = content === undefined ? undefined : JSON.stringify(content);
  const headers = body ? { ...HEADERS, "Content-Type": "application/json" } : HEADERS;
  const text = await (await get(address, { method, headers, body })).text();
  return text ? JSON.parse(text) : null;
}

export const post = (address, content) => ask("POST", address, content);
export const remove = (address) => ask("DELETE", address);

/** Sends a File or Blob; progress(share) is called as it goes. Returns {sent, abort}. */
export function upload(blob, name, role, progress = () => {}) {
  const request = new XMLHttpRequest();
  const sent = new Promise((resolve, reject) => {
    request.open("POST", `api/files?${new URLSearchParams({ name, role })}`);
    request.setRequestHeader("X-Dip", "1");
    request.upload.onprogress = (event) => progress(event.loaded / event.total);
    request.onload = () => {
      const answer = new Response(request.responseText, { status: request.status });
      if (answer.ok) resolve(take("file", JSON.parse(request.responseText)));
      else reason(answer).then((line) => reject(new Error(line)));
    };
    request.onerror = () => reject(new Error(`${SILENT} Or ${name} cannot be read.`));
    request.onabort = () => reject(new Error("not sent"));
    request.send(blob);
  });
  return { sent, abort: () => request.abort() };
}

/** Puts a File or a Job where it belongs. */
export function take(kind, item) {
  const items = kind === "file" ? known.files : known.jobs;
  const at = items.findIndex((each) => each.id === item.id);
  if (at < 0) items.push(item);
  else items[at] = item;
  return item;
}

function drop(id) {
  known.files = known.files.filter((file) => file.id !== id);
  known.jobs = known.jobs.filter((job) => job.id !== id);
}

/** Follows the server for ever; changed() after each event, lost(bool) when the line breaks or holds. */
export function follow(changed, lost) {
  const source = new EventSource("api/events");
  const on = (name, act) =>
    source.addEventListener(name, (event) => {
      const data = JSON.parse(event.data);
      act(data);
      changed();
    });
  on("state", (state) => {
    Object.assign(known, state);
    lost(false);
  });
  on("file", (file) => take("file", file));
  on("job", (job) => take("job", job));
  on("removed", ({ id }) => drop(id));
  source.onerror = () => {
    source.close();
    lost(true);
    setTimeout(() => follow(changed, lost), RETRY);
  };
}

/** The address of a PNG to look at: of a file or a job. */
export function viewOf(kind, id, query) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  return `api/${kind}/${id}/view?${new URLSearchParams(given)}`;
}
