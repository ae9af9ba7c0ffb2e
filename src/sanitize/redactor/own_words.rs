//! Words that this program prints by contract. A secret that is one of them
//! cannot be hidden: stars in their place would break what others read, and
//! would show which word the secret is.

use crate::sanitize::redactor::SHORTEST;

/// The words of outcomes, outputs, actions, statuses and the report. Shorter
/// ones than a redactor searches for are left away.
const OWN_WORDS: &[&str] = &[
    // Outcomes and statuses.
    "success",
    "planned",
    "triggered",
    "failed",
    "invalid-input",
    "cancelled",
    "skipped",
    "superseded",
    "timed-out",
    "unauthorized",
    "unavailable",
    "ambiguous",
    "unverified",
    "rejected",
    "internal",
    "interrupted",
    "waiting",
    "inProgress",
    "in progress",
    // Members and words of the report, and outputs.
    "action",
    "advice",
    "app-id",
    "application",
    "automatic",
    "began-at",
    "bitbucket",
    "branch",
    "buildkite",
    "change-request",
    "circleci",
    "clock-skew-seconds",
    "column",
    "commit",
    "commit-message",
    "commit-sha",
    "created",
    "created-at",
    "database",
    "database-id",
    "database-password",
    "default-branch",
    "deployment",
    "deployment-id",
    "deployment-ids",
    "docker-image",
    "duration-seconds",
    "ended-at",
    "exit-code",
    "failure",
    "findings",
    "finished-at",
    "github",
    "gitlab",
    "headline",
    "is-known",
    "is-rerun",
    "jenkins",
    "last-seconds",
    "manual",
    "median-seconds",
    "origin",
    "outcome",
    "percent-below",
    "preparing",
    "preview",
    "preview-app-id",
    "promotions",
    "queue-seconds",
    "repository",
    "result",
    "retries",
    "rollback",
    "rollback-deployment-id",
    "run-url",
    "running",
    "schema-version",
    "seconds",
    "service",
    "sevalla-deploy",
    "started-at",
    "static-site",
    "status",
    "target",
    "targets",
    "teamcity",
    "time-line",
    "trigger",
    "verification",
    "version",
    "warnings",
    "woodpecker",
    // Actions.
    "deploy-app",
    "deploy-static-site",
    "promote-app",
    "create-preview-app",
    "delete-preview-app",
    "clean-previews",
    "rollback-app",
    "rollback-static-site",
    "follow",
    "update-app",
    "update-static-site",
    "update-database",
    "delete-app",
    "delete-static-site",
    "delete-database",
    "create-database",
    "connect-database",
    "purge-cache",
    "toggle-cdn",
];

/// Whether a text is one of these words, or a piece of one that is long enough
/// to be searched for.
pub fn is_own_word(text: &str) -> bool {
    text.len() >= SHORTEST && OWN_WORDS.iter().any(|word| word.contains(text))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::exit_status::ExitStatus;
    use crate::inputs;
    use crate::messages::Failure;
    use crate::outputs::OUTPUTS;

    /// The members and words of a JSON schema.
    fn words_of(schema: &Value, words: &mut Vec<String>) {
        let members = schema.as_object().into_iter().flatten();
        for (keyword, value) in members {
            let listed = match (keyword.as_str(), value) {
                ("properties", Value::Object(members)) => members.keys().cloned().collect(),
                ("enum", Value::Array(all)) => strings(all),
                ("const", one) => strings(std::slice::from_ref(one)),
                _ => Vec::new(),
            };
            words.extend(listed);
            words_of(value, words);
        }
        for item in schema.as_array().into_iter().flatten() {
            words_of(item, words);
        }
    }

    fn strings(values: &[Value]) -> Vec<String> {
        let strings = values.iter().filter_map(Value::as_str);
        strings.map(str::to_owned).collect()
    }

    #[test]
    fn every_word_of_the_contract_is_listed() {
        let schema = include_str!("../../../docs/report.schema.json");
        let mut words = Vec::new();
        words_of(&serde_json::from_str(schema).unwrap(), &mut words);
        assert!(words.len() > 50, "{words:?}");
        words.extend(OUTPUTS.iter().map(|(name, _)| (*name).to_owned()));
        let endings = Failure::ALL.iter().map(|failure| failure.ending());
        let good = [
            ExitStatus::Success,
            ExitStatus::Planned,
            ExitStatus::Triggered,
        ];
        words.extend(endings.chain(good).map(|ending| ending.word().to_owned()));
        let action = inputs::TABLE.iter().find(|input| input.name() == "action");
        let actions = action.unwrap().accepts.split([',', ' ', '.']);
        words.extend(
            actions
                .filter(|word| inputs::is_action(word))
                .map(str::to_owned),
        );
        for word in words.iter().filter(|word| word.len() >= SHORTEST) {
            assert!(is_own_word(word), "{word}");
        }
    }
}
