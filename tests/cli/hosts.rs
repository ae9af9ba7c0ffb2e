//! On every host but GitHub, in an environment as it makes one: the log folds,
//! the failure is marked, and outputs and summary arrive where the host looks
//! for them.

use std::collections::BTreeMap;
use std::time::Duration;

use sevalla_simulator::Script;

use crate::harness::{APP, Finished, Runner, application, called, stopped, together};
use crate::readers::{self, Command};

const COMMIT: &str = "1234567890abcdef1234567890abcdef12345678";

/// A host as a run sees it.
#[derive(Clone, Copy)]
struct Host {
    variables: &'static [(&'static str, &'static str)],
    /// Variables that name something in the run's folder.
    paths: &'static [(&'static str, &'static str)],
    /// The outputs as the host or a later step reads them.
    outputs: fn(&Finished) -> BTreeMap<String, String>,
    /// What stands before the log and after it, in the order of the stream.
    fold: fn(&Finished) -> Option<[usize; 2]>,
    /// How the name of an output begins there.
    prefix: &'static str,
}

const AZURE: Host = Host {
    variables: &[
        ("TF_BUILD", "True"),
        ("BUILD_BUILDID", "42"),
        ("BUILD_SOURCEVERSION", COMMIT),
        ("BUILD_SOURCEBRANCH", "refs/heads/main"),
        (
            "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI",
            "https://dev.azure.com/acme/",
        ),
        ("SYSTEM_TEAMPROJECT", "shop"),
    ],
    paths: &[("AGENT_TEMPDIRECTORY", ".")],
    outputs: |run| {
        let commands = commands(run, readers::azure).into_iter();
        commands
            .map(|(_, command)| command)
            .filter(|command| command.name == "task.setvariable")
            .inspect(|command| assert_eq!(command.properties["isoutput"], "true"))
            .map(|command| (command.properties["variable"].clone(), command.data))
            .collect()
    },
    fold: |run| {
        let commands = commands(run, readers::azure);
        Some(["group", "endgroup"].map(|name| line_of(&commands, name)))
    },
    prefix: "SEVALLA_OUT_",
};

const TEAMCITY: Host = Host {
    variables: &[
        ("TEAMCITY_VERSION", "2025.07.1 (build 197312)"),
        ("BUILD_NUMBER", "42"),
        ("BUILD_VCS_NUMBER", COMMIT),
    ],
    paths: &[],
    outputs: |run| {
        let commands = commands(run, readers::teamcity).into_iter();
        commands
            .map(|(_, command)| command.properties)
            .filter_map(|mut message| Some((message.remove("name")?, message.remove("value")?)))
            .collect()
    },
    fold: |run| {
        let commands = commands(run, readers::teamcity);
        Some(["blockOpened", "blockClosed"].map(|name| line_of(&commands, name)))
    },
    prefix: "env.SEVALLA_OUT_",
};

const GITLAB: Host = Host {
    variables: &[
        ("GITLAB_CI", "true"),
        ("CI", "true"),
        ("CI_COMMIT_SHA", COMMIT),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_JOB_URL", "https://gitlab.example/acme/shop/-/jobs/42"),
        ("SEVALLA_OUTPUT_FILE", "deploy.env"),
        ("SEVALLA_LINKS_FILE", "links.json"),
    ],
    paths: &[],
    outputs: |run| readers::dotenv(&run.file("deploy.env").unwrap()).unwrap(),
    fold: |run| {
        let (sections, _) = readers::gitlab(&run.stderr);
        assert_eq!(sections.len(), 2, "{}", run.stderr);
        assert!(sections[0].is_start && !sections[1].is_start);
        assert_eq!(sections[0].name, sections[1].name);
        assert_eq!(sections[0].options, "collapsed=true");
        assert!(sections[0].time > 1_700_000_000 && sections[1].time >= sections[0].time);
        let at = |mark: &str| run.stderr.lines().position(|line| line.contains(mark));
        Some([at("section_start:").unwrap(), at("section_end:").unwrap()])
    },
    prefix: "SEVALLA_OUT_",
};

