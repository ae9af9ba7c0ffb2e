//! A machine that leaves the main thread little stack (`ulimit -s 64`).

use sevalla_simulator::Script;

use crate::harness::{Runner, application};

#[tokio::test]
async fn a_run_needs_no_more_stack_than_64_kilobytes_of_the_main_thread() {
    let simulator = application(Script::success()).await;
    let runner = Runner::deploys_app(&simulator);
    let folder = tempfile::tempdir().unwrap();
    let run = tokio::process::Command::new("prlimit")
        .arg("--stack=65536:65536")
        .arg(env!("CARGO_BIN_EXE_sevalla-deploy"))
        .env_clear()
        .envs(runner.variables())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .current_dir(folder.path())
        .kill_on_drop(true)
        .output()
        .await;
    let run = match run {
        Ok(run) => run,
        // Not Linux, or without util-linux.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => panic!("{error}"),
    };
    let told = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{told}");
}
