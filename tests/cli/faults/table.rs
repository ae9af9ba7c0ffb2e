//! The table.

use super::fault::Fault;
use super::moment::Moment;

/// How often it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spell {
    Once,
    Twice,
    ForGood,
}

/// One fault at one moment, and what the user gets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) fault: Fault,
    pub(crate) moment: Moment,
    pub(crate) spell: Spell,
    /// Exit code and outcome.
    pub(crate) ends: (i32, &'static str),
    /// How many deployments there are in the end by this run.
    pub(crate) made: usize,
    /// How often a deployment was asked for.
    pub(crate) sent: usize,
    /// A part of what the run prints.
    pub(crate) message: &'static str,
}

impl Row {
    /// Whether the run ends with knowing the deployment it has made.
    pub(crate) fn knows_it(&self) -> bool {
        let moment = self.moment;
        self.made == 1 && moment.has_key() && !moment.is_database() && self.ends.1 != "ambiguous"
    }

    /// Whether the run gives up an answer after all the time that one may take.
    pub(crate) const fn outwaits_an_answer(&self) -> bool {
        matches!(self.fault, Fault::NeverAnswers | Fault::HangsInTheBody)
            && matches!(self.spell, Spell::Once)
    }

    /// Whether it takes longer than most, so that it is played first.
    pub(crate) const fn is_long(&self) -> bool {
        self.outwaits_an_answer()
            || matches!(self.spell, Spell::Twice | Spell::ForGood)
            || matches!(
                self.moment,
                Moment::Trigger
                    | Moment::Hook
                    | Moment::Promotion
                    | Moment::Rollback
                    | Moment::Creation
                    | Moment::Database
            )
    }
}

pub(super) const fn row(
    moment: Moment,
    fault: Fault,
    spell: Spell,
    ends: (i32, &'static str),
    (made, sent): (usize, usize),
    message: &'static str,
) -> Row {
    Row {
        fault,
        moment,
        spell,
        ends,
        made,
        sent,
        message,
    }
}

pub(super) const SUCCESS: (i32, &str) = (0, "success");
const TRIGGERED: (i32, &str) = (0, "triggered");
pub(super) const FAILED: (i32, &str) = (1, "failed");
const TIMED_OUT: (i32, &str) = (4, "timed-out");
const UNAUTHORIZED: (i32, &str) = (5, "unauthorized");
const UNAVAILABLE: (i32, &str) = (6, "unavailable");
pub(super) const AMBIGUOUS: (i32, &str) = (7, "ambiguous");
pub(super) const REJECTED: (i32, &str) = (9, "rejected");
const INTERRUPTED: (i32, &str) = (130, "interrupted");

/// How often a request was sent, in words.
pub(super) fn times(count: usize) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}

/// Told whenever a request is repeated.
const AGAIN: &str = "Trying again in";
/// Told when a lost answer has been made good.
const ADOPTED: &str = "exactly one new deployment matches";
/// Told when a request has had no effect.
const SENT_AGAIN: &str = "Sending it once more";
/// Told at the end of a good run.
const DEPLOYED: &str = "Deployed: deployment";
/// Told when the deployment cannot be looked at any more.
const LOST: &str = "Lost track of deployment";

/// The table: (deployments made, starts asked for) before the text.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(before());
    rows.extend(waiting());
    rows.extend(trigger());
    rows.extend(hook());
    rows.extend(looks());
    rows.extend(log());
    rows.extend(the_end_of_patience());
    rows.extend(aside());
    rows.extend(other_deployments());
    rows.extend(creation());
    rows.extend(deletion());
    rows.extend(database());
    rows.extend(purge());
    rows
}

