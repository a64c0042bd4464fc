#!/usr/bin/env bash
# Parallel Consumer, built by Maven into build/parallel_consumer; where that cannot be done it is left out of the
# benchmark, with build/parallel_consumer.log as the reason.
set -uo pipefail
cd "$(dirname "$0")"
folder=../../../build/parallel_consumer

[ -e "$folder/.set-up" ] && [ -z "$(find pom.xml src -type f -newer "$folder/.set-up")" ] && exit 0
rm -rf "$folder"
mkdir -p "$folder"
if mvn -q -B compile > "$folder.log" 2>&1; then
    touch "$folder/.set-up"
else
    echo "left out: Parallel Consumer, see build/parallel_consumer.log" >&2
fi