const BITBUCKET: Host = Host {
    variables: &[
        ("CI", "true"),
        ("BITBUCKET_BUILD_NUMBER", "42"),
        ("BITBUCKET_COMMIT", COMMIT),
        ("BITBUCKET_BRANCH", "main"),
        ("BITBUCKET_REPO_FULL_NAME", "acme/shop"),
    ],
    paths: &[
        ("BITBUCKET_PIPELINES_VARIABLES_PATH", "variables"),
        ("BITBUCKET_PIPE_SHARED_STORAGE_DIR", "."),
    ],
    outputs: |run| {
        let given = run.file("variables").unwrap();
        let shared = run.file("sevalla-deploy/outputs.env");
        assert_eq!(shared.as_ref(), Some(&given));
        readers::list(&given).unwrap()
    },
    fold: |_| None,
    prefix: "SEVALLA_OUT_",
};

const CIRCLECI: Host = Host {
    variables: &[
        ("CI", "true"),
        ("CIRCLECI", "true"),
        ("CIRCLE_SHA1", COMMIT),
        ("CIRCLE_BRANCH", "main"),
    ],
    paths: &[("BASH_ENV", "bash-env")],
    outputs: |run| readers::bash(&run.file("bash-env").unwrap()).unwrap(),
    fold: |_| None,
    prefix: "SEVALLA_OUT_",
};

const JENKINS: Host = Host {
    variables: &[
        ("JENKINS_URL", "https://ci.example/"),
        ("BUILD_ID", "42"),
        ("GIT_COMMIT", COMMIT),
        ("SEVALLA_OUTPUT_FILE", "deploy.properties"),
    ],
    paths: &[],
    outputs: |run| readers::properties(&run.file("deploy.properties").unwrap()).unwrap(),
    fold: |_| None,
    prefix: "",
};

const WOODPECKER: Host = Host {
    variables: &[
        ("CI", "woodpecker"),
        ("CI_COMMIT_SHA", COMMIT),
        ("CI_COMMIT_BRANCH", "main"),
        ("PLUGIN_OUTPUT_FILE", "deploy.json"),
    ],
    paths: &[],
    outputs: |run| serde_json::from_str(&run.file("deploy.json").unwrap()).unwrap(),
    fold: |_| None,
    prefix: "",
};

const DRONE: Host = Host {
    variables: &[
        ("CI", "true"),
        ("DRONE", "true"),
        ("DRONE_COMMIT_SHA", COMMIT),
        ("PLUGIN_OUTPUT_FILE", "deploy.json"),
    ],
    ..WOODPECKER
};

const BUILDKITE: Host = Host {
    variables: &[
        ("CI", "true"),
        ("BUILDKITE", "true"),
        ("BUILDKITE_COMMIT", COMMIT),
        ("BUILDKITE_BRANCH", "main"),
        ("BUILDKITE_JOB_ID", "0190c3b2-7d4e-4f5a-8b6c-9d0e1f2a3b4c"),
        ("BUILDKITE_STEP_ID", "0190c3b2-0000-4f5a-8b6c-9d0e1f2a3b4c"),
        ("BUILDKITE_AGENT_ACCESS_TOKEN", "bkaj_x"),
    ],
    paths: &[],
    outputs: Finished::outputs,
    fold: |run| {
        let at = |text: &str| run.stderr.lines().position(|line| line == text);
        Some([at("--- Log of the deployment")?, at("+++ Sevalla")?])
    },
    prefix: "",
};

const HOSTS: [Host; 9] = [
    AZURE, TEAMCITY, GITLAB, BITBUCKET, CIRCLECI, JENKINS, WOODPECKER, DRONE, BUILDKITE,
];

impl Host {
    fn on(&self, mut runner: Runner) -> Runner {
        for (name, value) in self.variables {
            runner = runner.set(*name, *value);
        }
        for (name, file) in self.paths {
            let path = runner.path(file);
            runner = runner.set(*name, path);
        }
        runner
    }

    fn output(&self, run: &Finished, name: &str) -> String {
        let outputs = (self.outputs)(run);
        let name = match self.prefix {
            "" => name.to_owned(),
            prefix => format!("{prefix}{}", name.to_uppercase().replace('-', "_")),
        };
        let output = outputs.get(&name).cloned();
        output.unwrap_or_else(|| panic!("no {name} in {outputs:?}\n{}", run.streams()))
    }
}

