# Sourced by scripts/attnbench and scripts/test: configures and builds a preset, quietly unless it fails.

# build_preset PRESET [TARGET...]: leaves the tree in build/PRESET. Says something only if it takes a while.
build_preset() {
  local preset=$1; shift
  local tree="$root/build/$preset" log="$root/build/$preset.log"
  mkdir -p "$root/build"
  # Two commands at once (two terminals) must not build one tree at the same time.
  exec 9>"$root/build/$preset.lock"
  flock 9
  if [[ ! -f "$tree/build.ninja" ]]; then
    echo "attnbench: building for the first time (some minutes; log: build/$preset.log)" >&2
    run_logged "$log" cmake -S "$root" --preset "$preset"
  fi
  run_logged "$log" cmake --build "$tree" ${1:+--target "$@"}
  flock -u 9
  exec 9>&-
}

run_logged() {
  local log=$1; shift
  if ! (cd "$root" && "$@") >"$log" 2>&1; then
    grep -E -A8 'error|Error|FAILED' "$log" | head -n 40 >&2 || tail -n 40 "$log" >&2
    echo "attnbench: the build failed -- the whole log is build/$(basename "$log")" >&2
    exit 1
  fi
}
