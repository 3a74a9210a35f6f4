#!/usr/bin/env bash
# Packs attnbench, unpacks it where nothing else is, and runs it with an empty environment.
#   package_test.sh SOURCE SCRATCH
set -euo pipefail
source=$1 scratch=$2
fail() { echo "package_test: $*" >&2; exit 1; }

rm -rf "$scratch"
mkdir -p "$scratch/there"
"$source/scripts/package" "$scratch"
tarball=$(echo "$scratch"/attnbench-*.tar.xz)
(($(stat -c %s "$tarball") < 60000000)) || fail "the tarball is too large"
tar -C "$scratch/there" -xf "$tarball"
home=$(echo "$scratch"/there/attnbench-*)

# Of the system, only glibc and the C++ library; of the build machine, nothing.
system='libc\.so\.6|libm\.so\.6|libdl\.so\.2|libpthread\.so\.0|ld-linux-x86-64\.so\.2|libstdc\+\+\.so\.6|libgcc_s\.so\.1'
elves=0
while read -r file; do
  dynamic=$(readelf -d "$file" 2>/dev/null) || continue
  elves=$((elves + 1))
  while read -r needed; do
    [[ "$needed" =~ ^($system)$ || -e "$home/lib/attnbench/$needed" ]] || fail "$file needs $needed"
  done < <(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' <<<"$dynamic")
  while read -r path; do
    for entry in ${path//:/ }; do
      [[ "$entry" == '$ORIGIN'* ]] || fail "$file looks for libraries in $entry"
    done
  done < <(sed -n 's/.*(R\(UN\)\?PATH).*\[\(.*\)\]/\2/p' <<<"$dynamic")
  newest=$(readelf -V "$file" | grep -o 'GLIBC_2\.[0-9]*' | sed 's/GLIBC_2\.//' | sort -n | tail -n 1)
  ((${newest:-0} <= 36)) || fail "$file needs glibc 2.$newest"
done < <(find "$home" -type f \( -path '*/bin/*' -o -name '*.so*' \))
((elves >= 5)) || fail "only $elves programs and libraries are in the tarball"
for program in attnbench attnbench-worker; do
  ! readelf -d "$home/bin/$program" | grep -q 'libstdc++\|libgcc_s' || fail "$program needs the C++ library"
  # Not in one pipe: grep -q leaves at the first match, and ldd may die of writing to nobody.
  found=$(env -i ldd "$home/bin/$program")
  grep -q "libhwy.* => $home/" <<<"$found" || fail "$program takes Highway from elsewhere"
done

cd "$scratch/there"
providers=$(env -i "$home/bin/attnbench" list providers)
grep -q "^cpu_flash .*usable on cpu" <<<"$providers" || fail "cpu_flash is not usable: $providers"
! grep -q "missing" <<<"$providers" || fail "a library is missing: $providers"
env -i "$home/bin/attnbench" run quick -a seqlen=64 --providers cpu_reference,cpu_flash --effort grid --out run
[[ $(grep -c '"outcome": *"ok"' run/results.jsonl) -ge 2 ]] || fail "no trial was measured"
! grep -qv '"outcome": *"ok"' run/results.jsonl || fail "a trial failed"
