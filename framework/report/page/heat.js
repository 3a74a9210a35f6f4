// Two heat maps, as tables: a table can be read aloud, walked by keyboard and printed.

// ---- Who is fastest, over x and another axis.

// The trial that stands for a line: the one at the chosen block sizes, or the fastest of all.
function candidate(line, changes, x) {
  const options = chosen.is_best ? option_axes().filter((axis) => !(axis in changes)) : [];
  let best = null, failed = NOT_PLANNED;
  for (const combination of combinations(options)) {
    const plot = plot_of(cell_with({...changes, ...combination}));
    const trial = plot ? plot.points[line][x] : NOT_PLANNED;
    if (!is_ok(trial)) {
      if (failed < 0) failed = trial === NOT_PLANNED ? failed : trial;
      continue;
    }
    if (best === null || column("median_ms")[trial] < column("median_ms")[best.trial]) {
      best = {line, trial, changes: combination};
    }
  }
  return best || {line, trial: failed, changes: {}};
}

// What one cell says: clear when the winner's interval lies below that of every other.
function contest(changes, x) {
  const all = lines().map((_, line) => candidate(line, changes, x));
  const ranked = all.filter((one) => is_ok(one.trial))
    .sort((a, b) => column("median_ms")[a.trial] - column("median_ms")[b.trial]);
  if (ranked.length === 0) return {all, kind: "none"};
  const [first, ...others] = ranked;
  if (others.length === 0) return {all, kind: "only", winner: first};
  const next_low = Math.min(...others.map((one) => column("ci_low_ms")[one.trial]));
  const ratio = column("median_ms")[others[0].trial] / column("median_ms")[first.trial];
  const is_clear = column("ci_high_ms")[first.trial] < next_low;
  return {all, kind: is_clear ? "clear" : "ambiguous", winner: first, ratio};
}

function contest_rows() {
  const axis = chosen.row_axis;
  const rows = axis < 0 ? [{label: "", changes: {}}]
    : axes()[axis].labels.map((label, row) => ({label, changes: {[axis]: row}}));
  return rows.map((row) => ({...row,
    cells: page.overview.x.labels.map((_, x) => contest(row.changes, x))}));
}

function draw_fastest() {
  const section = document.getElementById("fastest");
  section.hidden = lines().length < 2;
  if (section.hidden) return;
  draw_fastest_tools();
  const rows = contest_rows();
  const axis = chosen.row_axis;
  const head = el("tr", {}, axis >= 0 && el("th", {scope: "col", class: "corner"}, axes()[axis].name),
    page.overview.x.labels.map((label) => el("th", {scope: "col"}, label)));
  const body = rows.map((row, r) => el("tr", {}, axis >= 0 && el("th", {scope: "row"}, row.label),
    row.cells.map((cell, x) => contest_cell(rows, r, x))));
  replace("fastest-area", el("table", {class: "heat"},
    el("caption", {}, `${page.overview.x.label} →`), el("thead", {}, head), el("tbody", {}, body)));
  replace("fastest-caption", "The factor is the runner-up's median over the winner's. Grey and ≈: ",
    "the 95 % intervals overlap, so nobody is called faster. A thick line is a crossover. ",
    option_axes().length > 0 && chosen.is_best && `Of several ${options_name()} the fastest ` +
      "median stands for its provider. ", "A cell, clicked, is shown in the plot.");
}

function draw_fastest_tools() {
  const rows = axes().map((axis, i) => ({i, axis})).filter(({i, axis}) =>
    axis.labels.length > 1 && !(axis.is_option && chosen.is_best));
  const place = rows.findIndex(({i}) => i === chosen.row_axis);
  if (place < 0 && rows.length > 0) chosen.row_axis = rows[0].i;
  const names = rows.map(({axis}) => axis.name);
  replace("fastest-tools",
    names.length > 1 && select("rows", names, Math.max(0, place), (i) => {
      chosen.row_axis = rows[i].i;
      draw_fastest();
    }, "fastest-rows"),
    option_axes().length > 0 && checkbox("each at its best " + options_name(), chosen.is_best, (is_best) => {
      chosen.is_best = is_best;
      draw_fastest();
    }),
    lines().map((line, i) => el("span", {class: "key"}, mark_icon(i), line.label)));
}

function contest_cell(rows, r, x) {
  const cell = rows[r].cells[x];
  const differs = (other) => other && cell.kind === "clear" && other.kind === "clear" &&
    other.winner.line !== cell.winner.line;
  const is_chosen = x === chosen.x &&
    Object.entries(rows[r].changes).every(([axis, row]) => chosen.cell[axis] === row);
  const classes = ["cell", cell.kind, differs(rows[r].cells[x + 1]) && "cross-right",
                   differs(rows[r + 1] && rows[r + 1].cells[x]) && "cross-below",
                   is_chosen && "chosen"];
  const open = () => {
    chosen.x = x;
    choose({...rows[r].changes, ...(cell.winner ? cell.winner.changes : {})});
  };
  return el("td", {class: classes.filter(Boolean).join(" "), style: contest_style(cell),
                   "data-winner": cell.kind === "clear" ? lines()[cell.winner.line].label : cell.kind},
    el("button", {type: "button", tip: () => contest_tip(cell), "aria-label":
                  contest_tip(cell).join("; "), on: {click: open}}, contest_text(cell)));
}

// The clearer the lead, the stronger the colour; twice as fast is as strong as it gets.
function contest_style(cell) {
  if (cell.kind !== "clear") return {};
  const strength = 14 + 34 * Math.min(1, Math.log2(cell.ratio));
  return {"--tint": color_of(cell.winner.line), "--strength": strength.toFixed(0) + "%"};
}

