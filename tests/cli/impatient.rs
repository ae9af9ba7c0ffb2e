//! The program inside this process, over the network as it is, but with less
//! patience for each answer: a test need not wait half a minute for one that
//! never comes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use sevalla_deploy::http::{Http, Request, ResponseFuture, Transport};
use sevalla_deploy::process::Process;
use testkit::Captured;

use crate::in_memory;

/// How long an answer may take. The program's own limit has tests that wait for
/// it.
const PATIENCE: Duration = Duration::from_secs(5);

struct Impatient(Http);

impl Transport for Impatient {
    fn exchange(&self, request: Request, limit: Duration) -> ResponseFuture<'_> {
        self.0.exchange(request, limit.min(PATIENCE))
    }
}

/// The exit code, and what was written to both streams.
pub(crate) fn run(variables: BTreeMap<OsString, OsString>) -> (i32, String, String) {
    let (stdout, stderr) = (Captured::default(), Captured::stderr());
    stderr.take();
    let variables = variables.into_iter().collect();
    let connect = Box::new(|variables: &_| Ok(Box::new(Impatient(Http::new(variables)?)) as _));
    let process = Process {
        clock: jiff::Timestamp::now,
        token: || uuid::Uuid::new_v4().simple().to_string(),
        ..in_memory::process(variables, stdout.clone(), connect)
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let outcome = runtime.block_on(sevalla_deploy::run(process));
    let code = outcome.ending().code().into();
    (code, stdout.take(), stderr.take())
}
