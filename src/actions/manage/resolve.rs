//! Actions that list, show, change, make and delete what a company has.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::actions::manage::settings;
use crate::actions::validation::Validation;
use crate::branch;
use crate::deployment::{DeploymentId, Service};
use crate::inputs::{ActionName, Cdn, Inputs, ProblemKind, Resource};
use crate::messages::Warning;
use crate::resource::{MutableKind, ResourceKind, ResourceList, ResourceRef};
use crate::secret::Password;

/// Something done to what a company has, beside deploying it.
#[derive(Debug, Clone)]
pub enum ResourceAction {
    /// List.
    List(ListTarget),
    /// Show one thing.
    Show(ShowTarget),
    /// Change settings.
    Update(Update),
    /// Delete.
    Delete(DeleteRequest),
    /// Make sure of a database.
    CreateDatabase(NewDatabase),
    /// Connect a database to an application.
    Connect(DatabaseConnection),
    /// Empty the caches in front of a service.
    Purge(Service),
    /// Turn the CDN of an application on (`true`) or off.
    ToggleCdn(Uuid, bool),
}

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListTarget {
    /// The list.
    pub list: ResourceList,
    /// Only what has this in its name.
    pub filter: Option<String>,
}

/// What to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShowTarget {
    /// The one with this id.
    Known(ResourceRef),
    /// The one of this name.
    Named(ResourceKind, String),
    /// A deployment.
    Deployment(Service, DeploymentId),
}

/// A change of settings.
#[derive(Debug, Clone)]
pub struct Update {
    /// What of.
    pub what: MutableKind,
    /// Its id.
    pub id: Uuid,
    /// The settings, in the API's names.
    pub settings: Map<String, Value>,
    /// The size of a database, by name or id.
    pub resource_type: Option<String>,
}

/// What is to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteRequest {
    /// What it is.
    pub what: MutableKind,
    /// Its id; a database may be known by its name alone.
    pub id: Option<Uuid>,
    /// Its display name, as the user confirms it.
    pub name: String,
}

/// A database to be made.
#[derive(Debug, Clone)]
pub struct NewDatabase {
    /// The name in the dashboard, by which it is found again.
    pub name: String,
    /// The settings in the API's names, without cluster, size and password.
    pub settings: Map<String, Value>,
    /// The cluster, by name or id.
    pub cluster: String,
    /// The size, by name or id.
    pub resource_type: String,
    /// Its password; `None` until one is drawn.
    pub password: Option<Password>,
    /// Whether it was drawn, and not given.
    pub is_drawn: bool,
    /// Whether the user wants to learn a password that was drawn.
    pub shows_password: bool,
    /// Whether anybody can know the password.
    pub has_reader: bool,
}

/// A database and an application to be connected.
#[derive(Debug, Clone)]
pub struct DatabaseConnection {
    /// The database.
    pub database: Uuid,
    /// The application.
    pub app: Uuid,
    /// The variables to write, if any.
    pub variables: Option<Credentials>,
    /// Restart the application afterwards.
    pub restart: bool,
}

/// The variables that the service does not return.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// What their names begin with.
    pub prefix: String,
    /// The database's user.
    pub user: String,
    /// The user's password.
    pub password: Password,
}

/// What `list` lists. Of a service that is named, that is its deployments.
pub(crate) fn listed(inputs: &Inputs) -> Resource {
    let is_of_service = ["app-id", "static-site-id"]
        .iter()
        .any(|id| inputs.is_given(id));
    inputs.resource.unwrap_or(if is_of_service {
        Resource::Deployments
    } else {
        Resource::Applications
    })
}

pub(crate) fn list(inputs: &Inputs, validation: &mut Validation) -> Option<ResourceAction> {
    let list = match listed(inputs) {
        Resource::Applications => ResourceList::All(ResourceKind::Application),
        Resource::StaticSites => ResourceList::All(ResourceKind::StaticSite),
        Resource::Pipelines => ResourceList::All(ResourceKind::Pipeline),
        Resource::Databases => ResourceList::All(ResourceKind::Database),
        Resource::Deployments => {
            let row = ActionName::List.row();
            validation.need_one_of(row.name, inputs, row.at_most_one_of);
            let service = crate::actions::resolve::one_service(inputs, validation);
            ResourceList::Deployments(service?)
        }
        Resource::Processes => {
            validation.need_one_of(ActionName::List, inputs, &["app-id"]);
            ResourceList::Processes(inputs.app_id?)
        }
    };
    Some(ResourceAction::List(ListTarget {
        list,
        filter: inputs.filter.as_ref().map(|filter| filter.0.clone()),
    }))
}

pub(crate) fn show(inputs: &Inputs, validation: &mut Validation) -> Option<ResourceAction> {
    show_target(inputs, validation).map(ResourceAction::Show)
}