fn before() -> Vec<Row> {
    use Fault::*;
    use Spell::*;
    let at = |fault, spell, ends, counts, message| {
        row(Moment::Before, fault, spell, ends, counts, message)
    };
    vec![
        at(ResetsTheConnection, Once, SUCCESS, (1, 1), AGAIN),
        at(ClosesWithoutAnAnswer, Once, SUCCESS, (1, 1), AGAIN),
        at(NeverAnswers, Once, SUCCESS, (1, 1), AGAIN),
        at(CutsTheBody, Once, SUCCESS, (1, 1), AGAIN),
        at(ResetsInTheBody, Once, SUCCESS, (1, 1), AGAIN),
        at(Answers502WithAPage, Once, SUCCESS, (1, 1), AGAIN),
        at(Answers500, Once, SUCCESS, (1, 1), AGAIN),
        at(Answers200WithAPage, Once, SUCCESS, (1, 1), AGAIN),
        at(AnswersNothing, Once, SUCCESS, (1, 1), AGAIN),
        at(AnswersAnotherShape, Once, SUCCESS, (1, 1), AGAIN),
        at(Answers429, Once, SUCCESS, (1, 1), AGAIN),
        at(Answers429Bare, Once, SUCCESS, (1, 1), AGAIN),
        at(Answers429WithNonsense, Once, SUCCESS, (1, 1), AGAIN),
        at(DripsTheBody, Once, SUCCESS, (1, 1), DEPLOYED),
        at(TellsNonsenseLimits, ForGood, SUCCESS, (1, 1), DEPLOYED),
        at(
            ResetsTheConnection,
            ForGood,
            UNAVAILABLE,
            (0, 0),
            "the connection broke",
        ),
        at(
            NeverAnswers,
            ForGood,
            UNAVAILABLE,
            (0, 0),
            "no complete answer within",
        ),
        at(CutsTheBody, ForGood, UNAVAILABLE, (0, 0), "attempts in"),
        at(
            Answers502WithAPage,
            ForGood,
            UNAVAILABLE,
            (0, 0),
            "HTTP 502 Bad Gateway",
        ),
        at(
            Answers200WithAPage,
            ForGood,
            UNAVAILABLE,
            (0, 0),
            "an HTML page",
        ),
        at(FloodsTheBody, ForGood, UNAVAILABLE, (0, 0), "larger than"),
        at(
            Answers429ForLong,
            ForGood,
            UNAVAILABLE,
            (0, 0),
            "rate limit is used up",
        ),
        at(
            RefusesConnections,
            ForGood,
            UNAVAILABLE,
            (0, 0),
            "no connection",
        ),
        at(
            RevokesTheKey,
            ForGood,
            UNAUTHORIZED,
            (0, 0),
            "The key is wrong, revoked",
        ),
        at(
            Forbids,
            ForGood,
            UNAUTHORIZED,
            (0, 0),
            "The key can: APP:READ",
        ),
        at(DoesNotKnowIt, ForGood, REJECTED, (0, 0), "Check the id"),
        at(
            CallsItABadRequest,
            ForGood,
            REJECTED,
            (0, 0),
            "HTTP 400 Bad Request",
        ),
        at(
            CallsItAConflict,
            ForGood,
            REJECTED,
            (0, 0),
            "HTTP 409 Conflict",
        ),
        at(
            CallsItUnprocessable,
            ForGood,
            REJECTED,
            (0, 0),
            "HTTP 422 Unprocessable Entity",
        ),
        at(
            RedirectsElsewhere,
            ForGood,
            REJECTED,
            (0, 0),
            "redirected to https://elsewhere.example",
        ),
    ]
}

fn waiting() -> Vec<Row> {
    use Fault::*;
    use Spell::*;
    let good = |fault| row(Moment::Waiting, fault, Once, SUCCESS, (1, 1), AGAIN);
    let bad = |fault, ends, message| row(Moment::Waiting, fault, ForGood, ends, (0, 0), message);
    vec![
        good(ResetsTheConnection),
        good(CutsTheBody),
        good(Answers502WithAPage),
        good(Answers200WithAPage),
        good(Answers429),
        bad(Answers502WithAPage, UNAVAILABLE, "HTTP 502 Bad Gateway"),
        bad(RevokesTheKey, UNAUTHORIZED, "The key is wrong, revoked"),
        bad(Forbids, UNAUTHORIZED, "The key can: APP:READ"),
        bad(DoesNotKnowIt, REJECTED, "Check the id"),
    ]
}

