#!/bin/sh
# Builds the web UI into ui/dist when Node is there and a source is newer than the last build.
#
# Without Node the server is built all the same, and its UI port serves a page that says how to build the UI.
set -eu
cd "$(dirname "$0")/.."

if ! command -v npm >/dev/null; then
    echo "ui: left out, Node is not installed; the server will say how to build it"
    exit 0
fi
if [ ! -e ui/node_modules/.package-lock.json ] || [ ui/package-lock.json -nt ui/node_modules/.package-lock.json ]; then
    npm --prefix ui ci --no-audit --no-fund --loglevel=error
    # npm keeps the lock file's own time; the comparison above wants the time of the install.
    touch ui/node_modules/.package-lock.json
fi
if [ ! -e ui/dist/index.html ] || [ -n "$(find ui -path ui/node_modules -prune -o -path ui/dist -prune -o -type f -newer ui/dist/index.html -print -quit)" ]; then
    npm --prefix ui run build
fi
