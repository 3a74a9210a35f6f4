// One trial: its samples in the order in which they were taken, the device's clock and power beside
// them, its rivals, and all that its record says.

const STRIP = {width: 720, left: 64, right: 84};
// Of a burst's state: what is drawn over the samples' time.
const READINGS = [
  {key: "sm_clock_mhz", low: "sm_clock_min_mhz", title: "SM clock", unit: "MHz"},
  {key: "power_w", title: "power", unit: "W"},
  {key: "temperature_c", title: "temperature", unit: "°C"},
  {key: "cpu_mhz", title: "CPU clock", unit: "MHz"},
  {key: "load_average", title: "load", unit: ""},
];

async function open_trial(trial) {
  hide_tip();
  await open_details();
  const dialog = document.getElementById("trial");
  STRIP.width = Math.min(840, Math.max(300, window.innerWidth - 80));
  const details = page.details[trial];
  dialog.replaceChildren();
  fill(dialog, {}, [
    el("div", {class: "title"}, el("h2", {id: "trial-title"}, column("provider")[trial], " ",
      el("small", {}, problem_text(trial))),
      el("button", {type: "button", "aria-label": "Close", on: {click: () => dialog.close()}}, "✕")),
    outcome_lines(trial),
    is_ok(trial) && samples_figure(trial),
    is_ok(trial) && readings_figures(trial),
    is_ok(trial) && states_line(trial),
    rivals_table(trial),
    facts_table(trial, details),
    el("p", {class: "caption"}, "Once more: ",
      el("code", {}, `attnbench repro ${column("trial_id")[trial]} RUN_DIR`),
      ". Every sample: the line of ", file_link("../results.jsonl", "results.jsonl"),
      " with this trial_id."),
  ]);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function problem_text(trial) {
  return page.overview.varying.filter((axis) => axis.values[trial] !== "-")
    .map((axis) => `${axis.name}=${axis.values[trial]}`).join(" ");
}

function outcome_lines(trial) {
  if (!is_ok(trial)) return el("p", {class: "verdict failed"}, reason_of(trial));
  const rate = (unit) => {
    const value = value_of(trial, unit);
    return value && el("span", {}, el("b", {"data-value": value.mid}, number_text(value.mid, 5)), ` ${unit.label}`);
  };
  const warnings = column("warnings")[trial] || [];
  return [el("p", {class: "verdict"}, UNITS.map(rate), el("span", {}, `± ${percent_text(half_width(trial))}`)),
          warnings.length > 0 && el("ul", {class: "warnings"}, warnings.map((text) => el("li", {}, text)))];
}

// ---- Samples and readings over one time axis: the order of the samples.

// Where each round begins: [{round, from, to}], positions of shown samples.
function rounds_of(samples) {
  const rounds = [];
  samples.rounds.forEach((round, i) => {
    const last = rounds[rounds.length - 1];
    if (last && last.round === round) last.to = i + 1;
    else rounds.push({round, from: i, to: i + 1});
  });
  return rounds;
}

function time_scale(samples) {
  return d3.scaleLinear().domain([-0.5, samples.ms.length - 0.5])
    .range([STRIP.left, STRIP.width - STRIP.right]);
}

function rounds_svg(samples, x, top, bottom) {
  return rounds_of(samples).filter((_, i) => i % 2 === 1).map((round) => svg("rect", {
    class: "round", x: x(round.from - 0.5), width: x(round.to - 0.5) - x(round.from - 0.5),
    y: top, height: bottom - top}));
}

function samples_figure(trial) {
  const samples = page.samples[trial], height = 210, top = 12, bottom = height - 30;
  const x = time_scale(samples);
  const low = column("min_ms")[trial], high = column("max_ms")[trial];
  const pad = (high - low || high * 0.01 || 1) * 0.08;
  const y = d3.scaleLinear().domain([low - pad, high + pad]).range([bottom, top]);
  const ms = column("median_ms")[trial];
  const ci = [column("ci_low_ms")[trial], column("ci_high_ms")[trial]];
  const right = STRIP.width - STRIP.right, count = column("sample_count")[trial];
  const root = svg("svg", {viewBox: `0 0 ${STRIP.width} ${height}`, role: "img",
                           "aria-label": `samples from ${number_text(low)} to ${number_text(high)} ms`});
  fill(root, {}, [
    rounds_svg(samples, x, top, bottom),
    y.ticks(5).map((tick) => [svg("line", {class: "grid", x1: STRIP.left, x2: right, y1: y(tick), y2: y(tick)}),
      svg("text", {class: "y", x: STRIP.left - 8, y: y(tick), dy: "0.32em"}, tick_text(tick, y.ticks(5)))]),
    svg("rect", {class: "interval", x: STRIP.left, width: right - STRIP.left, y: y(ci[1]),
                 height: Math.max(1, y(ci[0]) - y(ci[1]))}),
    svg("line", {class: "median", x1: STRIP.left, x2: right, y1: y(ms), y2: y(ms)}),
    svg("text", {class: "label", x: right + 8, y: y(ms), dy: "0.32em"}, "median"),
    samples.ms.map((sample, i) => svg("circle", {class: "sample", cx: x(i), cy: y(sample), r: 3.2,
      tip: () => [`${number_text(sample, 5)} ms`, `round ${samples.rounds[i]}`]})),
    svg("text", {class: "name", x: (STRIP.left + right) / 2, y: height - 6},
      samples.ms.length < count ? `${samples.ms.length} of ${count} samples, evenly spread, in order`
                                : `${count} samples in order; stripes are rounds`),
    svg("text", {class: "name", x: 14, y: (top + bottom) / 2,
                 transform: `rotate(-90 14 ${(top + bottom) / 2})`}, "ms"),
  ]);
  return el("figure", {class: "chart", id: "trial-samples"}, root);
}

function tick_text(tick, ticks) {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : 1;
  return tick.toFixed(Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9))));
}