fn trigger() -> Vec<Row> {
    use Fault::*;
    use Spell::*;
    let not = |fault, spell, ends, counts, message| {
        row(Moment::Trigger, fault, spell, ends, counts, message)
    };
    let done = |fault, spell, ends, counts, message| {
        row(Moment::TriggerDone, fault, spell, ends, counts, message)
    };
    vec![
        not(ResetsTheConnection, Once, SUCCESS, (1, 2), SENT_AGAIN),
        not(ClosesWithoutAnAnswer, Once, SUCCESS, (1, 2), SENT_AGAIN),
        not(NeverAnswers, Once, SUCCESS, (1, 2), SENT_AGAIN),
        not(Answers502WithAPage, Once, SUCCESS, (1, 2), SENT_AGAIN),
        not(Answers500, Once, SUCCESS, (1, 2), SENT_AGAIN),
        not(
            Answers502WithAPage,
            Twice,
            AMBIGUOUS,
            (0, 2),
            "the request was sent twice",
        ),
        not(Answers429, Once, SUCCESS, (1, 2), AGAIN),
        not(Answers429, Twice, SUCCESS, (1, 3), AGAIN),
        not(Answers429Bare, Once, SUCCESS, (1, 2), AGAIN),
        not(Answers429WithNonsense, Once, SUCCESS, (1, 2), AGAIN),
        not(
            Answers429ForLong,
            ForGood,
            UNAVAILABLE,
            (0, 1),
            "rate limit is used up",
        ),
        not(
            RevokesTheKey,
            ForGood,
            UNAUTHORIZED,
            (0, 1),
            "The key is wrong, revoked",
        ),
        not(
            Forbids,
            ForGood,
            UNAUTHORIZED,
            (0, 1),
            "The key can: APP:READ",
        ),
        not(DoesNotKnowIt, ForGood, REJECTED, (0, 1), "Check the id"),
        not(
            CallsItABadRequest,
            ForGood,
            REJECTED,
            (0, 1),
            "HTTP 400 Bad Request",
        ),
        not(
            CallsItAConflict,
            ForGood,
            REJECTED,
            (0, 1),
            "HTTP 409 Conflict",
        ),
        not(
            CallsItUnprocessable,
            ForGood,
            REJECTED,
            (0, 1),
            "HTTP 422 Unprocessable Entity",
        ),
        not(
            RedirectsElsewhere,
            ForGood,
            REJECTED,
            (0, 1),
            "is not followed",
        ),
        done(ResetsTheConnection, Once, SUCCESS, (1, 1), ADOPTED),
        done(ClosesWithoutAnAnswer, Once, SUCCESS, (1, 1), ADOPTED),
        done(NeverAnswers, Once, SUCCESS, (1, 1), ADOPTED),
        done(HangsInTheBody, Once, SUCCESS, (1, 1), ADOPTED),
        done(CutsTheBody, Once, SUCCESS, (1, 1), ADOPTED),
        done(ResetsInTheBody, Once, SUCCESS, (1, 1), ADOPTED),
        done(Answers502WithAPage, Once, SUCCESS, (1, 1), ADOPTED),
        done(Answers500, Once, SUCCESS, (1, 1), ADOPTED),
        done(Answers200WithAPage, Once, SUCCESS, (1, 1), ADOPTED),
        done(AnswersNothing, Once, SUCCESS, (1, 1), ADOPTED),
        done(AnswersAnotherShape, Once, SUCCESS, (1, 1), ADOPTED),
        done(FloodsTheBody, Once, SUCCESS, (1, 1), ADOPTED),
        done(DripsTheBody, Once, SUCCESS, (1, 1), DEPLOYED),
        done(TellsNonsenseLimits, Once, SUCCESS, (1, 1), DEPLOYED),
        done(HidesNewDeployments, Once, SUCCESS, (1, 1), ADOPTED),
        done(LosesTheAnswerAndTheList, Once, SUCCESS, (1, 1), ADOPTED),
        done(
            SomebodyElseDeploysToo,
            Once,
            AMBIGUOUS,
            (1, 1),
            "2 new deployments could be it",
        ),
        done(ShowsTheBranchLate, Once, SUCCESS, (1, 1), ADOPTED),
        done(
            HidesTheBranch,
            Once,
            AMBIGUOUS,
            (1, 1),
            "One new deployment could be it",
        ),
        done(
            LosesTheAnswerAndForbidsTheList,
            Once,
            AMBIGUOUS,
            (1, 1),
            "Looking for it failed",
        ),
    ]
}

