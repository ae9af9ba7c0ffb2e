//! What the run will do: inputs combined, defaults settled, contradictions
//! found. Pure: nothing is read or sent here.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;
use uuid::Uuid;

use crate::deployment::Service;
use crate::inputs::{Abandon, ActionName, Inputs, Logs, Problem};
use crate::secret::{ApiToken, HookUrl};

/// What a run does, without a question left open.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The change to make.
    pub work: Work,
    /// The key. Without one only a hook can be called, and nothing followed.
    pub token: Option<ApiToken>,
    /// The address of the API.
    pub api_url: Url,
    /// Follow the deployment to its end.
    pub follow: bool,
    /// How long the whole run may take.
    pub timeout: Duration,
    /// What to do with the deployment when the time is over.
    pub on_timeout: Abandon,
    /// What to do with the deployment when the job is cancelled.
    pub on_cancel: Abandon,
    /// When to show the deployment's log.
    pub logs: Logs,
    /// Where to write the complete log.
    pub log_file: Option<PathBuf>,
    /// Write a job summary.
    pub summary: bool,
    /// Only read.
    pub dry_run: bool,
    /// Doubts about what the user gave that do not stop the run.
    pub warnings: Vec<String>,
}

/// A change on Sevalla.
#[derive(Debug, Clone)]
pub enum Work {
    /// Deploy an application through the API.
    DeployApplication {
        /// The application.
        app: Uuid,
        /// What of it to deploy.
        order: Order,
    },
    /// Deploy an application by calling its hook.
    CallHook {
        /// The hook.
        hook: HookUrl,
        /// The application, if it is known.
        app: Option<Uuid>,
    },
    /// Deploy a static site through the API.
    DeployStaticSite {
        /// The site.
        site: Uuid,
        /// The branch; `None` is the site's default branch.
        branch: Option<String>,
    },
}

/// What to deploy of an application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Order {
    /// The branch to build; `None` is the application's default branch.
    pub branch: Option<String>,
    /// The image to run.
    pub docker_image: Option<String>,
    /// Take the last artifact again instead of building.
    pub restart: bool,
}

impl Work {
    /// The service that changes, if it is known.
    pub fn service(&self) -> Option<Service> {
        match self {
            Self::DeployApplication { app, .. } => Some(Service::application(*app)),
            Self::CallHook { app, .. } => app.map(Service::application),
            Self::DeployStaticSite { site, .. } => Some(Service::static_site(*site)),
        }
    }
}

impl Plan {
    /// Combines the inputs, or tells everything that does not fit, together
    /// with the `problems` that reading them brought.
    pub fn resolve(inputs: Inputs, problems: Vec<Problem>) -> Result<Self, Vec<Problem>> {
        let mut doubts = Doubts {
            problems,
            warnings: Vec::new(),
        };
        let work = match action(&inputs, &mut doubts) {
            Some(ActionName::DeployApp) => deploy_application(&inputs, &mut doubts),
            Some(ActionName::DeployStaticSite) => deploy_static_site(&inputs, &mut doubts),
            None => None,
        };
        let Some(work) = work.filter(|_| doubts.problems.is_empty()) else {
            return Err(doubts.problems);
        };
        let can_follow = inputs.sevalla_token.is_some() && work.service().is_some();
        if inputs.wait_for_finish && !can_follow {
            doubts.warnings.push(
                "The deployment cannot be followed: that needs sevalla-token, and app-id where the \
                 hook's address does not tell the application. The run ends once the deployment is \
                 started."
                    .to_owned(),
            );
        }
        Ok(Self {
            work,
            token: inputs.sevalla_token,
            api_url: inputs.api_url.0,
            follow: inputs.wait_for_finish && can_follow,
            timeout: inputs.timeout,
            on_timeout: inputs.on_timeout,
            on_cancel: inputs.on_cancel,
            logs: inputs.logs,
            log_file: inputs.log_file,
            summary: inputs.summary,
            dry_run: inputs.dry_run,
            warnings: doubts.warnings,
        })
    }
}

/// What was found while combining.
struct Doubts {
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl Doubts {
    fn problem(&mut self, input: impl Into<String>, message: &str) {
        self.problems.push(Problem {
            input: input.into(),
            value: None,
            message: message.to_owned(),
        });
    }

    /// Warns of each input that is given and has no effect.
    fn ignored<'a>(&mut self, why: &str, given: impl IntoIterator<Item = (bool, &'a str)>) {
        for (_, name) in given.into_iter().filter(|(is_given, _)| *is_given) {
            self.warnings.push(format!("{name} has no effect {why}."));
        }
    }
}

