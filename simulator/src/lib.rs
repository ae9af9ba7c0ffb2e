//! A simulated Sevalla on 127.0.0.1: the part of API v3 a deploy runner
//! calls, with deployments that live in real time, rate limits, validation as
//! strict as the API's document, and faults on request.
//!
//! It shares no code with the runner, so that the two can disagree.
//!
//! ```no_run
//! use std::time::Duration;
//! use sevalla_simulator::{Application, Script, Simulator, World};
//!
//! # async fn example() {
//! let app = "fb5e5168-4281-4bec-94c5-0d1584e9e657";
//! let simulator = Simulator::start(
//!     World::new().application(
//!         Application::new(app).next(Script::failed().run(Duration::from_millis(300))),
//!     ),
//! )
//! .await;
//! println!("{} {}", simulator.url(), simulator.key());
//! # }
//! ```
//!
//! What happens without a call, such as a push or the end of a pull request,
//! happens through methods of [`Simulator`].
//!
//! ```no_run
//! use sevalla_simulator::{Application, Pipeline, Preview, Push, Script, Simulator, World};
//!
//! let app = Application::new("6b0a7e0e-52a1-4f0b-9a55-1f1f6f9b6a02");
//! let preview = Preview::new().next(app.next(Script::failed()));
//! let pipeline = Pipeline::new("c2b1d1aa-7a52-4c55-9a41-5a0d5a1f7e04").preview(preview);
//! let simulator = Simulator::start_blocking(World::new().pipeline(pipeline));
//! simulator.push(Push::to("feature/x"));
//! simulator.close_pull_request(7);
//! ```

mod agenda;
mod answer;
mod application;
mod ask;
mod changes;
mod clock;
mod connection;
mod database;
mod delivery;
mod deployment;
mod domain;
mod ends;
mod env_var;
mod fault;
mod faulty;
mod handle;
mod happenings;
mod ids;
mod journal;
mod lane;
mod limits;
mod logs;
mod operation;
mod passage;
mod past;
mod pipeline;
mod preview;
mod previews;
mod push;
mod quirk;
mod removal;
mod resources;
mod routes;
pub mod sample;
mod schema;
mod script;
mod serve;
mod simulator;
mod slug;
mod snapshot;
mod stage;
mod state;
mod static_site;
mod status;
mod timeline;
mod validate;
mod wire;
mod world;

pub use application::{Application, RollbackBody};
pub use connection::Connection;
pub use database::{Change, Database};
pub use deployment::Snapshot;
pub use domain::Domain;
pub use env_var::EnvVar;
pub use fault::{Behaviour, Fault, Payload};
pub use journal::Call;
pub use limits::Limits;
pub use past::PastDeployment;
pub use pipeline::Pipeline;
pub use preview::Preview;
pub use push::Push;
pub use quirk::Quirk;
pub use removal::Deletion;
pub use resources::{CLUSTER, LARGE_DATABASE, OTHER_CLUSTER, SMALL_DATABASE};
pub use script::{CommitKnown, Script};
pub use simulator::Simulator;
pub use snapshot::AppSnapshot;
pub use stage::Stage;
pub use static_site::StaticSite;
pub use status::{DeploymentType, Status};
pub use world::World;
