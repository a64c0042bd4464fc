#!/usr/bin/env bash
# The peers' own environments; one that cannot be made is left out of the benchmark, with this file's log as the reason.
#   environments.sh PYTHON
set -uo pipefail
python=$1

make_one() { # FOLDER PACKAGES...
    local folder=$1
    shift
    [ -e "$folder/.set-up" ] && return
    if "$python" -m venv "$folder" && "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@" \
            > "$folder.log" 2>&1; then
        touch "$folder/.set-up"
    else
        echo "left out: $folder, see $folder.log" >&2
        rm -rf "$folder"
    fi
}

make_one .venv-quix quixstreams==3.28.1 fastavro orjson requests
make_one .venv-faust faust-streaming==0.15.3 aiokafka==0.14.0 cramjam aiohttp fastavro orjson
bash "$(dirname "$0")/parallel_consumer/build.sh"
