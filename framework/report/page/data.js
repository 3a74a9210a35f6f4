// What the page knows. The overview is read when the page opens; details and samples when the first
// trial is opened. Trials are numbers: positions in the overview's columns.

const page = {overview: null, details: null, samples: null, plot_at: new Map()};

async function chunk(id) {
  const text = document.getElementById(id).textContent;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

async function json_chunk(id) {
  return JSON.parse(new TextDecoder().decode(await chunk(id)));
}

async function open_overview() {
  page.overview = await json_chunk("overview");
  for (const plot of page.overview.plots) page.plot_at.set(plot.at.join(), plot);
}

const SAMPLES_SHOWN = 64;
const QUANTA = 65535;

async function open_details() {
  if (page.details) return;
  const [details, samples] = await Promise.all([json_chunk("details"), chunk("samples")]);
  const numbers = new DataView(samples);
  page.samples = [];
  let offset = 0;
  const take = (count) => Array.from({length: count}, () => {
    const number = numbers.getUint16(offset, true);
    offset += 2;
    return number;
  });
  for (let trial = 0; trial < trial_count(); ++trial) {
    const count = Math.min(column("sample_count")[trial] || 0, SAMPLES_SHOWN);
    const low = column("min_ms")[trial], high = column("max_ms")[trial];
    const ms = take(count).map((quantum) => low + quantum / QUANTA * (high - low));
    page.samples.push({ms, rounds: take(count)});
  }
  page.details = details;
}

function column(name) { return page.overview.trials[name]; }
function trial_count() { return column("trial_id").length; }
function is_ok(trial) { return trial >= 0 && column("outcome")[trial] === "ok"; }
function is_failed(trial) { return trial >= 0 && column("outcome")[trial] !== "ok"; }

const NOT_PLANNED = -1;  // the sweep has no such point
const NOT_RUN = -2;      // the run has not come to it

// The trial of each line and x of a cell, or null where the sweep has no such plot.
function plot_of(cell) {
  return page.plot_at.get(cell.join()) || null;
}

// Why a point has no time, in a line.
function reason_of(trial) {
  if (trial === NOT_PLANNED) return "not in the sweep";
  if (trial === NOT_RUN) return "not run yet";
  const message = column("message")[trial];
  const outcome = column("outcome")[trial].replaceAll("_", " ");
  return message ? outcome + ": " + message : outcome;
}

// ---- Units: a time, a rate or a share of the device's peak.

const UNITS = [
  {id: "ms", label: "ms", name: "milliseconds", is_rate: false},
  {id: "tflops", label: "TFLOP/s", name: "TFLOP/s", is_rate: true},
  {id: "peak", label: "% of peak", name: "% of the device's peak", is_rate: true},
];

function rate_at_median(trial, unit) {
  if (unit.id === "tflops") return column("tflops")[trial];
  const share = column("peak_fraction")[trial];
  return share === null || share === undefined ? null : 100 * share;
}

// The median with its confidence interval; null for what has none. A rate falls as its time rises.
function value_of(trial, unit) {
  if (!is_ok(trial)) return null;
  const ms = column("median_ms")[trial];
  const low = column("ci_low_ms")[trial], high = column("ci_high_ms")[trial];
  if (!unit.is_rate) return {mid: ms, low, high};
  const rate = rate_at_median(trial, unit);
  if (rate === null || !(low > 0)) return null;
  return {mid: rate, low: rate * ms / high, high: rate * ms / low};
}

function has_unit(unit) {
  if (unit.id !== "peak") return true;
  return column("peak_fraction").some((share) => share !== null && share !== undefined);
}

// Half of the interval's width, relative to the median: the "±" of tables.
function half_width(trial) {
  const ms = column("median_ms")[trial];
  return Math.max(column("ci_high_ms")[trial] - ms, ms - column("ci_low_ms")[trial]) / ms;
}

// ---- Numbers as text.

// So many significant digits, without an exponent where a reader can do without.
function number_text(number, digits = 4) {
  if (number === null || number === undefined || !Number.isFinite(number)) return "–";
  if (number === 0) return "0";
  const rounded = Number(number.toPrecision(digits));
  const size = Math.floor(Math.log10(Math.abs(rounded)));
  if (size < -5 || size > 9) return rounded.toExponential(digits - 1);
  return rounded.toFixed(Math.min(9, Math.max(0, digits - 1 - size)));
}

// The same where no digit is worth a zero behind the point: "690", not "690.0".
function short_text(number, digits = 4) {
  const text = number_text(number, digits);
  return text.includes(".") && !text.includes("e") ? text.replace(/\.?0+$/, "") : text;
}

// A name that must fit somewhere; the whole of it is in a tip or a table.
function cut_text(text, most) {
  const letters = [...text];
  return letters.length <= most ? text : letters.slice(0, most - 1).join("") + "…";
}

function percent_text(share) {
  if (!Number.isFinite(share)) return "–";
  return number_text(100 * share, 2) + " %";
}

function count_text(count, noun) {
  return count.toLocaleString("en") + " " + noun + (count === 1 ? "" : "s");
}