/// The commands on the output with their lines.
fn commands(run: &Finished, read: fn(&str) -> Option<Command>) -> Vec<(usize, Command)> {
    let lines = run.stdout.lines().enumerate();
    lines
        .filter_map(|(number, line)| Some((number, read(line)?)))
        .collect()
}

fn line_of(commands: &[(usize, Command)], name: &str) -> usize {
    let mut found = commands.iter().filter(|(_, command)| command.name == name);
    let (line, _) = found.next().expect("the command is there");
    assert_eq!(found.next(), None, "{name} twice");
    *line
}

/// A deployment of the commit that the host names, with a log.
fn of_the_commit(script: Script) -> Script {
    script
        .commit_sha(COMMIT)
        .log_line(Duration::from_millis(10), "INFO", "building it")
}

#[tokio::test]
async fn a_success_arrives_on_every_host() {
    together(HOSTS.into_iter().map(|host| async move {
        let simulator = application(of_the_commit(Script::success())).await;
        let run = host.on(Runner::deploys_app(&simulator)).run().await;
        assert_eq!(run.code, Some(0), "{}", run.streams());
        assert_eq!(host.output(&run, "outcome"), "success");
        let id = simulator.deployments(APP)[0].id.clone();
        assert_eq!(host.output(&run, "deployment-id"), id);
        assert!(host.output(&run, "url").starts_with("https://"));
        (host.fold)(&run);
    }))
    .await;
}

#[tokio::test]
async fn a_failure_arrives_on_every_host_and_its_log_is_folded() {
    together(HOSTS.into_iter().map(|host| async move {
        let simulator = application(of_the_commit(Script::failed())).await;
        let run = host.on(Runner::deploys_app(&simulator)).run().await;
        assert_eq!(run.code, Some(1), "{}", run.streams());
        assert_eq!(host.output(&run, "outcome"), "failed");
        let Some([open, close]) = (host.fold)(&run) else {
            return;
        };
        // Azure and TeamCity have one stream.
        let is_one = run.stderr.is_empty();
        let stream = if is_one { &run.stdout } else { &run.stderr };
        let at = |text: &str| stream.lines().position(|line| line.contains(text)).unwrap();
        let log = at("building it");
        assert!(open < log && log < close, "{stream}");
        assert!(at("Outcome: failed (exit code 1)") > close, "{stream}");
    }))
    .await;
}

#[tokio::test]
async fn a_cancelled_job_arrives_on_every_host() {
    together(HOSTS.into_iter().map(|host| async move {
        let simulator = application(Script::success().never_ends()).await;
        let running = host.on(Runner::deploys_app(&simulator)).start();
        called(&simulator, "getDeploymentV3").await;
        let run = stopped(running, "TERM").await;
        assert_eq!(run.code, Some(143), "{}", run.streams());
        assert_eq!(host.output(&run, "outcome"), "interrupted");
        assert_eq!(host.output(&run, "status"), "cancelled");
    }))
    .await;
}

#[tokio::test]
async fn azure_is_told_secrets_failures_and_the_summary() {
    let simulator = application(of_the_commit(Script::failed())).await;
    let run = AZURE.on(Runner::deploys_app(&simulator)).run().await;
    let commands: Vec<Command> = commands(&run, readers::azure)
        .into_iter()
        .map(|(_, command)| command)
        .filter(|command| command.name != "task.setvariable")
        .collect();
    let names: Vec<&str> = commands
        .iter()
        .map(|command| command.name.as_str())
        .collect();
    let expected = ["group", "endgroup", "task.logissue", "task.uploadsummary"];
    assert_eq!(names, expected, "{}", run.stdout);
    assert_eq!(commands[2].properties["type"], "error");
    assert!(commands[2].data.contains("failed"), "{}", commands[2].data);
    let summary = std::fs::read_to_string(&commands[3].data).unwrap();
    assert!(summary.contains("failed"), "{summary}");
    assert_eq!(run.stderr, "");
    // Not every text is a value that Azure leaves as it is, but this one is.
    let error = AZURE.output(&run, "error");
    assert!(error.contains('\n') && error.contains("failed"), "{error}");
}