fn show_target(inputs: &Inputs, validation: &mut Validation) -> Option<ShowTarget> {
    let ids = [
        (ResourceKind::Application, inputs.app_id),
        (ResourceKind::StaticSite, inputs.static_site_id),
        (ResourceKind::Pipeline, inputs.pipeline_id),
        (ResourceKind::Database, inputs.database_id),
    ];
    let given: Vec<ResourceKind> = ids
        .iter()
        .map(|(kind, _)| *kind)
        .filter(|kind| inputs.is_given(kind.input()))
        .collect();
    match given.as_slice() {
        [] => by_name(inputs, validation),
        [only] => {
            let id = ids.iter().find(|(kind, _)| kind == only)?.1?;
            let thing = ResourceRef { kind: *only, id };
            match (&inputs.deployment_id, thing.service()) {
                (Some(deployment), Some(service)) => {
                    Some(ShowTarget::Deployment(service, deployment.0.clone()))
                }
                _ => Some(ShowTarget::Known(thing)),
            }
        }
        [first, second, ..] => {
            let message = format!(
                "{} is given too, and show takes one id. Remove the others",
                inputs.spelling(first.input())
            );
            validation.problem(
                ProblemKind::Conflict,
                inputs.spelling(second.input()),
                &message,
            );
            None
        }
    }
}

/// The kind and the name of what is to be shown.
fn by_name(inputs: &Inputs, validation: &mut Validation) -> Option<ShowTarget> {
    let kind = match inputs.resource {
        Some(Resource::Applications) => Some(ResourceKind::Application),
        Some(Resource::StaticSites) => Some(ResourceKind::StaticSite),
        Some(Resource::Pipelines) => Some(ResourceKind::Pipeline),
        Some(Resource::Databases) => Some(ResourceKind::Database),
        Some(Resource::Deployments | Resource::Processes) | None => None,
    };
    if let (Some(kind), Some(filter)) = (kind, &inputs.filter) {
        return Some(ShowTarget::Named(kind, filter.0.clone()));
    }
    validation.problem(
        ProblemKind::Missing,
        "app-id",
        "there is nothing to show. Set `app-id`, `static-site-id`, `pipeline-id` or `database-id`, or \
         `resource` (applications, static-sites, pipelines or databases) and `filter` to its name",
    );
    None
}

fn id_of(what: MutableKind, inputs: &Inputs) -> Option<Uuid> {
    match what {
        MutableKind::Application => inputs.app_id,
        MutableKind::StaticSite => inputs.static_site_id,
        MutableKind::Database => inputs.database_id,
    }
}

pub(crate) fn update(
    what: MutableKind,
    inputs: &Inputs,
    validation: &mut Validation,
) -> Option<ResourceAction> {
    let given = inputs.settings.as_ref()?.0.clone();
    let mut settings = checked(given, settings::of(what), what.kind(), inputs, validation)?;
    if settings.is_empty() {
        validation.problem(
            ProblemKind::Settings,
            inputs.spelling("settings"),
            "it holds nothing to change",
        );
    }
    let resource_type = match what {
        MutableKind::Database => one_of_two("resource_type", &mut settings, inputs, validation),
        MutableKind::Application | MutableKind::StaticSite => None,
    };
    Some(ResourceAction::Update(Update {
        what,
        id: id_of(what, inputs)?,
        settings,
        resource_type,
    }))
}

/// The settings, if nothing is wrong with them.
fn checked(
    mut given: Map<String, Value>,
    known: &[settings::Setting],
    kind: ResourceKind,
    inputs: &Inputs,
    validation: &mut Validation,
) -> Option<Map<String, Value>> {
    let noun = format!("{}s", kind.noun());
    let problems = settings::problems(&given, known, &noun);
    for problem in &problems {
        validation.problem(ProblemKind::Settings, inputs.spelling("settings"), problem);
    }
    if let Some(Value::String(branch)) = given.get_mut("default_branch") {
        *branch = branch::short_name(branch).to_owned();
    }
    let unknown = settings::unknown_words(&given, known);
    let warned = unknown.into_iter().map(|text| {
        let input = inputs.spelling("settings");
        (Warning::UnknownSettingValue, format!("{input}: {text}."))
    });
    validation.warnings.extend(warned);
    problems.is_empty().then_some(given)
}

/// Takes what can be given as a name or as an id out of the settings.
fn one_of_two(
    name: &str,
    settings: &mut Map<String, Value>,
    inputs: &Inputs,
    validation: &mut Validation,
) -> Option<String> {
    let id = settings.remove(&format!("{name}_id"));
    let named = settings.remove(name);
    if id.is_some() && named.is_some() {
        let message = format!("{name} and {name}_id say the same; leave one of them out");
        validation.problem(ProblemKind::Settings, inputs.spelling("settings"), &message);
    }
    id.or(named)?.as_str().map(str::to_owned)
}

