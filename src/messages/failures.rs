//! Why runs fail: each failure with the ending that it comes to.

use super::topics;
use crate::exit_status::ExitStatus;
use crate::shutdown::Signal;

/// Declares the failures as [`topics!`] does, each with its ending.
macro_rules! failures {
    ($($part:ident { $(
        $topic:ident $slug:literal $title:literal, $ending:expr,
        $cause:literal, $remedy:literal;
    )* })*) => {
        topics! {
            /// Why a run did not end well.
            Failure;
            $($part { $($topic $slug $title $cause $remedy;)* })*
        }

        impl Failure {
            /// How a run ends that fails of this.
            pub const fn ending(self) -> ExitStatus {
                match self {
                    $($(Self::$topic => $ending,)*)*
                }
            }

            /// Whether it shows that what was deployed is bad. A check that could
            /// not be made, or a commit that is not known, shows nothing.
            pub const fn calls_for_rollback(self) -> bool {
                matches!(
                    self,
                    Self::DeploymentFailed | Self::HealthCheckFailed | Self::AnotherCommitLive
                )
            }

            /// The first thing to do about it, as plain text.
            pub fn first_step(self) -> String {
                let remedy = self.entry().remedy;
                let first = remedy.split(". ").next().unwrap_or_default();
                first.trim_end_matches('.').replace('`', "")
            }
        }
    };
}

