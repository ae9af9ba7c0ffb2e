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

# Measure: polling, whole process, sanitizer.
bench:
    cargo bench --bench pace
    cargo bench --bench process
    cargo bench --bench gate

# Run the action by act and the GitLab component by gitlab-ci-local (containers).
action:
    .ci/action-test

# Fuzz every target for SECONDS (needs nightly and cargo-fuzz).
fuzz SECONDS="60":
    for target in fuzz/targets/*.rs; do \
        cargo +nightly fuzz run "$(basename "$target" .rs)" -- -max_total_time={{SECONDS}} || exit 1; \
    done

# Play CASES random scenarios of the model with SEED.
model SEED CASES="10000":
    MODEL_SEED={{SEED}} MODEL_CASES={{CASES}} cargo test --release --test model
