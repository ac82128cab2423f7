// The playground: draws the bytes of a stream and its cuts, and shows the results of playground.py in
// Pyodide. The page shows the reader's input as text only, never as HTML.

import { load } from "./python.mjs";

// Each byte is an element of the page. More of them would make dragging slow.
const MAX_BYTES = 4096;
const LINE_ENDS = { LF: "\n", CRLF: "\r\n", CR: "\r" };
// In picks.json, where the stream is cut.
const CUT = "✂";
const OWN = "own";

const $ = (id) => document.getElementById(`pg-${id}`);
const state = {
  bytes: new Uint8Array(),
  // Offsets between 0 and bytes.length, both excluded, in ascending order.
  cuts: [],
  // The number of pasted bytes beyond MAX_BYTES; they are left out.
  tooMany: 0,
};
// The elements of the bytes, and of the cuts by their offset.
let cells = [];
let handles = new Map();
let picks = [];
// parse(bytes, cuts) returns the results; null until Python is ready.
let parse = null;

// element("p", "class", "text", child...): what is a string becomes text.
function element(name, className = "", ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
const range = (start, end) => `[${start}, ${end})`;

// --- The stream -----------------------------------------------------------------------------------

function choosePick(pick) {
  const parts = pick.stream.split(CUT);
  const text = parts.join("");
  const lineEnd = text.includes("\r\n") ? "CRLF" : text.includes("\r") ? "CR" : "LF";
  $("about").textContent = pick.about;
  $("line-end").value = lineEnd;
  $("bom").checked = text.startsWith("\ufeff");
  $("text").value = text.replace(/^\ufeff/, "").replaceAll(LINE_ENDS[lineEnd], "\n");
  readText();
  let offset = 0;
  state.cuts = pick.every
    ? everyBytes(pick.every)
    : parts.slice(0, -1).map((part) => (offset += new TextEncoder().encode(part).length));
  $("every").value = pick.every ?? "";
  drawStream();
}

function readText() {
  const text = $("text").value.replaceAll("\n", LINE_ENDS[$("line-end").value]);
  const bytes = new TextEncoder().encode(($("bom").checked ? "\ufeff" : "") + text);
  state.bytes = bytes.slice(0, MAX_BYTES);
  state.tooMany = bytes.length - state.bytes.length;
  state.cuts = state.cuts.filter((cut) => cut < state.bytes.length);
}

// The reader has changed the stream, so it is none of the picks any more.
function changed() {
  $("pick").value = OWN;
  $("about").textContent = "Your own stream.";
  readText();
  drawStream();
}

// --- The cuts -------------------------------------------------------------------------------------

function everyBytes(size) {
  const cuts = [];
  for (let cut = size; cut < state.bytes.length; cut += size) cuts.push(cut);
  return cuts;
}

// After each blank line, whatever its lines end in.
function afterBlocks() {
  const cuts = [];
  let lineStart = 0;
  for (let index = 0; index < state.bytes.length; index++) {
    const byte = state.bytes[index];
    if (byte !== 10 && byte !== 13) continue;
    const isBlank = index === lineStart;
    if (byte === 13 && state.bytes[index + 1] === 10) index++;
    lineStart = index + 1;
    if (isBlank && lineStart < state.bytes.length) cuts.push(lineStart);
  }
  return cuts;
}

function atRandom() {
  const count = Math.min(8, state.bytes.length - 1);
  const cuts = new Set();
  while (cuts.size < count) cuts.add(1 + Math.floor(Math.random() * (state.bytes.length - 1)));
  return [...cuts].sort((a, b) => a - b);
}

function setCuts(cuts, every = "") {
  state.cuts = cuts;
  if ($("every").value !== every) $("every").value = every;
  drawCuts();
}

function addCut(offset) {
  if (offset <= 0 || offset >= state.bytes.length || state.cuts.includes(offset)) return;
  setCuts([...state.cuts, offset].sort((a, b) => a - b));
  handles.get(offset).focus({ preventScroll: true });
}

// In the middle of the longest chunk.
function addCutInLongest() {
  const borders = [0, ...state.cuts, state.bytes.length];
  let longest = 0;
  for (let index = 1; index < borders.length - 1; index++) {
    if (borders[index + 1] - borders[index] > borders[longest + 1] - borders[longest]) longest = index;
  }
  addCut(Math.floor((borders[longest] + borders[longest + 1]) / 2));
}

// Cuts do not pass each other. Returns where the cut is afterwards.
function moveCut(from, to) {
  const index = state.cuts.indexOf(from);
  const least = (state.cuts[index - 1] ?? 0) + 1;
  const most = (state.cuts[index + 1] ?? state.bytes.length) - 1;
  const offset = Math.max(least, Math.min(most, to));
  if (offset === from) return from;
  state.cuts[index] = offset;
  const handle = handles.get(from);
  handles.delete(from);
  handles.set(offset, handle);
  const hadFocus = document.activeElement === handle;
  cells[offset].before(handle);
  if (hadFocus) handle.focus({ preventScroll: true });
  label(handle, offset);
  colour();
  refresh();
  return offset;
}

function removeCut(offset) {
  const index = state.cuts.indexOf(offset);
  setCuts(state.cuts.filter((cut) => cut !== offset));
  const next = state.cuts[Math.min(index, state.cuts.length - 1)];
  (next === undefined ? $("add") : handles.get(next)).focus({ preventScroll: true });
}

function onKey(event) {
  const from = offsetOf(event.target);
  if (from === null || event.altKey || event.ctrlKey || event.metaKey) return;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -16, PageUp: 16 };
  if (event.key in steps) moveCut(from, from + steps[event.key]);
  else if (event.key === "Home") moveCut(from, 0);
  else if (event.key === "End") moveCut(from, state.bytes.length);
  else if (event.key === "Delete" || event.key === "Backspace") removeCut(from);
  else return;
  event.preventDefault();
}

