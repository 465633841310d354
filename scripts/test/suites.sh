# The suites that are more than one command; sourced by scripts/test.sh.

ui_build() { npm --prefix ui run --silent build; }
ui_check() { npm --prefix ui run --silent check; }
ui_test() { npm --prefix ui run --silent test; }
ui_size() { npm --prefix ui run --silent size; }

# Whole ways through the UI in Chromium over the server that was built; (f), which takes minutes, runs with `npm run journeys -- f`.
ui_journeys() {
    CHROMIUM=$(chromium_path) || return "$LEFT_OUT"
    export CHROMIUM
    npm --prefix ui run --silent journeys -- a b c d e g
}

# With the workspace's features, so that what `cargo test` built is used again.
build_binary() { cargo build --workspace --bins --quiet; }

needs_binary() {
    export BELLROCK_BIN="${BELLROCK_BIN:-$(cd "$TARGET_DIR" 2>/dev/null && pwd)/debug/bellrock}"
    if [ ! -x "$BELLROCK_BIN" ]; then
        echo "the server was not built: $BELLROCK_BIN is missing"
        return 1
    fi
    "$@"
}

# Left out and said so in the install stage.
needs_python() {
    [ -x .venv/bin/python ] || return "$LEFT_OUT"
    needs_binary "$@"
}

client_tests() {
    BELLROCK_CHROMIUM=$(chromium_path) || BELLROCK_CHROMIUM=""
    export BELLROCK_CHROMIUM
    .venv/bin/python -m pytest tests/clients -q -rfEs
}

durability_tests() { .venv/bin/python -m pytest tests/durability -q -rfEs -s; }
