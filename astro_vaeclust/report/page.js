"use strict";
(() => {
const $ = (id) => document.getElementById(id);
const KEY = "astro_vaeclust:" + REPORT.digest;
const WORDS = { a: "accept", r: "reject", u: "unsure" };
const KEYS = [["A R U", "accept, reject, unsure; then the next without a verdict"], ["N", "note"],
  ["Z", "undo"], ["arrows, J K", "move"], ["1 2 3", "scale: 4 radii, 12 radii, 15 arcmin"],
  ["O", "circles, compass and scale bar on or off"], ["I", "invert"], ["+ -", "contrast"],
  ["Enter", "own view of the candidate"], ["Esc", "close"], ["?", "this list"]];
const all = REPORT.candidates, byId = new Map(all.map((c) => [String(c.values.id), c]));
let shown = all.slice(), at = 0, seen = 0, scale = 0, inverted = 0, contrast = 1, bare = false;
const verdicts = new Map(), undone = [];

function el(name, attributes, ...children) {
  const svg = ["svg", "circle", "line", "text", "rect", "polyline", "path"].includes(name);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const say = (text) => { $("said").textContent = text; };
function warn(text) { $("warning").textContent = text; $("warning").hidden = false; }
const number = (value, digits = 5) => value === null ? "" : typeof value === "number" && !Number.isInteger(value) ? String(+value.toPrecision(digits)) : String(value);

/* what is kept */
function load() {
  let text = null;
  try { text = localStorage.getItem(KEY); } catch (error) {
    return warn("This browser keeps nothing for this page: export your verdicts before you close it.");
  }
  if (!text) return;
  try {
    const kept = JSON.parse(text);
    if (document.activeElement !== $("person")) $("person").value = kept.person || "";
    verdicts.clear();
    for (const [id, entry] of Object.entries(kept.verdicts || {})) if (byId.has(id)) verdicts.set(id, entry);
  } catch (error) { warn("What was kept for this page cannot be read; import a CSV that you exported."); }
}
function keep() {
  try {
    localStorage.setItem(KEY, JSON.stringify({ person: $("person").value, verdicts: Object.fromEntries(verdicts) }));
  } catch (error) { warn("Verdicts cannot be kept by this browser (storage is refused or full): export them now."); }
}

/* pictures */
function overlay(candidate, view, k) {
  const [left, top, side] = view.frames[k], f = 100 / side, v = candidate.values;
  const svg = el("svg", { viewBox: "0 0 100 100", "aria-hidden": "true", fill: "none", "stroke-width": 0.8 });
  const circle = (x, y, r, more) => { if (r > 0) svg.append(el("circle", { cx: left + x * f, cy: top + y * f, r: r * f, ...more })); };
  circle(0, 0, v.radius, { stroke: "#56b4e9" });
  circle(0, 0, v.r50, { stroke: "#56b4e9", "stroke-dasharray": "2 1.5" });
  for (const [x, y, r] of view.references) circle(x, y, r, { stroke: "#d55e00", "stroke-dasharray": ".5 1.2", "stroke-width": 1.2 });
  for (const line of view.contours[k]) svg.append(el("polyline", { points: line.map((z, i) => ((i % 2 ? top : left) + z * f).toFixed(1)).join(" "), stroke: "#e69f00", "stroke-width": .5 }));
  const [n, e] = [view.north, view.east], far = (i) => Math.max(n[i], e[i], 0) * 9 + 5;
  const [x, y] = [100 - far(0), 100 - far(1)];
  for (const [step, name] of [[n, "N"], [e, "E"]]) {
    svg.append(el("line", { x1: x, y1: y, x2: x + 6 * step[0], y2: y + 6 * step[1], stroke: "#fff" }),
      el("text", { x: x + 9.5 * step[0], y: y + 9.5 * step[1] + 2, "text-anchor": "middle" }, name));
  }
  const length = [600, 300, 120, 60, 30, 20, 10, 5, 2, 1].find((l) => l <= side / 3) || 1;
  svg.append(el("line", { x1: 4, y1: 96, x2: 4 + length * f, y2: 96, stroke: "#fff", "stroke-width": 1.2 }),
    el("text", { x: 4, y: 93 }, length >= 60 ? length / 60 + "′" : length + "″"));
  return svg;
}
const SCALES = ["4 radii", "12 radii", "15 arcmin"];
function framed(url, alt, over) {
  return el("div", { class: "picture" }, el("img", { src: url, alt, width: 256, height: 256, decoding: "async" }), over);
}
function picture(candidate, k) {
  const view = candidate.view, url = view && view.pictures[k];
  if (!url) return el("div", { class: "picture" }, el("span", {}, view ? "No picture of this scale" : "No image holds this candidate"));
  return framed(url, `Candidate ${candidate.values.id}, ${SCALES[k]} wide`, overlay(candidate, view, k));
}

/* gallery: whole rows of cards make a block, which is filled when it comes near the window */
const ROWS = 8;
let blocks = [], perRow = 1;
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) fill(entry.target);
}, { rootMargin: "600px" });
function fitting() {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  return Math.max(Math.floor($("gallery").clientWidth / (13.6 * rem)), 1);
}
function layOut() {
  perRow = fitting();
  $("gallery").style.setProperty("--columns", perRow);
  watcher.disconnect();
  blocks = [];
  for (let first = 0; first < shown.length; first += ROWS * perRow) {
    const block = el("div", { class: "block" });
    block.first = first;
    block.style.setProperty("--rows", Math.ceil(Math.min(shown.length - first, ROWS * perRow) / perRow));
    blocks.push(block);
  }
  $("gallery").replaceChildren(...blocks);
  for (const block of blocks) watcher.observe(block);
  if (shown.length) $("gallery").style.setProperty("--card", cardAt(0).offsetHeight + "px");
}
function fill(block) {
  if (!block || block.firstChild) return;
  watcher.unobserve(block);
  const cards = shown.slice(block.first, block.first + ROWS * perRow).map((candidate, i) => {
    const card = candidate.card || makeCard(candidate);
    card.setAttribute("aria-posinset", block.first + i + 1);
    card.setAttribute("aria-setsize", shown.length);
    return card;
  });
  block.append(...cards);
}
function cardAt(index) {
  fill(blocks[Math.floor(index / (ROWS * perRow))]);
  return shown[index].card;
}
function makeCard(candidate) {
  const v = candidate.values, card = el("article", { tabindex: -1, "aria-label": "Candidate " + v.id });
  const rate = v.false_alarm_rate == null ? "" : `, ${number(v.false_alarm_rate, 2)} per deg²`;
  candidate.card = card; card.candidate = candidate;
  card.append(el("h2", {}, "Candidate " + v.id), picture(candidate, scale), el("p", { class: "verdict" }),
    el("p", {}, `score ${number(v.score, 3)}${rate}`), el("p", {}, candidate.flags.join("; ")));
  mark(candidate);
  return card;
}
function mark(candidate) {
  const { card } = candidate;
  if (!card) return;
  const entry = verdicts.get(String(candidate.values.id)), word = entry ? entry.verdict : "";
  if (word) card.dataset.verdict = word; else delete card.dataset.verdict;
  const line = card.querySelector(".verdict");
  line.className = "verdict " + word;
  const symbol = { accept: "✓ ", reject: "✗ ", unsure: "? " }[word] || "";
  line.textContent = (word ? symbol + word : "no verdict") + (entry && entry.note ? ": " + entry.note.slice(0, 80) : "");
}
function count() {
  const given = all.filter((c) => (verdicts.get(String(c.values.id)) || {}).verdict).length;
  $("count").textContent = all.length ? `${shown.length} of ${all.length} candidates shown; ${given} with a verdict` : "There are no candidates in this report.";
}
function passes(c) {
  const word = (verdicts.get(String(c.values.id)) || {}).verdict || "none", flag = $("byflag").value;
  if ($("byverdict").value && $("byverdict").value !== word) return false;
  if (flag && (flag === "none" ? c.flags.length : !c.flags.includes(flag))) return false;
  const value = c.values[$("bycolumn").value], low = $("low").value.trim(), high = $("high").value.trim();
  if (low === "" && high === "") return true;
  if (typeof value === "number") return (low === "" || value >= +low) && (high === "" || value <= +high);
  return value !== null && value !== undefined && (low === "" || String(value) >= low) && (high === "" || String(value) <= high + "\uffff");
}
function arrange() {
  const name = $("sort").value, sign = $("descending").checked ? -1 : 1, current = shown[at];
  if (current && current.card) current.card.tabIndex = -1;
  shown = all.filter(passes);
  if (name) shown.sort((one, other) => {
    const [a, b] = [one.values[name], other.values[name]];
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (a < b ? -1 : a > b ? 1 : 0);
  });
  layOut();
  choose(Math.max(shown.indexOf(current), 0), false);
  count();
}
function choose(index, focus = true) {
  if (shown[at] && shown[at].card) shown[at].card.tabIndex = -1;
  at = Math.min(Math.max(index, 0), Math.max(shown.length - 1, 0));
  const candidate = shown[at];
  $("chosen").textContent = candidate ? "Candidate " + candidate.values.id : "";
  if (!candidate) return;
  cardAt(at).tabIndex = 0;
  if ($("own").open) own(candidate);
  else if (focus) candidate.card.focus();
}

