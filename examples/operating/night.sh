#!/usr/bin/env bash
# An incident at night: one customer's orders begin to fail. With inngest-engine and the engine's API alone, this script
# finds the cause, pauses the function, deploys a fix, reruns the failed runs from the failed step, resumes the function,
# and checks the result.
#
#     night.sh <inngest-engine> <operating_service> [folder]
#
#   NIGHT_RUNS  how many runs fail (3000)
#   PORT        the service's port (8288)
set -euo pipefail

engine=$(realpath "$1")
service=$(realpath "$2")
folder=${3:-night-data}
runs=${NIGHT_RUNS:-3000}
port=${PORT:-8288}
others=$((runs / 3))          # orders of other customers, before and in the night
waiting=$((runs / 10 + 1))    # orders that come while the function is paused

rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
pid=

# ---- telling what happens -------------------------------------------------------------------------------

began=$SECONDS
say() { printf '\n[%3d s] %s\n' $((SECONDS - began)) "$*"; }

show() {  # <arguments of inngest-engine>: what a person would type, and what comes of it
  printf '  $ inngest-engine'
  printf ' %q' "$@"
  printf '\n'
  "$engine" "$@" | sed 's/^/    /'
}

fail() {
  printf 'night.sh: %s\n' "$*" >&2
  tail -n 5 service.log >&2
  exit 1
}

expect() {  # <what it is> <what it should be> <what was found>
  [ "$2" = "$3" ] || fail "$1: expected $2, found $3"
}

until_equal() {  # <what it is> <what it should be> <command>...: waits up to ten minutes
  local what=$1 wanted=$2 found= end=$((SECONDS + 600))
  shift 2
  while [ $SECONDS -lt $end ]; do
    found=$("$@")
    [ "$found" = "$wanted" ] && return
    sleep 0.3
  done
  fail "$what: expected $wanted, found $found after ten minutes"
}

# ---- the service ----------------------------------------------------------------------------------------

# A key that only this night knows. It is in a file and in the environment, and never on a command line.
(umask 077 && printf 'signkey-prod-%s' "$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')" > key)
INNGEST_SIGNING_KEY=$(cat key)
export INNGEST_SIGNING_KEY INNGEST_ENGINE_URL=http://127.0.0.1:$port

start() {  # <arguments of the service>
  "$service" --file shop.db --port "$port" "$@" >> service.log 2>&1 &
  pid=$!
  for _ in $(seq 300); do
    if "$engine" health > /dev/null 2>&1; then return; fi
    kill -0 "$pid" 2> /dev/null || fail "the service did not start"
    sleep 0.1
  done
  fail "the service does not answer"
}

stop() {
  if [ -n "$pid" ]; then
    kill "$pid" 2> /dev/null || true
    wait "$pid" || true
  fi
  pid=
}
trap stop EXIT

# ---- orders, and what the API tells about them ----------------------------------------------------------

orders() {  # <count> <customer> <country> <name>: one event a line
  awk -v n="$1" -v customer="$2" -v country="$3" -v name="$4" 'BEGIN {
    for (i = 1; i <= n; ++i)
      printf "{\"name\": \"shop/order.placed\", \"data\": {\"order\": \"%s-%d\", \"customer\": \"%s\", \"country\": \"%s\", \"cents\": %d}}\n",
             name, i, customer, country, 100 + i }'
}

number() { tr -cd '0-9'; }
count() { "$engine" runs count "$@" | number; }

metric() {  # <function> <outcome>: how many of its runs ended so, by the metrics
  "$engine" --json metrics runs_ended | python3 -c '
import json, sys
print(int(sum(float(sample["value"]) for sample in json.load(sys.stdin)["samples"]
              if sample["labels"].get("function") == sys.argv[1] and sample["labels"].get("outcome") == sys.argv[2])))' "$1" "$2"
}

# =========================================================================================================

