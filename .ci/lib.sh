# shellcheck shell=bash
# What .ci/run and .ci/nightly share: sourced, never run.

set -euo pipefail
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/evenkeel-ci"
export CI=true
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"
export RUST_BACKTRACE=1
# Nothing is installed into the system, whoever runs this.
export PIP_ROOT_USER_ACTION=ignore
mkdir -p "$cache" "$CARGO_TARGET_DIR"

step_name="before the first step"
step_start=$SECONDS

# step NAME COMMAND [ARGS...]: prints a heading, runs the command, prints how long it took.
step() {
    step_name=$1
    step_start=$SECONDS
    shift
    printf '\n=== %s\n' "$step_name"
    "$@"
    printf -- '--- %s: ok, %d s\n' "$step_name" "$((SECONDS - step_start))"
}

# run COMMAND [ARGS...]: shows the command before it runs.
run() {
    printf '+ %s\n' "$*"
    "$@"
}

# Says at the end what became of it all; installed as the EXIT trap, so `set -e` stays in force inside steps.
conclude() {
    local code=$?
    if [ "$code" -eq 0 ]; then
        printf '\n=== all steps passed in %d s\n' "$SECONDS"
    else
        printf '\n=== FAILED in "%s" (exit %d) after %d s; the steps after it did not run\n' \
            "$step_name" "$code" "$((SECONDS - step_start))" >&2
    fi
}
trap conclude EXIT
# A run that was stopped has not passed, whatever its last command said.
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# The README's command that starts with $1, so that what newcomers type is what is checked.
readme_command() {
    local found
    found=$(awk '/^```/ { if (inside) exit; inside = 1; next } inside' README.md | grep -F -- "$1" || true)
    if [ -z "$found" ]; then
        printf 'README.md opens with no command that starts with "%s"\n' "$1" >&2
        return 1
    fi
    printf '%s\n' "$found"
}

run_readme_command() {
    local command
    command=$(readme_command "$1")
    # shellcheck disable=SC2086 # the README's command is plain words
    run $command
}

show_tools() {
    run cargo --version
    run cargo clippy --version
    run cargo fmt --version
    run python3 --version
}

# Packages of every platform: the checks of licences and of the MSRV see all of Cargo.lock, and a stale lock file is found here.
fetch() {
    run cargo fetch --locked
}
