// What the reader chose. It stands in the address after "#", so that a view can be sent to somebody.

const chosen = {
  cell: [],            // a row of every axis
  unit: UNITS[0],
  is_x_log: false,
  is_y_log: false,
  hidden: new Set(),   // lines
  row_axis: -1,        // of the heat map "fastest"; -1: it has one row
  is_best: true,       // each provider at its best block sizes
  x: 0,                // of the heat maps of block sizes
};

function axes() { return page.overview.axes; }
function lines() { return page.overview.lines; }

// The first axis that people compare at: head_dim, else whatever changes.
function usual_row_axis() {
  const is_long = (axis) => axis.labels.length > 1 && !axis.is_option;
  const head_dim = axes().findIndex((axis) => axis.name.split(", ").includes("head_dim"));
  if (head_dim >= 0 && is_long(axes()[head_dim])) return head_dim;
  return axes().findIndex(is_long);
}

// Where the page opens: the first cell in which the most points have a time.
function usual_cell() {
  let best = null, most = -1;
  for (const plot of page.overview.plots) {
    const ok = plot.points.flat().filter(is_ok).length;
    if (ok > most) { most = ok; best = plot; }
    if (ok === lines().length * page.overview.x.labels.length) break;
  }
  return best ? [...best.at] : axes().map(() => 0);
}

// The longest x that has a time in the chosen cell.
function usual_x() {
  const plot = plot_of(chosen.cell);
  const count = page.overview.x.labels.length;
  for (let x = count - 1; plot && x >= 0; --x) {
    if (plot.points.some((points) => is_ok(points[x]))) return x;
  }
  return count - 1;
}

function start_state() {
  chosen.cell = usual_cell();
  chosen.is_x_log = page.overview.x.is_log;
  chosen.is_y_log = page.overview.x.is_y_log;
  chosen.row_axis = usual_row_axis();
  chosen.x = usual_x();
  read_address();
}

function read_address() {
  const given = new URLSearchParams(location.hash.slice(1));
  axes().forEach((axis, i) => {
    const row = axis.labels.indexOf(given.get(axis.name));
    if (row >= 0) chosen.cell[i] = row;
  });
  const unit = UNITS.find((one) => one.id === given.get("unit"));
  if (unit && has_unit(unit)) chosen.unit = unit;
}

function write_address() {
  const words = new URLSearchParams();
  axes().forEach((axis, i) => {
    if (axis.labels.length > 1) words.set(axis.name, axis.labels[chosen.cell[i]]);
  });
  words.set("unit", chosen.unit.id);
  try {
    history.replaceState(null, "", "#" + words);
  } catch (refused) {
    // Some browsers allow no change of the address of a file; the page works without.
  }
}

// The chosen cell with some axes set otherwise: {axis: row}.
function cell_with(changes) {
  return chosen.cell.map((row, axis) => (axis in changes ? changes[axis] : row));
}

// Every combination of rows of these axes, as {axis: row}.
function combinations(of_axes) {
  return of_axes.reduce(
    (all, axis) => all.flatMap((one) => axes()[axis].labels.map((_, row) => ({...one, [axis]: row}))),
    [{}]);
}

function option_axes() {
  return axes().map((axis, i) => (axis.is_option && axis.labels.length > 1 ? i : -1))
    .filter((i) => i >= 0);
}