say "The shop runs with six functions. Orders of several customers are charged, packed, announced and booked."
start
orders "$others" beta DE before | "$engine" events send --from-file - > /dev/null
orders "$others" gamma FR before | "$engine" events send --from-file - > /dev/null
until_equal "charged orders" $((2 * others)) metric charge completed
show functions

say "At night the customer acme sends $runs orders whose cards have no country. Other customers order as before."
orders "$runs" acme "" night | "$engine" events send --from-file - > /dev/null
orders "$others" beta DE night | "$engine" events send --from-file - > /dev/null
until_equal "failed runs" "$runs" metric charge failed
until_equal "charged orders" $((3 * others)) metric charge completed

say "An alert fires. The metrics show which function fails: charge."
show metrics runs_ended

say "Which runs failed? All belong to one customer."
show runs list --failed --since 1h --limit 5
until_equal "failed runs of all customers" "$runs" count --failed --since 1h
expect "failed runs of acme" "$runs" "$(count --failed --since 1h --tag customer:acme)"
expect "failed runs of beta" 0 "$(count --failed --since 1h --tag customer:beta)"
echo "    $runs runs failed, and all have the tag customer:acme."

say "One of them shows the cause: the step compute-tax, a card without a country."
run=$("$engine" --json runs list --failed --limit 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["runs"][0]["id"])')
show runs show "$run"
"$engine" runs show "$run" | grep -q 'there is no tax rate for the country ""' || fail "the run does not show its cause"

say "Pause the function until there is a fix. New orders are accepted, and wait."
show pause shop-charge
orders "$waiting" acme "" waiting | "$engine" events send --from-file - > /dev/null
orders "$waiting" beta DE waiting | "$engine" events send --from-file - > /dev/null
until_equal "paused runs" $((2 * waiting)) count --status paused
show runs list --status paused --limit 3
expect "failed runs, still" "$runs" "$(count --failed)"

say "Deploy the fix: stop the service and start the fixed version. The pause and the waiting runs survive."
stop
start --fixed
show pauses
expect "paused runs after the deploy" $((2 * waiting)) "$(count --status paused)"

say "Rerun the $runs failed runs from the failed step: first only count them, then begin."
show bulk rerun --failed --function shop-charge --tag customer:acme --from-failed-step --dry-run
again=(bulk rerun --failed --function shop-charge --tag customer:acme --from-failed-step --per-second 500 --yes)
show "${again[@]}" --no-wait
operation=$("$engine" --json bulk list | python3 -c 'import json, sys; print(json.load(sys.stdin)["operations"][0]["id"])')
until_equal "repeated runs, which wait (an operation goes on after 1,000 only when some of them have begun)" \
  $(((runs < 1000 ? runs : 1000) + 2 * waiting)) count --status paused

say "Resume the function. The waiting runs and the reruns continue."
show resume shop-charge
show bulk show "$operation"
until_equal "charged orders" $((runs + 2 * waiting)) metric charge completed  # metrics count before runs are stored

say "The counts agree. Every order was charged once and has its four other runs; nothing has failed since the deploy."
orders_in_all=$((3 * others + runs + 2 * waiting))
for function in charge pack notify book restock; do
  until_equal "runs of $function" "$orders_in_all" count --function "shop-$function" --status completed
done
expect "failures since the deploy" 0 "$(metric charge failed)"
expect "failed runs, which stay for the record" "$runs" "$(count --failed)"
show metrics runs_ended

say "A rerun keeps the results before the failed step: its goods were reserved only once."
again=$("$engine" --json runs show "$run" | python3 -c 'import json, sys; print(json.load(sys.stdin)["reruns"][0]["id"])')
show runs show "$again"
"$engine" --json runs show "$again" | python3 -c '
import json, sys
entries = [entry["step"] for entry in json.load(sys.stdin)["timeline"] if entry["what"] == "step completed"]
sys.exit("reserve-goods" in entries or "compute-tax" not in entries)' || fail "the run began at its beginning"

say "The audit trail shows who did what."
show audit

say "Good night."
