"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const THUMBS = 6;
  const data = JSON.parse(document.getElementById("data").textContent);
  const body = document.querySelector("#table tbody");
  const worstFirst = [...body.rows];
  const $ = (id) => document.getElementById(id);

  // ---- curves: base64 -> inflate -> 16-bit differences -> data and resonances ----
  const unpacked = new Map();
  async function curvesOf(index) {
    if (unpacked.has(index)) return unpacked.get(index);
    const row = data.rows[index];
    if (!row || row.curves === undefined) return null;
    const bytes = Uint8Array.from(atob(row.curves), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const view = new DataView(await new Response(stream).arrayBuffer());
    const axis = data.axes[row.axis];
    const lines = [];
    for (let k = 0; k <= axis.names.length; k++) {
      const line = new Int16Array(axis.n);
      for (let i = 0, sum = 0; i < axis.n; i++) line[i] = sum = (sum + view.getInt16(2 * (k * axis.n + i), true)) << 16 >> 16;
      lines.push(line);
    }
    const [measured, ...parts] = lines;
    const model = new Float64Array(axis.n);
    for (const part of parts) for (let i = 0; i < axis.n; i++) model[i] += part[i];
    const curves = {
      axis, parts, measured, model, fitted: row.fitted, centres: row.centres,
      residual: Float64Array.from(measured, (v, i) => v - model[i]),
    };
    unpacked.set(index, curves);
    return curves;
  }

  // ---- drawing ----
  function node(name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }
  const lowest = (line) => line.reduce((a, b) => Math.min(a, b), Infinity);
  const highest = (line) => line.reduce((a, b) => Math.max(a, b), -Infinity);

  function picture(curves, width, height, view) {
    const { axis, measured, model, residual, parts } = curves;
    const base = 40, step = (axis.last - axis.first) / (axis.n - 1);
    const ppm = (i) => axis.first + i * step;
    const whole = view !== "atp";
    const ends = whole ? [axis.last, axis.first] : [Math.min(0, axis.last) - 1.2, axis.first];
    const x = (delta) => 8 + ((ends[0] - delta) / (ends[0] - ends[1])) * (width - 16);
    const seen = [];
    for (let i = axis.n - 1; i >= 0; i--) if (ppm(i) <= ends[0] + 1e-9 && ppm(i) >= ends[1] - 1e-9) seen.push(i);
    const pick = (line) => seen.map((i) => line[i]);
    const stacked = curves.fitted && view === "parts";
    const shown = curves.fitted ? [...pick(measured), ...pick(model)] : pick(measured);
    const top = highest(shown), bottom = lowest(shown);
    const range = Math.max(top - bottom, 1), pad = 0.05 * range;
    const left = curves.fitted ? pick(residual) : [0];
    const residualAt = bottom - pad - highest(left);
    const residualFloor = residualAt + lowest(left);
    const partsAt = residualFloor - pad - (stacked ? highest(parts.flatMap(pick)) : 0);
    const floor = stacked ? partsAt + Math.min(0, lowest(parts.flatMap(pick))) : curves.fitted ? residualFloor : bottom;
    const y = (value) => 34 + ((top - value) / (top - floor)) * (height - base - 38);
    const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, class: "spectrum", role: "img" });
    svg.append(node("title", {}, "Spectrum, ppm from right to left: measured, model and residual"));
    const line = (values, offset, kind) => svg.append(node("polyline", {
      class: kind, points: seen.map((i) => `${x(ppm(i)).toFixed(1)},${y(values[i] + offset).toFixed(1)}`).join(" "),
    }));
    const names = [];
    curves.centres.forEach((centre, k) => {
      if (centre !== null && x(centre) > 12 && x(centre) < width - 12) names.push([x(centre), axis.names[k]]);
    });
    names.sort((a, b) => a[0] - b[0]);
    let last = [-1e3, -1e3];
    for (const [at, name] of names) {
      const level = at - last[0] > 44 ? 0 : at - last[1] > 44 ? 1 : -1;
      if (level < 0) continue;
      last[level] = at;
      svg.append(node("line", { class: "mark", x1: at, x2: at, y1: 14 + 13 * level, y2: height - base }));
      svg.append(node("text", { x: at, y: 11 + 13 * level, "text-anchor": "middle" }, name));
    }
    line(measured, 0, "data");
    if (curves.fitted) {
      line(model, 0, "model");
      line(residual, residualAt, "residual");
      if (stacked) parts.forEach((part) => line(part, partsAt, "part"));
    }
    svg.append(node("line", { class: "tick", x1: 8, x2: width - 8, y1: height - base + 2, y2: height - base + 2 }));
    const every = ends[0] - ends[1] > 40 ? 10 : whole ? 5 : 2;
    for (let at = Math.floor(ends[0] / every) * every; at >= ends[1]; at -= every) {
      svg.append(node("line", { class: "tick", x1: x(at), x2: x(at), y1: height - base + 2, y2: height - base + 7 }));
      svg.append(node("text", { x: x(at), y: height - base + 20, "text-anchor": "middle" }, String(at).replace("-", "−")));
    }
    const unit = curves.fitted ? "chemical shift from PCr (ppm)" : "ppm from the carrier; magnitude, not fitted";
    svg.append(node("text", { x: width / 2, y: height - 4, "text-anchor": "middle" }, unit));
    return svg;
  }

  // ---- gallery ----
  const isDrawable = (index) => data.rows[index].curves !== undefined;
  const drawable = worstFirst.map((row) => row.dataset.row).filter(isDrawable);
  drawable.sort((a, b) => data.rows[b].fitted - data.rows[a].fitted); // stable: what has a fit, worst first, then the others
  let drawn = 0;
  async function grow() {
    const next = drawable.slice(drawn, drawn + THUMBS);
    drawn += next.length;
    $("more").hidden = drawn >= drawable.length;
    for (const index of next) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "thumb";
      button.dataset.row = index;
      const name = document.createElement("b"), verdict = document.createElement("span");
      name.textContent = nameOf(index);
      verdict.textContent = $("row-" + index).querySelector(".verdict").textContent;
      button.append(name, verdict, picture(await curvesOf(index), 360, 190, "whole"));
      $("gallery").append(button);
    }
    if (!drawable.length) $("worst").hidden = true;
  }
  const nameOf = (index) => $("row-" + index).querySelector(".open").textContent;

  // ---- one fit ----
  const dialog = $("fit");
  let open = null, view = "whole";
  const order = () => [...body.rows].filter((row) => !row.hidden).map((row) => row.dataset.row);
  async function show(index) {
    open = index;
    for (const point of document.querySelectorAll(".point.chosen")) point.classList.remove("chosen");
    for (const point of document.querySelectorAll(`.point[data-row="${index}"]`)) point.classList.add("chosen");
    $("fit-name").textContent = nameOf(index);
    const curves = await curvesOf(index);
    if (open !== index) return;
    $("fit-picture").replaceChildren();
    $("views").hidden = !curves || !curves.fitted;
    if (curves) {
      const narrow = window.innerWidth < 700;
      $("fit-picture").append(picture(curves, narrow ? 380 : 880, narrow ? 320 : 420, view));
    } else {
      const note = document.createElement("p");
      note.className = "note";
      note.textContent = "There is no picture of this spectrum in the report.";
      $("fit-picture").append(note);
    }
    const pairs = data.rows[index].details.map(([term, text]) => {
      const pair = document.createElement("div"), dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = term;
      dd.textContent = text;
      pair.append(dt, dd);
      return pair;
    });
    $("fit-details").replaceChildren(...pairs);
    const all = order(), at = all.indexOf(index);
    $("previous").disabled = at <= 0;
    $("next").disabled = at < 0 || at >= all.length - 1;
    if (!dialog.open) dialog.showModal();
  }
  function move(by) {
    const all = order(), next = all[all.indexOf(open) + by];
    if (next !== undefined) show(next);
  }
  $("previous").addEventListener("click", () => move(-1));
  $("next").addEventListener("click", () => move(1));
  $("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") move(-1);
    if (event.key === "ArrowRight") move(1);
  });
  $("views").addEventListener("click", (event) => {
    const chosen = event.target.closest("button");
    if (!chosen) return;
    view = chosen.dataset.view;
    for (const button of $("views").children) button.setAttribute("aria-pressed", String(button === chosen));
    show(open);
  });
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-row]");
    if (!event.target.closest("button") && String(getSelection())) return; // somebody copies a number
    if (target && document.getElementById("row-" + target.dataset.row)) show(target.dataset.row);
  });

  // ---- sorting and filtering ----
  const heads = [...document.querySelectorAll("#table thead th")];
  function valueOf(row, column, kind) {
    const cell = row.cells[column];
    if (kind === "text") return cell.textContent.toLowerCase();
    const value = cell.dataset.v === "inf" ? Infinity : parseFloat(cell.dataset.v);
    return Number.isNaN(value) ? null : value;
  }
  function sortBy(column) {
    const head = heads[column], kind = head.dataset.kind;
    const falling = head.getAttribute("aria-sort") === "ascending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const keyed = worstFirst.map((row) => [valueOf(row, column, kind), row]);
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null); // what is not known stays at the end
      const rising = kind === "text" ? a.localeCompare(b, undefined, { numeric: true }) : a < b ? -1 : a > b ? 1 : 0;
      return falling ? -rising : rising;
    });
    body.append(...keyed.map(([, row]) => row));
  }
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => sortBy(column)));
  const total = $("shown").textContent;
  function filter() {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = $("verdict").value, group = $("group") ? $("group").value : "";
    let n = 0;
    for (const row of worstFirst) {
      const text = row.textContent.toLowerCase();
      row.hidden = !(words.every((word) => text.includes(word)) && (!verdict || row.dataset.verdict === verdict)
        && (!group || row.dataset.group === group));
      n += row.hidden ? 0 : 1;
    }
    $("shown").textContent = n === worstFirst.length ? total : `${n} of ${worstFirst.length} shown`;
  }
  for (const kind of ["input", "change"]) $("filter").addEventListener(kind, filter);
  $("filter").addEventListener("submit", (event) => event.preventDefault());
  $("worst-first").addEventListener("click", () => {
    $("filter").reset();
    for (const head of heads) head.removeAttribute("aria-sort");
    body.append(...worstFirst);
    filter();
  });
  $("more").addEventListener("click", grow);

  // ---- print: what is folded is opened, and folded again ----
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const part of folded) part.open = true;
  });
  window.addEventListener("afterprint", () => { for (const part of folded) part.open = false; });

  grow().then(() => { document.documentElement.dataset.ready = "true"; });
})();