fn action(inputs: &Inputs, doubts: &mut Doubts) -> Option<ActionName> {
    let app = inputs.is_given("app-id") || inputs.is_given("deploy-hook-url");
    match (inputs.action, app, inputs.is_given("static-site-id")) {
        (Some(action), _, _) => Some(action),
        // It is no action: what it was to be cannot be judged further.
        (None, _, _) if inputs.is_given("action") => None,
        (None, true, false) => Some(ActionName::DeployApp),
        (None, false, true) => Some(ActionName::DeployStaticSite),
        (None, true, true) => {
            doubts.problem(
                "action",
                "both an application and a static site are given; set it to deploy-app or deploy-static-site",
            );
            None
        }
        (None, false, false) => {
            doubts.problem(
                "app-id",
                "nothing says what to deploy; set app-id (or deploy-hook-url) for an application, \
                 static-site-id for a static site",
            );
            if !inputs.is_given("sevalla-token") {
                need_token(doubts);
            }
            None
        }
    }
}

fn need_token(doubts: &mut Doubts) {
    doubts.problem(
        "sevalla-token",
        "it is missing or empty; set it to an API key of your Sevalla company. CIs pass no secrets \
         to pull requests from forks",
    );
}

fn deploy_application(inputs: &Inputs, doubts: &mut Doubts) -> Option<Work> {
    doubts.ignored(
        "on deploy-app",
        [(inputs.static_site_id.is_some(), "static-site-id")],
    );
    if inputs.deploy_hook_url.is_none() && inputs.is_given("deploy-hook-url") {
        return None;
    }
    match &inputs.deploy_hook_url {
        Some(hook) => call_hook(inputs, hook, doubts),
        None => order_application(inputs, doubts),
    }
}

fn call_hook(inputs: &Inputs, hook: &HookUrl, doubts: &mut Doubts) -> Option<Work> {
    doubts.ignored(
        "with deploy-hook-url: a hook always deploys the default branch or image",
        [
            (inputs.branch.is_some(), "branch"),
            (inputs.docker_image.is_some(), "docker-image"),
            (inputs.is_restart, "is-restart"),
        ],
    );
    if let (Some(given), Some(own)) = (inputs.app_id, hook.app_id())
        && given != own
    {
        doubts.problem(
            inputs.spelling("app-id"),
            "it is not the application of deploy-hook-url; leave it out or correct one of the two",
        );
        return None;
    }
    Some(Work::CallHook {
        hook: hook.clone(),
        app: inputs.app_id.or(hook.app_id()),
    })
}

fn order_application(inputs: &Inputs, doubts: &mut Doubts) -> Option<Work> {
    if !inputs.is_given("app-id") {
        doubts.problem("app-id", "deploy-app needs it, or deploy-hook-url");
    }
    if !inputs.is_given("sevalla-token") {
        need_token(doubts);
    }
    if inputs.branch.is_some() && inputs.docker_image.is_some() {
        doubts.problem(
            inputs.spelling("docker-image"),
            "an application is built from a branch or runs an image; give one of branch and docker-image",
        );
    }
    doubts.ignored(
        "with is-restart: a restart takes the last artifact",
        [
            (inputs.is_restart && inputs.branch.is_some(), "branch"),
            (
                inputs.is_restart && inputs.docker_image.is_some(),
                "docker-image",
            ),
        ],
    );
    Some(Work::DeployApplication {
        app: inputs.app_id?,
        order: Order {
            branch: inputs.branch.as_ref().map(|branch| branch.0.clone()),
            docker_image: inputs.docker_image.as_ref().map(|image| image.0.clone()),
            restart: inputs.is_restart,
        },
    })
}

