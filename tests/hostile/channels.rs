//! What each host takes in beside showing it, read by its own rules: only what
//! we tell it, and every output as it is, or not at all.

use std::collections::BTreeMap;

use sevalla_deploy::ci;

use crate::readers::{self, Command};
use crate::world::{Finished, Place};
use crate::{file_commands, hosts, terminal};

/// Both streams without what is ours in them, which is what it is in a
/// harmless run.
pub(crate) fn without_ours(place: Place, run: &Finished, harmless: &Finished) -> [String; 2] {
    let streams = [&run.stdout, &run.stderr];
    let harmless = [&harmless.stdout, &harmless.stderr];
    match place {
        Place::Azure | Place::TeamCity => {
            let [stdout, stderr] = streams;
            let (commands, rest) = commands(place, stdout);
            let (expected, _) = self::commands(place, harmless[0]);
            assert_eq!(shapes(&commands), shapes(&expected), "{stdout}");
            [rest, stderr.clone()]
        }
        Place::GitLab => {
            let (sections, rest) = readers::gitlab(streams[1]);
            let (expected, _) = readers::gitlab(harmless[1]);
            assert_eq!(sections, expected);
            assert!(matches!(sections.len(), 0 | 2), "{sections:?}");
            for section in &sections {
                let is_ours = section.name == sections[0].name
                    && section.name.starts_with("sevalla_")
                    && section.options
                        == if section.is_start {
                            "collapsed=true"
                        } else {
                            ""
                        };
                assert!(is_ours, "{sections:?}");
            }
            [streams[0].clone(), rest]
        }
        _ => streams.map(Clone::clone),
    }
}

/// The commands in a stream, and the other lines.
fn commands(place: Place, stream: &str) -> (Vec<Command>, String) {
    let read = match place {
        Place::Azure => readers::azure,
        _ => readers::teamcity,
    };
    let mut commands = Vec::new();
    let mut rest = String::new();
    for line in hosts::lines(stream) {
        match read(line) {
            Some(command) => commands.push(command),
            None => rest.extend([line, "\n"]),
        }
    }
    (commands, rest)
}

/// What a text of a stranger may not change in commands. Outputs are looked at
/// one by one.
fn shapes(commands: &[Command]) -> Vec<String> {
    let is_output =
        |command: &Command| ["task.setvariable", "setParameter"].contains(&command.name.as_str());
    let own = commands.iter().filter(|command| !is_output(command));
    let shape = |command: &Command| {
        let keys: Vec<&str> = command.properties.keys().map(String::as_str).collect();
        let kind = ["type", "status"].map(|key| command.properties.get(key));
        format!("{} {keys:?} {kind:?}", command.name)
    };
    own.map(shape).collect()
}

/// The outputs as they reached the host's own channel, whose reading is
/// compared with GitHub's file.
pub(crate) fn assert_given(place: Place, run: &Finished) {
    let pairs = file_commands::read(&run.outputs).unwrap();
    let outputs: BTreeMap<&str, &str> = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let file = |name: &str| run.files.get(name).map_or("", String::as_str);
    match place {
        Place::GitHub => {}
        Place::Plain => {
            let read: BTreeMap<String, String> =
                serde_json::from_str(file("outputs.json")).unwrap();
            assert_same(&read, &outputs, str::to_owned, |_| false);
        }
        Place::Jenkins => {
            let read = readers::properties(file("deploy.properties")).unwrap();
            assert_same(&read, &outputs, str::to_owned, |_| false);
        }
        Place::CircleCi => {
            let read = readers::bash(file("bash-env")).unwrap();
            assert_same(&read, &outputs, ci::variable, |_| false);
        }
        Place::GitLab => {
            let read = readers::dotenv(file("deploy.env")).unwrap();
            let no_room = |value: &str| value.len() > 200;
            assert_same(&read, &outputs, ci::variable, |value| {
                value.is_empty() || !is_plain(value) || no_room(value)
            });
            assert_links(file("links.json"), outputs["url"]);
        }
        Place::Bitbucket => {
            for name in ["variables", "shared/sevalla-deploy/outputs.env"] {
                let read = readers::list(file(name)).unwrap();
                assert_same(&read, &outputs, ci::variable, |value| !is_plain(value));
            }
        }
        Place::Azure => {
            let read = given(run, place, "task.setvariable", |command| {
                assert_eq!(command.properties["isoutput"], "true");
                (command.properties["variable"].clone(), command.data.clone())
            });
            assert_same(&read, &outputs, ci::variable, |value| value.contains("$("));
            assert_azure_summary(run);
        }
        Place::TeamCity => {
            let read = given(run, place, "setParameter", |command| {
                let value = |key: &str| command.properties[key].clone();
                (value("name"), value("value"))
            });
            let name = |output: &str| format!("env.{}", ci::variable(output));
            assert_same(&read, &outputs, name, |value| {
                value.matches('%').count() > 1
            });
        }
        Place::Buildkite => assert_calls(run, &outputs),
    }
}

