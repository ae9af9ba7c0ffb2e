//! A comment with every text of a stranger's hostile, as a page shows it.

use sevalla_deploy::code_host::Marker;
use sevalla_deploy::deployment::{Deployment, DeploymentId, Status};
use sevalla_deploy::messages::Failure;
use sevalla_deploy::outcome::Outcome;
use sevalla_deploy::report::comment::{CommentFacts, CommentStatus, render};
use sevalla_deploy::sanitize::Sanitizer;
use sevalla_deploy::sanitize::redactor::Redactor;

use crate::forge::TOKEN;
use crate::markdown::read;

const HOSTILE: [&str; 12] = [
    "@acme/team",
    "[x](https://evil.example) ![i](https://evil.example/i.png)",
    "<img src=https://evil.example onerror=x> <!-- sevalla-deploy:other -->",
    "--> </details>",
    "` `` ``` ```` @team",
    "a | b \\| c \\\\| d",
    "one\n\n# two\n\n@three",
    "```\n/merge\n@team\n```",
    "/close",
    "#1 !2 %3 ~bug https://evil.example www.evil.example",
    "\u{202e}@team\u{1b}]8;;https://evil.example\u{7}x",
    "````````````````````````````````````````````````````````````````````````````````````@a",
];

/// One that says nothing but this.
fn deployment(text: &str) -> Deployment {
    Deployment {
        status: Status::Other(text.to_owned()),
        commit_sha: Some(text.to_owned()),
        ..Deployment::only_its_id(DeploymentId(text.to_owned()))
    }
}

#[test]
fn nothing_of_it_does_anything() {
    let gate = Sanitizer::default();
    let ours = Failure::DeploymentFailed.address();
    for hostile in HOSTILE {
        let marker = Marker::of(hostile);
        let line = gate.line(hostile);
        let deployment = deployment(hostile);
        let ended = |outcome: Outcome| {
            outcome
                .because(hostile)
                .after(Some(hostile.to_owned()))
                .hint(hostile)
        };
        let failed = ended(Outcome::of(Failure::DeploymentFailed, hostile));
        let passed = ended(Outcome::passed(hostile));
        for news in [
            CommentStatus::Deploying,
            CommentStatus::Stopping,
            CommentStatus::Ended(&Outcome::success(hostile)),
            CommentStatus::Ended(&failed),
            CommentStatus::Ended(&passed),
            CommentStatus::Deleted,
        ] {
            let facts = CommentFacts {
                marker: &marker,
                app: Some(hostile),
                status: news,
                causes: &[],
                last_lines: &[&line, &line],
                url: Some(hostile),
                deployment: Some(&deployment),
                times: Some(hostile),
                run_url: Some(hostile),
                now: "2026-03-01T10:00:05Z".parse().unwrap(),
            };
            let text = render(&facts, &gate);
            assert!(marker.begins(text.as_str()));
            let page = read(text.as_str());
            let foreign = page.links.iter().filter(|link| **link != ours);
            assert_eq!((foreign.count(), page.images.len()), (0, 0), "{text:?}");
            assert_eq!(page.html.concat().trim(), marker.as_str(), "{text:?}");
            for sign in ["@", "evil", "merge", "close", "#", "~"] {
                let shown = page.text.replace(&ours, "");
                assert!(!shown.contains(sign), "{sign}: {shown}");
            }
            assert!(page.rows.iter().all(|cells| *cells == 2), "{text:?}");
            // GitLab's commands.
            let mut lines = text.as_str().lines();
            assert!(
                !lines.any(|line| line.trim_start().starts_with('/')),
                "{text:?}"
            );
        }
    }
}

#[test]
fn no_secret_is_in_it() {
    let gate = Sanitizer::new(Redactor::new([TOKEN]));
    let marker = Marker::of("shop");
    let facts = CommentFacts {
        marker: &marker,
        app: Some(TOKEN),
        status: CommentStatus::Ended(
            &Outcome::of(Failure::DeploymentFailed, TOKEN)
                .because(TOKEN)
                .after(Some(TOKEN.to_owned()))
                .hint(TOKEN),
        ),
        causes: &[],
        last_lines: &[&gate.line(TOKEN)],
        url: None,
        deployment: Some(&deployment(TOKEN)),
        times: None,
        run_url: Some(&format!("https://ci.example/{TOKEN}")),
        now: "2026-03-01T10:00:05Z".parse().unwrap(),
    };
    let text = render(&facts, &gate);
    assert!(!text.as_str().contains(&TOKEN[4..20]), "{text:?}");
}
