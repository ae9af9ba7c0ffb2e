//! The table of a run's outputs: their names and meanings. `report::outputs` fills
//! it.

/// Every output with what it holds, in Markdown, in the order in which they are
/// documented.
pub const OUTPUTS: &[(&str, &str)] = &[
    ("deployment-id", "UUID of the deployment that was started."),
    (
        "status",
        "Last seen status of the deployment, in Sevalla's own word, for example success or failed.",
    ),
    (
        "outcome",
        "How the run ended, for example success, failed or timed-out. Each exit code has its words.",
    ),
    (
        "url",
        "Address of the application or static site. Empty unless the deployment was seen to succeed.",
    ),
    (
        "commit-sha",
        "Commit of the deployment, as soon as Sevalla reports it.",
    ),
    ("branch", "Branch of the deployment. Empty for an image."),
    (
        "queue-seconds",
        "Seconds the deployment waited in the queue.",
    ),
    (
        "duration-seconds",
        "Seconds the deployment ran after it left the queue.",
    ),
    (
        "deployment-ids",
        "UUIDs of all deployments that were started, separated by commas.",
    ),
    (
        "promotions",
        "The targets of promote-app as JSON: a list of objects with target-app-id, name, deployment-id, status, rolled-back-deployment-id, url, queue-seconds and duration-seconds. After a rollback, deployment-id and status are those of the deployment that is live now, and rolled-back-deployment-id is the one that was rolled back.",
    ),
    ("preview-app-id", "UUID of the preview app."),
    (
        "created",
        "true if this run created the preview app or the database, false if it existed.",
    ),
    (
        "result",
        "The findings of `list` or `show`, or the changes of an update, as JSON. Empty above 64 KiB; report-file contains it at any length.",
    ),
    (
        "services",
        "The services of deploy-stack as JSON: a list of objects with name, kind, id, outcome, why, deployment-id, live-deployment-id, live, rolled-back and url. live-deployment-id is the deployment that is live at the end, null if the run does not know it.",
    ),
    (
        "matrix",
        "The services that plan-stack would deploy, as JSON: for each step of the order a matrix for GitHub's strategy.matrix, with the inputs of a job for each service.",
    ),
    (
        "order",
        "The names of the services that plan-stack would deploy, as JSON: a list for each step of the order.",
    ),
    (
        "graph",
        "The services that plan-stack would deploy, as JSON: an object with services, a list of the objects of matrix, each with after, the names of those that it waits for.",
    ),
    ("database-id", "UUID of the database."),
    (
        "database-password",
        "Password that create-database has generated, if output-password is true and the database is new, or may be new.",
    ),
    (
        "error",
        "Why the run failed, and how to fix it. Empty after a success.",
    ),
];

/// The most of one value, in bytes. GitHub takes a megabyte for all outputs of
/// a job; a branch or a commit longer than this is somebody's trick.
pub const LONGEST_VALUE: usize = 64 * 1024;
