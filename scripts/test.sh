#!/usr/bin/env bash
# Everything that CI runs, in stages; `make test` calls it.
#
# A stage that fails does not stop the others (only those that need what it makes), so one run shows all that is
# wrong. Ends with one line `N passed, N failed` over all suites; a stage without counted tests counts as one.
#
# Settings, all optional:
#   BELLROCK_TARGET_DIR  where cargo builds; with CI=true and this unset, a cache folder outside the checkout
#   STAGES               only these, as in `STAGES="install build clients" make test`
set -u -o pipefail
cd "$(dirname "$0")/.."
. scripts/test/stages.sh
. scripts/test/install.sh
. scripts/test/suites.sh

choose_target_dir

stage install install_all
if have_ui; then
    stage ui-build  ui_build
    stage ui-check  ui_check
    stage ui-test   ui_test
    stage ui-size   ui_size
fi
stage format    cargo fmt --all --check
stage tidy      cargo xtask tidy
stage clippy    cargo clippy --workspace --all-targets --quiet -- -D warnings
stage rust      cargo test --workspace --quiet --no-fail-fast
stage build     build_binary
if have_ui; then
    stage journeys needs_binary ui_journeys
fi
stage clients   needs_python client_tests
stage durability needs_python durability_tests

finish
