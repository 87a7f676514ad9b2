#!/usr/bin/env bash
# setup.sh [build] [test] [bench]: installs the Debian packages that are missing, and nothing when none is.
set -euo pipefail

build=(clang-19 llvm-19 cmake ninja-build mold python3 ca-certificates curl
  libuv1-dev libssl-dev libnghttp2-dev libyaml-dev libzip-dev zlib1g-dev libsimdjson-dev libre2-dev libsqlite3-dev libsodium-dev)
# make to libtool: aws-lambda-ric is compiled when it is installed.
test=(libclang-rt-19-dev clang-format-19 libgtest-dev libgmock-dev python3-pytest git bubblewrap make g++ autoconf automake libtool)
bench=(nginx-light wrk haproxy nghttp2-client libbenchmark-dev procps)
# A runtime found on the PATH is as good as Debian's.
command -v node >/dev/null || { test+=(nodejs) && bench+=(nodejs); }
command -v npm >/dev/null || test+=(npm)
python3 -c 'import pip' 2>/dev/null || test+=(python3-pip)
python3 -c 'import boto3' 2>/dev/null || test+=(python3-boto3)
# Version 2 of the aws command line; version 1 is tested where it is there.
[ -x /usr/bin/aws ] || test+=(awscli)
command -v nginx >/dev/null && bench=("${bench[@]/nginx-light}")
command -v ccache >/dev/null || build+=(ccache)

wanted=()
for group in "$@"; do
  declare -n packages=$group
  wanted+=("${packages[@]}")
done
missing=()
for package in "${wanted[@]}"; do
  [ -n "$package" ] || continue
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: these packages are missing and there is no sudo: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