#[tokio::test]
async fn teamcity_is_told_the_problem_of_the_build() {
    let simulator = application(of_the_commit(Script::failed())).await;
    let run = TEAMCITY.on(Runner::deploys_app(&simulator)).run().await;
    let commands: Vec<Command> = commands(&run, readers::teamcity)
        .into_iter()
        .map(|(_, command)| command)
        .filter(|command| command.name != "setParameter")
        .collect();
    let names: Vec<&str> = commands
        .iter()
        .map(|command| command.name.as_str())
        .collect();
    assert_eq!(names, ["blockOpened", "blockClosed", "buildProblem"]);
    let problem = &commands[2].properties["description"];
    assert!(problem.contains("failed"), "{problem}");
    assert_eq!(run.stderr, "");
}

#[tokio::test]
async fn gitlab_gets_a_link_to_what_was_deployed() {
    let simulator = application(of_the_commit(Script::success())).await;
    let run = GITLAB.on(Runner::deploys_app(&simulator)).run().await;
    let links: serde_json::Value = serde_json::from_str(&run.file("links.json").unwrap()).unwrap();
    let link = &links["Sevalla"][0]["external_link"];
    assert_eq!(link["url"], GITLAB.output(&run, "url"));
    assert!(!link["label"].as_str().unwrap().is_empty());
    // The output still goes where a program may parse it.
    assert_eq!(run.output("outcome"), "success");

    let simulator = application(of_the_commit(Script::failed())).await;
    let run = GITLAB.on(Runner::deploys_app(&simulator)).run().await;
    assert_eq!(run.code, Some(1), "{}", run.streams());
    // It has lines, and stands in the log.
    assert!(
        !run.file("deploy.env")
            .unwrap()
            .contains("SEVALLA_OUT_ERROR")
    );
    assert!(!run.streams().contains("Left out of"), "{}", run.streams());
    assert_eq!(
        run.file("links.json").as_deref(),
        Some("{\"Sevalla\":[]}\n")
    );
}

#[tokio::test]
async fn a_file_of_outputs_that_cannot_be_written_is_a_warning() {
    let simulator = application(of_the_commit(Script::success())).await;
    let runner = Runner::deploys_app(&simulator).set("SEVALLA_OUTPUT_FILE", "nowhere/deploy.env");
    std::fs::write(runner.path("nowhere"), "").unwrap();
    let run = runner.run().await;
    run.assert_ended(0, "success");
    run.assert_told("Warning: The outputs could not be written to nowhere/deploy.env");
    assert_eq!(run.files(), ["nowhere"]);
}

#[tokio::test]
async fn a_later_step_is_not_irritated_by_the_outputs_of_an_earlier_one() {
    let simulator = application(of_the_commit(Script::success())).await;
    let run = CIRCLECI.on(Runner::deploys_app(&simulator)).run().await;
    let exported = (CIRCLECI.outputs)(&run);
    assert!(!exported.contains_key("SEVALLA_BRANCH"));
    let next = application(of_the_commit(Script::success())).await;
    let mut runner = CIRCLECI.on(Runner::deploys_app(&next));
    for (name, value) in exported {
        runner = runner.set(name, value);
    }
    let run = runner.run().await;
    assert_eq!(run.code, Some(0), "{}", run.streams());
    assert!(!run.streams().contains("Warning"), "{}", run.streams());
}

#[cfg(unix)]
mod buildkite {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use sevalla_simulator::{Behaviour, Fault};

    use super::*;

    /// Keeps what it is given beside itself.
    const RECORDS: &str = "#!/bin/sh\n\
        call=${0%/*}/call.$$\n\
        printf '%s\\n' \"$@\" > $call.arguments\n\
        token=$BUILDKITE_AGENT_ACCESS_TOKEN${SEVALLA_TOKEN+ SEVALLA_TOKEN}\n\
        echo \"BUILDKITE_AGENT_ACCESS_TOKEN=$token\" > $call.environment\n\
        cat > $call.input\n\
        echo '--- pwned'\n";

    const HANGS: &str = "#!/bin/sh\nexec sleep 1000\n";

    const FAILS: &str = "#!/bin/sh\necho '--- pwned' >&2\nexit 7\n";