// The offset of a cut's element, or null for any other element.
function offsetOf(target) {
  const handle = target.closest?.(".pg-cut");
  return handle ? Number(handle.getAttribute("aria-valuenow")) : null;
}

// The offset between two bytes that is nearest to a point, or null outside the bytes.
function offsetAt(x, y) {
  for (const found of document.elementsFromPoint(x, y)) {
    if (!found.classList.contains("pg-byte")) continue;
    const box = found.getBoundingClientRect();
    return Number(found.dataset.offset) + (x > box.left + box.width / 2 ? 1 : 0);
  }
  return null;
}

// The offset of the cut that is being dragged, or null. Set by pressing a cut, cleared by releasing it.
let dragged = null;

function onPress(event) {
  if (event.button !== 0) return;
  dragged = offsetOf(event.target);
  if (dragged === null) return;
  event.preventDefault();
  handles.get(dragged).focus({ preventScroll: true });
}

function onMove(event) {
  if (dragged === null) return;
  const offset = offsetAt(event.clientX, event.clientY);
  if (offset !== null) dragged = moveCut(dragged, offset);
}

function onRelease() {
  dragged = null;
}

function onClick(event) {
  const offset = offsetOf(event.target) === null ? offsetAt(event.clientX, event.clientY) : null;
  if (offset !== null) addCut(offset);
}

// --- Drawing the stream ---------------------------------------------------------------------------

// The length of the UTF-8 character that begins at an offset; 0 if the bytes are no character.
function characterLength(offset) {
  const first = state.bytes[offset];
  const length = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(state.bytes.subarray(offset, offset + length));
  } catch {
    return 0;
  }
  return length;
}

// Fonts seldom have pictures of them.
function controlName(code) {
  const names = { 0: "NUL", 9: "TAB", 10: "LF", 13: "CR", 0xfeff: "BOM" };
  return names[code] ?? code.toString(16).toUpperCase().padStart(2, "0");
}

function drawStream() {
  const drawn = document.createDocumentFragment();
  cells = [];
  for (let offset = 0; offset < state.bytes.length; ) {
    const length = characterLength(offset) || 1;
    const bytes = state.bytes.subarray(offset, offset + length);
    const isMark = offset === 0 && length === 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    for (let part = 0; part < length; part++) {
      const byte = state.bytes[offset + part];
      const cell = element("span", "pg-byte");
      cell.dataset.offset = offset + part;
      cell.setAttribute("aria-hidden", "true");
      if (byte < 0x20) {
        cell.textContent = controlName(byte);
        cell.classList.add("pg-control");
      } else if (isMark || (length === 1 && byte >= 0x7f)) {
        cell.textContent = byte.toString(16).toUpperCase();
        cell.classList.add("pg-control");
      } else if (part > 0) {
        cell.textContent = "·";
        cell.classList.add("pg-control");
      } else {
        cell.textContent = new TextDecoder().decode(bytes);
      }
      cell.title = `byte ${offset + part}: 0x${byte.toString(16).padStart(2, "0").toUpperCase()}`;
      cells.push(cell);
      drawn.append(cell);
      if (byte === 10 || (byte === 13 && state.bytes[offset + part + 1] !== 10)) {
        drawn.append(element("br"));
      }
    }
    offset += length;
  }
  $("stream").replaceChildren(drawn);
  drawCuts();
}

