# Runs stages, keeps their output, times and counts; sourced by scripts/test.sh.

LOGS=$(mktemp -d "${TMPDIR:-/tmp}/bellrock-test.XXXXXX")
STAGE_LIMIT_S=1800
# What a stage exits with when its tools are missing (the convention of automake's test driver).
LEFT_OUT=77
PASSED=0
FAILED=0
SUMMARY=""
FAILED_STAGES=""

# left_out <what and why>: said once at the end, on one line.
left_out() { printf '%s\n' "$1" >>"$LOGS/left-out"; }

# stage <name> <command..>: output is shown and kept; the command runs in this shell, so functions work.
stage() {
    local name=$1 started ended status passed failed
    shift
    if [ -n "${STAGES:-}" ] && ! [[ " $STAGES " == *" $name "* ]]; then return 0; fi
    printf '\n== %s\n' "$name"
    started=$(date +%s)
    run_limited "$@" 2>&1 | tee "$LOGS/$name.log"
    status=${PIPESTATUS[0]}
    ended=$(date +%s)
    passed=$(count_tests "$LOGS/$name.log" passed)
    failed=$(count_tests "$LOGS/$name.log" failed)
    if [ "$status" -eq "$LEFT_OUT" ]; then
        printf '== %s left out\n' "$name"
    elif [ "$status" -ne 0 ]; then
        [ "$failed" -eq 0 ] && failed=1
        FAILED_STAGES="$FAILED_STAGES $name"
        printf '== %s FAILED (exit %s)\n' "$name" "$status"
    elif [ "$passed" -eq 0 ] && [ "$failed" -eq 0 ]; then
        passed=1
    fi
    PASSED=$((PASSED + passed))
    FAILED=$((FAILED + failed))
    SUMMARY="$SUMMARY$(printf '%-12s %5ss  %5s passed  %3s failed' "$name" $((ended - started)) "$passed" "$failed")"$'\n'
}

# A hanging suite must not hang the run: its whole process group is ended at the limit.
run_limited() {
    set -m
    ("$@") </dev/null &
    local child=$! watcher status
    (sleep "$STAGE_LIMIT_S" && echo "stopped after ${STAGE_LIMIT_S}s" && kill -TERM -- -"$child" 2>/dev/null) >/dev/null 2>&1 &
    watcher=$!
    # A group of its own does not hear Ctrl-C.
    trap 'kill -TERM -- -"$child" -"$watcher" 2>/dev/null; exit 130' INT TERM
    wait "$child"
    status=$?
    kill -0 "$watcher" 2>/dev/null || echo "stopped after $STAGE_LIMIT_S s"
    kill -TERM -- -"$watcher" 2>/dev/null
    wait "$watcher" 2>/dev/null
    set +m
    return "$status"
}

# Sums the closing lines of cargo test, pytest, vitest and the journeys.
count_tests() {
    sed 's/\x1b\[[0-9;]*m//g' "$1" | awk -v want="$2" '
        /^test result: / || /^=+ .*(passed|failed|error|skipped).* in [0-9.]+s/ || /^[0-9]+ (passed|failed|error).* in [0-9.]+s/ || /^ *Tests  / || /^[0-9]+ passed, [0-9]+ failed$/ {
            gsub(/[,;|()=]/, " ")
            for (i = 2; i <= NF; i++) {
                word = $i
                if (word ~ /^errors?$/) word = "failed"
                if (word == want && $(i - 1) ~ /^[0-9]+$/) sum += $(i - 1)
            }
        }
        END { print sum + 0 }'
}

finish() {
    printf '\n== summary\n%s' "$SUMMARY"
    [ -e "$LOGS/left-out" ] && printf 'left out: %s\n' "$(paste -s -d ';' "$LOGS/left-out" | sed 's/;/; /g')"
    [ -n "$FAILED_STAGES" ] && printf 'failed:%s\n' "$FAILED_STAGES"
    printf 'time: %ss\n' "$SECONDS"
    rm -rf "$LOGS"
    if [ $((PASSED + FAILED)) -eq 0 ]; then
        echo "no stage was run; STAGES names none that exists"
        exit 1
    fi
    printf '%s passed, %s failed\n' "$PASSED" "$FAILED"
    [ "$FAILED" -eq 0 ]
    exit
}
