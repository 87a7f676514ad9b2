#!/usr/bin/env bash
# Starts examples/quickstart, sends the requests of its README, shows the answers and why, and leaves the server running until Ctrl-C
# (or stops at once with --once).
set -euo pipefail
cd "$(dirname "$0")/.."
address=${SALLYPORT_LISTEN:-127.0.0.1:4566}

if curl -fsS "http://$address/_sallyport/health" >/dev/null 2>&1; then
  echo "quickstart: a server listens on $address already; stop it, or set SALLYPORT_LISTEN=HOST:PORT" >&2
  exit 1
fi
build/release/sallyport up examples/quickstart --listen "$address" &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null' EXIT
until curl -fsS "http://$address/_sallyport/health" >/dev/null 2>&1; do
  kill -0 $server 2>/dev/null || { echo "quickstart: the server did not start" >&2; exit 1; }
  read -rt 0.05 <> <(:) || true
done
url=$(curl -fsS "http://$address/_sallyport/routes" | python3 -c 'import json, sys; print(json.load(sys.stdin)["routes"][0]["url"])')

call() {
  echo
  echo "\$ curl -X POST $url $*"
  curl -sS -i -X POST "$url" -H 'Content-Type: application/json' -d '{"key1": "value1"}' "$@" | tr -d '\r'
  echo
}
call -H 'Authorization: valid-token-1'
call
call -H 'Authorization: wrong'
id=$(curl -sS -o /dev/null -D - -X POST "$url" -H 'Authorization: wrong' | tr -d '\r' | sed -n 's/^x-amzn-RequestId: //p')
echo
echo "\$ sallyport explain $id"
build/release/sallyport explain "$id" --endpoint "http://$address"
[ "${1:-}" = --once ] && exit 0
echo
echo "The server goes on at http://$address; stop it with Ctrl-C."
wait $server
