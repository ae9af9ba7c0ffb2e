//! What a run warns of. None of these changes how it ends.

use super::topics;

topics! {
    /// What a run warns of.
    Warning;
    Inputs {
        UnknownInput "unknown-input" "Unknown input"
        "A variable looks like an input, but no input has this name. It was ignored."
        "Correct the name, or remove it. `sevalla-deploy --help` lists all inputs.";

        UnknownCiHost "unknown-ci-host" "Unknown CI host"
        "`SEVALLA_CI_HOST` names no CI that this program knows. It was ignored, and the CI was \
         recognized by its own variables."
        "Use one of the names in the message, or unset it.";

        InputWithoutEffect "input-without-effect" "Input without effect"
        "An input was given that has no effect together with the action or with another input."
        "Remove it; it has no effect.";

        PathsWithoutFile "paths-without-a-file" "Paths without a file"
        "A glob in the `paths` of a service matches no file of the checkout, so it never makes the \
         service deploy. Often a folder was renamed."
        "Correct the glob in the stack file. Globs are relative to the root of the repository.";

        CommitNotCompared "commit-not-compared" "Commit not compared"
        "`expected-commit` or `on-commit-mismatch` asks for a comparison of commits, and there is \
         nothing to compare: an image has no commit, a restart or a rollback deploys an earlier \
         build, or the run does not wait for the deployment."
        "Set `expected-commit: off` for such deployments.";

        NetworkSettingIgnored "network-setting-ignored" "Network setting ignored"
        "A part of a variable that describes the network cannot be used and is ignored: an entry of `NO_PROXY` that is not a host name, address or network, or a certificate in the file of \
         `SSL_CERT_FILE` that cannot be read. The rest of the variable takes effect."
        "Correct the entry that the message names. In `NO_PROXY`, write `*`, `name`, `.name`, `*.name`, an \
         address or a network such as `10.0.0.0/8`, each with or without `:port`. In the file, replace \
         or remove the certificate at the position in the message.";

        UnknownSettingValue "unknown-setting-value" "Unknown setting value"
        "`settings` holds a word that this program does not know for that setting. It is sent as it \
         is: Sevalla may know it."
        "If Sevalla refuses it, use one of the words in the message.";

        DeploymentNotFollowed "deployment-not-followed" "Deployment not followed"
        "Only a deployment hook was given. Calling it starts a deployment, but following one needs \
         the API. The run ends once the hook was called, and does not know how the deployment ends."
        "Set `sevalla-token`, and `app-id` where the hook's address does not hold it. If you do not \
         want to wait, set `wait-for-finish: false`.";
    }
    Requests {
        KeyExpiresSoon "key-expires-soon" "Key expires soon"
        "The API key expires within two weeks. After that every run fails with [key not \
         accepted](#key-not-accepted)."
        "Create a new key and replace the secret before that.";
    }
    Starting {
        KeyCannotRead "key-cannot-read" "Key cannot read"
        "The key may start deployments but not read them. If the answer to the start gets lost, the \
         run cannot find out whether it took effect."
        "Give the key read access to the service.";

        DeployedTwice "deployed-twice" "Deployed twice"
        "Automatic deployment is on for the branch that the run deploys: each push is deployed once \
         by Sevalla and once by the run."
        "Switch automatic deployment off in the settings of the application or static site, or use \
         the action `follow` instead of deploying.";

        PossibleDuplicate "possible-duplicate" "Possible duplicate"
        "The first request got no response, and was sent once more after nothing new appeared. Now there are several: the first request may have worked after all."
        "Check in the dashboard whether the one in the message should stay.";

        EarlierDeploymentRemains "earlier-deployment-remains" "Earlier deployment remains"
        "With `when-busy: cancel-previous` another deployment of the service was to be cancelled, \
         and has not ended. The new one may have to wait for it."
        "Nothing, unless the new one waits too long: then cancel the other in the dashboard.";

        AddressUnknown "address-unknown" "Address unknown"
        "`verify-url` is `auto`, and before the start Sevalla gave no address of the service, or the \
         address could not be read. The run looks again after the deployment has succeeded. If there \
         is no address then either, it ends with [check not made](#check-not-made)."
        "Nothing, if the service gets its address with this deployment. Otherwise set `verify-url` \
         to the address.";

        UnsuitablePipeline "unsuitable-pipeline" "Unsuitable pipeline"
        "The pipeline has a branch of its own for each stage. Sevalla describes promotion only for \
         pipelines whose stages share one."
        "Check that the target got what you expect, or change the pipeline's kind.";
    }
    Following {
        AnotherCommit "another-commit" "Another commit"
        "Sevalla deploys another commit than the one that was tested: the tip of the branch had \
         moved on, or the deployment is an older one."
        "Usually nothing: the newer commit has a run of its own. `on-commit-mismatch` can make it a \
         failure (`fail`, `cancel`), and `expected-commit: off` turns the comparison off.";

        LogNotShown "log-not-shown" "Log not shown"
        "Sevalla did not give the deployment's log. How the run ends does not depend on it."
        "Read the log in the dashboard. After 403, the key lacks the permission for logs.";

        LogIncomplete "log-incomplete" "Log incomplete"
        "Lines of the log may be missing: the last ones could not be read in time, the company's \
         other runs have used up the log readings of this minute, or more lines have one time \
         stamp than Sevalla returns. `log-file` is then not written, or its last line says so. Log \
         errors never change the result."
        "Read the log in the dashboard.";
    }
    Afterwards {
        UnknownCommit "unknown-commit" "Unknown commit"
        "Sevalla does not say of which commit the deployment is, so it cannot be compared with the \
         expected one."
        "Check the live version in the dashboard. `expected-commit: off` turns the comparison off.";

        VersionUnknown "version-unknown" "Version unknown"
        "The rollback succeeded, but neither a commit nor an image shows whether it brought the \
         wanted version back."
        "Open the service and check which version is live.";

        FailedVersionAgain "failed-version-again" "Failed version again"
        "Sevalla answered the rollback with the version that had just failed. Its documentation \
         says that a rollback deploys the most recent success, which that version may be."
        "Roll back to the deployment from before in the dashboard.";

        CachesNotEmptied "caches-not-emptied" "Caches not emptied"
        "`purge-cache` is true, and the request failed. Sevalla empties the caches by itself after a \
         deployment."
        "Nothing, unless old content is still served: then use the action `purge-cache`.";
    }
    Previews {
        SeveralPipelines "several-pipelines" "Several pipelines"
        "Several pipelines have previews, and Sevalla does not report to which of them a preview app \
         belongs. The one that was found may be another pipeline's."
        "If it is the wrong one, name the right one with `app-id`.";

        PipelineOfAnotherRepository "pipeline-of-another-repository" "Pipeline of another repository"
        "The pipeline builds another repository than the one this run belongs to. Unless the comment \
         on the pull request keeps the id of the preview app, the next run will not recognize the \
         app as its own and will create another."
        "Use the pipeline of this repository, or pass the preview's `app-id`.";

        ExtraPreview "extra-preview" "Extra preview"
        "There are two preview apps for one pull request or branch, as runs at the same time leave \
         them. The younger one could not be deleted, so the run fails."
        "Delete the app that the message names, with `delete-preview-app` and `app-id` or in the \
         dashboard.";

        NoPreviewAddress "no-preview-address" "No preview address"
        "The preview is deployed, but Sevalla does not report its address yet. The output `url` is \
         empty."
        "Find the address in the dashboard.";

        PreviewsNotListed "previews-not-listed" "Previews not listed"
        "The company has more applications than `clean-previews` looks through; the oldest previews \
         may be missed."
        "Delete old previews by hand, or with `delete-preview-app` and `app-id`.";

        PreviewsLeft "previews-left" "Previews left"
        "More previews could be deleted than `max-deletions` allows in one run."
        "Run again, or raise `max-deletions`.";

        NoComment "no-comment" "No comment"
        "`comment` is true, but there is no pull request to comment on, no repository that the CI \
         names, or no `github-token`."
        "Pass `github-token`, and run in a pull request or set `pull-request-number`.";

        CodeHostError "code-host-error" "Code host error"
        "GitHub or GitLab refused or failed a request about the pull request or its comment. The \
         deployment does not depend on it."
        "The message names the reason. Mostly the token lacks a permission: on GitHub give the job \
         `permissions: pull-requests: write`, on GitLab use a project access token with the scope \
         `api`.";

        CodeHostNotResponding "github-or-gitlab-not-responding" "GitHub or GitLab not responding"
        "GitHub or GitLab did not answer in time, so it was not asked any more. The comment on the \
         pull request may be out of date."
        "Nothing: the next run updates the comment.";
    }
    Management {
        PasswordLost "password-lost" "Password lost"
        "The database was created with a generated password that is not stored or shown anywhere."
        "Reset the password when somebody needs it. To know it from the start, \
         give `database-password` or set `output-password: true`.";

        PasswordUnknown "password-unknown" "Password unknown"
        "`output-password` is true, but the database was there before, and Sevalla does not report \
         its password. The output is empty."
        "Store the password that the first run gives, or reset it.";

        ListCut "list-cut" "List cut"
        "Sevalla gives at most ten thousand items of a list; the rest is missing."
        "Show one resource by its id with `show`.";
    }
    Reporting {
        LogFileNotWritten "log-file-not-written" "Log file not written"
        "`log-file` could not be written, or the log could not be read to its end: a file that is \
         there is always complete."
        "Check the path and its permissions. How the run ends does not depend on it.";

        OutputsNotWritten "outputs-not-written" "Outputs not written"
        "The CI's file for outputs could not be written. Later steps get no outputs."
        "Check the disk of the runner. The result of the run stays as it is.";

        SummaryNotWritten "summary-not-written" "Summary not written"
        "The CI's file for the job summary could not be written, or is full."
        "Set `summary: false` if you do not need the summary. The result of the run stays as it is.";

        ReportNotWritten "report-not-written" "Report not written"
        "A file that the run was to write about itself could not be written, or what `list`, \
         `show` or `update` found is too long for an output and `report-file` is not set."
        "Set the input, such as `report-file`, to a path in a folder that is there and can be \
         written.";
    }
}
