// The page's table of contents: read the data, draw the parts, redraw them when something is chosen.

function draw_choices() {
  const units = UNITS.filter(has_unit);
  replace("choices",
    el("h2", {}, "Show"),
    radios("unit", "unit", units.map((unit) => unit.label), units.indexOf(chosen.unit), (i) => {
      chosen.unit = units[i];
      redraw();
    }),
    axes().map((axis, i) => axis.labels.length > 1 && axis_choice(axis, i)),
    el("fieldset", {class: "choice scales"}, el("legend", {}, "scale"),
      page.overview.x.is_number && checkbox(`log ${cut_text(page.overview.x.label, 20)}`, chosen.is_x_log, (is_log) => {
        chosen.is_x_log = is_log;
        draw_plot();
      }),
      checkbox("log y", chosen.is_y_log, (is_log) => {
        chosen.is_y_log = is_log;
        draw_plot();
      })));
}

// Few values as buttons, many as a list.
function axis_choice(axis, i) {
  const choose_row = (row) => choose({[i]: row});
  const is_short = axis.labels.length <= 6 && axis.labels.join("").length <= 40;
  return is_short ? radios(axis.name, "axis-" + i, axis.labels, chosen.cell[i], choose_row)
                  : select(axis.name, axis.labels, chosen.cell[i], choose_row, "axis-" + i);
}

// Sets some axes, {axis: row}, wherever the choice was made.
function choose(changes) {
  chosen.cell = cell_with(changes);
  for (const [axis, row] of Object.entries(changes)) {
    const list = document.getElementById("axis-" + axis);
    const button = document.querySelector(`input[name="axis-${axis}"][value="${row}"]`);
    if (list) list.value = row;
    if (button) button.checked = true;
  }
  redraw();
}

function redraw() {
  hide_tip();
  draw_plot();
  draw_fastest();
  draw_options();
  write_address();
}

async function main() {
  const loading = document.getElementById("loading");
  try {
    await open_overview();
  } catch (problem) {
    loading.textContent = "This browser could not unpack the page's data (" + problem.message +
      "). results.html beside it has every plot without JavaScript.";
    throw problem;
  }
  document.getElementById("work").hidden = false;  // charts ask for their room
  start_state();
  draw_header();
  draw_sources();
  draw_choices();
  redraw();
  start_table();
  loading.remove();
  document.documentElement.dataset.ready = performance.now().toFixed(0);  // milliseconds since opening
}

document.addEventListener("scroll", place_tip, {capture: true, passive: true});
let resized = 0;
window.addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(() => page.overview && draw_plot(), 120);
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide_tip(); });
main();
