//! What goes wrong.

use std::time::Duration;

use sevalla_simulator::{Behaviour, Payload};

/// One way in which things go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    ResetsTheConnection,
    ClosesWithoutAnAnswer,
    NeverAnswers,
    HangsInTheBody,
    CutsTheBody,
    ResetsInTheBody,
    Answers502WithAPage,
    Answers500,
    Answers200WithAPage,
    AnswersNothing,
    AnswersAnotherShape,
    FloodsTheBody,
    DripsTheBody,
    Answers429,
    Answers429Bare,
    Answers429WithNonsense,
    Answers429ForLong,
    RevokesTheKey,
    Forbids,
    DoesNotKnowIt,
    CallsItABadRequest,
    CallsItAConflict,
    CallsItUnprocessable,
    RedirectsElsewhere,
    RefusesConnections,
    TellsNonsenseLimits,
    HidesNewDeployments,
    ShowsItLate,
    SomebodyElseDeploysToo,
    LosesTheAnswerAndForbidsTheList,
    LosesTheAnswerAndTheList,
    HidesTheBranch,
    ShowsTheBranchLate,
    TellsNoStatus,
    TellsAnUnknownStatus,
    VanishesAfterTheCancel,
}

impl Fault {
    /// The fault in words, as a sentence.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::ResetsTheConnection => "The connection is reset; no response comes.",
            Self::ClosesWithoutAnAnswer => "The connection is closed; no response comes.",
            Self::NeverAnswers => "No response ever comes.",
            Self::HangsInTheBody => "The response stops in the middle, and nothing more comes.",
            Self::CutsTheBody => "The response is cut off in the middle.",
            Self::ResetsInTheBody => "The connection is reset in the middle of the response.",
            Self::Answers502WithAPage => "502, with an error page instead of a response.",
            Self::Answers500 => "500: an error inside Sevalla.",
            Self::Answers200WithAPage => "200, but with a page instead of the response.",
            Self::AnswersNothing => "A success without any content.",
            Self::AnswersAnotherShape => "A success whose content is something else.",
            Self::FloodsTheBody => "A response without end.",
            Self::DripsTheBody => "A response that comes very slowly.",
            Self::Answers429 => "429, with the time to wait.",
            Self::Answers429Bare => "429, without a time to wait.",
            Self::Answers429WithNonsense => "429, with nonsense for the time to wait.",
            Self::Answers429ForLong => "429, with a longer time to wait than the run has.",
            Self::RevokesTheKey => "401: the key is not valid, or no longer valid.",
            Self::Forbids => "403: the key may not do this.",
            Self::DoesNotKnowIt => "404: Sevalla does not know it.",
            Self::CallsItABadRequest => "400: Sevalla reports a bad request.",
            Self::CallsItAConflict => "409: Sevalla reports a conflict.",
            Self::CallsItUnprocessable => "422: Sevalla does not accept the request's content.",
            Self::RedirectsElsewhere => "A redirect to another address.",
            Self::RefusesConnections => "Nothing listens at the address.",
            Self::TellsNonsenseLimits => "The response has a nonsensical rate limit.",
            Self::HidesNewDeployments => {
                "The response is lost, and the new deployment shows up only after three seconds."
            }
            Self::ShowsItLate => "The new deployment can be seen only after three seconds.",
            Self::SomebodyElseDeploysToo => {
                "The response is lost, and somebody else starts the same deployment in that moment."
            }
            Self::LosesTheAnswerAndForbidsTheList => {
                "The response is lost, and the list of deployments can no longer be read."
            }
            Self::LosesTheAnswerAndTheList => {
                "The response is lost, and so is the first response to looking for the deployment."
            }
            Self::HidesTheBranch => {
                "The response is lost, and the list does not show the branch of the new deployment."
            }
            Self::ShowsTheBranchLate => {
                "The response is lost, and the list shows the branch of the new deployment only after \
                 three seconds."
            }
            Self::TellsNoStatus => "The deployment has no status.",
            Self::TellsAnUnknownStatus => "The deployment has a status that nobody knows.",
            Self::VanishesAfterTheCancel => "404 from the moment the cancelling is accepted.",
        }
    }

    /// The fault as the simulator does it, on a request that is carried out or
    /// not. Faults without a choice in that do what they must.
    pub(crate) fn behaviour(self, carried_out: bool) -> Behaviour {
        match (self, carried_out) {
            (Self::ResetsTheConnection, false) => Behaviour::ResetBeforeApplying,
            (Self::ClosesWithoutAnAnswer, false) => Behaviour::CloseBeforeApplying,
            (Self::ClosesWithoutAnAnswer, true) => Behaviour::CloseAfterApplying,
            (Self::NeverAnswers, false) => Behaviour::HangBeforeApplying,
            (Self::NeverAnswers, true) => Behaviour::HangAfterApplying,
            (Self::HangsInTheBody, _) => Behaviour::HangInBody,
            (Self::CutsTheBody, _) => Behaviour::CutBody,
            (Self::ResetsInTheBody, _) => Behaviour::ResetInBody,
            (Self::Answers502WithAPage, false) => Behaviour::html(502),
            (Self::Answers502WithAPage, true) => {
                Behaviour::ErrorAfterApplying(502, Payload::error_page(502))
            }
            (Self::Answers500, false) => Behaviour::status(500),
            (Self::Answers500, true) => Behaviour::ErrorAfterApplying(500, Payload::Empty),
            (Self::Answers200WithAPage, _) => Behaviour::NotJson,
            (Self::AnswersNothing, _) => Behaviour::EmptyBody,
            (Self::AnswersAnotherShape, _) => {
                Behaviour::WrongShape(serde_json::json!({ "items": 7 }))
            }
            (Self::FloodsTheBody, _) => Behaviour::HugeBody(None),
            (Self::DripsTheBody, _) => Behaviour::SlowBody(200, Duration::from_millis(200)),
            (Self::Answers429, _) => limited(Some("1"), Some("1")),
            (Self::Answers429Bare, _) => limited(None, None),
            (Self::Answers429WithNonsense, _) => limited(Some("soon"), Some("-7")),
            (Self::Answers429ForLong, _) => limited(Some("60"), Some("60")),
            (Self::RevokesTheKey, _) => Behaviour::status(401),
            (Self::Forbids, _) => Behaviour::status(403),
            (Self::DoesNotKnowIt | Self::VanishesAfterTheCancel, _) => Behaviour::status(404),
            (Self::CallsItABadRequest, _) => Behaviour::status(400),
            (Self::CallsItAConflict, _) => Behaviour::status(409),
            (Self::CallsItUnprocessable, _) => Behaviour::status(422),
            (Self::RedirectsElsewhere, _) => {
                Behaviour::Redirect("https://elsewhere.example/v3".to_owned())
            }
            (Self::TellsNonsenseLimits, _) => Behaviour::Headers(
                [
                    ("x-ratelimit-limit", "many"),
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "1790000000"),
                ]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ),
            // What comes with a lost answer is set up beside it.
            _ => Behaviour::ResetAfterApplying,
        }
    }
}

fn limited(retry_after: Option<&str>, reset: Option<&str>) -> Behaviour {
    Behaviour::RateLimited {
        retry_after: retry_after.map(str::to_owned),
        reset: reset.map(str::to_owned),
    }
}
