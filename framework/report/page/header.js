// The first lines: what ran, on what, how it went. A reader who goes no further has seen this.

function draw_header() {
  const run = page.overview.run;
  document.getElementById("glance").replaceChildren();
  replace("glance",
    el("div", {class: "title"},
      el("h1", {}, page.overview.name),
      run.status && run.status !== "finished" && el("span", {class: "badge"}, run.status),
      theme_button()),
    el("p", {class: "lead"}, page.overview.description || "attention kernels, measured by attnbench"),
    outcome_bar(),
    el("dl", {class: "facts"}, facts_of_run().map(([name, value]) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    warnings_box(),
    provider_table(),
    run_details());
}

// ---- How it went: one bar, all outcomes.

function outcome_counts() {
  const counts = new Map();
  for (const outcome of column("outcome")) counts.set(outcome, (counts.get(outcome) || 0) + 1);
  return [...counts].sort((a, b) => (b[0] === "ok") - (a[0] === "ok") || b[1] - a[1]);
}

function outcome_bar() {
  const counts = outcome_counts();
  const planned = (page.overview.run.plan || {}).trials || 0;
  const missing = Math.max(0, planned - trial_count());
  if (missing > 0) counts.push(["not run", missing]);
  const parts = counts.map(([outcome, count]) => el("span", {
    class: "part " + (outcome === "ok" ? "good" : outcome === "not run" ? "open" : "bad"),
    style: {"flex-grow": String(count)}, tip: () => [outcome, count_text(count, "trial")]}));
  const words = counts.map(([outcome, count]) =>
    el("span", {}, el("b", {}, count.toLocaleString("en")), " " + outcome.replaceAll("_", " ")));
  return el("div", {class: "outcomes"},
    el("div", {class: "bar", "aria-hidden": "true"}, parts),
    el("p", {}, count_text(trial_count(), "trial") + ": ", words.flatMap((word, i) =>
      i === 0 ? [word] : [", ", word])));
}

// ---- On what.

function used_devices() {
  const used = new Set(lines().map((line) => line.device));
  return (page.overview.run.devices || []).filter((device) => used.has(device.device));
}

function range_text(range, unit) {
  const [low, median, high] = [range.low, range.median, range.high].map((x) => short_text(x));
  const with_unit = (text) => (unit ? `${text} ${unit}` : text);
  return low === high ? with_unit(low) : `${low} to ${with_unit(high)}, median ${median}`;
}

function share_text(counts, bursts) {
  return Object.entries(counts).map(([word, count]) =>
    `${word.replaceAll("_", " ")} (${count === bursts ? "all" : count + " of"} ${count_text(bursts, "burst")})`).join(", ");
}

function facts_of_run() {
  const run = page.overview.run, clocks = page.overview.clocks, facts = [];
  const add = (name, value) => { if (value) facts.push([name, value]); };
  for (const device of used_devices()) {
    add(device.device === "cpu" ? "CPU" : "GPU", device_text(device));
    add("Driver", device.opened && device.opened.driver_version);
  }
  add("SM clock", clocks.sm_clock_mhz && range_text(clocks.sm_clock_mhz, "MHz"));
  add("CPU clock", clocks.cpu_mhz && range_text(clocks.cpu_mhz, "MHz"));
  add("Power", clocks.power_w && range_text(clocks.power_w, "W"));
  add("Temperature", clocks.temperature_c && range_text(clocks.temperature_c, "°C"));
  add("Load", clocks.load_average && range_text(clocks.load_average, ""));
  add("Regime", clocks.regime && share_text(clocks.regime, clocks.bursts));
  add("Throttled", clocks.throttle_reasons && share_text(clocks.throttle_reasons, clocks.bursts));
  add("Measured", measure_text(run.measure));
  add("Began", run.started_utc && run.started_utc.replace("T", " ").replace("Z", " UTC"));
  return facts;
}

function device_text(device) {
  const opened = device.opened || {};
  const extra = [];
  if (device.device === "cpu" && opened.threads) extra.push(count_text(opened.threads, "thread"));
  if (device.device !== "cpu" && opened.memory_bytes) {
    extra.push((opened.memory_bytes / 2 ** 30).toFixed(0) + " GiB");
  }
  const peak = opened.peak_tflops_16bit || opened.peak_tflops_fp32;
  if (peak) extra.push("peak " + number_text(peak, 3) + " TFLOP/s");
  return device.name + (extra.length ? ", " + extra.join(", ") : "");
}

function measure_text(measure) {
  if (!measure) return "";
  return `${measure.cache} cache, ${measure.protocol} protocol, effort ${measure.effort}`;
}

// ---- What should make a reader doubt.

function warnings_box() {
  const run = page.overview.run;
  const counts = new Map();
  for (const warnings of column("warnings")) {
    for (const warning of warnings || []) counts.set(warning, (counts.get(warning) || 0) + 1);
  }
  const of_trials = [...counts].sort((a, b) => b[1] - a[1])
    .map(([warning, count]) => `${count_text(count, "trial")}: ${warning}`);
  const of_sessions = (run.resumed || []).flatMap((session) => session.warnings || []);
  const all = [...new Set([...(run.warnings || []), ...of_sessions]), ...of_trials];
  const notes = (run.plan || {}).notes || [];
  const shown = all.slice(0, 6), rest = all.slice(6);
  return [
    all.length > 0 && el("div", {class: "warnings", role: "note"},
      el("strong", {}, count_text(all.length, "warning")),
      el("ul", {}, shown.map((text) => el("li", {}, text))),
      rest.length > 0 && el("details", {}, el("summary", {}, `${rest.length} more`),
        el("ul", {}, rest.map((text) => el("li", {}, text))))),
    notes.length > 0 && el("ul", {class: "notes"}, notes.map((text) => el("li", {}, text))),
  ];
}

// ---- By whom.

function provider_table() {
  const rows = page.overview.providers.map((provider) => {
    const marks = lines().map((line, i) => line.provider === provider.id && mark_icon(i));
    return el("tr", {},
      el("th", {scope: "row"}, marks, provider.id),
      el("td", {}, provider.description || provider.name),
      el("td", {}, provider.version),
      el("td", {}, el("code", {title: provider.sha256}, (provider.sha256 || "").slice(0, 12))));
  });
  if (rows.length === 0) return null;
  return el("div", {class: "scroll"}, el("table", {class: "providers"},
    el("thead", {}, el("tr", {}, ["provider", "what", "version", "SHA-256"].map((text) =>
      el("th", {scope: "col"}, text)))),
    el("tbody", {}, rows)));
}

// ---- All the rest.

function run_details() {
  const run = page.overview.run, sweep = run.sweep || {};
  const facts = [
    ["command", run.argv && run.argv.join(" ")],
    ["attnbench", run.attnbench_version && `${run.attnbench_version}, ${run.compiler}`],
    ["kernel", run.kernel],
    ["ended", run.finished_utc],
    ["harness efficiency", run.harness && number_text(run.harness.efficiency, 2)],
    ["sweep file", sweep.file],
    ["sweep SHA-256", sweep.sha256],
    ...page.overview.providers.map((provider) => [provider.id, `${provider.path} ${provider.sha256}`]),
  ].filter(([, value]) => value);
  return el("details", {class: "more"}, el("summary", {}, "How to repeat it"),
    el("dl", {class: "facts wide"}, facts.map(([name, value]) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, el("code", {}, value))))),
    sweep.toml && el("pre", {tabindex: "0"}, sweep.toml));
}

function draw_sources() {
  replace("sources",
    "The numbers here are those of ", file_link("../results.jsonl", "results.jsonl"),
    " (every sample) and ", file_link("../run.json", "run.json"), "; also ",
    file_link("../summary.csv", "summary.csv"), " and ",
    file_link("results.html", "every plot as a picture"), `. Charts by D3 ${d3.version}, © Mike Bostock, BSD 3-Clause.`);
}

// ---- Light or dark: the system's choice until the reader makes one.

function theme_button() {
  const names = ["auto", "light", "dark"];
  const button = el("button", {type: "button", class: "theme", on: {click: () => {
    const now = document.documentElement.dataset.theme || "auto";
    const next = names[(names.indexOf(now) + 1) % names.length];
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    button.textContent = "Theme: " + next;
  }}}, "Theme: auto");
  return button;
}
