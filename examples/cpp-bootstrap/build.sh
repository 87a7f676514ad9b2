#!/bin/sh
# Makes build/bootstrap: one static program that runs on provided.al2023, here and on AWS.
set -eu
cd "$(dirname "$0")"
mkdir -p build
exec "${CXX:-c++}" -std=c++20 -O2 -Wall -Wextra -static -o build/bootstrap bootstrap.cpp