pub(crate) fn delete(what: MutableKind, inputs: &Inputs) -> Option<ResourceAction> {
    let input = what.kind().input();
    let id = id_of(what, inputs);
    if id.is_none() && (what != MutableKind::Database || inputs.is_given(input)) {
        return None;
    }
    Some(ResourceAction::Delete(DeleteRequest {
        what,
        id,
        name: inputs.confirm.as_ref()?.0.clone(),
    }))
}

pub(crate) fn create(inputs: &Inputs, validation: &mut Validation) -> Option<ResourceAction> {
    let mut given = inputs.settings.as_ref()?.0.clone();
    if let Some(user) = &inputs.database_user {
        given.insert("db_user".to_owned(), user.0.clone().into());
    }
    let known = settings::NEW_DATABASE;
    let mut settings = checked(given, known, ResourceKind::Database, inputs, validation)?;
    let cluster = one_of_two("cluster", &mut settings, inputs, validation);
    let resource_type = one_of_two("resource_type", &mut settings, inputs, validation);
    let needed = ["display_name", "type", "version", "db_name"];
    let missing = needed
        .into_iter()
        .filter(|name| !settings.contains_key(*name))
        .chain(cluster.is_none().then_some("cluster"))
        .chain(resource_type.is_none().then_some("resource_type"));
    for name in missing {
        let message = format!("{name} is missing, which a new database needs");
        validation.problem(ProblemKind::Settings, inputs.spelling("settings"), &message);
    }
    let user = settings.get("db_user").and_then(Value::as_str);
    if user.is_some_and(|user| matches!(user, "root" | "postgres")) {
        validation.problem(
            ProblemKind::Settings,
            inputs.spelling(if inputs.database_user.is_some() {
                "database-user"
            } else {
                "settings"
            }),
            "Sevalla does not take root or postgres as the user of a database",
        );
    }
    validation.ignored(
        "with database-password: it is known",
        [(
            inputs.output_password && inputs.database_password.is_some(),
            "output-password",
        )],
    );
    Some(ResourceAction::CreateDatabase(NewDatabase {
        name: settings.get("display_name")?.as_str()?.to_owned(),
        settings,
        cluster: cluster?,
        resource_type: resource_type?,
        password: inputs.database_password.clone(),
        is_drawn: false,
        shows_password: inputs.output_password,
        has_reader: inputs.is_given("database-password")
            || inputs.output_password
            || inputs.set_env,
    }))
}

pub(crate) fn connect(inputs: &Inputs, validation: &mut Validation) -> Option<ResourceAction> {
    let variables = inputs.set_env.then(|| credentials(inputs, validation));
    validation.ignored(
        "without set-env",
        [
            (
                !inputs.set_env && inputs.database_user.is_some(),
                "database-user",
            ),
            (
                !inputs.set_env && inputs.database_password.is_some(),
                "database-password",
            ),
        ],
    );
    Some(ResourceAction::Connect(DatabaseConnection {
        database: inputs.database_id?,
        app: inputs.app_id?,
        variables: match variables {
            Some(credentials) => Some(credentials?),
            None => None,
        },
        restart: inputs.is_restart,
    }))
}

pub(crate) fn toggle_cdn(inputs: &Inputs) -> Option<ResourceAction> {
    Some(ResourceAction::ToggleCdn(
        inputs.app_id?,
        inputs.cdn? == Cdn::On,
    ))
}

fn credentials(inputs: &Inputs, validation: &mut Validation) -> Option<Credentials> {
    for name in ["database-user", "database-password"] {
        if !inputs.is_given(name) {
            let value = crate::actions::validation::value_of(name);
            let message = format!("set-env requires it. Set `{name}` to {value}");
            validation.problem(ProblemKind::Missing, name, &message);
        }
    }
    Some(Credentials {
        prefix: inputs.env_prefix.0.clone(),
        user: inputs.database_user.as_ref()?.0.clone(),
        password: inputs.database_password.clone()?,
    })
}