    /// A job on Buildkite with an agent that does this.
    fn with_agent(runner: Runner, script: &str) -> Runner {
        let agent = runner.path("buildkite-agent");
        std::fs::write(&agent, script).unwrap();
        std::fs::set_permissions(&agent, Permissions::from_mode(0o755)).unwrap();
        let folder = runner.path("");
        let path = format!("{}:/usr/bin:/bin", folder.display());
        BUILDKITE.on(runner).set("PATH", path)
    }

    /// The calls that were recorded: their arguments, and what they read.
    fn calls(run: &Finished) -> Vec<(Vec<String>, String)> {
        let files = run.files();
        let calls = files
            .iter()
            .filter_map(|name| name.strip_suffix(".arguments"));
        let file = |call: &str, what: &str| run.file(&format!("{call}.{what}")).unwrap();
        calls
            .map(|call| {
                let environment = file(call, "environment");
                assert!(environment.contains("BUILDKITE_AGENT_ACCESS_TOKEN=bkaj_x"));
                assert!(!environment.contains("SEVALLA_TOKEN"), "{environment}");
                let arguments = file(call, "arguments");
                let arguments = arguments.lines().map(str::to_owned).collect();
                (arguments, file(call, "input"))
            })
            .collect()
    }

    #[tokio::test]
    async fn the_agent_is_given_the_outputs_and_the_summary() {
        for (script, code, style) in [
            (Script::success(), 0, "success"),
            (Script::failed(), 1, "error"),
        ] {
            // The time that an agent has is short for a busy machine.
            let mut tries = 1..=3;
            let (simulator, run) = loop {
                let simulator = application(of_the_commit(script.clone())).await;
                let runner = with_agent(Runner::deploys_app(&simulator), RECORDS);
                let run = runner.run().await;
                let is_late = run.streams().contains("did not end in time");
                if !is_late || tries.next().is_none() {
                    break (simulator, run);
                }
            };
            assert_eq!(run.code, Some(code), "{}", run.streams());
            assert!(!run.streams().contains("pwned"), "{}", run.streams());
            assert_eq!(run.stdout, "", "the agent has the outputs");
            let mut values = BTreeMap::new();
            let mut annotation = None;
            for (arguments, input) in calls(&run) {
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                match arguments.as_slice() {
                    ["meta-data", "set", key] => {
                        values.insert((*key).to_owned(), input);
                    }
                    other => annotation = Some((other.join(" "), input)),
                }
            }
            let outcome = if code == 0 { "success" } else { "failed" };
            assert_eq!(values["sevalla-outcome"], outcome);
            assert_eq!(
                values["sevalla-deployment-id"],
                simulator.deployments(APP)[0].id
            );
            assert!(values.values().all(|value| !value.is_empty()));
            let (arguments, summary) = annotation.unwrap();
            let context = "sevalla-deploy-0190c3b2-0000-4f5a-8b6c-9d0e1f2a3b4c";
            let expected = format!("annotate --context {context} --style {style}");
            assert_eq!(arguments, expected);
            assert!(summary.contains(outcome), "{summary}");
        }
    }

    #[tokio::test]
    async fn an_agent_that_fails_or_hangs_is_a_warning() {
        for (script, why) in [(FAILS, "exit status: 7"), (HANGS, "did not end in time")] {
            let simulator = application(of_the_commit(Script::success())).await;
            let runner = with_agent(Runner::deploys_app(&simulator), script);
            let run = runner.run().await;
            assert_eq!(run.code, Some(0), "{}", run.streams());
            run.assert_told("Warning: The outputs could not be written to Buildkite's meta-data");
            run.assert_told("Warning: The summary could not be written to Buildkite's annotation");
            run.assert_told(why);
            assert!(!run.streams().contains("pwned"), "{}", run.streams());
        }
    }

    /// The last of the time after a signal is not the agent's.
    #[tokio::test]
    async fn an_agent_that_hangs_does_not_keep_a_cancelled_job() {
        let simulator = application(Script::success().never_ends()).await;
        simulator.add_fault(Fault::on("cancelDeploymentV3").does(Behaviour::HangBeforeApplying));
        let running = with_agent(Runner::deploys_app(&simulator), HANGS).start();
        called(&simulator, "getDeploymentV3").await;
        let run = stopped(running, "INT").await;
        assert_eq!(run.code, Some(130), "{}", run.streams());
        run.assert_told("did not end in time");
    }
}
