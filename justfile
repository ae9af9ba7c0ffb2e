# Commands for people who work on the program. `just` lists them.

_default:
    @just --list

# Deploy to the simulator and show the output.
demo:
    cargo run --example demo

# Run all tests.
test:
    cargo test --workspace --locked

# Run everything that CI runs.
check:
    .ci/run

# Rewrite the files that tests generate.
bless:
    BLESS=1 cargo test --test contract --locked
    INSTA_UPDATE=always cargo test --test cli --locked snapshots

# Judge program and simulator by Sevalla's OpenAPI DOCUMENT: prism, schemathesis (npm, pip).
judges DOCUMENT:
    .ci/contract {{DOCUMENT}}

# Make the facts of Sevalla's contract from a DOCUMENT, its OpenAPI document.
facts DOCUMENT:
    SEVALLA_OPENAPI="$(realpath {{DOCUMENT}})" FACTS=write cargo test --test contract --locked facts::drift

# Compare the facts of Sevalla's contract with a DOCUMENT, a path or an address.
drift DOCUMENT:
    .ci/drift {{DOCUMENT}}

# Generate COUNT reports of the doctor from private values, and all pairs of its questions.
doctor COUNT="10000":
    DOCTOR_REPORTS={{COUNT}} cargo test --lib --locked no_report_has_a_private_value
    DOCTOR_PAIRS=all cargo test --test cli --locked the_doctor_names_exactly_what_differs

# Measure: polling, whole process, sanitizer, diagnosis, journal.
bench:
    cargo bench --bench pace
    cargo bench --bench process
    cargo bench --bench sanitizer
    cargo bench --bench diagnosis
    cargo bench --bench journal

# Run the action by act and the GitLab component by gitlab-ci-local (containers).
action:
    .ci/action-test

# Run the program under engines that retry: act, gitlab-ci-local, Restate (no containers).
engines:
    .ci/engines

# Kill the program at each system call that can matter, and start it again (strace).
kills:
    cargo build --locked --workspace --bins
    .ci/kill-points target/debug/sevalla-deploy target/debug/sevalla-simulator

# Make a whole release of a throw-away clone (root, buildah, skopeo, docker-registry).
rehearse:
    .ci/release/rehearse "$(.ci/release/build "$(uname -m)-unknown-linux-musl")"

# Run the tests of the built program RUNS times while all cores are busy.
busy RUNS="10":
    #!/usr/bin/env bash
    set -euo pipefail
    trap 'kill $(jobs -p)' EXIT
    for _ in $(seq "$(nproc)"); do (while :; do :; done) & done
    for _ in $(seq {{RUNS}}); do cargo test --locked --test cli --test hostile --test client; done

# Play CASES random stacks with faults, GRAPHS for their time, and pairs of pull requests.
stacks CASES="10000" GRAPHS="1000":
    STACK_CASES={{CASES}} STACK_GRAPHS={{GRAPHS}} cargo test --release --test stack
    PREVIEW_CASES=500 cargo test --release --test preview_stacks
    STACK_HISTORIES=500 cargo test --lib a_service_is_skipped_only_if

# Fuzz every target for SECONDS (needs nightly and cargo-fuzz).
fuzz SECONDS="60":
    .ci/fuzz {{SECONDS}}

# Play CASES random scenarios of the model with SEED.
model SEED CASES="10000":
    MODEL_SEED={{SEED}} MODEL_CASES={{CASES}} cargo test --release --test model

# Make the pictures in docs/images from real runs (the page needs chromium).
pictures:
    cargo build --locked
    cargo run --locked --example pictures