// A burst is a round: its readings hold from its first sample to its last.
function readings_figures(trial) {
  const states = page.details[trial].state || [], samples = page.samples[trial];
  return READINGS.map((reading) => {
    const steps = rounds_of(samples).map(({round, from, to}) =>
      ({from, to, value: (states[round] || {})[reading.key], low: (states[round] || {})[reading.low]}))
      .filter((step) => typeof step.value === "number");
    return steps.length > 0 && reading_figure(reading, steps, samples);
  });
}

// In words: at which power it was measured, and what held the clock down.
function states_line(trial) {
  const states = page.details[trial].state || [];
  const words = new Map();
  for (const state of states) {
    for (const word of [state.regime, ...(state.throttle_reasons || [])]) {
      if (word) words.set(word, (words.get(word) || 0) + 1);
    }
  }
  return words.size > 0 && el("p", {class: "caption"}, share_text(Object.fromEntries(words), states.length));
}

function reading_figure(reading, steps, samples) {
  const height = 66, top = 8, bottom = height - 8, right = STRIP.width - STRIP.right;
  const values = steps.flatMap((step) => [step.value, ...(typeof step.low === "number" ? [step.low] : [])]);
  const [low, high] = d3.extent(values);
  const pad = Math.max((high - low) * 0.15, Math.abs(high) * 0.02, 0.5);
  const x = time_scale(samples), y = d3.scaleLinear().domain([low - pad, high + pad]).range([bottom, top]);
  const unit = reading.unit ? " " + reading.unit : "";
  const last = steps[steps.length - 1];
  const path = steps.map((step) => `M${x(step.from - 0.5)},${y(step.value)}H${x(step.to - 0.5)}`).join("");
  return el("figure", {class: "chart reading"}, svg("svg", {viewBox: `0 0 ${STRIP.width} ${height}`,
    role: "img", "aria-label": `${reading.title}: ${number_text(low)} to ${number_text(high)}${unit}`},
    rounds_svg(samples, x, top, bottom),
    svg("text", {class: "name start", x: 0, y: top + 10}, reading.title),
    svg("text", {class: "y", x: STRIP.left - 8, y: bottom, dy: "-0.1em"},
      low === high ? "" : short_text(low, 3)),
    steps.filter((step) => typeof step.low === "number" && step.low < step.value).map((step) =>
      svg("rect", {class: "interval", x: x(step.from - 0.5), width: x(step.to - 0.5) - x(step.from - 0.5),
                   y: y(step.value), height: y(step.low) - y(step.value)})),
    svg("path", {class: "reading", d: path}),
    svg("text", {class: "label", x: right + 8, y: y(last.value), dy: "0.32em"},
      short_text(last.value) + unit)));
}

// ---- The others on the same problem.

function rivals_of(trial) {
  for (const plot of page.overview.plots) {
    for (let x = 0; x < page.overview.x.labels.length; ++x) {
      const row = plot.points.map((points) => points[x]);
      if (row.includes(trial)) return row;
    }
  }
  return [];
}

function rivals_table(trial) {
  const rivals = rivals_of(trial);
  if (rivals.filter((rival) => rival >= 0).length < 2) return null;
  const base = is_ok(trial) ? column("median_ms")[trial] : null;
  const rows = rivals.map((rival, line) => rival >= 0 && el("tr", {class: rival === trial ? "this" : null},
    el("th", {scope: "row"}, mark_icon(line), lines()[line].label),
    is_ok(rival) ? [el("td", {class: "number"}, number_text(column("median_ms")[rival], 5), " ms"),
                    el("td", {class: "number"}, base && number_text(column("median_ms")[rival] / base, 3) + " ×")]
                 : el("td", {class: "failed", colspan: 2}, reason_of(rival))));
  return el("table", {class: "rivals"}, el("caption", {}, "On the same problem"), el("tbody", {}, rows));
}

// ---- The record.

function facts_table(trial, details) {
  const facts = [];
  const add = (name, value) => {
    if (value === null || value === undefined || value === "") return;
    if (Array.isArray(value) && value.length === 0) return;
    facts.push([name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
  };
  for (const name of Object.keys(page.overview.trials)) {
    if (name !== "warnings") add(name, column(name)[trial]);
  }
  for (const [name, value] of Object.entries(details)) add(name, value);
  return el("details", {class: "more"}, el("summary", {}, "The whole record"),
    el("dl", {class: "facts wide"}, facts.map(([name, value]) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, el("code", {}, value))))));
}
