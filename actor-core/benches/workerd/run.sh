#!/usr/bin/env bash
# Measures Durable Objects as `workerd` from npm runs them, by hand: `actor-core/benches/workerd/run.sh [directory]`.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="${1:-$(mktemp -d)}"
cp "$here/config.capnp" "$here/worker.js" "$work"
cd "$work"
rm -rf data
mkdir -p data
[[ -x node_modules/.bin/workerd ]] || npm install --silent --no-save --prefix . workerd@1.20261117.1
echo "$(node_modules/.bin/workerd --version)"
node_modules/.bin/workerd serve config.capnp &
server=$!
trap 'kill "$server"' EXIT
until curl --silent --output /dev/null "http://127.0.0.1:8787/?clients=1&objects=1&writes=1"; do sleep 0.1; done

measure() { # clients objects writes
    local url="http://127.0.0.1:8787/?clients=$1&objects=$2&writes=$3" rates=()
    # Once, so that all objects exist.
    curl --silent --fail --output /dev/null "http://127.0.0.1:8787/?clients=$1&objects=$2&writes=$2"
    for _ in 1 2 3 4 5; do
        local began ended done
        began="$(date +%s%N)"
        done="$(curl --silent --fail "$url")"
        ended="$(date +%s%N)"
        rates+=("$((done * 1000000000 / (ended - began)))")
    done
    printf '%s clients of %s objects: %s writes/s (median of 5)\n' "$1" "$2" \
        "$(printf '%s\n' "${rates[@]}" | sort -n | sed -n 3p)"
}

measure 1 1 1000
measure 32 1 4000
measure 256 1 4000
measure 256 1000 4000
# 10,000 objects would need 30,000 open files.