fn hook() -> Vec<Row> {
    use Fault::*;
    use Moment::{Hook, HookAlone, HookAloneDone, HookDone};
    use Spell::*;
    vec![
        row(Hook, ResetsTheConnection, Once, SUCCESS, (1, 2), SENT_AGAIN),
        row(Hook, Answers502WithAPage, Once, SUCCESS, (1, 2), SENT_AGAIN),
        row(
            Hook,
            Answers502WithAPage,
            Twice,
            AMBIGUOUS,
            (0, 2),
            "the request was sent twice",
        ),
        row(Hook, Answers429, Once, SUCCESS, (1, 2), AGAIN),
        row(
            Hook,
            RevokesTheKey,
            ForGood,
            UNAUTHORIZED,
            (0, 1),
            "HTTP 401",
        ),
        row(Hook, DoesNotKnowIt, ForGood, REJECTED, (0, 1), "HTTP 404"),
        row(
            Hook,
            RedirectsElsewhere,
            ForGood,
            REJECTED,
            (0, 1),
            "is not followed",
        ),
        row(
            HookDone,
            ResetsTheConnection,
            Once,
            SUCCESS,
            (1, 1),
            ADOPTED,
        ),
        row(HookDone, NeverAnswers, Once, SUCCESS, (1, 1), ADOPTED),
        row(HookDone, CutsTheBody, Once, SUCCESS, (1, 1), ADOPTED),
        row(
            HookDone,
            Answers502WithAPage,
            Once,
            SUCCESS,
            (1, 1),
            ADOPTED,
        ),
        row(
            HookDone,
            Answers200WithAPage,
            Once,
            SUCCESS,
            (1, 1),
            DEPLOYED,
        ),
        row(HookDone, AnswersNothing, Once, SUCCESS, (1, 1), DEPLOYED),
        row(
            HookDone,
            SomebodyElseDeploysToo,
            Once,
            AMBIGUOUS,
            (1, 1),
            "2 new deployments could be it",
        ),
        row(
            HookAlone,
            ResetsTheConnection,
            Once,
            AMBIGUOUS,
            (0, 1),
            "Looking for it needs sevalla-token",
        ),
        row(
            HookAlone,
            Answers502WithAPage,
            Once,
            AMBIGUOUS,
            (0, 1),
            "Looking for it needs sevalla-token",
        ),
        row(HookAlone, Answers429, Once, TRIGGERED, (1, 2), AGAIN),
        row(
            HookAlone,
            DoesNotKnowIt,
            ForGood,
            REJECTED,
            (0, 1),
            "HTTP 404",
        ),
        row(
            HookAloneDone,
            ResetsTheConnection,
            Once,
            AMBIGUOUS,
            (1, 1),
            "Looking for it needs sevalla-token",
        ),
        row(
            HookAloneDone,
            CutsTheBody,
            Once,
            AMBIGUOUS,
            (1, 1),
            "Looking for it needs sevalla-token",
        ),
        row(
            HookAloneDone,
            Answers200WithAPage,
            Once,
            AMBIGUOUS,
            (1, 1),
            "Looking for it needs sevalla-token",
        ),
        row(
            HookAloneDone,
            AnswersNothing,
            Once,
            TRIGGERED,
            (1, 1),
            "did not report which deployment",
        ),
    ]
}

