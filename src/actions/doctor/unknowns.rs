//! The table of what Sevalla's public documents leave open or contradict, each
//! with what the program does as long as that is so. `docs/unknowns.md` is made
//! from it; the doctor marks each row by what it has read.

use self::Settled::{Reading, Writing};
use super::evidence::Evidence;
use super::marks;

/// One open question.
#[derive(Debug)]
pub struct Unknown {
    /// Its permanent name.
    pub slug: &'static str,
    /// What the program takes to be so.
    pub claim: &'static str,
    /// What the program does about it.
    pub default: &'static str,
    /// What can settle it.
    pub(crate) settled: Settled,
}

/// What can settle a question.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Settled {
    /// Reading calls: the rule says what they show.
    Reading(fn(&Evidence) -> Mark),
    /// Only a change on Sevalla, or an event that cannot be read afterwards.
    Writing,
}

/// What the responses show of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is so.
    Confirmed,
    /// It is not so.
    Contradicted,
    /// Nothing that was read shows it.
    NotSeen,
}

impl Mark {
    /// The mark as a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Contradicted => "contradicted",
            Self::NotSeen => "not seen",
        }
    }
}

impl Unknown {
    /// Whether reading calls can settle it.
    pub const fn is_readable(&self) -> bool {
        matches!(self.settled, Reading(_))
    }

    /// What the responses show of it.
    pub(crate) fn mark(&self, evidence: &Evidence) -> Mark {
        match self.settled {
            Reading(rule) => rule(evidence),
            Writing => Mark::NotSeen,
        }
    }
}

macro_rules! unknowns {
    ($($slug:literal $settled:expr, $claim:literal $default:literal;)*) => {
        /// All questions, those first that reading calls can settle.
        pub const UNKNOWNS: &[Unknown] = &[$(Unknown {
            slug: $slug,
            claim: $claim,
            default: $default,
            settled: $settled,
        }),*];
    };
}