impl ResourceAction {
    /// Sets the password of a new database that has none yet.
    pub(crate) fn draw(&mut self, drawn: Option<Password>) {
        if let Self::CreateDatabase(new) = self
            && new.password.is_none()
        {
            new.password = drawn;
            new.is_drawn = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::resolve::Plan;
    use crate::actions::task::Task;
    use crate::ci::Facts;
    use crate::environment::Variables;
    use crate::inputs::Problem;

    const ID: &str = "fb5e5168-4281-4bec-94c5-0d1584e9e657";
    const OTHER: &str = "0b5e5168-4281-4bec-94c5-0d1584e9e657";
    const DATABASE: &str = r#"{"display_name":"shop-db","type":"postgresql","version":"16",
        "cluster":"Frankfurt","resource_type":"DB1","db_name":"shop"}"#;

    fn resolve(action: &str, pairs: &[(&str, &str)]) -> Result<ResourceAction, Vec<Problem>> {
        let all = pairs.iter().copied();
        let all = all.chain([("SEVALLA_ACTION", action), ("SEVALLA_TOKEN", "svl_key")]);
        let variables: Variables = all
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let (inputs, problems) = Inputs::read(&variables);
        let plan = Plan::resolve(inputs, &Facts::default(), problems)?;
        match plan.task {
            Task::Manage(management) => Ok(*management),
            other => panic!("{other:?}"),
        }
    }

    /// The inputs that were complained of.
    fn refused(action: &str, pairs: &[(&str, &str)]) -> Vec<String> {
        let problems = resolve(action, pairs).unwrap_err();
        problems.into_iter().map(|problem| problem.input).collect()
    }

    #[test]
    fn what_is_missing_is_told() {
        for (action, missing) in [
            ("show", vec!["app-id"]),
            ("update-app", vec!["app-id", "settings"]),
            ("update-static-site", vec!["static-site-id", "settings"]),
            ("update-database", vec!["database-id", "settings"]),
            ("delete-app", vec!["app-id", "confirm"]),
            ("delete-static-site", vec!["static-site-id", "confirm"]),
            ("delete-database", vec!["confirm"]),
            ("create-database", vec!["settings"]),
            ("connect-database", vec!["database-id", "app-id"]),
            ("purge-cache", vec!["app-id"]),
            ("toggle-cdn", vec!["app-id", "cdn"]),
        ] {
            assert_eq!(refused(action, &[]), missing, "{action}");
        }
        let both = [("SEVALLA_APP_ID", ID), ("SEVALLA_DATABASE_ID", OTHER)];
        assert_eq!(refused("show", &both), ["SEVALLA_DATABASE_ID"]);
        let linked = [both[0], both[1], ("SEVALLA_SET_ENV", "true")];
        let needed = ["database-user", "database-password"];
        assert_eq!(refused("connect-database", &linked), needed);
    }

    #[test]
    fn settings_are_checked_before_anything_is_sent() {
        let app = ("SEVALLA_APP_ID", ID);
        for settings in ["{}", r#"{"auto_deploi":1}"#, "[]", "{", "null"] {
            let given = [app, ("INPUT_SETTINGS", settings)];
            assert_eq!(
                refused("update-app", &given),
                ["INPUT_SETTINGS"],
                "{settings}"
            );
        }
        let twice = DATABASE.replace(
            "\"db_name\"",
            &format!("\"cluster_id\":\"{ID}\",\"db_name\""),
        );
        assert_eq!(
            refused("create-database", &[("INPUT_SETTINGS", &twice)]),
            ["INPUT_SETTINGS"]
        );
        let little = r#"{"display_name":"shop-db"}"#;
        let reported = refused("create-database", &[("INPUT_SETTINGS", little)]);
        assert_eq!(reported.len(), 5, "{reported:?}");
        let root = [
            ("INPUT_SETTINGS", DATABASE),
            ("SEVALLA_DATABASE_USER", "root"),
        ];
        assert_eq!(refused("create-database", &root), ["SEVALLA_DATABASE_USER"]);
    }

    #[test]
    fn a_password_in_the_open_is_never_repeated() {
        for settings in [
            r#"{"db_password":"hunter2222"}"#,
            r#"{"db_password":"hunter2222""#,
        ] {
            let problems = resolve("create-database", &[("INPUT_SETTINGS", settings)]).unwrap_err();
            let reported: String = problems.iter().map(ToString::to_string).collect();
            assert!(!reported.contains("hunter2222"), "{reported}");
        }
    }

    #[test]
    fn a_new_database_may_name_its_cluster_and_its_size() {
        let Ok(ResourceAction::CreateDatabase(new)) =
            resolve("create-database", &[("SEVALLA_SETTINGS", DATABASE)])
        else {
            panic!()
        };
        assert_eq!(
            (new.cluster.as_str(), new.resource_type.as_str()),
            ("Frankfurt", "DB1")
        );
        assert!(new.password.is_none() && !new.settings.contains_key("cluster"));
    }

    #[test]
    fn a_database_can_be_deleted_by_its_name() {
        let Ok(ResourceAction::Delete(request)) =
            resolve("delete-database", &[("SEVALLA_CONFIRM", "shop-pr-7")])
        else {
            panic!()
        };
        assert_eq!((request.id, request.name.as_str()), (None, "shop-pr-7"));
    }
}