fn looks() -> Vec<Row> {
    use Fault::*;
    use Moment::{FirstLook, Following};
    use Spell::*;
    let mut rows = Vec::new();
    for moment in [FirstLook, Following] {
        let at = |fault, spell, ends, message| row(moment, fault, spell, ends, (1, 1), message);
        rows.extend([
            at(ResetsTheConnection, Once, SUCCESS, AGAIN),
            at(ClosesWithoutAnAnswer, Once, SUCCESS, AGAIN),
            at(HangsInTheBody, Once, SUCCESS, AGAIN),
            at(CutsTheBody, Once, SUCCESS, AGAIN),
            at(Answers502WithAPage, Once, SUCCESS, AGAIN),
            at(Answers500, Once, SUCCESS, AGAIN),
            at(Answers200WithAPage, Once, SUCCESS, AGAIN),
            at(AnswersNothing, Once, SUCCESS, AGAIN),
            at(AnswersAnotherShape, Once, SUCCESS, AGAIN),
            at(Answers429, Once, SUCCESS, AGAIN),
            at(Answers429Bare, Once, SUCCESS, AGAIN),
            at(Answers429WithNonsense, Once, SUCCESS, AGAIN),
            at(DripsTheBody, Once, SUCCESS, DEPLOYED),
            at(
                ResetsTheConnection,
                ForGood,
                UNAVAILABLE,
                "the connection broke",
            ),
            at(
                Answers502WithAPage,
                ForGood,
                UNAVAILABLE,
                "HTTP 502 Bad Gateway",
            ),
            at(Answers429, ForGood, UNAVAILABLE, "rate limit is used up"),
            at(RevokesTheKey, ForGood, UNAUTHORIZED, LOST),
            at(Forbids, ForGood, UNAUTHORIZED, "The key can: APP:READ"),
            at(CallsItABadRequest, ForGood, REJECTED, LOST),
            at(RedirectsElsewhere, ForGood, REJECTED, LOST),
            at(DoesNotKnowIt, ForGood, REJECTED, LOST),
        ]);
    }
    let first = |fault, ends, message| row(FirstLook, fault, Once, ends, (1, 1), message);
    let later = |fault, spell, ends, message| row(Following, fault, spell, ends, (1, 1), message);
    rows.extend([
        first(DoesNotKnowIt, SUCCESS, AGAIN),
        first(ShowsItLate, SUCCESS, AGAIN),
        later(NeverAnswers, ForGood, TIMED_OUT, "It was last seen running"),
        later(RefusesConnections, ForGood, UNAVAILABLE, "no connection"),
        later(FloodsTheBody, ForGood, UNAVAILABLE, "larger than"),
        later(
            TellsNoStatus,
            Once,
            SUCCESS,
            "in a state that Sevalla does not report",
        ),
        later(
            TellsAnUnknownStatus,
            Once,
            SUCCESS,
            "in a state this program does not know (paused)",
        ),
        later(
            TellsNoStatus,
            ForGood,
            TIMED_OUT,
            "It was last seen without a status",
        ),
        later(
            TellsAnUnknownStatus,
            ForGood,
            TIMED_OUT,
            "It was last seen paused",
        ),
    ]);
    rows
}

fn log() -> Vec<Row> {
    use Fault::*;
    use Spell::*;
    const WHOLE: &str = "| last line";
    const GONE: &str = "The log cannot be shown";
    const LATE: &str = "The log may lack its last lines";
    let at = |fault, spell, message| row(Moment::Log, fault, spell, SUCCESS, (1, 1), message);
    let fails = |fault, message| {
        row(
            Moment::LogOfAFailure,
            fault,
            ForGood,
            FAILED,
            (1, 1),
            message,
        )
    };
    vec![
        at(ResetsTheConnection, Once, WHOLE),
        at(ClosesWithoutAnAnswer, Once, WHOLE),
        at(CutsTheBody, Once, WHOLE),
        at(Answers502WithAPage, Once, WHOLE),
        at(Answers200WithAPage, Once, WHOLE),
        at(AnswersNothing, Once, WHOLE),
        at(AnswersAnotherShape, Once, WHOLE),
        at(FloodsTheBody, Once, WHOLE),
        at(Answers429, Once, WHOLE),
        at(Answers429Bare, Once, WHOLE),
        at(DoesNotKnowIt, Once, WHOLE),
        at(DripsTheBody, Once, WHOLE),
        at(HangsInTheBody, Once, WHOLE),
        at(Answers502WithAPage, ForGood, LATE),
        at(RevokesTheKey, ForGood, GONE),
        at(Forbids, ForGood, GONE),
        at(DoesNotKnowIt, ForGood, GONE),
        at(CallsItABadRequest, ForGood, GONE),
        fails(Forbids, GONE),
        fails(Answers502WithAPage, LATE),
    ]
}