function drawCuts() {
  for (const handle of handles.values()) handle.remove();
  handles = new Map();
  for (const offset of state.cuts) {
    const handle = element("span", "pg-cut");
    handle.tabIndex = 0;
    handle.setAttribute("role", "slider");
    label(handle, offset);
    handles.set(offset, handle);
    cells[offset].before(handle);
  }
  colour();
  refresh();
}

function label(handle, offset) {
  handle.setAttribute("aria-label", "Cut");
  handle.setAttribute("aria-valuemin", "1");
  handle.setAttribute("aria-valuemax", state.bytes.length - 1);
  handle.setAttribute("aria-valuenow", offset);
  handle.setAttribute("aria-valuetext", `before byte ${offset} of ${state.bytes.length}`);
  handle.title = `before byte ${offset}`;
}

// Every second chunk has another background.
function colour() {
  let chunk = 0;
  for (let offset = 0; offset < cells.length; offset++) {
    if (offset === state.cuts[chunk]) chunk++;
    cells[offset].classList.toggle("pg-odd", chunk % 2 === 1);
  }
}

function highlight(start, end) {
  cells.forEach((cell, offset) => cell.classList.toggle("pg-shown", offset >= start && offset < end));
  cells[start]?.scrollIntoView({ block: "center" });
}

// --- Drawing the results --------------------------------------------------------------------------

// Set while a call of showResults is waiting for the next frame: dragging causes many.
let isScheduled = false;

function refresh() {
  if (isScheduled || parse === null) return;
  isScheduled = true;
  requestAnimationFrame(() => {
    isScheduled = false;
    showResults(parse(state.bytes, state.cuts));
  });
}

function showResults(results) {
  const { naive } = results;
  $("status").textContent =
    plural(state.bytes.length, "byte") + ` in ${plural(results.chunks.length, "chunk")}.` +
    (state.tooMany ? ` The last ${plural(state.tooMany, "byte")} are left out: the page shows ${MAX_BYTES.toLocaleString("en")}.` : "");
  $("verdict").replaceChildren(
    element("strong", "", `sseparse: ${plural(naive.events, "event")}.`), " The same at every cut.");
  const faults = [];
  if (naive.events > naive.right) faults.push(`${naive.events - naive.right} of the ${naive.events} lost or broken`);
  if (naive.wrong) faults.push(`${plural(naive.wrong, "piece")} that ${naive.wrong === 1 ? "is" : "are"} no event's data`);
  if (naive.errors) faults.push(plural(naive.errors, "error"));
  $("naive-verdict").replaceChildren(
    element("strong", "", `Naive split: the data of ${plural(naive.right, "event")}`),
    faults.length ? `; ${faults.join(", ")}.` : ". It is right at these cuts.");
  $("naive-verdict").classList.toggle("pg-wrong", faults.length > 0);
  $("naive-verdict").classList.toggle("pg-right", faults.length === 0);
  $("verdict").classList.add("pg-right");
  $("chunks").tBodies[0].replaceChildren(...chunkRows(results.chunks));
  $("end").replaceChildren(...endTerms(results));
  $("items").tBodies[0].replaceChildren(...results.chunks.flatMap((chunk) => chunk.items.map(itemRow)));
  $("results").hidden = false;
}

// Chunks that return nothing share one row with their neighbours that return nothing.
function chunkRows(chunks) {
  const rows = [];
  let silent = [];
  const flush = () => {
    if (silent.length === 0) return;
    const [first, last] = [silent[0], silent.at(-1)];
    const nothing = silent.length === 1 ? "nothing yet" : `nothing yet, in ${silent.length} chunks`;
    rows.push(element("tr", "pg-silent", rangeCell(first.start, last.end),
      column("sseparse", nothing), column("Naive split", "nothing")));
    silent = [];
  };
  for (const chunk of chunks) {
    if (chunk.events.length + chunk.naive.pieces.length === 0 && chunk.naive.error === null) {
      silent.push(chunk);
      continue;
    }
    flush();
    const events = chunk.events.map((event) =>
      element("div", "pg-event pg-right",
        element("div", "pg-label", event.type,
          event.last_event_id ? ` · id ${event.last_event_id}` : "", " · ", rangeButton(event.start, event.end)),
        text(event.data)));
    const pieces = chunk.naive.pieces.map((piece) =>
      element("div", `pg-event ${piece.right ? "pg-right" : "pg-wrong"}`,
        element("div", "pg-label", piece.right ? "right" : "wrong"), text(piece.data)));
    if (chunk.naive.error) {
      pieces.push(element("div", "pg-event pg-wrong", element("div", "pg-label", "error"), text(chunk.naive.error)));
    }
    rows.push(element("tr", "", rangeCell(chunk.start, chunk.end),
      column("sseparse", ...(events.length ? events : ["nothing yet"])),
      column("Naive split", ...(pieces.length ? pieces : ["nothing"]))));
  }
  flush();
  return rows;
}

