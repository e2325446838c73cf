#!/usr/bin/env bash
# What it costs to compile a program of one function, beside one that only uses nlohmann and cpp-httplib:
# seconds and peak memory, the best of three. CXX and CXXFLAGS are taken from the environment.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cxx=${CXX:-g++}
flags=${CXXFLAGS:--O2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/packages_alone.cpp" <<'CPP'
#include <httplib.h>
#include <nlohmann/json.hpp>
int main() {
  httplib::Server server;
  server.Post("/", [](const httplib::Request& request, httplib::Response& response) {
    response.set_content(nlohmann::json::parse(request.body).dump(), "application/json");
  });
  server.listen("127.0.0.1", 3000);
}
CPP
cp "$root/examples/quickstart.cpp" "$work/one_function.cpp"
cp "$root/examples/embedded.cpp" "$work/with_engine.cpp"

printf '%s %s\n%-16s %8s %8s\n' "$cxx" "$flags" program seconds MB
for program in packages_alone one_function with_engine; do
  for _ in 1 2 3; do
    # shellcheck disable=SC2086,SC2046 # flags are words
    /usr/bin/time -f '%e %M' -o "$work/time" "$cxx" -std=c++20 $flags -I"$root/include" $(pkg-config --cflags cpp-httplib) \
      -c "$work/$program.cpp" -o "$work/$program.o"
    cat "$work/time"
  done | sort -n | head -1 | awk -v name=$program '{printf "%-16s %8.1f %8.0f\n", name, $1, $2 / 1024}'
done