/* verdicts */
function set(candidate, entry, remember = true) {
  const id = String(candidate.values.id);
  if (remember) undone.push([id, verdicts.get(id)]);
  if (entry) verdicts.set(id, entry); else verdicts.delete(id);
  mark(candidate); count(); keep();
}
function give(word) {
  const candidate = shown[at];
  if (!candidate) return;
  const before = verdicts.get(String(candidate.values.id)) || {};
  set(candidate, { verdict: word, note: before.note || "", person: $("person").value, time: new Date().toISOString() });
  say(`Candidate ${candidate.values.id}: ${word}`);
  const free = (c) => !(verdicts.get(String(c.values.id)) || {}).verdict;
  let next = shown.findIndex((c, i) => i > at && free(c));
  if (next < 0) next = shown.findIndex(free);
  choose(next < 0 ? at : next);
}
function undo() {
  if (!undone.length) return say("Nothing to undo");
  const [id, entry] = undone.pop(), candidate = byId.get(id);
  set(candidate, entry, false);
  say("Undone: candidate " + id);
  const index = shown.indexOf(candidate);
  if (index >= 0) choose(index);
}
function note() {
  const candidate = shown[at];
  if (!candidate) return;
  $("note").candidate = candidate;
  $("note-title").textContent = "Note on candidate " + candidate.values.id;
  $("note-text").value = (verdicts.get(String(candidate.values.id)) || {}).note || "";
  $("note").showModal();
  $("note-text").focus();
}
function keepNote() {
  const candidate = $("note").candidate, before = verdicts.get(String(candidate.values.id)) || {};
  set(candidate, { verdict: before.verdict || "", note: $("note-text").value, person: $("person").value, time: new Date().toISOString() });
  $("note").close();
  choose(shown.indexOf(candidate));
}

