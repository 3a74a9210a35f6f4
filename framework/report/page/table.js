// Every trial in a table: to be sorted by any column, filtered by words, and paged, since a browser
// that lays out ten thousand rows is slow.

const table = {sort: "", is_down: false, words: "", outcome: 0, page: 0, rows: [], text: []};
const ROWS_A_PAGE = 25;

// Name, value to sort by, cell. Columns without any value in these trials are left out.
function table_columns(trials) {
  const number = (name, title, digits, factor = 1) => ({
    name, title, is_number: true,
    value: (trial) => {
      const number = column(name)[trial];
      return number === null || number === undefined ? null : number * factor;
    },
    cell: (trial, value) => el("td", {class: "number", "data-value": column(name)[trial]},
                               digits === 0 ? value : number_text(value, digits)),
  });
  const text = (name, title, value) => ({name, title, value, cell: (trial, shown) => el("td", {}, shown)});
  return [
    {...text("provider", "provider", (trial) => column("provider")[trial]), cell: provider_cell},
    ...page.overview.varying.map((axis) => axis_column(axis)),
    number("median_ms", "median ms", 5),
    {name: "width", title: "±%", is_number: true,
     value: (trial) => (is_ok(trial) ? 100 * half_width(trial) : null),
     cell: (trial, value) => el("td", {class: "number"}, number_text(value, 2))},
    number("tflops", "TFLOP/s", 4),
    number("peak_fraction", "% of peak", 3, 100),
    {...text("outcome", "outcome", (trial) => column("outcome")[trial]), cell: (trial, outcome) =>
      el("td", {class: outcome === "ok" ? "good" : "failed"}, outcome.replaceAll("_", " "))},
    {...text("message", "message", (trial) => column("message")[trial]), cell: (trial, message) =>
      el("td", {class: "message"}, message)},
    number("gbps", "GB/s", 4),
    number("max_error", "max error", 2),
    number("sample_count", "samples", 0),
  ].filter((one) => trials.length === 0 || trials.some((trial) => has_value(one, trial)));
}

function has_value(one, trial) {
  const value = one.value(trial);
  return value !== null && value !== undefined && value !== "";
}

// Sorted as numbers where all are; "-" is a provider without that option.
function axis_column(axis) {
  const numbers = axis.values.map((value) => (value === "-" ? null : Number(value)));
  const is_number = numbers.every((number) => number === null || Number.isFinite(number));
  return {name: axis.name, title: axis.name, is_number,
          value: (trial) => (is_number ? numbers[trial] : axis.values[trial]),
          cell: (trial) => el("td", {class: is_number ? "number" : null}, axis.values[trial])};
}

function provider_cell(trial, provider) {
  return el("td", {}, el("button", {type: "button", class: "link",
    "data-trial": column("trial_id")[trial], on: {click: () => open_trial(trial)}}, provider));
}

function start_table() {
  table.rows = [...Array(trial_count()).keys()];
  const shown = table_columns(table.rows);
  table.text = table.rows.map((trial) => [column("trial_id")[trial], ...shown.filter((one) =>
    !one.is_number || page.overview.varying.some((axis) => axis.name === one.name))
    .map((one) => `${one.name}=${one.value(trial)}`)].join(" ").toLowerCase());
  draw_table_tools();
  draw_table();
}

function draw_table_tools() {
  const outcomes = ["any outcome", "any failure", ...outcome_counts().map(([outcome]) => outcome)];
  const input = el("input", {type: "search", id: "filter", placeholder: "words, head_dim=128, -fwd",
                             on: {input: (event) => { table.words = event.target.value; draw_table(true); }}});
  replace("trials-tools",
    el("label", {class: "field grow"}, el("span", {}, "filter"), input),
    select("outcome", outcomes.map((outcome) => outcome.replaceAll("_", " ")), table.outcome, (i) => {
      table.outcome = i;
      draw_table(true);
    }, "outcome"),
    el("span", {id: "trials-count", role: "status"}));
  table.outcomes = outcomes;
}

// Every word must be found; one that begins with "-" must not. "name=value" is the whole value.
function matching_trials() {
  const words = table.words.toLowerCase().split(/\s+/).filter((word) => word !== "" && word !== "-");
  const holds = (text, word) => (word.includes("=") ? (text + " ").includes(" " + word + " ")
                                                    : text.includes(word));
  const outcome = table.outcomes[table.outcome];
  return table.rows.filter((trial) => {
    const ended = column("outcome")[trial];
    if (table.outcome === 1 ? ended === "ok" : table.outcome > 1 && ended !== outcome) return false;
    return words.every((word) => (word.startsWith("-") ? !holds(table.text[trial], word.slice(1))
                                                       : holds(table.text[trial], word)));
  });
}

// What has no value comes last, whichever way one sorts.
function sorted_trials(trials, sort) {
  if (!sort) return trials;
  const sign = table.is_down ? -1 : 1;
  return trials.map((trial) => [sort.value(trial), trial]).sort(([a, i], [b, j]) => {
    const is_a = a !== null && a !== "", is_b = b !== null && b !== "";
    if (!is_a || !is_b) return is_b - is_a || i - j;
    return sign * (a < b ? -1 : a > b ? 1 : 0) || i - j;
  }).map(([, trial]) => trial);
}

function draw_table(is_new) {
  if (is_new) table.page = 0;
  const matching = matching_trials();
  const shown = table_columns(matching);
  const trials = sorted_trials(matching, shown.find((one) => one.name === table.sort));
  const pages = Math.max(1, Math.ceil(trials.length / ROWS_A_PAGE));
  table.page = Math.min(table.page, pages - 1);
  const start = table.page * ROWS_A_PAGE;
  const body = trials.slice(start, start + ROWS_A_PAGE).map((trial) =>
    el("tr", {}, shown.map((one) => one.cell(trial, one.value(trial)))));
  replace("trials-area", el("table", {class: "trials"},
    el("caption", {}, page.overview.common), el("thead", {}, el("tr", {}, shown.map(sort_header))),
    el("tbody", {}, body)));
  document.getElementById("trials-count").textContent = trials.length === trial_count()
    ? count_text(trials.length, "trial") : `${trials.length.toLocaleString("en")} of ${count_text(trial_count(), "trial")}`;
  const turn = (text, page_number, is_off) => el("button", {type: "button", disabled: is_off,
    on: {click: () => { table.page = page_number; draw_table(); }}}, text);
  replace("trials-pages", pages > 1 && [turn("← previous", table.page - 1, table.page === 0),
    el("span", {}, `page ${table.page + 1} of ${pages}`),
    turn("next →", table.page + 1, table.page === pages - 1)]);
}

function sort_header(one) {
  const is_sorted = table.sort === one.name;
  const arrow = is_sorted ? (table.is_down ? " ↓" : " ↑") : "";
  const sort = () => {
    table.is_down = is_sorted ? !table.is_down : false;
    table.sort = one.name;
    draw_table(true);
    [...document.querySelectorAll("#trials thead button")]
      .find((button) => button.dataset.name === one.name).focus();
  };
  return el("th", {scope: "col", class: one.is_number ? "number" : null,
                   "aria-sort": is_sorted ? (table.is_down ? "descending" : "ascending") : null},
    el("button", {type: "button", "data-name": one.name, on: {click: sort}}, one.title + arrow));
}
