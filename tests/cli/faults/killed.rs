//! The process is killed at a moment of its run, and the same run is started
//! again.

use std::time::Duration;

use sevalla_simulator::{Behaviour, DeploymentType, Fault as Woven, Script, Simulator};

use super::fault::Fault;
use super::moment::Moment;
use super::play::{STARTS, made, runner, world, woven};
use super::table::{AMBIGUOUS, FAILED, REJECTED, Row, SUCCESS, Spell, row, times};
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

/// A row of the table whose fault is that the process is killed, and what is
/// different afterwards. The row is about both processes together.
#[derive(Debug, Clone, Copy)]
struct Restart {
    row: Row,
    again: Again,
}

const fn restart(
    killed: Moment,
    again: Again,
    ends: (i32, &'static str),
    counts: (usize, usize),
    message: &'static str,
) -> Restart {
    let spell = match (killed, again) {
        (_, Again::KilledOnceMore) => Spell::Twice,
        // On a busy machine it asks once more before it is killed.
        (Moment::Cancelling, _) => Spell::ForGood,
        _ => Spell::Once,
    };
    Restart {
        row: row(killed, Fault::NeverAnswers, spell, ends, counts, message),
        again,
    }
}

/// How long a cancellation takes that takes effect only once the process has ended.
const LATER: Duration = Duration::from_secs(12);

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

fn sent(simulator: &Simulator) -> usize {
    STARTS.iter().map(|start| simulator.calls(start)).sum()
}

async fn kill_first(
    Restart { row, again }: Restart,
    simulator: &Simulator,
    runner: impl Fn() -> Runner,
) {
    let running = runner().start();
    match row.moment {
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
    if again == Again::FirstStillRuns {
        let other = runner().run().await;
        check(row, &other, simulator);
    }
    if row.moment == Moment::Cancelling {
        running.signal("KILL").await;
        let run = running.finish().await;
        // On a busy machine it has ended already, which is the same to the next one.
        assert!(matches!(run.code, None | Some(130)), "{}", run.streams());
        return;
    }
    kill(running).await;
    if again == Again::KilledOnceMore {
        let operation = if row.moment.carries_out() {
            "getDeploymentV3"
        } else {
            row.moment.operations()[0]
        };
        let before = simulator.calls(operation);
        let running = runner().start();
        until(|| simulator.calls(operation) > before).await;
        kill(running).await;
    }
}

async fn play(restart: Restart) {
    let Restart {
        row,
        again: differs,
    } = restart;
    let mut world = world(row);
    if differs == Again::ShowsItLate {
        world = world.deployments_visible_after(Duration::from_secs(3));
    }
    let simulator = Simulator::start(world).await;
    let is_followed = matches!(row.moment, Moment::Following | Moment::LogOfAFailure);
    let is_cancelled = differs == Again::CancelledMeanwhile;
    let is_accepted = differs == Again::CancelledLater;
    let is_harmless = is_followed || is_accepted;
    for fault in woven(row).into_iter().filter(|_| !is_harmless) {
        let fault = if is_cancelled {
            fault.does(Behaviour::HangAfterApplying)
        } else {
            fault
        };
        simulator.add_fault(fault);
    }
    // However busy the machine is, it does not end before the process is killed.
    let is_held =
        is_harmless || differs == Again::KilledOnceMore || row.moment == Moment::Cancelling;
    if is_held {
        let script = row.moment.script().commit_sha(CI_COMMIT);
        let script = script.cancel_delay(if is_accepted { LATER } else { Duration::ZERO });
        simulator.set_script(APP, script.never_ends());
    }
    let machine = Machine::new();
    let started = || machine.keeps(runner(row, &simulator));
    kill_first(restart, &simulator, started).await;
    if differs == Again::FirstStillRuns {
        return;
    }
    if is_cancelled || is_accepted {
        simulator.set_script(APP, Script::success());
    } else if is_held && differs != Again::FileGone && simulator.deployments_made() > 0 {
        simulator.end_deployment(APP);
    }
    let list = Woven::on("listDeploymentsV3");
    let trigger = Woven::on(row.moment.operations()[0]);
    let mut again = started();
    match differs {
        Again::ListLostOnce => simulator.add_fault(list.first(1).does(Behaviour::html(502))),
        Again::ListForbidden => simulator.add_fault(list.does(Behaviour::status(403))),
        Again::SomebodyElseDeploys => {
            simulator.add_deployment(APP, DeploymentType::Manual, row.moment.script());
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
    if differs == Again::FileGone {
        until(|| simulator.calls("getDeploymentV3") > looks).await;
        simulator.end_deployment(APP);
    }
    check(row, &running.finish().await, &simulator);
}

fn check(row: Row, run: &crate::harness::Finished, simulator: &Simulator) {
    let seen = (run.code, made(simulator, row.moment), sent(simulator));
    let promised = (Some(row.ends.0), row.made, row.sent);
    assert_eq!(seen, promised, "{row:?}\n{}", run.streams());
    assert!(
        run.streams().contains(row.message),
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
    for Restart { row, again } in restarts() {
        let is_cancelled = matches!(again, Again::CancelledMeanwhile | Again::CancelledLater);
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
    for Restart { row, again } in restarts() {
        let (title, _) = row.moment.words();
        let (code, outcome) = row.ends;
        page.push_str(&format!(
            "| {title} | {} | `{outcome}` ({code}) | {} | {} | {} |\n",
            again.words(),
            row.made,
            times(row.sent),
            row.message
        ));
    }
    page
}
