//! The process is killed at a moment of its run, and the same run is started
//! again.

use std::time::Duration;

use sevalla_simulator::{Behaviour, DeploymentType, Fault as Woven, Script, Simulator};

use super::fault::Fault;
use super::moment::Moment;
use super::play::{STARTS, made, runner, world, woven};
use super::table::{Row, Spell};
use crate::harness::{APP, CI_COMMIT, Runner, called, together, until};
use crate::resuming::{Machine, kill};

/// What is different when the run is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    /// Nothing.
    Same,
    /// It is killed once more, and started a third time.
    KilledOnceMore,
    ListLostOnce,
    ListForbidden,
    ShowsItLate,
    SomebodyElseDeploys,
    AnswerLost,
    AnswerLostAndCarriedOut,
    CancelledMeanwhile,
    CancelledLater,
    FirstStillRuns,
    AnotherRun,
    AnotherApiKey,
    FileCut,
    FileGone,
}

impl Again {
    const fn words(self) -> &'static str {
        match self {
            Self::Same => "Nothing goes wrong.",
            Self::KilledOnceMore => "It is killed once more.",
            Self::ListLostOnce => "The first response to looking for the deployment is lost.",
            Self::ListForbidden => "The list of deployments can no longer be read.",
            Self::ShowsItLate => "The new deployment can be seen only after three seconds.",
            Self::SomebodyElseDeploys => "Somebody else has started the same deployment.",
            Self::AnswerLost => {
                "The response to the second request is lost; it is not carried out."
            }
            Self::AnswerLostAndCarriedOut => {
                "The response to the second request is lost; it is carried out."
            }
            Self::CancelledMeanwhile => {
                "Sevalla has carried out the cancellation. Another one is started."
            }
            Self::CancelledLater => {
                "Sevalla has accepted the cancellation, and carries it out later. Then another one \
                 is started."
            }
            Self::FirstStillRuns => "It was not killed: it still runs.",
            Self::AnotherRun => "It has another `run-key`.",
            Self::AnotherApiKey => "It has another API key.",
            Self::FileCut => "The file was cut.",
            Self::FileGone => "The file is gone, and the CI reports a further attempt.",
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Restart {
    killed: Moment,
    again: Again,
    ends: (i32, &'static str),
    made: usize,
    sent: usize,
    told: &'static str,
}

const fn restart(
    killed: Moment,
    again: Again,
    ends: (i32, &'static str),
    (made, sent): (usize, usize),
    told: &'static str,
) -> Restart {
    Restart {
        killed,
        again,
        ends,
        made,
        sent,
        told,
    }
}

/// How long a cancellation takes that takes effect only once the process has ended.
const LATER: Duration = Duration::from_secs(12);

const SUCCESS: (i32, &str) = (0, "success");
const FAILED: (i32, &str) = (1, "failed");
const AMBIGUOUS: (i32, &str) = (7, "ambiguous");
const REJECTED: (i32, &str) = (9, "rejected");

const FOUND: &str = "It did: exactly one new";
const NONE: &str = "It did not: no new";
const RESUMED: &str = "Resuming: an earlier process of this run started deployment";
const WAITED: &str = "asked Sevalla to cancel deployment";
const NOBODY_KNOWS: &str = "state-file may hold a write whose end nobody has seen";

fn restarts() -> Vec<Restart> {
    use Again::*;
    use Moment::*;
    vec![
        restart(Before, Same, SUCCESS, (1, 1), "Deployed: deployment"),
        restart(Trigger, Same, SUCCESS, (1, 2), NONE),
        restart(TriggerDone, Same, SUCCESS, (1, 1), FOUND),
        restart(Following, Same, SUCCESS, (1, 1), RESUMED),
        restart(LogOfAFailure, Same, FAILED, (1, 1), RESUMED),
        restart(Promotion, Same, SUCCESS, (1, 2), "It did not"),
        restart(PromotionDone, Same, SUCCESS, (1, 1), "It did"),
        restart(Rollback, Same, SUCCESS, (1, 2), NONE),
        restart(RollbackDone, Same, SUCCESS, (1, 1), FOUND),
        restart(Creation, Same, SUCCESS, (1, 2), NONE),
        restart(CreationDone, Same, SUCCESS, (1, 1), FOUND),
        restart(Database, Same, SUCCESS, (1, 2), NONE),
        restart(DatabaseDone, Same, SUCCESS, (1, 1), FOUND),
        restart(Cancelling, Same, SUCCESS, (1, 1), RESUMED),
        restart(
            Cancelling,
            CancelledMeanwhile,
            SUCCESS,
            (2, 2),
            "Deployed: deployment",
        ),
        restart(Cancelling, CancelledLater, SUCCESS, (2, 2), WAITED),
        restart(LateCancel, CancelledLater, SUCCESS, (2, 2), WAITED),
        restart(Trigger, KilledOnceMore, AMBIGUOUS, (0, 2), "sent twice"),
        restart(TriggerDone, KilledOnceMore, SUCCESS, (1, 1), RESUMED),
        restart(TriggerDone, ListLostOnce, SUCCESS, (1, 1), FOUND),
        restart(
            TriggerDone,
            ListForbidden,
            AMBIGUOUS,
            (1, 1),
            "Looking for it failed",
        ),
        restart(TriggerDone, ShowsItLate, SUCCESS, (1, 1), FOUND),
        restart(
            TriggerDone,
            SomebodyElseDeploys,
            AMBIGUOUS,
            (1, 1),
            "2 new deployments could be it",
        ),
        restart(Trigger, AnswerLost, AMBIGUOUS, (0, 2), "sent twice"),
        restart(Trigger, AnswerLostAndCarriedOut, SUCCESS, (1, 2), FOUND),
        restart(
            Following,
            FirstStillRuns,
            REJECTED,
            (1, 1),
            "another process of this run is still at work",
        ),
        restart(Following, AnotherRun, AMBIGUOUS, (1, 1), NOBODY_KNOWS),
        restart(Following, AnotherApiKey, AMBIGUOUS, (1, 1), NOBODY_KNOWS),
        restart(Following, FileCut, AMBIGUOUS, (1, 1), NOBODY_KNOWS),
        restart(
            Following,
            FileGone,
            SUCCESS,
            (1, 1),
            "The CI reports a further attempt at this run. Following",
        ),
    ]
}

/// The row that has the world, the inputs and the fault of the first process.
fn first_process(row: Restart) -> Row {
    Row {
        fault: Fault::NeverAnswers,
        moment: row.killed,
        spell: match row.again {
            Again::KilledOnceMore => Spell::Twice,
            _ => Spell::Once,
        },
        ends: row.ends,
        made: row.made,
        sent: row.sent,
        told: row.told,
    }
}

fn sent(simulator: &Simulator) -> usize {
    STARTS.iter().map(|start| simulator.calls(start)).sum()
}

async fn kill_first(row: Restart, simulator: &Simulator, runner: impl Fn() -> Runner) {
    let running = runner().start();
    match row.killed {
        Moment::Following | Moment::LogOfAFailure => called(simulator, "getDeploymentV3").await,
        Moment::Before => called(simulator, "getApplicationV3").await,
        Moment::LateCancel => {
            let run = running.finish().await;
            return run.assert_ended(4, "timed-out");
        }
        Moment::Cancelling => {
            called(simulator, "getDeploymentV3").await;
            running.signal("INT").await;
            called(simulator, "cancelDeploymentV3").await;
        }
        moment => {
            let effects = usize::from(moment.carries_out());
            until(|| sent(simulator) > 0 && made(simulator, moment) == effects).await;
        }
    }
    if row.again == Again::FirstStillRuns {
        let other = runner().run().await;
        check(row, &other, simulator);
    }
    if row.killed == Moment::Cancelling {
        running.signal("KILL").await;
        let run = running.finish().await;
        // On a busy machine it has ended already, which is the same to the next one.
        assert!(matches!(run.code, None | Some(130)), "{}", run.streams());
        return;
    }
    kill(running).await;
    if row.again == Again::KilledOnceMore {
        let operation = if row.killed.carries_out() {
            "getDeploymentV3"
        } else {
            row.killed.operations()[0]
        };
        let before = simulator.calls(operation);
        let running = runner().start();
        until(|| simulator.calls(operation) > before).await;
        kill(running).await;
    }
}

async fn play(row: Restart) {
    let first = first_process(row);
    let mut world = world(first);
    if row.again == Again::ShowsItLate {
        world = world.deployments_visible_after(Duration::from_secs(3));
    }
    let simulator = Simulator::start(world).await;
    let is_followed = matches!(row.killed, Moment::Following | Moment::LogOfAFailure);
    let is_cancelled = row.again == Again::CancelledMeanwhile;
    let is_accepted = row.again == Again::CancelledLater;
    let is_harmless = is_followed || is_accepted;
    for fault in woven(first).into_iter().filter(|_| !is_harmless) {
        let fault = if is_cancelled {
            fault.does(Behaviour::HangAfterApplying)
        } else {
            fault
        };
        simulator.add_fault(fault);
    }
    // However busy the machine is, it does not end before the process is killed.
    let is_held =
        is_harmless || row.again == Again::KilledOnceMore || row.killed == Moment::Cancelling;
    if is_held {
        let script = row.killed.script().commit_sha(CI_COMMIT);
        let script = script.cancel_delay(if is_accepted { LATER } else { Duration::ZERO });
        simulator.set_script(APP, script.never_ends());
    }
    let machine = Machine::new();
    let started = || machine.keeps(runner(first, &simulator));
    kill_first(row, &simulator, started).await;
    if row.again == Again::FirstStillRuns {
        return;
    }
    if is_cancelled || is_accepted {
        simulator.set_script(APP, Script::success());
    } else if is_held && row.again != Again::FileGone && simulator.deployments_made() > 0 {
        simulator.end_deployment(APP);
    }
    let list = Woven::on("listDeploymentsV3");
    let trigger = Woven::on(row.killed.operations()[0]);
    let mut again = started();
    match row.again {
        Again::ListLostOnce => simulator.add_fault(list.first(1).does(Behaviour::html(502))),
        Again::ListForbidden => simulator.add_fault(list.does(Behaviour::status(403))),
        Again::SomebodyElseDeploys => {
            simulator.add_deployment(APP, DeploymentType::Manual, row.killed.script());
        }
        Again::AnswerLost => {
            simulator.add_fault(trigger.first(1).does(Behaviour::ResetBeforeApplying));
        }
        Again::AnswerLostAndCarriedOut => {
            simulator.add_fault(trigger.first(1).does(Behaviour::ResetAfterApplying));
        }
        Again::CancelledLater => again = again.set("SEVALLA_TIMEOUT", "100s"),
        Again::AnotherRun => again = again.set("SEVALLA_RUN_KEY", "another"),
        Again::AnotherApiKey => again = again.set("SEVALLA_TOKEN", "svl_another"),
        Again::FileCut => {
            let whole = std::fs::read(machine.state()).unwrap();
            std::fs::write(machine.state(), &whole[..whole.len() / 2]).unwrap();
        }
        Again::FileGone => {
            std::fs::remove_file(machine.state()).unwrap();
            let event = again.path("event.json");
            std::fs::write(&event, r#"{"repository":{"pushed_at":0}}"#).unwrap();
            again = again
                .set("GITHUB_EVENT_NAME", "push")
                .set("GITHUB_REF", "refs/heads/main")
                .set("GITHUB_EVENT_PATH", event)
                .set("GITHUB_RUN_ATTEMPT", "2");
        }
        Again::Same
        | Again::KilledOnceMore
        | Again::ShowsItLate
        | Again::CancelledMeanwhile
        | Again::FirstStillRuns => {}
    }
    let looks = simulator.calls("getDeploymentV3");
    let running = again.start();
    if row.again == Again::FileGone {
        until(|| simulator.calls("getDeploymentV3") > looks).await;
        simulator.end_deployment(APP);
    }
    check(row, &running.finish().await, &simulator);
}

fn check(row: Restart, run: &crate::harness::Finished, simulator: &Simulator) {
    let seen = (run.code, made(simulator, row.killed), sent(simulator));
    let promised = (Some(row.ends.0), row.made, row.sent);
    assert_eq!(seen, promised, "{row:?}\n{}", run.streams());
    assert!(
        run.streams().contains(row.told),
        "{row:?}\n{}",
        run.streams()
    );
}

#[tokio::test]
async fn a_run_that_is_killed_and_started_again_ends_as_the_table_says() {
    together(restarts().into_iter().map(play)).await;
}

#[test]
fn no_restart_promises_more_than_one_deployment_that_is_not_cancelled() {
    for row in restarts() {
        let is_cancelled = matches!(row.again, Again::CancelledMeanwhile | Again::CancelledLater);
        let cancelled = usize::from(is_cancelled);
        assert!(
            row.made <= 1 + cancelled && row.made <= row.sent && row.sent <= 2,
            "{row:?}"
        );
    }
}

const INTRODUCTION: &str = "
## Killed, and started again

The process is killed by SIGKILL at a moment of the run, and the same run is started again with the
same `state-file`. *Killed* names the section above whose moment it is; the request of that moment
gets no response. The last columns are about both processes together.

| Killed | Started again | Ends as | Deployments | Sent | You read |
| --- | --- | --- | --- | --- | --- |
";

/// The table, for the page.
pub(super) fn rendered() -> String {
    let mut page = INTRODUCTION.to_owned();
    for row in restarts() {
        let (title, _) = row.killed.words();
        let (code, outcome) = row.ends;
        let sent = if row.sent == 1 { "once" } else { "twice" };
        page.push_str(&format!(
            "| {title} | {} | `{outcome}` ({code}) | {} | {sent} | {} |\n",
            row.again.words(),
            row.made,
            row.told
        ));
    }
    page
}
