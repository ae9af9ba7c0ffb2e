//! The company that `docs/try-it.md` deploys to: an application with a staging
//! twin in a pipeline, one whose deployments fail, one whose deployments never
//! end, a static site and a database.

use std::time::Duration;

use crate::{
    Application, Database, PastDeployment, Pipeline, Preview, RollbackBody, Script, Stage,
    StaticSite, World,
};

/// The application in production.
pub const SHOP: &str = "fb5e5168-4281-4bec-94c5-0d1584e9e657";
/// Its twin, which it is promoted from.
pub const STAGING: &str = "0b7f4d3e-5c1a-4f7b-9e26-8d4a1c5f2b60";
/// The application whose deployments fail.
pub const FAILING: &str = "2b9d4f70-1c3e-4a5b-8d6f-7e8091a2b3c4";
/// The application whose deployments never end.
pub const ENDLESS: &str = "6c5b4a39-2817-4f6e-9d4c-3b2a19087f6e";
/// The static site.
pub const STATIC_SITE: &str = "3f0a9c52-8d17-4c6e-9b1a-6a2f4f6f0b11";
/// The pipeline of the two applications, with previews.
pub const PIPELINE: &str = "54fb80af-576c-4fdc-ba4f-b596c83f15a1";
/// The database.
pub const DATABASE: &str = "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22";

/// The variables that `docs/try-it.md` uses for the ids.
pub const VARIABLES: [(&str, &str); 7] = [
    ("APP_ID", SHOP),
    ("STAGING_APP_ID", STAGING),
    ("FAILING_APP_ID", FAILING),
    ("ENDLESS_APP_ID", ENDLESS),
    ("STATIC_SITE_ID", STATIC_SITE),
    ("PIPELINE_ID", PIPELINE),
    ("DATABASE_ID", DATABASE),
];

/// The company.
pub fn world() -> World {
    let preview = Application::new("9c3b8e4f-6d2a-4e5c-8b71-0a9f8e7d6c5b").next(course());
    let stages = [
        Stage::standard("Staging").application(STAGING),
        Stage::prod("Production").application(SHOP),
    ];
    World::new()
        .application(shop())
        .application(staging())
        .application(
            Application::new(FAILING)
                .display_name("checkout")
                .past(past(5, "Take cards of other banks"))
                .next(failure()),
        )
        .application(
            Application::new(ENDLESS)
                .display_name("reports")
                .next(Script::success().never_ends()),
        )
        .static_site(
            StaticSite::new(STATIC_SITE)
                .past(past(30, "Describe deliveries"))
                .past(past(3, "Describe refunds"))
                .next(course()),
        )
        .pipeline(
            Pipeline::new(PIPELINE)
                .stages(stages)
                .preview(Preview::new().next(preview)),
        )
        .database(Database::new(DATABASE))
}

/// In production: the last version is a day old, and the one before it failed.
fn shop() -> Application {
    Application::new(SHOP)
        .past(past(48, "Show the stock"))
        .past(PastDeployment {
            status: PastDeployment::failed().status,
            ..past(26, "Sort by price")
        })
        .past(past(24, "Sort by price, corrected"))
        .rollback_body(RollbackBody::Honoured)
        .next(course())
}

/// Its twin, which gets every version first.
fn staging() -> Application {
    [(50, "Show the stock"), (25, "Sort by price"), (2, "Search")]
        .into_iter()
        .fold(
            Application::new(STAGING).display_name("shop-staging"),
            |staging, (hours, message)| staging.past(past(hours, message)),
        )
        .next(course())
}

/// A success as long as [`course`], so many hours ago.
fn past(hours: u64, message: &str) -> PastDeployment {
    PastDeployment {
        ago: Duration::from_secs(hours * 3600),
        took: Duration::from_secs(6),
        commit_message: message.to_owned(),
        ..PastDeployment::success()
    }
}

/// A deployment that fails, and says why.
fn failure() -> Script {
    let error = "src/basket.ts(41,17): error TS2345: Argument of type 'string' is not assignable \
                 to parameter of type 'number'.";
    Script::failed()
        .queue(Duration::from_secs(1))
        .run(Duration::from_secs(4))
        .commit_message("Show the basket's total")
        .log_line(Duration::from_secs(1), "INFO", "Building")
        .log_line(Duration::from_secs(3), "ERROR", error)
}

/// A deployment long enough to be watched.
fn course() -> Script {
    let line = Duration::from_secs;
    Script::success()
        .queue(Duration::from_secs(1))
        .run(Duration::from_secs(6))
        .commit_message("Make the shop faster")
        .log_line(line(0), "INFO", "Cloning repository")
        .log_line(line(2), "INFO", "Installing dependencies")
        .log_line(line(3), "WARN", "1 deprecated package")
        .log_line(line(4), "INFO", "Building")
        .log_line(line(5), "INFO", "Rolling out")
}
