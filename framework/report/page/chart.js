// The plot of the chosen cell: a line a provider, its confidence band, and for every point that
// failed a mark in the strip above, where no time is.

const CHART = {width: 760, height: 400, left: 58, right: 14, top: 10, bottom: 46, strip: 22};
const DASHES = {solid: null, dashed: "7 4", dotted: "2 4", dashdot: "8 4 2 4"};
// Told apart by shape as well as by colour.
const SYMBOLS = [d3.symbolCircle, d3.symbolSquare, d3.symbolTriangle, d3.symbolDiamond,
                 d3.symbolStar, d3.symbolWye, d3.symbolCross];
const COLORS = 8;

function color_of(line) { return `var(--line-${line % COLORS})`; }

function symbol_path(line, size) {
  return d3.symbol().type(SYMBOLS[line % SYMBOLS.length]).size(size)();
}

function dash_of(line) {
  const dash = lines()[line].dash;
  if (dash in DASHES) return DASHES[dash];
  return line < COLORS ? null : "7 4";
}

function mark_icon(line) {
  return svg("svg", {class: "icon", viewBox: "-10 -8 20 16", "aria-hidden": "true"},
    svg("line", {x1: -10, x2: 10, stroke: color_of(line), "stroke-width": 2,
                 "stroke-dasharray": dash_of(line)}),
    svg("path", {d: symbol_path(line, 60), fill: color_of(line)}));
}

function draw_plot() {
  const plot = plot_of(chosen.cell);
  draw_legend(plot);
  const area = replace("plot-area");
  if (!plot) {
    area.append(el("p", {class: "empty"}, "The sweep leaves this combination out."));
    replace("plot-numbers");
    replace("plot-files");
    return;
  }
  // Drawn for the room there is, so that text keeps its size on a phone.
  CHART.width = Math.min(960, Math.max(320, area.clientWidth));
  CHART.height = Math.min(420, Math.max(300, CHART.width * 0.52));
  area.append(plot_svg(plot));
  draw_numbers(plot);
  replace("plot-files", "This plot as ", file_link(plot.name + ".csv", "CSV"), " and ",
    file_link(plot.name + ".png", "picture"), ". The band is the 95 % confidence interval of the ",
    "median. A cross stands for a failure, which has no time.");
}

// ---- Which line is which. A button hides its line.

function draw_legend(plot) {
  replace("plot-tools", lines().map((line, i) => {
    const failed = plot ? plot.points[i].filter(is_failed).length : 0;
    return el("button", {type: "button", class: "legend", "aria-pressed": String(!chosen.hidden.has(i)),
                         on: {click: () => toggle_line(i)}},
      mark_icon(i), line.label, failed > 0 && el("small", {}, ` ${failed} failed`));
  }));
}

function toggle_line(line) {
  if (!chosen.hidden.delete(line)) chosen.hidden.add(line);
  draw_plot();
  document.querySelectorAll("#plot-tools button")[line].focus();
}

// ---- Scales.

function points_of(plot, line) {
  const unit = chosen.unit;
  return plot.points[line].map((trial, x) => ({trial, x, line, value: value_of(trial, unit)}));
}

function x_scale() {
  const x = page.overview.x;
  const span = [CHART.left + 12, CHART.width - CHART.right - 12];
  if (!x.is_number) return d3.scalePoint().domain(x.labels.map((_, i) => i)).padding(0.4).range(span);
  const is_log = chosen.is_x_log && Math.min(...x.values) > 0;
  const scale = is_log ? d3.scaleLog() : d3.scaleLinear();
  return scale.domain(d3.extent(x.values)).range(span);
}

function y_scale(points, top) {
  const values = points.filter((point) => point.value);
  const high = d3.max(values, (point) => point.value.high) || 1;
  const low = d3.min(values, (point) => point.value.low) || 1;
  const span = [CHART.height - CHART.bottom, top];
  if (chosen.is_y_log && low > 0) {
    return d3.scaleLog().domain([low / 1.15, high * 1.15]).range(span);
  }
  return d3.scaleLinear().domain([0, high * 1.06]).nice().range(span);
}