// A cell. On a phone the cells of a row are one below the other, each with its name.
function column(name, ...children) {
  const cell = element("td", "", ...children);
  cell.dataset.name = name;
  return cell;
}

// Characters that are invisible, such as CR, are shown.
function text(value) {
  const made = element("div", "pg-text");
  for (const part of value.split(/([\u0000-\u0009\u000b-\u001f\u007f\ufeff])/)) {
    const code = part.length === 1 ? part.charCodeAt(0) : -1;
    const isInvisible = (code >= 0 && code < 0x20 && code !== 10) || code === 0x7f || code === 0xfeff;
    made.append(isInvisible ? element("span", "pg-control", controlName(code)) : part);
  }
  if (value === "") made.append(element("span", "pg-control", "empty"));
  return made;
}

function rangeButton(start, end) {
  const button = element("button", "pg-range", range(start, end));
  button.type = "button";
  button.title = "Show these bytes in the stream";
  button.addEventListener("click", () => highlight(start, end));
  return button;
}

function rangeCell(start, end) {
  return element("td", "pg-offsets", rangeButton(start, end));
}

function itemRow(item) {
  return element("tr", item.kind === "block" ? "pg-block" : "",
    rangeCell(item.start, item.end),
    element("td", "", item.kind),
    element("td", "", item.kind === "field" || item.kind === "comment" ? text(item.text) : ""),
    element("td", "", item.terminator),
    element("td", "", item.notes.join("; ")));
}

function endTerms({ pending, last_event_id: id, retry }) {
  const terms = [];
  const add = (name, ...values) => terms.push(element("dt", "", name), element("dd", "", ...values));
  if (pending === null) {
    add("Pending", "nothing: the stream ends where a block ends");
  } else {
    add("Pending", "a block without its blank line, which gives no event; it begins at byte ", `${pending.start}`);
    if (pending.type !== "message") add("Its type", text(pending.type));
    if (pending.data) add("Its data", text(pending.data));
    if (pending.line) add("Its last line, without an end", text(pending.line));
  }
  add("parser.last_event_id", text(id));
  add("parser.retry", retry === null ? "None" : `${retry} ms`);
  return terms;
}

// --- Start ----------------------------------------------------------------------------------------

async function fetchJson(name) {
  const response = await fetch(new URL(name, import.meta.url));
  return response.ok ? response.json() : null;
}

function listen() {
  $("pick").addEventListener("change", () => {
    const pick = picks[$("pick").value];
    if (pick) choosePick(pick);
    else {
      $("editor").open = true;
      $("text").focus();
      changed();
    }
  });
  $("text").addEventListener("input", changed);
  $("line-end").addEventListener("change", changed);
  $("bom").addEventListener("change", changed);
  $("whole").addEventListener("click", () => setCuts([]));
  $("blocks").addEventListener("click", () => setCuts(afterBlocks()));
  $("random").addEventListener("click", () => setCuts(atRandom()));
  $("add").addEventListener("click", addCutInLongest);
  $("every").addEventListener("input", () => {
    const size = $("every").valueAsNumber;
    if (Number.isInteger(size) && size > 0) setCuts(everyBytes(size), $("every").value);
  });
  $("stream").addEventListener("keydown", onKey);
  $("stream").addEventListener("click", onClick);
  $("stream").addEventListener("pointerdown", onPress);
  document.addEventListener("pointermove", onMove);
  document.addEventListener("pointerup", onRelease);
  document.addEventListener("pointercancel", onRelease);
}

async function start() {
  picks = await fetchJson("picks.json");
  picks.forEach((pick, index) => $("pick").append(new Option(pick.name, index)));
  $("pick").append(new Option("Your own", OWN));
  $("page").hidden = false;
  listen();
  choosePick(picks[0]);

  const config = await fetchJson("config.json");
  if (config === null) {
    $("status").textContent =
      "These pages were built without the playground's wheel. CONTRIBUTING.md describes how to add it.";
    return;
  }
  try {
    parse = await load(config);
  } catch (error) {
    $("status").textContent = `Python could not be loaded: ${error.message}`;
    return;
  }
  refresh();
}

start();
