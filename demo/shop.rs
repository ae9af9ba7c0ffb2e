//! What the demo deploys to: an application with one past deployment, and a
//! build of a Node application.

use std::time::Duration;

use sevalla_simulator::{Application, PastDeployment, Script, World};

pub(crate) const APP: &str = "4f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f7a11";

/// Offset in milliseconds, severity and text of the log's lines. Sevalla's
/// builder of applications writes a Dockerfile, then `BuildKit` builds it.
const BUILD: &[(u64, &str, &str)] = &[
    (300, "INFO", "Cloning into '/workspace'..."),
    (
        1200,
        "INFO",
        "HEAD is now at 7d3f0c2 Show the basket's total",
    ),
    (1400, "INFO", "📦 Generating Dockerfile using ingot..."),
    (1700, "INFO", "Detected Node.js 22 (package.json), npm"),
    (1800, "INFO", "Install: npm ci"),
    (1900, "INFO", "Build: npm run build"),
    (2000, "INFO", "Start: npm start"),
    (
        2300,
        "INFO",
        "📦 Building and pushing docker image using the generated Dockerfile...",
    ),
    (
        2600,
        "INFO",
        "#1 [internal] load build definition from Dockerfile",
    ),
    (2700, "INFO", "#1 transferring dockerfile: 812B done"),
    (2800, "INFO", "#1 DONE 0.1s"),
    (3500, "INFO", "#7 [build 4/6] RUN npm ci"),
    (
        5200,
        "INFO",
        "#7 1.704 npm warn deprecated inflight@1.0.6: This module is not supported",
    ),
    (6500, "INFO", "#7 2.981 added 412 packages in 3s"),
    (6700, "INFO", "#7 DONE 3.2s"),
    (8000, "INFO", "#9 [build 6/6] RUN npm run build"),
    (
        8400,
        "INFO",
        "#9 0.412 vite v7.1.2 building for production...",
    ),
];

const GOOD_END: &[(u64, &str, &str)] = &[
    (12_000, "INFO", "#9 3.998 ✓ 318 modules transformed."),
    (12_200, "INFO", "#9 DONE 4.2s"),
    (12_500, "INFO", "#11 exporting to image"),
    (13_000, "INFO", "#11 pushing layers 0.5s done"),
    (13_200, "INFO", "#11 DONE 0.7s"),
];

const BAD_END: &[(u64, &str, &str)] = &[
    (
        10_300,
        "ERROR",
        "#9 2.318 src/basket.ts(41,17): error TS2345: Argument of type 'string' is not assignable to \
         parameter of type 'number'.",
    ),
    (
        10_500,
        "ERROR",
        "#9 ERROR: process \"/bin/sh -c npm run build\" did not complete successfully: exit code: 2",
    ),
    (10_600, "INFO", "------"),
    (10_600, "INFO", " > [build 6/6] RUN npm run build:"),
    (
        10_600,
        "INFO",
        "2.318 src/basket.ts(41,17): error TS2345: Argument of type 'string' is not assignable to \
         parameter of type 'number'.",
    ),
    (10_600, "INFO", "------"),
    (
        10_700,
        "ERROR",
        "ERROR: failed to solve: process \"/bin/sh -c npm run build\" did not complete \
         successfully: exit code: 2",
    ),
    (10_800, "ERROR", "Build process failed"),
];

fn script(is_failing: bool) -> Script {
    let (script, end, run) = if is_failing {
        (Script::failed(), BAD_END, Duration::from_secs(11))
    } else {
        (Script::success(), GOOD_END, Duration::from_secs(14))
    };
    let script = script
        .queue(Duration::from_secs(2))
        .run(run)
        .commit_sha("7d3f0c2a9b1e4f5d6c7b8a9d0e1f2a3b4c5d6e7f")
        .commit_message("Show the basket's total");
    BUILD
        .iter()
        .chain(end)
        .fold(script, |script, (offset, severity, text)| {
            script.log_line(Duration::from_millis(*offset), *severity, *text)
        })
}

/// The application, whose next deployment fails or succeeds.
pub(crate) fn world(is_failing: bool) -> World {
    let application = Application::new(APP)
        .past(PastDeployment {
            took: Duration::from_secs(17),
            ..PastDeployment::success().ago(Duration::from_secs(3600))
        })
        .next(script(is_failing));
    World::new().application(application)
}