failures! {
    Inputs {
        MissingInput "missing-input" "Missing input", ExitStatus::InvalidInput,
        "The action needs an input that was not given, or no service to deploy is given. An empty \
         value counts as not given: so does a variable that your CI does not define.",
        "Set the input that the message names. `sevalla-deploy help ACTION` and docs/reference.md \
         list the inputs of each action.";

        MissingKey "missing-key" "Missing key", ExitStatus::InvalidInput,
        "`sevalla-token` is missing or empty. Often the secret has another name than the workflow \
         uses, or the run belongs to a pull request from a fork or to Dependabot: CIs do not pass \
         the repository's secrets to those.",
        "Create an API key in the settings of your Sevalla company, store it as a secret of your CI \
         and pass it as `sevalla-token`. For pull requests from forks set `skip-without-token: \
         true`, and the run passes without deploying. Dependabot has secrets of its own.";

        UnusableValue "unusable-value" "Unusable value", ExitStatus::InvalidInput,
        "An input has a value that cannot be what it should be: no UUID, no duration, a word that \
         is not among the accepted ones, or the name of a variable that your CI did not fill in.",
        "Correct the value. The message names the variable it was read from and what is accepted.";

        ConflictingInputs "conflicting-inputs" "Conflicting inputs", ExitStatus::InvalidInput,
        "Two inputs contradict each other, for example `branch` and `docker-image`, or the ids of \
         two services where the action is about one.",
        "Leave one of them out. The message says which do not go together.";

        UnusableSettings "unusable-settings" "Unusable settings", ExitStatus::InvalidInput,
        "`settings` holds a name that the action does not know, a value of the wrong kind, or lacks \
         something that a new database needs. It is checked before anything is sent.",
        "Correct `settings`; the message suggests the nearest known name. Passwords do not belong \
         there: give a database's password as `database-password`.";

        UnusableStack "unusable-stack" "Unusable stack", ExitStatus::InvalidInput,
        "The stack file cannot be read, is not YAML, or names something that does not exist: an \
         unknown key or service, a service twice, a circle of services that wait for each other. \
         Nothing was deployed.",
        "Correct the file. Each problem has its line and column. With docs/stack.schema.json, an \
         editor shows most of them.";

        ForkWithoutPreview "fork-without-preview" "Fork without preview", ExitStatus::InvalidInput,
        "The pull request comes from a fork. Sevalla builds branches of the connected repository \
         only, and the fork's branch is not in it. A branch of the same name in the repository \
         itself is another one. A deployment of an image and a restart build no branch, so they run \
         unless `on-fork` is `skip`.",
        "Set `on-fork: skip` to let such runs pass, or push the branch to the repository itself and \
         open the pull request from there.";

        NothingToCompare "nothing-to-compare" "Nothing to compare", ExitStatus::InvalidInput,
        "`on-commit-mismatch` is `fail` or `cancel`, and nothing can be compared: the CI names no \
         commit (a plain shell, a comment, a job without a checkout), its commit is on no branch \
         (a tag, a release, a merge queue) or on another branch than the one that is deployed, or \
         the run ends before Sevalla reports a commit (`wait-for-finish: false`, a hook without a \
         key). Nothing was deployed.",
        "Set `expected-commit` to the full SHA of the tested commit: `${{ github.sha }}` on GitHub, \
         the output of `git rev-parse HEAD` elsewhere. If no comparison is needed, set \
         `expected-commit: off`.";

        UpstreamNotSuccessful "upstream-not-successful" "Upstream not successful", ExitStatus::InvalidInput,
        "The run was started by the end of a workflow or by a check (`workflow_run`, `check_suite`, \
         `check_run`, `status`), and that did not end with a success. Such events come for every \
         result. Nothing was deployed.",
        "Add a condition to the job, such as `if: github.event.workflow_run.conclusion == \
         'success'`. To deploy whatever the result, set `expected-commit: off`.";

        UnusableNetworkSettings "unusable-network-settings" "Unusable network settings", ExitStatus::InvalidInput,
        "A variable that describes the network cannot be used: a proxy that is not a URL \
         (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`), or a file of certificates that cannot be read \
         (`SSL_CERT_FILE`).",
        "Correct or unset the variable that the message names. It may be set for the whole machine \
         or runner.";

        ImageWithoutCommit "image-without-commit" "Image without commit", ExitStatus::InvalidInput,
        "`verify-url` or `verify-contains` contains `{commit}` or `{commit-short}`, but the \
         application runs an image, and an image has no commit. Nothing was changed.",
        "Check something else that names the version, such as a header with the image's tag. \
         `{deployment-id}` works for images too.";

        StateFileUnusable "state-file-unusable" "State file unusable", ExitStatus::InvalidInput,
        "`state-file` cannot be read, written or locked: the folder is missing or read-only, the path \
         is a link or no regular file, or the disk is full. Nothing was sent that could not be \
         recorded.",
        "Set `state-file` to a path in a folder that the run can write, on a file system with locks.";

        UnknownArgument "unknown-argument" "Unknown argument", ExitStatus::InvalidInput,
        "The arguments contain a word or an option that this program does not know, or an option \
         without a value or given twice. No word is run as a program, and no request was sent.",
        "Use an action and options, such as `sevalla-deploy deploy-app --app-id …`. `sevalla-deploy \
         --help` lists all of them. To run another program, write `--` before its name.";

        SecretArgument "secret-argument" "Secret argument", ExitStatus::InvalidInput,
        "An argument contains a secret, such as the API key or the address of a deployment hook. \
         Other users of the machine can read the arguments of a process, and your shell has \
         probably stored the command in its history. No request was sent.",
        "Pass the secret as the variable that the message names. Remove the command from the \
         history of your shell, or replace the secret: create a new key and delete the old one.";
    }
    Requests {
        KeyNotAccepted "key-not-accepted" "Key not accepted", ExitStatus::Unauthorized,
        "Sevalla answered 401: the key is wrong, revoked, disabled or expired.",
        "Create a new key at https://app.sevalla.com/api-keys, store it as a secret and pass it \
         as `sevalla-token`. Check for quotes or line ends that were copied with it.";

        KeyWithoutPermission "key-without-permission" "Key without permission", ExitStatus::Unauthorized,
        "Sevalla answered 403: the key is valid, but may not do this. What it may do is listed in \
         the message, if Sevalla reports it.",
        "Give the key read and update access to the service, or use another key. Creating and \
         deleting need permissions of their own.";

        NotFound "not-found" "Not found", ExitStatus::Rejected,
        "Sevalla has no resource with this id or name, or does not show it to this key. A key only sees \
         what belongs to its own company. Or the server at `api-url` is not Sevalla's API: then the message says so.",
        "Compare the id with the one in the dashboard's address bar, and check that it is the id of the right kind of resource. If it is, use a key of the company that owns it. Omit `api-url` unless you know that it is needed.";

        RequestRefused "request-refused" "Request refused", ExitStatus::Rejected,
        "Sevalla understood the request and refused it (400, 409, 422 and the like). The message \
         holds Sevalla's own reason, and the request's id where there is one.",
        "Correct what Sevalla names. If that does not help, give the code and the request id from \
         the message to Sevalla's support.";

        Redirected "redirected" "Redirected", ExitStatus::Rejected,
        "The address of the API sent the run elsewhere. It is not followed, because the key would \
         travel along.",
        "Set `api-url` to the address of the API itself, or leave it out: the default is right for \
         everybody. A proxy or a login page on the way can redirect as well.";

        RateLimit "rate-limit" "Rate limit", ExitStatus::Unavailable,
        "Sevalla answered 429 for as long as the run could wait, or said that its limit is used up \
         for longer than that. All jobs of a company share its limits: 400 reads a minute, 10 \
         deployments a minute for each service, 20 new services an hour.",
        "Run again later. If it keeps happening, look for other jobs or tools that use the same \
         company, and let them run at different times.";

        SevallaServerError "sevalla-server-error" "Sevalla server error", ExitStatus::Unavailable,
        "Sevalla answered with a server error (5xx) again and again.",
        "Run again later. Sevalla's status page may know more.";

        NoConnection "no-connection" "No connection", ExitStatus::Unavailable,
        "The API, or the host of the deployment hook, could not be reached, the connection broke, or \
         no complete answer came in time. Nothing was started unless the message says so.",
        "Check that this machine reaches the address: name resolution, firewall, proxy \
         (`HTTPS_PROXY`). Then run again.";

        UntrustedConnection "untrusted-connection" "Untrusted connection", ExitStatus::Unavailable,
        "The address is wrong in a way that waiting cannot heal, or the other end showed a \
         certificate that is not trusted. Behind a proxy that inspects TLS that is the proxy's own.",
        "Check `api-url`. Behind such a proxy, set `SSL_CERT_FILE` to a file with its certificate.";

        ProxyRefused "proxy-refused" "Proxy refused", ExitStatus::Unavailable,
        "A proxy between this machine and the address refused the request: with `407` it requires a \
         user and a password, with `403` it does not allow the address. Sevalla never saw the request.",
        "Write user and password into `HTTPS_PROXY` (`http://USER:PASSWORD@HOST:PORT`), or ask who runs \
         the proxy to allow the address. If the address is reachable without the proxy, name it in \
         `NO_PROXY`.";

        UnreadableAnswer "unreadable-answer" "Unreadable answer", ExitStatus::Unavailable,
        "An answer came with a success status, but its body is not what Sevalla's API sends: often \
         the page of a proxy or of a login.",
        "Check `api-url`, and what stands between this machine and the API. If Sevalla itself sends \
         this, please report it as a bug, with the place in the body that the message names.";

        AnswerLost "answer-lost" "Answer lost", ExitStatus::Ambiguous,
        "A request that changes something was sent, and its answer got lost or was not one that the \
         API documents. The run looked whether the request took effect and could not find out: \
         nothing is new, several things are, or the only new one does not equal what was asked \
         for. The run does not guess, since that could deploy twice or follow somebody else's \
         deployment.",
        "Check in the dashboard whether it took effect, before you run again.";

        TimeUp "time-up" "Time up", ExitStatus::TimedOut,
        "The run timed out (`timeout`) before it had sent all requests.",
        "Raise `timeout` and run again.";

        NotSent "not-sent" "Not sent", ExitStatus::Rejected,
        "The run was being stopped, so the request was not sent any more.",
        "Run again.";

        Interrupted "interrupted" "Interrupted", ExitStatus::Interrupted(Signal::Interrupt),
        "The run got SIGINT: somebody cancelled the job, a newer run of the same concurrency group \
         replaced it, or Ctrl-C was pressed. With `on-cancel: cancel`, the default, the deployment \
         was cancelled too; the message reports the result.",
        "Nothing, if it was meant. Otherwise run again. `on-cancel: leave` lets the deployment continue.";

        HungUp "hung-up" "Hung up", ExitStatus::Interrupted(Signal::HangUp),
        "The run got SIGHUP: its terminal was closed, or the connection to the machine ended. With \
         `on-cancel: cancel`, the default, the deployment was cancelled too; the message reports \
         the result.",
        "Run again. To let a run continue without its terminal, start it with `nohup`. `on-cancel: \
         leave` lets the deployment continue.";

        Terminated "terminated" "Terminated", ExitStatus::Interrupted(Signal::Terminate),
        "The run got SIGTERM: the CI stopped the job, for example because its own time limit expired, or the machine was shut down. With `on-cancel: cancel`, the default, the deployment \
         was cancelled too; the message reports the result.",
        "Nothing, if it was meant. Otherwise run again, with `timeout` shorter than the job's limit, \
         so that the run can end in its own way. `on-cancel: leave` lets the deployment continue.";

        Bug "bug" "Bug", ExitStatus::Internal,
        "Something happened that should not be possible.",
        "Please report it as an issue, with the lines that the run printed. They hold no secret.";
    }
    Starting {
        StateFileInUse "state-file-in-use" "State file in use", ExitStatus::Rejected,
        "Another process uses the same `state-file` and has not ended. The message names its lock, \
         which the system releases when that process ends, however it ends. Nothing was done.",
        "Wait for the other process, or use another `state-file`.";

        StateOfAnotherRun "state-of-another-run" "State of another run", ExitStatus::Ambiguous,
        "`state-file` holds a write whose end no run has seen, and this run must not continue it: it \
         is of another run, action or target, was recorded with another API key or by another \
         version of this program, or the file was changed or cut. A run that has ended does not \
         block the file, unless it ended with code 7 or claims to be this run under another API \
         key. Nothing was done.",
        "Check in the dashboard whether that write took effect, then delete the file that the message \
         names. Then run again.";

        SuspendedApplication "suspended-application" "Suspended application", ExitStatus::Rejected,
        "The application is suspended. Its processes are stopped, and a deployment would not start \
         them.",
        "Activate the application in the dashboard, then run again.";

        BeingDeleted "being-deleted" "Being deleted", ExitStatus::Rejected,
        "The application or static site is being deleted.",
        "Check that the id is the one you mean.";

        NothingToGoBackTo "nothing-to-roll-back-to" "Nothing to roll back to", ExitStatus::Rejected,
        "A rollback needs an earlier deployment that succeeded, and there is none.",
        "Deploy a branch, a commit or an image that works.";

        RollbackNotPossible "rollback-not-possible" "Rollback not possible", ExitStatus::Rejected,
        "The version to roll back to cannot be deployed again. Both versions were deployed as the \
         same image tag, or the deployment that `deployment-id` names did not succeed, or Sevalla \
         refused its id and would deploy another version without it. Nothing was changed.",
        "Roll back in the dashboard, or revert the change in the repository and deploy again. Deploy \
         images by digest, or by a new tag for each version, so that a rollback is possible.";

        NothingToPromote "nothing-to-promote" "Nothing to promote", ExitStatus::Rejected,
        "The source application has no successful deployment.",
        "Deploy the source first, or correct `source-app-id`.";

        Busy "busy" "Busy", ExitStatus::Rejected,
        "Another deployment of the same service is waiting or running, and `when-busy` is `fail`.",
        "Run again when it has ended, or set `when-busy` to `wait`, `queue`, `join` or \
         `cancel-previous`.";

        StillBusy "still-busy" "Still busy", ExitStatus::TimedOut,
        "With `when-busy: wait` the run waited for another deployment of the service, which did not \
         end in time. Nothing was deployed.",
        "Raise `timeout`, or check in the dashboard whether the other deployment is stuck.";

        UnidentifiedDeployment "unidentified-deployment" "Unidentified deployment", ExitStatus::Ambiguous,
        "Sevalla accepted the request without naming the deployment that it started, as hooks do, or \
         named it by an invalid id, and the list of deployments did not show exactly one that \
         equals what was asked for.",
        "Check in the dashboard how the deployment ends. Following a hook reliably needs \
         `sevalla-token` with read access and the application's id.";

        NoDeploymentOfCommit "no-deployment-of-commit" "No deployment of commit", ExitStatus::Skipped,
        "`follow` waits for the deployment that Sevalla starts by itself after a push, and none of \
         this commit appeared: automatic deployment is off, the push was to another branch, path \
         filters exclude it, or the repository is no longer connected.",
        "The message names the likeliest reason. Change that setting in the dashboard, or start the \
         deployment with `deploy-app` or `deploy-static-site` instead. If path filters exclude the \
         push on purpose, set `on-skipped` to `pass`.";

        NoDeploymentInTime "no-deployment-in-time" "No deployment in time", ExitStatus::TimedOut,
        "`follow` waits for the deployment that Sevalla starts by itself after a push, and the run timed out before one of this commit appeared.",
        "Raise `timeout`. If Sevalla does start one later, follow it by its `deployment-id`.";

        TooLateToCancel "too-late-to-cancel" "Too late to cancel", ExitStatus::Rejected,
        "The deployment had succeeded before it could be cancelled, and is live.",
        "To undo it, use `rollback-app` or `rollback-static-site`.";
    }
    Following {
        DeploymentFailed "deployment-failed" "Deployment failed", ExitStatus::Failed,
        "Sevalla reports that the deployment failed: the build broke, or the new version did not \
         start.",
        "Correct what the message or the end of the deployment's log names. The log is in the \
         dashboard too, where the run was not to show it or the key may not read it. The previous version stays live. `on-failure: rollback` rolls back automatically if the deployment had replaced a version.";

        DeploymentCancelled "deployment-cancelled" "Deployment cancelled", ExitStatus::Cancelled,
        "Somebody, another run or a newer deployment cancelled the deployment while it ran.",
        "Run again if this commit should be deployed. The previous version stays live.";

        DeploymentSkipped "deployment-skipped" "Deployment skipped", ExitStatus::Skipped,
        "Sevalla skipped the deployment: nothing was deployed, and the previous version is still \
         live. A push that touches none of the paths that deploy the service (path filters) leaves \
         such a deployment. So does one that is cancelled while it waits in the queue.",
        "Check the path filters in the service's settings on Sevalla, if this push should be \
         deployed. If not, nothing is wrong: set `on-skipped` to `pass`. Without `on-skipped`, \
         `follow` and previews pass on an automatic deployment that this run did not cancel and \
         no newer one overtook.";

        Superseded "superseded" "Superseded", ExitStatus::Superseded,
        "A newer deployment of the same service took the place of this one.",
        "Nothing, unless the newer one is not meant to be live.";

        StillRunning "still-running" "Still running", ExitStatus::TimedOut,
        "The run timed out (`timeout`) before the deployment ended. The run does not stop it, \
         unless `on-timeout` is `cancel`.",
        "Check in the dashboard how it ends, and raise `timeout` if your deployments take this long.";

        AnotherCommitCancelled "another-commit-cancelled" "Another commit cancelled", ExitStatus::Cancelled,
        "Sevalla deployed another commit than the one that was tested: the tip of the branch had \
         moved on. `on-commit-mismatch` is `cancel`, so the deployment was cancelled.",
        "Run again for the commit at the tip of the branch. Its own run probably does so already.";
    }
    Afterwards {
        AnotherCommitLive "another-commit-live" "Another commit live", ExitStatus::Unverified,
        "The deployment succeeded, but it holds another commit than the one that was tested: the tip \
         of the branch had moved on. `on-commit-mismatch` says that this is a failure.",
        "Check the live version, and run again for the commit at the tip of the branch.";

        CommitNotReported "commit-not-reported" "Commit not reported", ExitStatus::Unverified,
        "The deployment succeeded, but Sevalla does not say of which commit it is, so it cannot be \
         compared with `expected-commit`.",
        "Check the live version in the dashboard. `expected-commit: off` turns the comparison off, for \
         example for applications that run from an image.";

        HealthCheckFailed "health-check-failed" "Health check failed", ExitStatus::Unverified,
        "The deployment succeeded and is live, but the health check of `verify-url` did not pass in time: another status, other content, or a connection that failed.",
        "Open the address, and read the application's own log in the dashboard. If it only needs \
         more time, raise `verify-timeout`. `on-failure: rollback` rolls back automatically.";

        CheckNotMade "check-not-made" "Check not made", ExitStatus::Unverified,
        "The deployment succeeded and is live, but `verify-url` could not be checked, so nothing is \
         known about the application. The message names the reason: Sevalla gives no address for \
         `auto`, or the key may not read it; the commit for `{commit}` is unknown; the name cannot \
         be resolved or nothing leads to its address, the certificate is not trusted, or a proxy \
         refuses; a bot challenge, a rate limit, or a sign-in page answered instead of the application; or the run timed out. Such a deployment is never rolled back.",
        "Remove the reason that the message names, and open the address to see whether the \
         application works. Behind a bot challenge or a sign-in, set `verify-url` to a path that \
         responds without it.";

        AnotherVersionLive "another-version-live" "Another version live", ExitStatus::Unverified,
        "The rollback succeeded, but Sevalla deployed a version other than the requested one. \
         The message names both.",
        "Roll back to the wanted deployment in the dashboard.";
    }
    Previews {
        NotAPreview "not-a-preview" "Not a preview", ExitStatus::Rejected,
        "The application is not a preview app. Actions on previews never touch anything else.",
        "Correct `app-id`.";

        PreviewsNotEnabled "previews-not-enabled" "Previews not enabled", ExitStatus::Rejected,
        "The pipeline has no preview stage.",
        "Enable previews on the pipeline in the dashboard and fill in the settings of preview apps.";

        SeveralPreviews "several-previews" "Several previews", ExitStatus::Rejected,
        "More than one preview app fits the branch or the pull request, and the run does not guess.",
        "Delete all but one of those that the message names, or name the right one with `app-id`.";

        PreviewOfAnotherRepository "preview-of-another-repository" "Preview of another repository", ExitStatus::Rejected,
        "The preview app that fits by branch or name is, or may be, built from another repository. \
         It is not deleted on a guess.",
        "If it is the one to delete, name it with `app-id`.";

        TooManyApplications "too-many-applications" "Too many applications", ExitStatus::Rejected,
        "The company has more applications than are looked through, so the preview app may be there \
         and not be found. Another one is not created on a guess.",
        "Name the preview with `app-id`, and delete old previews with `clean-previews`.";

        FirstDeploymentMissing "first-deployment-missing" "First deployment missing", ExitStatus::TimedOut,
        "The preview app was created, but the deployment that Sevalla starts with it did not appear.",
        "Check in the dashboard, or run again: the app is there now and will be found.";

        BranchOfAnotherPullRequest "branch-of-another-pull-request" "Branch of another pull request", ExitStatus::InvalidInput,
        "`branch` is not the branch of the pull request, so the preview would not show what the pull \
         request changes.",
        "Remove `branch`: the run reads it from the pull request. Or remove `pull-request-number`.";

        PullRequestNotReadable "pull-request-not-readable" "Pull request not readable", ExitStatus::Unauthorized,
        "The run depends on a pull request that `github-token` may not read. Code hosts also answer \
         404 for what a token may not see.",
        "On GitHub give the job `permissions: pull-requests: read` (`write` for the comment), on \
         GitLab use a project access token with the scope `api`.";

        CodeHostFailing "code-host-failing" "Code host failing", ExitStatus::Unavailable,
        "The run depends on a pull request, and GitHub, GitLab or the like did not answer, failed, or \
         had received too many requests with this token.",
        "Run again later.";

        PreviewVanished "preview-vanished" "Preview vanished", ExitStatus::Failed,
        "The preview app was deleted while it was deployed, though its pull request is open.",
        "Run again to create another. Look for a job that cleans up previews.";
    }
    Management {
        PasswordWithoutReader "password-without-reader" "Password without reader", ExitStatus::InvalidInput,
        "`create-database` has to create the database, and would generate a password that nobody \
         could know: Sevalla does not return it. Nothing was created.",
        "Set `database-password` to a secret of your CI, or `output-password: true`. `set-env: true` \
         counts as well.";

        AmbiguousName "ambiguous-name" "Ambiguous name", ExitStatus::Rejected,
        "More than one resource has this name, or one that looks the same, and the run does not guess.",
        "Set the id instead, or rename all but one. A database is found by its display name when it \
         is created.";

        NameNotConfirmed "name-not-confirmed" "Name not confirmed", ExitStatus::Rejected,
        "The resource to delete has another display name than `confirm` says. Nothing was deleted.",
        "Check the id. If it is the right one, set `confirm` to its display name, letter for letter.";

        DeletionFailed "deletion-failed" "Deletion failed", ExitStatus::Failed,
        "Sevalla agreed to delete it, and then reported that deleting failed.",
        "Run again, delete it in the dashboard, or ask Sevalla's support.";

        NotGoneInTime "not-gone-in-time" "Not gone in time", ExitStatus::TimedOut,
        "Sevalla agreed to delete it, and it was still there when the run timed out.",
        "Run again: deleting twice does no harm. Raise `timeout` if it often takes this long.";

        UnknownClusterOrSize "unknown-cluster-or-size" "Unknown cluster or size", ExitStatus::Rejected,
        "No cluster, or no size of databases, has the name or id that `settings` gives.",
        "Use one of the names or ids that the message lists.";

        DatabaseOfAnotherType "database-of-another-type" "Database of another type", ExitStatus::Rejected,
        "A database with this display name is there already, and is of another type.",
        "Choose another `display_name`, or delete the other database.";

        DatabaseUnusable "database-unusable" "Database unusable", ExitStatus::Failed,
        "The database is in a status from which it will not become ready.",
        "Look at it in the dashboard. Delete and recreate it, or ask Sevalla's support.";

        DatabaseNotReady "database-not-ready" "Database not ready", ExitStatus::TimedOut,
        "The database was not ready when the run timed out. The run does not stop its creation or change.",
        "Run again: it is found by its name. Raise `timeout` if it often takes this long.";

        DatabaseNotConnectable "database-not-connectable" "Database not connectable", ExitStatus::Rejected,
        "The database that was to be connected is suspended, is being deleted, or has failed. \
         Nothing was changed.",
        "Look at it in the dashboard: activate it if it is suspended, or connect another.";

        NoInternalHost "no-internal-host" "No internal host", ExitStatus::Rejected,
        "Sevalla does not report the internal host of the database, which `set-env` writes into the \
         application's variables.",
        "Run again once the dashboard shows the internal host.";
    }
    Reporting {
        ResultNotWritten "result-not-written" "Result not written", ExitStatus::InvalidInput,
        "The output stream could not be written, for example because a disk is full, and the run \
         is there for what it prints: `list`, `show`, `doctor`, `plan-stack`, or a text such as \
         `--help`. A reader that closes a pipe early is no error. Nothing was changed on Sevalla.",
        "Free space on the disk, or redirect the output to another disk, and run again.";
    }
}