function y_ticks(scale) {
  if (!chosen.is_y_log) return scale.ticks(6);
  // A logarithmic axis over less than a decade has few powers of ten; d3's own ticks are many.
  const ticks = scale.ticks(6);
  const [low, high] = scale.domain();
  return high / low > 30 ? ticks.filter((tick) => /^[125]/.test(tick.toExponential())) : ticks;
}

// ---- Drawing.

function plot_svg(plot) {
  const visible = lines().map((_, i) => i).filter((i) => !chosen.hidden.has(i));
  const all = visible.map((line) => points_of(plot, line));
  const failing = visible.filter((line, i) => all[i].some((point) => is_failed(point.trial)));
  const top = CHART.top + failing.length * CHART.strip;
  const x = x_scale(), y = y_scale(all.flat(), top + 8);
  const x_of = (point) => x(page.overview.x.is_number ? page.overview.x.values[point.x] : point.x);
  const root = svg("svg", {viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "group",
                           "aria-label": `${page.overview.x.label} against ${chosen.unit.name}`});
  root.append(axes_svg(x, y, top));
  visible.forEach((line, i) => root.append(band_svg(all[i], line, x_of, y)));
  visible.forEach((line, i) => root.append(line_svg(all[i], line, x_of, y)));
  failing.forEach((line, row) => {
    const points = all[visible.indexOf(line)].filter((point) => is_failed(point.trial));
    root.append(failures_svg(points, line, x_of, CHART.top + (row + 0.5) * CHART.strip));
  });
  if (!all.flat().some((point) => point.value)) {
    root.append(svg("text", {x: CHART.width / 2, y: CHART.height / 2, class: "nothing"},
      chosen.unit.id === "peak" && all.flat().some((point) => is_ok(point.trial))
        ? "the device's peak is not known" : "nothing was measured here"));
  }
  return root;
}

function axes_svg(x, y, top) {
  const bottom = CHART.height - CHART.bottom, left = CHART.left, right = CHART.width - CHART.right;
  const labels = page.overview.x.labels;
  const place = (i) => x(page.overview.x.is_number ? page.overview.x.values[i] : i);
  const group = svg("g", {class: "axes", "aria-hidden": "true"});
  for (const tick of y_ticks(y)) {
    group.append(svg("line", {x1: left, x2: right, y1: y(tick), y2: y(tick)}),
      svg("text", {x: left - 8, y: y(tick), dy: "0.32em", class: "y"}, short_text(tick, 3)));
  }
  let end = -Infinity;  // of the last label
  labels.map((label) => cut_text(label, 14)).forEach((label, i) => {
    group.append(svg("line", {x1: place(i), x2: place(i), y1: bottom, y2: bottom + 5, class: "tick"}));
    const half = 3.6 * label.length + 2;
    if (place(i) - half < end) return;
    end = place(i) + half;
    group.append(svg("text", {x: place(i), y: bottom + 20, class: "x"}, label));
  });
  group.append(svg("line", {x1: left, x2: right, y1: bottom, y2: bottom, class: "base"}),
    svg("text", {x: (left + right) / 2, y: CHART.height - 6, class: "name"},
      cut_text(page.overview.x.label, 40)),
    svg("text", {x: 14, y: (top + bottom) / 2, class: "name",
                 transform: `rotate(-90 14 ${(top + bottom) / 2})`}, chosen.unit.label));
  return group;
}