/* own view */
function axes(label, [left, right], [low, high], xName, yName) {
  const X = (x) => 40 + 270 * (x - left) / (right - left), Y = (y) => 160 - 140 * (y - low) / (high - low);
  const svg = el("svg", { viewBox: "0 0 320 192", class: "plot", role: "img", "aria-label": label });
  svg.append(el("path", { d: "M40 20V160H310", stroke: "#000", fill: "none" }),
    el("text", { x: 175, y: 188, "text-anchor": "middle" }, xName), el("text", { x: 4, y: 12 }, yName));
  for (const x of ticks(left, right)) svg.append(el("path", { d: `M${X(x)} 160v4`, stroke: "#000" }), el("text", { x: X(x), y: 174, "text-anchor": "middle" }, String(x)));
  for (const y of ticks(low, high)) svg.append(el("path", { d: `M40 ${Y(y)}h-4`, stroke: "#000" }), el("text", { x: 34, y: Y(y) + 3, "text-anchor": "end" }, String(y)));
  return { svg, X, Y, mark: (x, y, error) => svg.append(el("path", { d: `M${X(x)} ${Y(y - error)}V${Y(y + error)}`, stroke: "#0072b2" }), el("circle", { cx: X(x), cy: Y(y), r: 3, fill: "#0072b2" })) };
}
function ticks(low, high) {
  const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= rough), found = [];
  for (let n = Math.ceil(low / step); n * step <= high; n++) found.push(+(n * step).toPrecision(6));
  return found;
}
function profile(p) {
  const top = Math.max(...p.density.map((d, i) => (d || 0) + (p.error[i] || 0)), 1e-6) * 1.05;
  const { svg, X, Y, mark } = axes("Sources per square arcminute against radius, with errors, fit and field",
    [0, p.outer], [0, top], "radius (arcsec); dashed: field; line: fit", "sources per arcmin²");
  if (p.field !== null) svg.append(el("path", { d: `M40 ${Y(p.field)}H310`, stroke: "#444", "stroke-dasharray": "4 3" }));
  if (p.model.every((d) => d !== null)) svg.append(el("polyline", { points: p.model.map((d, i) => `${X(p.outer * i / (p.model.length - 1))},${Y(Math.min(d, top))}`).join(" "), fill: "none", stroke: "#d55e00", "stroke-width": 1.5 }));
  p.density.forEach((d, i) => { if (d !== null) mark(p.radius[i], d, Math.min(p.error[i], d)); });
  return svg;
}
function luminosity(l) {
  const n = l.n_sources.length, highs = l.n_sources.concat(l.n_members.map((m, i) => (m || 0) + l.n_members_err[i]));
  const lows = l.n_members.map((m, i) => (m || 0) - l.n_members_err[i]);
  const { svg, X, Y, mark } = axes("Number of sources against magnitude: all within the radius, the field expected there, and the members",
    [l.edges[0], l.edges[n]], [Math.min(0, ...lows), Math.max(...highs, 1)], `${l.band || "magnitude"} (mag); grey: all; line: field; points: members`, "number per bin");
  const steps = (counts) => counts.map((c, i) => `${X(l.edges[i])},${Y(c || 0)} ${X(l.edges[i + 1])},${Y(c || 0)}`).join(" ");
  svg.append(el("polyline", { points: `${X(l.edges[0])},${Y(0)} ${steps(l.n_sources)} ${X(l.edges[n])},${Y(0)}`, fill: "#bbb" }),
    el("polyline", { points: steps(l.n_field), fill: "none", stroke: "#e69f00", "stroke-width": 1.5 }));
  l.n_members.forEach((m, i) => { if (m !== null) mark((l.edges[i] + l.edges[i + 1]) / 2, m, l.n_members_err[i]); });
  return svg;
}
function link(text, url) { return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text); }
function own(candidate) {
  const v = candidate.values, view = candidate.view, place = encodeURIComponent(`${v.ra} ${v.dec}`), entry = verdicts.get(String(v.id)) || {};
  $("own-title").textContent = `Candidate ${v.id}: ${entry.verdict || "no verdict"}`;
  const figure = (box, caption) => el("figure", {}, box, el("figcaption", {}, caption));
  const views = el("div", { class: "views" }, ...SCALES.map((text, k) => figure(picture(candidate, k), text)));
  const bands = el("div", { class: "views bands" }, ...(view ? view.bands : []).map(([name, url]) =>
    figure(framed(url, `Candidate ${v.id} in ${name}, 4 radii wide`, overlay(candidate, view, 0)), name + ", 4 radii")));
  const plots = el("div", { class: "views" }, view && view.profile ? profile(view.profile) : "", view && view.luminosity ? luminosity(view.luminosity) : "");
  const rows = REPORT.columns.map((c) => el("tr", {}, el("th", { scope: "row" }, c.name), el("td", {}, (v[c.name] === null ? "unknown" : ["ra", "dec"].includes(c.name) ? String(v[c.name]) : number(v[c.name])) + (c.unit && v[c.name] !== null ? " " + c.unit : "")), el("td", {}, c.description)));
  const links = el("p", {}, "Look there: ", link("Aladin Lite", `https://aladin.cds.unistra.fr/AladinLite/?target=${place}&fov=0.25`), " · ", link("SIMBAD", `https://simbad.cds.unistra.fr/simbad/sim-coo?Coord=${place}&Radius=2&Radius.unit=arcmin`), " · ", link("IRSA Finder Chart", `https://irsa.ipac.caltech.edu/applications/finderchart/?api=finderchart&UserTargetWorldPt=${place}&execute=true`));
  $("own-body").replaceChildren(views, bands, el("p", {}, candidate.flags.length ? "Flags: " + candidate.flags.join("; ") : "No flags"), entry.note ? el("p", {}, "Note: " + entry.note) : "", links, plots, el("table", {}, el("tbody", {}, ...rows)), el("p", {}, view ? "Image: " + view.image : ""));
  seen = at;
  if (!$("own").open) $("own").showModal();
}

