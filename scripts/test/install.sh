# Looks for the tools that the suites need and installs what it may; sourced by scripts/test.sh.
#
# Rust is needed; without Node, Python or Chromium their suites are left out, and said so.

CACHE_MAX_KIB=$((16 * 1024 * 1024))
PYTHON_NEEDS=tests/requirements.txt
PYTHON_NEEDS_JAEGER=tests/requirements-jaeger.txt
JAVASCRIPT=tests/clients/javascript

# Build output outside the checkout, so that a fresh clone does not build the dependencies again.
choose_target_dir() {
    local cache="${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}"
    if [ -n "${BELLROCK_TARGET_DIR:-}" ]; then
        export CARGO_TARGET_DIR="$BELLROCK_TARGET_DIR"
    elif [ "${CI:-}" = true ] && [ -n "$cache" ] && mkdir -p "$cache/bellrock/target" 2>/dev/null; then
        export CARGO_TARGET_DIR="$cache/bellrock/target" CARGO_INCREMENTAL=0
        # Each checkout adds its own crates to the cache; past the limit it starts afresh.
        if [ "$(du -sk "$CARGO_TARGET_DIR" | cut -f1)" -gt "$CACHE_MAX_KIB" ]; then
            rm -rf "$CARGO_TARGET_DIR"
        fi
    fi
    TARGET_DIR="${CARGO_TARGET_DIR:-target}"
    export CARGO_TERM_COLOR=never
}

have() { command -v "$1" >/dev/null 2>&1; }
have_ui() { have npm && [ -e ui/package.json ]; }

chromium_path() {
    local name
    for name in ${BELLROCK_CHROMIUM:-} chromium chromium-browser google-chrome; do
        command -v "$name" && return
    done
    return 1
}

install_all() {
    have cargo || { echo "cargo is missing: install Rust first"; return 1; }
    install_packages
    install_javascript || return
    install_python
}

# Debian packages, when this may install them.
install_packages() {
    local wanted=()
    have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3 python3-venv)
    chromium_path >/dev/null || wanted+=(chromium)
    have prometheus && have promtool || wanted+=(prometheus)
    have prometheus-alertmanager && have amtool || wanted+=(prometheus-alertmanager)
    have curl || wanted+=(curl)
    have openssl || wanted+=(openssl)
    # What receivers ask; their tests start servers of their own.
    have redis-server && have redis-cli || wanted+=(redis-server redis-tools)
    have nginx || wanted+=(nginx-light)
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || wanted+=(postgresql)
    # Beside which receivers are asked the same.
    local exporter
    for exporter in node postgres redis nginx; do
        have "prometheus-$exporter-exporter" || wanted+=("prometheus-$exporter-exporter")
    done
    if [ ${#wanted[@]} -gt 0 ] && have apt-get && [ "$(id -u)" -eq 0 ]; then
        echo "installing ${wanted[*]}"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}"; } \
            >"$LOGS/apt.log" 2>&1 || tail -5 "$LOGS/apt.log"
    fi
    chromium_path >/dev/null || left_out "browser and UI tests (no chromium)"
    have prometheus && have promtool || left_out "comparisons with a real Prometheus (no prometheus)"
    have amtool || left_out "tests with a real amtool (no prometheus-alertmanager)"
    have npm || left_out "the UI, Node and browser tests (no Node)"
    return 0
}

install_javascript() {
    have npm || return 0
    if [ -e ui/package.json ]; then npm_ci ui || return; fi
    npm_ci "$JAVASCRIPT"
}

npm_ci() {
    echo "npm ci in $1"
    (cd "$1" && npm ci --no-audit --no-fund --loglevel=error) && touch "$1/node_modules/.package-lock.json"
}

install_python() {
    if ! have python3; then
        left_out "client and durability tests (no Python)"
        return 0
    fi
    if ! python3 -m venv .venv; then
        left_out "client and durability tests (Python has no venv)"
        return 0
    fi
    echo "pip install -r $PYTHON_NEEDS"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$PYTHON_NEEDS" || return
    # Without it one client of 2023 is left out, and its test says so.
    python3 -m venv .venv-jaeger \
        && .venv-jaeger/bin/python -m pip install --quiet --disable-pip-version-check -r "$PYTHON_NEEDS_JAEGER" \
        || { rm -rf .venv-jaeger; left_out "the gRPC exporter of Jaeger (its old packages cannot be installed)"; }
}