function band_svg(points, line, x_of, y) {
  const area = d3.area().defined((point) => point.value).x(x_of)
    .y0((point) => y(point.value.low)).y1((point) => y(point.value.high));
  const whisker = (point) => {
    const at = x_of(point), low = y(point.value.low), high = y(point.value.high);
    return `M${at},${low}V${high}M${at - 4},${low}h8M${at - 4},${high}h8`;
  };
  return svg("g", {"aria-hidden": "true"},
    svg("path", {class: "band", d: area(points), fill: color_of(line)}),
    svg("path", {class: "whisker", stroke: color_of(line),
                 d: points.filter((point) => point.value).map(whisker).join("")}));
}

function line_svg(points, line, x_of, y) {
  const path = d3.line().defined((point) => point.value).x(x_of).y((point) => y(point.value.mid));
  const marks = points.filter((point) => point.value).map((point) => mark_svg(point, "point",
    `translate(${x_of(point)},${y(point.value.mid)})`,
    svg("path", {d: symbol_path(line, 64), fill: color_of(line)})));
  return svg("g", {class: "line", "data-line": line},
    svg("path", {class: "stroke", d: path(points), stroke: color_of(line),
                 "stroke-dasharray": dash_of(line)}), marks);
}

function failures_svg(points, line, x_of, height) {
  const marks = points.map((point) => mark_svg(point, "failure",
    `translate(${x_of(point)},${height})`,
    svg("path", {d: symbol_path(line, 64), fill: color_of(line)}),
    svg("path", {d: "M-7,-7L7,7M-7,7L7,-7", class: "cross"})));
  return svg("g", {}, svg("line", {class: "lane", x1: CHART.left, x2: CHART.width - CHART.right,
                                   y1: height, y2: height}), marks);
}

// A point that can be hovered, focused and opened.
function mark_svg(point, kind, transform, ...shapes) {
  const open = () => open_trial(point.trial);
  return svg("g", {class: "mark " + kind, transform, tabindex: "0", role: "button",
                   "data-trial": column("trial_id")[point.trial],
                   "aria-label": tip_of(point.trial, lines()[point.line].label).join(", "),
                   tip: () => tip_of(point.trial, lines()[point.line].label),
                   on: {click: open, keydown: (event) => on_activation(event, open)}},
    svg("circle", {r: 12, class: "target"}), shapes);
}

function on_activation(event, action) {
  if (event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  action();
}

function tip_of(trial, label) {
  if (!is_ok(trial)) return [label, reason_of(trial)];
  const told = UNITS.map((unit) => [unit, value_of(trial, unit)]).filter(([, value]) => value)
    .map(([unit, value]) => `${number_text(value.mid)} ${unit.label}`);
  return [label, told.join(", "), `± ${percent_text(half_width(trial))}, ` +
          count_text(column("sample_count")[trial], "sample")];
}

// ---- The same as numbers.

function draw_numbers(plot) {
  const x = page.overview.x;
  const head = el("tr", {}, el("th", {scope: "col"}, x.label),
    lines().map((line, i) => el("th", {scope: "col"}, mark_icon(i), line.label)));
  const rows = x.labels.map((label, i) => el("tr", {}, el("th", {scope: "row"}, label),
    lines().map((_, line) => number_cell(plot.points[line][i]))));
  replace("plot-numbers", el("table", {class: "numbers"},
    el("caption", {}, `Medians in ${chosen.unit.name}, ± half of the 95 % interval`),
    el("thead", {}, head), el("tbody", {}, rows)));
}

function number_cell(trial) {
  if (trial < 0) return el("td", {class: "absent"}, reason_of(trial));
  const id = column("trial_id")[trial];
  const open = {type: "button", class: "link", "data-trial": id, on: {click: () => open_trial(trial)}};
  if (!is_ok(trial)) {
    return el("td", {class: "failed"}, el("button", {...open, tip: () => tip_of(trial, "failed")},
      column("outcome")[trial].replaceAll("_", " ")));
  }
  const value = value_of(trial, chosen.unit);
  return el("td", {"data-value": value && value.mid}, el("button", open,
    value ? number_text(value.mid) : "–"), el("small", {}, ` ± ${percent_text(half_width(trial))}`));
}