/* CSV */
const HEAD = ["id", "ra", "dec", "digest", "verdict", "note", "person", "time"];
const safe = (text) => /^[=+\-@\t\r]/.test(text) ? "'" + text : text;
const cell = (text) => '"' + String(text).replace(/"/g, '""') + '"';
function csv() {
  const rows = [];
  for (const c of all) {
    const e = verdicts.get(String(c.values.id));
    if (e) rows.push([c.values.id, c.values.ra, c.values.dec, REPORT.digest, e.verdict, cell(safe(e.note)), cell(safe(e.person)), e.time].join(","));
  }
  return [HEAD.join(","), ...rows].join("\r\n") + "\r\n";
}
function download() {
  const url = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
  const anchor = el("a", { href: url, download: `verdicts-${$("person").value.replace(/[^\w-]+/g, "_") || "anonymous"}.csv` });
  document.body.append(anchor); anchor.click(); anchor.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
  say("Exported");
}
function parse(text) {
  text = text.replace(/^\ufeff/, "");
  const first = text.split("\n")[0], comma = (first.split(";").length > first.split(",").length) ? ";" : ",";
  const rows = [[]]; let value = "", quoted = false;
  for (let i = 0; i < text.length; i++) {
    const ch = text[i], row = rows[rows.length - 1];
    if (quoted) { if (ch !== '"') value += ch; else if (text[i + 1] === '"') { value += '"'; i++; } else quoted = false; }
    else if (ch === '"') quoted = true;
    else if (ch === comma) { row.push(value); value = ""; }
    else if (ch === "\n") { row.push(value.replace(/\r$/, "")); value = ""; rows.push([]); }
    else value += ch;
  }
  rows[rows.length - 1].push(value);
  return rows.filter((row) => row.length > 1);
}
function load_csv(text) {
  const [head, ...rows] = parse(text), place = (name) => (head || []).indexOf(name);
  if (!HEAD.every((name) => place(name) >= 0)) return warn("This is no file of verdicts: columns are missing.");
  const get = (row, name) => (row[place(name)] || "");
  if (rows.some((row) => get(row, "digest") !== REPORT.digest)) return warn("This file has verdicts on other candidates; nothing was imported.");
  let taken = 0, unknown = 0;
  for (const row of rows) {
    const id = get(row, "id"), candidate = byId.get(id), plain = (name) => get(row, name).replace(/^'(?=[=+\-@\t\r])/, "");
    if (!candidate || !["", "accept", "reject", "unsure"].includes(get(row, "verdict"))) { unknown++; continue; }
    const before = verdicts.get(id);
    if (before && before.time > get(row, "time")) continue;
    verdicts.set(id, { verdict: get(row, "verdict"), note: plain("note"), person: plain("person"), time: get(row, "time") });
    mark(candidate); taken++;
  }
  keep(); count();
  say(`Imported ${taken}` + (unknown ? `; ${unknown} of unknown candidates or verdicts left out` : ""));
}

/* keys */
function redraw() { for (const c of all) if (c.card) c.card.querySelector(".picture").replaceWith(picture(c, scale)); }
function look() {
  document.documentElement.style.setProperty("--invert", inverted);
  document.documentElement.style.setProperty("--contrast", contrast);
  document.body.classList.toggle("bare", bare);
}
function act(key) {
  const inOwn = $("own").open;
  if (WORDS[key]) give(WORDS[key]);
  else if (key === "z") undo();
  else if (key === "n") note();
  else if (key === "j" || key === "ArrowRight") choose(at + 1);
  else if (key === "k" || key === "ArrowLeft") choose(at - 1);
  else if (key === "ArrowDown" && !inOwn) choose(at + perRow);
  else if (key === "ArrowUp" && !inOwn) choose(at - perRow);
  else if ("123".includes(key)) { scale = +key - 1; redraw(); say(SCALES[scale]); }
  else if (key === "o") { bare = !bare; look(); say(bare ? "Overlay off" : "Overlay on"); }
  else if (key === "i") { inverted = 1 - inverted; look(); say(inverted ? "Inverted" : "Not inverted"); }
  else if (key === "+" || key === "-") { contrast = Math.min(Math.max(contrast * (key === "+" ? 1.25 : 0.8), 0.25), 8); look(); say("Contrast " + contrast.toFixed(2)); }
  else if (key === "Enter" && !inOwn) { if (shown[at]) own(shown[at]); }
  else if (key === "close") $("own").close();
  else if (key === "?") $("keys").showModal();
  else return false;
  return true;
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || $("note").open || $("keys").open) return;
  if (event.target.closest("input,select,textarea")) return;
  if (event.key === "Enter" && event.target.closest("button,a")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (act(key)) event.preventDefault();
});
for (const button of document.querySelectorAll("[data-key]")) button.addEventListener("click", () => act(button.dataset.key));
$("gallery").addEventListener("click", (event) => { const card = event.target.closest("article"); if (card) choose(shown.indexOf(card.candidate)); });
$("gallery").addEventListener("dblclick", () => act("Enter"));
$("gallery").addEventListener("focusin", (event) => { const card = event.target.closest("article"); if (card && card.candidate !== shown[at]) choose(shown.indexOf(card.candidate), false); });
$("own").addEventListener("close", () => choose(seen)); // the browser has put the focus back
$("note-save").addEventListener("click", keepNote);
$("note-cancel").addEventListener("click", () => $("note").close());
$("keys-close").addEventListener("click", () => $("keys").close());
$("help").addEventListener("click", () => act("?"));
$("export").addEventListener("click", download);
$("import").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () => { const [file] = $("file").files; $("file").value = ""; if (file) file.text().then(load_csv); });
$("person").addEventListener("change", keep);
$("controls").addEventListener("submit", (event) => event.preventDefault());
for (const name of ["sort", "descending", "byverdict", "byflag", "bycolumn", "low", "high"]) $(name).addEventListener("input", arrange);
addEventListener("storage", (event) => { if (event.key === KEY) { load(); all.forEach(mark); count(); } });

/* start */
$("sort").append(el("option", { value: "" }, "given order"), ...REPORT.columns.map((c) => el("option", {}, c.name)));
$("bycolumn").append(...REPORT.columns.map((c) => el("option", {}, c.name)));
$("byflag").append(...REPORT.flags.map((text) => el("option", {}, text)));
$("keylist").append(...KEYS.map(([key, text]) => el("tr", {}, el("th", { scope: "row" }, key), el("td", {}, text))));
load();
arrange();
new ResizeObserver(() => {
  if (fitting() === perRow) return;
  const focused = shown[at] && document.activeElement === shown[at].card;
  layOut();
  choose(at, focused);
}).observe($("gallery"));
matchMedia("print").addEventListener("change", (event) => { if (event.matches) blocks.forEach(fill); });
})();