/// What a list of lines can hold.
fn is_plain(value: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/:@%+,=-".contains(c);
    value.chars().all(is_plain)
}

/// Every value that was read is the output's, and none is missing that need
/// not be.
fn assert_same(
    read: &BTreeMap<String, String>,
    outputs: &BTreeMap<&str, &str>,
    name: impl Fn(&str) -> String,
    may_be_missing: impl Fn(&str) -> bool,
) {
    let expected: BTreeMap<String, &str> = outputs
        .iter()
        .map(|(output, value)| (name(output), *value))
        .collect();
    for (variable, value) in read {
        assert_eq!(expected.get(variable), Some(&value.as_str()), "{variable}");
    }
    for (variable, value) in expected {
        let is_there = read.contains_key(&variable);
        assert!(is_there || may_be_missing(value), "{variable}={value:?}");
    }
    assert!(read.contains_key(&name("outcome")));
}

/// The outputs among the commands, each once.
fn given(
    run: &Finished,
    place: Place,
    name: &str,
    pair: impl Fn(&Command) -> (String, String),
) -> BTreeMap<String, String> {
    let (commands, _) = commands(place, &run.stdout);
    let mut read = BTreeMap::new();
    for command in commands.iter().filter(|command| command.name == name) {
        let (variable, value) = pair(command);
        assert_eq!(read.insert(variable, value), None, "{command:?}");
    }
    read
}

fn assert_azure_summary(run: &Finished) {
    let (commands, _) = commands(Place::Azure, &run.stdout);
    let mut uploads = commands
        .iter()
        .filter(|command| command.name == "task.uploadsummary");
    let path = &uploads.next().unwrap().data;
    assert_eq!(uploads.next(), None);
    let name = run.files.keys().find(|name| path.ends_with(name.as_str()));
    assert_eq!(run.files[name.unwrap()].trim_end(), run.summary.trim_end());
}

/// The agent is told the outputs and the summary, and nothing by its arguments
/// or its environment.
fn assert_calls(run: &Finished, outputs: &BTreeMap<&str, &str>) {
    let mut read = BTreeMap::new();
    let mut annotations = 0;
    for call in &run.calls {
        let arguments: Vec<&str> = call.arguments.iter().map(String::as_str).collect();
        match arguments.as_slice() {
            ["meta-data", "set", key] => {
                let value = call.input.clone();
                assert_eq!(read.insert((*key).to_owned(), value), None, "{key}");
            }
            ["annotate", "--context", "sevalla-deploy", "--style", style] => {
                assert!(["success", "warning", "error"].contains(style));
                assert_eq!(call.input.trim_end(), run.summary.trim_end());
                annotations += 1;
            }
            other => panic!("{other:?}"),
        }
        let names: Vec<&str> = call
            .environment
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let expected = [
            "BUILDKITE",
            "BUILDKITE_AGENT_ACCESS_TOKEN",
            "BUILDKITE_COMMIT",
            "BUILDKITE_JOB_ID",
            "HTTPS_PROXY",
            "PATH",
        ];
        assert_eq!(names, expected);
    }
    assert_eq!(annotations, 1);
    let name = |output: &str| format!("sevalla-{output}");
    assert_same(&read, outputs, name, |value| value.trim().is_empty());
}

/// GitLab's report of annotations: lists of links by name.
fn assert_links(text: &str, url: &str) {
    type Link = BTreeMap<String, BTreeMap<String, String>>;

    if text.is_empty() {
        return;
    }
    let read: BTreeMap<String, Vec<Link>> = serde_json::from_str(text).unwrap();
    assert_eq!(read.keys().collect::<Vec<_>>(), ["Sevalla"]);
    for link in read["Sevalla"].iter().map(|item| &item["external_link"]) {
        assert_eq!(link["url"], url);
        assert!(url.starts_with("https://"), "{url}");
        assert_eq!(terminal::deeds(&link["label"]), [""; 0]);
    }
}