unknowns! {
    "rate-headers" Reading(marks::rate_headers),
    "Every response has `x-ratelimit-limit`, `-remaining` and `-reset`."
    "Paces requests by them, and by a limit of its own without them.";
    "rate-reset" Reading(marks::rate_reset),
    "`x-ratelimit-reset` is the number of seconds until the window ends."
    "Ignores a value of more than an hour.";
    "read-limit" Reading(marks::read_limit),
    "A company can make 400 reads a minute; an older page says 120 requests."
    "Keeps under both: by the headers, and at most 110 requests a minute in one run.";
    "request-id" Reading(marks::request_id),
    "Every response has `x-request-id`."
    "Shows it in errors where it is there.";
    "key-capabilities" Reading(marks::key_capabilities),
    "`GET /api-keys/me` lists capabilities as `RESOURCE:ACTION`."
    "Searches the values of the response for such words, except names and descriptions.";
    "deployment-statuses" Reading(marks::deployment_statuses),
    "Deployments of applications and static sites have the same six statuses."
    "Takes any other word for a deployment that still runs.";
    "deployment-triggers" Reading(marks::deployment_triggers),
    "`trigger` is one of four words."
    "Shows it, and decides nothing by it.";
    "commit-at-success" Reading(marks::commit_at_success),
    "A deployment from Git has its `commit_sha` at the latest when it succeeds."
    "The commit guard compares as soon as it is there, and at the end.";
    "skipped-has-commit" Reading(marks::skipped_has_commit),
    "A push that path filters exclude leaves a skipped deployment with its commit."
    "`follow` finds it by the commit, and passes.";
    "unchanged-commit" Reading(marks::unchanged_commit),
    "A deployment of a commit that is live already builds it again, and is not skipped."
    "Deploys. `on-skipped` decides about a deployment that Sevalla skips.";
    "finished-at" Reading(marks::finished_at),
    "A deployment that succeeded, failed or was cancelled has `finished_at`."
    "Decides by the status alone.";
    "newest-first" Reading(marks::newest_first),
    "Lists of deployments begin with the newest."
    "Compares `created_at` where the order decides something.";
    "one-at-a-time" Reading(marks::one_at_a_time),
    "The deployments of a service run one after the other."
    "Follows its own deployment by its id; `when-busy` decides what to do before the start.";
    "steps-of-restarts" Reading(marks::steps_of_restarts),
    "A restart or a rollback builds nothing: its `steps` have no `build`."
    "Expects no commit of its own and no build from those.";
    "build-types" Reading(marks::build_types),
    "`build_type` is one of five words."
    "Passes on others with a note.";
    "wait-for-checks" Reading(marks::wait_for_checks),
    "The record of an application has no `wait_for_checks`, which only official clients know."
    "Ignores it.";
    "cdn-state" Reading(marks::cdn_state),
    "No record says whether the CDN is on."
    "`toggle-cdn` toggles, reads the answer, and toggles back if that was the wrong way.";
    "domain-words" Reading(marks::domain_words),
    "`type` and `status` of a domain are the upper-case words of the document's text."
    "Compares them without regard to case, and takes others for not usable.";
    "site-host" Reading(marks::site_host),
    "`hostname` of a static site is a host without a scheme or a path."
    "Uses it only if it is one.";
    "site-paths" Reading(marks::site_paths),
    "The record of a static site has path filters, as those of applications have."
    "Reads them where they are there.";
    "site-build-error" Reading(marks::site_build_error),
    "A single deployment of a static site lacks `build_error`, which the list has."
    "Reads the list after a failure.";
    "site-preview-address" Reading(marks::site_preview_address),
    "Nothing names the address of a static site's preview."
    "Gives none.";
    "stage-applications" Reading(marks::stage_applications),
    "A stage does not list its applications."
    "`promote-app` requires `target-app-ids`.";
    "log-order" Reading(marks::log_order),
    "A log begins with the oldest line."
    "Sorts the lines by their time.";
    "log-ids" Reading(marks::log_ids),
    "Every line of a log has an id of its own."
    "Recognizes lines by the id, and by time and text without one.";
    "log-micros" Reading(marks::log_micros),
    "`unix_timestamp` of a line is in microseconds."
    "Takes it for that.";
    "log-zone" Reading(marks::log_zone),
    "`timestamp` of a line, which has no zone, is UTC."
    "Uses `unix_timestamp` alone.";
    "log-severities" Reading(marks::log_severities),
    "`severity` of a line is one of four words."
    "Shows lines of any.";
    "log-after-end" Reading(marks::log_after_end),
    "The last line is no later than ten seconds after the end of the deployment."
    "Reads the log for ten seconds after a failure.";
    "log-retention" Reading(marks::log_retention),
    "The log of an earlier deployment can still be read."
    "Reads a log while its deployment runs; `log-file` keeps it.";
    "commit-choice" Writing,
    "No deployment can be asked for by commit or tag."
    "Compares the commit afterwards.";
    "second-trigger" Writing,
    "A second deployment waits in the queue for the first."
    "Polls its own, and reports the time in the queue.";
    "site-branch" Writing,
    "A deployment of a static site needs a body, perhaps with a branch."
    "Always sends both.";
    "rollback-target" Writing,
    "The rollback of an application takes `deployment_id`, as the official CLI sends it."
    "Sends it, and checks the live version afterwards.";
    "rollback-latest" Writing,
    "A rollback without a target may deploy the version that is live."
    "Says that it was rolled back only if the wanted version was seen live.";
    "promotion-limits" Writing,
    "Which promotions the API refuses."
    "Shows the API's message.";
    "preview-creation" Writing,
    "What a second preview app for one branch, or a pipeline without settings, leads to."
    "Looks for one before, and needs only the id of the new one.";
    "preview-settings" Writing,
    "Preview app settings can be changed by a call that is not documented."
    "Explains where to set them.";
    "capability-map" Writing,
    "Deploying needs `UPDATE` and reading needs `READ` of the resource."
    "After a 403 lists what the key may do.";
    "retry-after" Writing,
    "A 429 has `Retry-After`."
    "Honors it, else `x-ratelimit-reset`, else waits longer each time.";
    "write-limits" Writing,
    "Which budget cancelling, rolling back, promoting and purging count against."
    "Takes the tightest: ten a minute.";
    "conflicts" Writing,
    "Whether a conflict is 409 or 422."
    "Takes both for a refusal.";
    "hook-response" Writing,
    "What a deployment hook returns."
    "Takes any success; finds the deployment in the list if it has no id.";
    "edge-cache" Writing,
    "Whether the API can switch edge caching."
    "Does not offer it.";
    "suspended" Writing,
    "What a deployment of a suspended application does."
    "Reads the record and refuses.";
    "jobs" Writing,
    "A job that fails before the deployment makes the deployment fail."
    "Trusts the status of the deployment.";
    "cancel-response" Writing,
    "What cancelling a deployment that has ended returns."
    "Ignores the refusal and reads the status.";
    "log-lag" Writing,
    "How late a line appears in the log."
    "Reads again until nothing new comes.";
    "public-pushes" Writing,
    "Pushes may not deploy a static site from a public repository, whatever `auto_deploy` is."
    "`follow` ends at `timeout` if no deployment appears.";
    "document-address" Writing,
    "The current document is at `https://api.sevalla.com/v3/openapi.json`."
    "A weekly check compares it; the program does not read it.";
}

/// The rows with their marks.
pub(crate) fn marked(evidence: &Evidence) -> Vec<(&'static Unknown, Mark)> {
    let marked = UNKNOWNS.iter().map(|row| (row, row.mark(evidence)));
    marked.collect()
}