fn the_end_of_patience() -> Vec<Row> {
    use Fault::*;
    use Spell::*;
    const RUNNING: &str = "It was last seen running";
    const UNKNOWN: &str = "It is not known whether";
    const REFUSED: &str = "Sevalla refused to cancel";
    const STOPPED: &str = "Cancelled deployment";
    let over = |fault, ends, message| row(Moment::Deadline, fault, ForGood, ends, (1, 1), message);
    let late =
        |fault, spell, message| row(Moment::LateCancel, fault, spell, TIMED_OUT, (1, 1), message);
    let stop = |fault, spell, message| {
        row(
            Moment::Cancelling,
            fault,
            spell,
            INTERRUPTED,
            (1, 1),
            message,
        )
    };
    vec![
        over(ResetsTheConnection, TIMED_OUT, RUNNING),
        over(NeverAnswers, TIMED_OUT, RUNNING),
        over(CutsTheBody, TIMED_OUT, RUNNING),
        over(Answers502WithAPage, TIMED_OUT, RUNNING),
        over(Answers200WithAPage, TIMED_OUT, RUNNING),
        over(Answers429, TIMED_OUT, RUNNING),
        over(
            TellsNoStatus,
            TIMED_OUT,
            "It was last seen without a status",
        ),
        over(RevokesTheKey, UNAUTHORIZED, LOST),
        over(DoesNotKnowIt, REJECTED, LOST),
        late(ResetsTheConnection, Once, STOPPED),
        late(Answers502WithAPage, Once, STOPPED),
        late(Answers429Bare, Once, STOPPED),
        late(Answers502WithAPage, ForGood, UNKNOWN),
        late(NeverAnswers, ForGood, UNKNOWN),
        late(Forbids, ForGood, REFUSED),
        late(VanishesAfterTheCancel, ForGood, "Sevalla agreed to cancel"),
        stop(ResetsTheConnection, Once, STOPPED),
        stop(Answers502WithAPage, Once, STOPPED),
        stop(Answers200WithAPage, Once, STOPPED),
        stop(AnswersNothing, Once, STOPPED),
        stop(Answers429Bare, Once, STOPPED),
        stop(DoesNotKnowIt, Once, STOPPED),
        stop(CallsItABadRequest, Once, STOPPED),
        stop(CallsItAConflict, Once, STOPPED),
        stop(ResetsTheConnection, ForGood, UNKNOWN),
        stop(NeverAnswers, ForGood, UNKNOWN),
        stop(Answers502WithAPage, ForGood, UNKNOWN),
        stop(Answers429ForLong, ForGood, REFUSED),
        stop(RevokesTheKey, ForGood, REFUSED),
        stop(Forbids, ForGood, REFUSED),
        stop(DoesNotKnowIt, ForGood, REFUSED),
        stop(VanishesAfterTheCancel, ForGood, "Sevalla agreed to cancel"),
    ]
}

fn purge() -> Vec<Row> {
    use Fault::*;
    use Spell::*;
    const NOT_EMPTIED: &str = "The caches could not be emptied";
    const EMPTIED: &str = "Sevalla empties the caches";
    let at = |fault, spell, message| row(Moment::Purge, fault, spell, SUCCESS, (1, 1), message);
    vec![
        at(ResetsTheConnection, Once, EMPTIED),
        at(AnswersNothing, Once, EMPTIED),
        at(AnswersAnotherShape, ForGood, NOT_EMPTIED),
        at(Answers502WithAPage, ForGood, NOT_EMPTIED),
        at(NeverAnswers, ForGood, NOT_EMPTIED),
        at(RevokesTheKey, ForGood, NOT_EMPTIED),
        at(Forbids, ForGood, NOT_EMPTIED),
        at(DoesNotKnowIt, ForGood, NOT_EMPTIED),
    ]
}

fn aside() -> Vec<Row> {
    use Fault::*;
    use Spell::*;
    let at = |fault| row(Moment::Aside, fault, ForGood, SUCCESS, (1, 1), DEPLOYED);
    vec![
        at(ResetsTheConnection),
        at(NeverAnswers),
        at(Answers502WithAPage),
        at(Answers200WithAPage),
        at(Answers429),
        at(RevokesTheKey),
        at(Forbids),
        at(DoesNotKnowIt),
        at(FloodsTheBody),
    ]
}

fn other_deployments() -> Vec<Row> {
    use Fault::*;
    use Moment::{Promotion, PromotionDone, Rollback, RollbackDone};
    use Spell::*;
    let mut rows = Vec::new();
    for moment in [Promotion, Rollback] {
        let not =
            |fault, spell, ends, counts, message| row(moment, fault, spell, ends, counts, message);
        rows.extend([
            not(ResetsTheConnection, Once, SUCCESS, (1, 2), SENT_AGAIN),
            not(
                Answers502WithAPage,
                Twice,
                AMBIGUOUS,
                (0, 2),
                "the request was sent twice",
            ),
            not(Answers429, Once, SUCCESS, (1, 2), AGAIN),
            not(
                Forbids,
                ForGood,
                UNAUTHORIZED,
                (0, 1),
                "The key can: APP:READ",
            ),
            not(
                CallsItABadRequest,
                ForGood,
                REJECTED,
                (0, 1),
                "HTTP 400 Bad Request",
            ),
        ]);
    }
    for moment in [PromotionDone, RollbackDone] {
        let done = |fault| row(moment, fault, Once, SUCCESS, (1, 1), ADOPTED);
        rows.extend([
            done(ResetsTheConnection),
            done(NeverAnswers),
            done(CutsTheBody),
            done(Answers502WithAPage),
            done(AnswersNothing),
            done(AnswersAnotherShape),
        ]);
    }
    rows
}