function contest_text(cell) {
  if (cell.kind === "none") return cell.all.some((one) => is_failed(one.trial)) ? "✕" : "";
  if (cell.kind === "only") return [mark_icon(cell.winner.line), "only"];
  if (cell.kind === "ambiguous") return "≈";
  return [mark_icon(cell.winner.line), cell.ratio.toFixed(cell.ratio < 10 ? 2 : 0) + "×"];
}

function contest_tip(cell) {
  const heading = {none: "no time", only: "the only one with a time", ambiguous: "too close to call",
                   clear: cell.winner && "fastest: " + lines()[cell.winner.line].label}[cell.kind];
  const told = cell.all.map((one) => {
    const label = lines()[one.line].label;
    if (!is_ok(one.trial)) return `${label}: ${reason_of(one.trial)}`;
    const at = Object.entries(one.changes).map(([axis, row]) =>
      ` ${axes()[axis].name}=${axes()[axis].labels[row]}`).join("");
    const ms = number_text(column("median_ms")[one.trial]);
    return `${label}${at}: ${ms} ms ± ${percent_text(half_width(one.trial))}`;
  });
  return [heading, ...told];
}

// ---- Block sizes, a table a provider. Other options of providers are shown alike.

function options_name() {
  const names = option_axes().map((axis) => axes()[axis].name);
  return names.every((name) => name.startsWith("block_")) ? "block sizes" : "options";
}

// Providers whose trials differ with these axes; the others are the same at every block size.
function lines_with(of_axes, x) {
  return lines().map((_, line) => line).filter((line) => {
    const trials = combinations(of_axes).map((changes) => {
      const plot = plot_of(cell_with(changes));
      return plot ? plot.points[line][x] : NOT_PLANNED;
    });
    return new Set(trials).size > 1;
  });
}

function draw_options() {
  const section = document.getElementById("options");
  const shown = option_axes().slice(0, 2);
  section.hidden = shown.length === 0;
  if (section.hidden) return;
  const names = shown.map((axis) => axes()[axis].name);
  document.getElementById("options-title").textContent =
    options_name() === "block sizes" ? "Block sizes" : names.join(" and ");
  replace("options-tools", select(page.overview.x.label, page.overview.x.labels, chosen.x, (x) => {
    chosen.x = x;
    draw_fastest();
    draw_options();
  }, "options-x"));
  const tables = lines_with(shown, chosen.x).map((line) => options_table(line, shown));
  replace("options-area", tables.length > 0 ? tables
    : el("p", {class: "empty"}, "No provider here changes with " + names.join(" and ") + "."));
  replace("options-caption", `${chosen.unit.label}; brightest is the provider's fastest median. ✕ is a `,
    "failure: its reason is on the mark. A cell, clicked, is shown in the plot.");
}

function options_table(line, shown) {
  const [rows_axis, columns_axis] = shown.length > 1 ? shown : [-1, shown[0]];
  const rows = rows_axis < 0 ? [{label: "", changes: {}}]
    : axes()[rows_axis].labels.map((label, row) => ({label, changes: {[rows_axis]: row}}));
  const trial_at = (changes) => {
    const plot = plot_of(cell_with(changes));
    return plot ? plot.points[line][chosen.x] : NOT_PLANNED;
  };
  const times = combinations(shown).map(trial_at).filter(is_ok)
    .map((trial) => column("median_ms")[trial]);
  const fastest = Math.min(...times), slowest = Math.max(...times);
  const head = el("tr", {},
    rows_axis >= 0 && el("th", {scope: "col", class: "corner"}, el("span", {}, axes()[rows_axis].name + " ↓"),
      " ", el("span", {}, axes()[columns_axis].name + " →")),
    axes()[columns_axis].labels.map((label) => el("th", {scope: "col"},
      rows_axis < 0 ? `${axes()[columns_axis].name}=${label}` : label)));
  const body = rows.map((row) => el("tr", {}, rows_axis >= 0 && el("th", {scope: "row"}, row.label),
    axes()[columns_axis].labels.map((_, i) => {
      const changes = {...row.changes, [columns_axis]: i};
      return options_cell(trial_at(changes), line, changes, fastest, slowest);
    })));
  return el("div", {class: "scroll"}, el("table", {class: "heat blocks"},
    el("caption", {}, mark_icon(line), lines()[line].label), el("thead", {}, head),
    el("tbody", {}, body)));
}

function options_cell(trial, line, changes, fastest, slowest) {
  const is_chosen = Object.entries(changes).every(([axis, row]) => chosen.cell[axis] === row);
  const tip = () => [...tip_of(trial, lines()[line].label),
    ...(is_ok(trial) ? [number_text(column("median_ms")[trial] / fastest, 3) + " × the fastest"] : [])];
  const press = {type: "button", tip, "aria-label": tip().join("; "), on: {click: () => choose(changes)}};
  const classes = ["cell", is_chosen && "chosen"];
  if (!is_ok(trial)) {
    classes.push(is_failed(trial) ? "failed" : "absent");
    return el("td", {class: classes.filter(Boolean).join(" ")},
      el("button", press, is_failed(trial) ? "✕" : ""));
  }
  const value = value_of(trial, chosen.unit);
  const ms = column("median_ms")[trial];
  const place = slowest > fastest ? Math.log(slowest / ms) / Math.log(slowest / fastest) : 1;
  const color = d3.color(d3.interpolateCividis(0.12 + 0.88 * place));
  const light = 0.2126 * color.r + 0.7152 * color.g + 0.0722 * color.b;
  if (ms === fastest) classes.push("best");
  return el("td", {class: classes.filter(Boolean).join(" "), "data-value": value && value.mid,
                   style: {background: color.toString(), color: light > 125 ? "#000" : "#fff"}},
    el("button", press, value ? number_text(value.mid, 3) : "–"));
}
