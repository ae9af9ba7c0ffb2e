//! No value of any input, durations among them, makes the reading panic; what
//! is wrong is reported without the value of a secret.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sevalla_deploy::inputs::{Inputs, TABLE, secrets_in, unknown_names};
use sevalla_deploy::actions::resolve::Plan;
use sevalla_deploy::ci::Facts;
use sevalla_deploy::environment::Variables;
use sevalla_deploy::sanitize::redactor::{Redactor, SHORTEST};
use sevalla_deploy::sanitize::Sanitizer;

fuzz_target!(|text: &str| {
    let names = TABLE.iter().map(|input| {
        let name = input.name().to_uppercase();
        format!("INPUT_{name}")
    });
    let others = ["HTTPS_PROXY", "GITHUB_TOKEN", "CI"].map(str::to_owned);
    let variables: Variables = names
        .chain(others)
        .zip(text.split('\n'))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let secrets = secrets_in(&variables);
    let sanitizer = Sanitizer::new(Redactor::new(secrets.iter().map(String::as_str)));
    let _unknown: Vec<String> = unknown_names(&variables);
    let (inputs, problems) = Inputs::read(&variables);
    if let Err(problems) = Plan::resolve(inputs, &Facts::default(), problems) {
        for problem in &problems {
            let reported = sanitizer.line(&problem.to_string());
            for secret in &secrets {
                let secret = secret.trim();
                let is_one_plain_line = secret.chars().all(|c| c.is_ascii_graphic()) && !secret.contains(['*', '#']);
                // A word of the program's own is no secret, whatever input it is given to.
                let is_hidden = Redactor::new([secret]).redact(secret) == "***";
                if secret.len() >= SHORTEST && is_one_plain_line && is_hidden {
                    assert!(!reported.as_str().contains(secret), "{reported} has {secret}");
                }
            }
        }
    }
});