fn creation() -> Vec<Row> {
    use Fault::*;
    use Spell::*;
    const TAKEN: &str = "exactly one new preview app matches";
    let not = |fault, spell, ends, counts, message| {
        row(Moment::Creation, fault, spell, ends, counts, message)
    };
    let done = |fault| row(Moment::CreationDone, fault, Once, SUCCESS, (1, 1), TAKEN);
    vec![
        not(ResetsTheConnection, Once, SUCCESS, (1, 2), SENT_AGAIN),
        not(
            Answers502WithAPage,
            Twice,
            AMBIGUOUS,
            (0, 2),
            "No new preview app appeared; the request was sent twice",
        ),
        not(Answers429, Once, SUCCESS, (1, 2), AGAIN),
        not(
            Answers429ForLong,
            ForGood,
            UNAVAILABLE,
            (0, 1),
            "A company can create 20 services an hour",
        ),
        not(
            Forbids,
            ForGood,
            UNAUTHORIZED,
            (0, 1),
            "The key can: APP:READ",
        ),
        not(
            DoesNotKnowIt,
            ForGood,
            REJECTED,
            (0, 1),
            "does not offer creating preview apps through the API to this company yet",
        ),
        not(
            CallsItABadRequest,
            ForGood,
            REJECTED,
            (0, 1),
            "Previews have to be enabled",
        ),
        done(ResetsTheConnection),
        done(NeverAnswers),
        done(CutsTheBody),
        done(Answers502WithAPage),
        done(AnswersNothing),
        done(AnswersAnotherShape),
    ]
}

fn database() -> Vec<Row> {
    use Fault::*;
    use Spell::*;
    const TAKEN: &str = "exactly one new database matches";
    let not = |fault, spell, ends, counts, message| {
        row(Moment::Database, fault, spell, ends, counts, message)
    };
    let done = |fault| row(Moment::DatabaseDone, fault, Once, SUCCESS, (1, 1), TAKEN);
    vec![
        not(ResetsTheConnection, Once, SUCCESS, (1, 2), SENT_AGAIN),
        not(
            Answers502WithAPage,
            Twice,
            AMBIGUOUS,
            (0, 2),
            "No new database appeared; the request was sent twice",
        ),
        not(Answers429, Once, SUCCESS, (1, 2), AGAIN),
        not(
            Forbids,
            ForGood,
            UNAUTHORIZED,
            (0, 1),
            "The key can: APP:READ",
        ),
        not(
            CallsItABadRequest,
            ForGood,
            REJECTED,
            (0, 1),
            "HTTP 400 Bad Request",
        ),
        done(ResetsTheConnection),
        done(NeverAnswers),
        done(CutsTheBody),
        done(Answers502WithAPage),
        done(AnswersNothing),
        done(AnswersAnotherShape),
    ]
}

fn deletion() -> Vec<Row> {
    use Fault::*;
    use Spell::*;
    const DELETED: &str = "Deleted preview app";
    let not =
        |fault, spell, ends, message| row(Moment::Deletion, fault, spell, ends, (0, 0), message);
    let done = |fault| row(Moment::DeletionDone, fault, Once, SUCCESS, (0, 0), DELETED);
    vec![
        not(ResetsTheConnection, Once, SUCCESS, AGAIN),
        not(NeverAnswers, Once, SUCCESS, AGAIN),
        not(Answers502WithAPage, Once, SUCCESS, AGAIN),
        not(Answers429, Once, SUCCESS, AGAIN),
        not(CallsItABadRequest, Once, SUCCESS, "cannot be deleted yet"),
        not(CallsItAConflict, Once, SUCCESS, "cannot be deleted yet"),
        not(Answers502WithAPage, ForGood, UNAVAILABLE, "HTTP 502"),
        not(Forbids, ForGood, UNAUTHORIZED, "The key can: APP:READ"),
        done(ResetsTheConnection),
        done(Answers502WithAPage),
        done(AnswersNothing),
        done(Answers200WithAPage),
    ]
}
