use super::*;
use crate::actions::task::DeployOperation;
use crate::environment::Variables;

const ID: &str = "fb5e5168-4281-4bec-94c5-0d1584e9e657";
const OTHER: &str = "0b5e5168-4281-4bec-94c5-0d1584e9e657";
const HOOK: &str =
    "https://hook.example.com/apps/fb5e5168-4281-4bec-94c5-0d1584e9e657/deploy/abcdefghijkl";

fn resolve<const N: usize>(pairs: [(&str, &str); N]) -> Result<Plan, Vec<Problem>> {
    let (inputs, problems) = Inputs::read(&Variables::from(pairs));
    Plan::resolve(inputs, &Facts::default(), problems)
}

#[test]
fn the_action_is_inferred_when_only_one_fits() {
    let app = resolve([("SEVALLA_APP_ID", ID), ("SEVALLA_TOKEN", "key")]).unwrap();
    assert!(
        matches!(
            app.task,
            Task::Deploy(DeployOperation::DeployApplication { .. })
        ) && app.follow
    );
    let site = resolve([("SEVALLA_STATIC_SITE_ID", ID), ("SEVALLA_TOKEN", "key")]).unwrap();
    assert!(
        matches!(
            site.task,
            Task::Deploy(DeployOperation::DeployStaticSite { .. })
        ) && site.follow
    );
    let hook = resolve([("SEVALLA_DEPLOY_HOOK_URL", HOOK)]).unwrap();
    assert!(matches!(
        hook.task,
        Task::Deploy(DeployOperation::CallHook { app: Some(_), .. })
    ));
    assert!(!hook.follow && hook.warnings[0].1.contains("cannot be followed"));
    let both = [
        ("SEVALLA_APP_ID", ID),
        ("SEVALLA_STATIC_SITE_ID", ID),
        ("SEVALLA_TOKEN", "key"),
    ];
    assert_eq!(resolve(both).unwrap_err()[0].input, "action");
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let reported =
        |problems: Vec<Problem>| problems.into_iter().map(|p| p.input).collect::<Vec<_>>();
    assert_eq!(
        reported(resolve([]).unwrap_err()),
        ["app-id", "sevalla-token"]
    );
    let app = resolve([("INPUT_ACTION", "deploy-app")]).unwrap_err();
    assert_eq!(reported(app), ["app-id", "sevalla-token"]);
    let site = resolve([("INPUT_ACTION", "deploy-static-site")]).unwrap_err();
    assert_eq!(reported(site), ["static-site-id", "sevalla-token"]);
    let unreadable = resolve([
        ("SEVALLA_APP_ID", "fb5e5168-4281-4bec-94c5"),
        ("SEVALLA_TIMEOUT", "y"),
    ])
    .unwrap_err();
    assert_eq!(
        reported(unreadable),
        ["SEVALLA_APP_ID", "SEVALLA_TIMEOUT", "sevalla-token"]
    );
}

fn problems_of(pairs: &[(&str, &str)]) -> Vec<Problem> {
    let pairs = pairs
        .iter()
        .map(|(name, value)| (name.into(), value.into()));
    let (inputs, problems) = Inputs::read(&pairs.collect());
    Plan::resolve(inputs, &Facts::default(), problems).unwrap_err()
}

#[test]
fn what_is_missing_is_told_with_what_would_be_accepted() {
    let reported = |pairs: &[(&str, &str)]| {
        let problems = problems_of(pairs);
        let reported: Vec<String> = problems.iter().map(ToString::to_string).collect();
        reported.join("\n")
    };
    for (action, accepted) in [
        (
            "delete-app",
            "confirm: delete-app requires it. Set `confirm` to the display name of what ",
        ),
        (
            "delete-app",
            "app-id: delete-app requires it. Set `app-id` to the UUID of the application",
        ),
        (
            "deploy-static-site",
            "Set `static-site-id` to the UUID of the static site",
        ),
        ("deploy-app", "Set `app-id` to the UUID of the application"),
        (
            "cancel",
            "or `static-site-id` to the UUID of the static site",
        ),
    ] {
        let reported = reported(&[("SEVALLA_ACTION", action)]);
        assert!(reported.contains(accepted), "{reported}");
        assert!(!reported.contains("needs it"), "{reported}");
    }
}

#[test]
fn an_action_that_is_none_hides_no_missing_key() {
    let hook = ("SEVALLA_DEPLOY_HOOK_URL", HOOK);
    let action = ("SEVALLA_ACTION", "deploy");
    let problems = resolve([action]).unwrap_err();
    assert!(problems[0].message.ends_with("; did you mean deploy-app?"));
    assert_eq!(problems[1].input, "sevalla-token");
    for sufficient in [hook, ("SEVALLA_TOKEN", "key")] {
        assert_eq!(resolve([action, sufficient]).unwrap_err().len(), 1);
    }
}

#[test]
fn a_key_that_several_inputs_require_is_reported_once() {
    let journal = [
        ("SEVALLA_APP_ID", ID),
        ("SEVALLA_STATE_FILE", "state.json"),
        ("SEVALLA_RUN_KEY", "nightly"),
    ];
    let problems = resolve(journal).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].input, "sevalla-token");
}

#[test]
fn what_is_missing_is_told_beside_what_cannot_be_read() {
    let reported = |pairs: &[(&str, &str)]| {
        let problems = problems_of(pairs);
        problems.into_iter().map(|p| p.input).collect::<Vec<_>>()
    };
    let late = ("SEVALLA_TIMEOUT", "soon");
    assert_eq!(
        reported(&[late]),
        ["SEVALLA_TIMEOUT", "app-id", "sevalla-token"]
    );
    let app = ("SEVALLA_APP_ID", ID);
    assert_eq!(reported(&[late, app]), ["SEVALLA_TIMEOUT", "sevalla-token"]);
    // These are consequences.
    assert_eq!(
        reported(&[("SEVALLA_APP_ID", "fb5e5168-4281-4bec-94c5")]),
        ["SEVALLA_APP_ID", "sevalla-token"]
    );
    let hook = ("SEVALLA_DEPLOY_HOOK_URL", "x");
    assert_eq!(reported(&[hook]), ["SEVALLA_DEPLOY_HOOK_URL"]);
    let key = ("SEVALLA_TOKEN", "a b");
    assert_eq!(reported(&[key, app]), ["SEVALLA_TOKEN"]);
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
    assert!(
        restart.unwrap().warnings[0]
            .1
            .starts_with("branch has no effect")
    );
}