fn deploy_static_site(inputs: &Inputs, doubts: &mut Doubts) -> Option<Work> {
    if !inputs.is_given("static-site-id") {
        doubts.problem("static-site-id", "deploy-static-site needs it");
    }
    if !inputs.is_given("sevalla-token") {
        need_token(doubts);
    }
    doubts.ignored(
        "on deploy-static-site",
        [
            (inputs.app_id.is_some(), "app-id"),
            (inputs.deploy_hook_url.is_some(), "deploy-hook-url"),
            (inputs.docker_image.is_some(), "docker-image"),
            (inputs.is_restart, "is-restart"),
        ],
    );
    Some(Work::DeployStaticSite {
        site: inputs.static_site_id?,
        branch: inputs.branch.as_ref().map(|branch| branch.0.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Variables;

    const ID: &str = "fb5e5168-4281-4bec-94c5-0d1584e9e657";
    const OTHER: &str = "0b5e5168-4281-4bec-94c5-0d1584e9e657";
    const HOOK: &str =
        "https://hook.example.com/apps/fb5e5168-4281-4bec-94c5-0d1584e9e657/deploy/abcdefghijkl";

    fn resolve<const N: usize>(pairs: [(&str, &str); N]) -> Result<Plan, Vec<Problem>> {
        let (inputs, problems) = Inputs::read(&Variables::from(pairs));
        Plan::resolve(inputs, problems)
    }

    #[test]
    fn the_action_is_inferred_when_only_one_fits() {
        let app = resolve([("SEVALLA_APP_ID", ID), ("SEVALLA_TOKEN", "key")]).unwrap();
        assert!(matches!(app.work, Work::DeployApplication { .. }) && app.follow);
        let site = resolve([("SEVALLA_STATIC_SITE_ID", ID), ("SEVALLA_TOKEN", "key")]).unwrap();
        assert!(matches!(site.work, Work::DeployStaticSite { .. }) && site.follow);
        let hook = resolve([("SEVALLA_DEPLOY_HOOK_URL", HOOK)]).unwrap();
        assert!(matches!(hook.work, Work::CallHook { app: Some(_), .. }));
        assert!(!hook.follow && hook.warnings[0].contains("cannot be followed"));
        let both = [
            ("SEVALLA_APP_ID", ID),
            ("SEVALLA_STATIC_SITE_ID", ID),
            ("SEVALLA_TOKEN", "key"),
        ];
        assert_eq!(resolve(both).unwrap_err()[0].input, "action");
    }

    #[test]
    fn everything_that_is_missing_is_told_at_once() {
        let told =
            |problems: Vec<Problem>| problems.into_iter().map(|p| p.input).collect::<Vec<_>>();
        assert_eq!(told(resolve([]).unwrap_err()), ["app-id", "sevalla-token"]);
        let app = resolve([("INPUT_ACTION", "deploy-app")]).unwrap_err();
        assert_eq!(told(app), ["app-id", "sevalla-token"]);
        let site = resolve([("INPUT_ACTION", "deploy-static-site")]).unwrap_err();
        assert_eq!(told(site), ["static-site-id", "sevalla-token"]);
        let unreadable = resolve([("SEVALLA_APP_ID", "x"), ("SEVALLA_TIMEOUT", "y")]).unwrap_err();
        assert_eq!(
            told(unreadable),
            ["SEVALLA_APP_ID", "SEVALLA_TIMEOUT", "sevalla-token"]
        );
    }

    #[test]
    fn what_is_missing_is_told_beside_what_cannot_be_read() {
        let told = |pairs: &[(&str, &str)]| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| (name.into(), value.into()));
            let (inputs, problems) = Inputs::read(&pairs.collect());
            let problems = Plan::resolve(inputs, problems).unwrap_err();
            problems.into_iter().map(|p| p.input).collect::<Vec<_>>()
        };
        let late = ("SEVALLA_TIMEOUT", "soon");
        assert_eq!(
            told(&[late]),
            ["SEVALLA_TIMEOUT", "app-id", "sevalla-token"]
        );
        let app = ("SEVALLA_APP_ID", ID);
        assert_eq!(told(&[late, app]), ["SEVALLA_TIMEOUT", "sevalla-token"]);
        // These are consequences.
        assert_eq!(
            told(&[("SEVALLA_APP_ID", "x")]),
            ["SEVALLA_APP_ID", "sevalla-token"]
        );
        let hook = ("SEVALLA_DEPLOY_HOOK_URL", "x");
        assert_eq!(told(&[hook]), ["SEVALLA_DEPLOY_HOOK_URL"]);
        let key = ("SEVALLA_TOKEN", "a b");
        assert_eq!(told(&[key, app]), ["SEVALLA_TOKEN"]);
    }

    #[test]
    fn contradictions_are_refused_and_useless_inputs_are_told() {
        let base = [("SEVALLA_APP_ID", ID), ("SEVALLA_TOKEN", "key")];
        let image = resolve([
            base[0],
            base[1],
            ("SEVALLA_BRANCH", "a"),
            ("INPUT_DOCKER-IMAGE", "a:1"),
        ]);
        assert_eq!(image.unwrap_err()[0].input, "INPUT_DOCKER-IMAGE");
        let hook = resolve([("SEVALLA_APP_ID", OTHER), ("SEVALLA_DEPLOY_HOOK_URL", HOOK)]);
        assert_eq!(hook.unwrap_err()[0].input, "SEVALLA_APP_ID");
        let restart = resolve([
            base[0],
            base[1],
            ("SEVALLA_BRANCH", "a"),
            ("SEVALLA_IS_RESTART", "true"),
        ]);
        assert!(restart.unwrap().warnings[0].starts_with("branch has no effect"));
    }
}
