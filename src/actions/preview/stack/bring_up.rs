//! Creating the preview apps of a stack, giving them their variables, and
//! deploying them.

use std::cell::{Cell, RefCell};
use std::pin::pin;

use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::actions::at_once::join_all;
use crate::actions::database::variables::set_differing;
use crate::actions::error::TriggerError;
use crate::actions::preview::comment::PullRequestError;
use crate::actions::preview::find::{self, PreviewLookup};
use crate::actions::preview::finish::{ADDRESS, PreviewAddress, url_of_host};
use crate::actions::preview::stack::ServicePreview;
use crate::actions::preview::{NextStep, creation};
use crate::actions::resolve::Plan;
use crate::actions::stack::report::MemberEnd;
use crate::actions::stack::{DecidedStack, StackMember, StackTask};
use crate::actions::{ActionContext, WriteResult, nothing_started};
use crate::backoff::Schedule;
use crate::code_host::Marker;
use crate::deployment::{Deployment, Service, ServiceKind};
use crate::event::{Event, EventKind};
use crate::exit_status::ExitStatus;
use crate::inputs::WhenBusy;
use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::report::{PreviewRow, StackCommentStatus};
use crate::sevalla::Patience;
use crate::shutdown::Signal;
use crate::stack::{EnvPart, Order};

use super::{StackPreviewTask, marker};

/// What the services of a stack know of each other while they are brought up.
struct Board<'l> {
    /// The services of the stack.
    live: &'l [Service],
    /// The address of each preview, once it is known.
    urls: RefCell<Vec<Option<String>>>,
    /// When the deployment of each ended.
    ended: Vec<Cell<Option<Instant>>>,
}

impl ActionContext<'_> {
    /// Creates the apps that are missing, and deploys all.
    pub(super) async fn bring_up_stack(
        &self,
        task: &StackPreviewTask,
        previews: Vec<ServicePreview<'_>>,
        live: &[Service],
    ) -> Outcome {
        let mut previews = in_order(previews);
        let number = task.wanted.preview.pull_request.unwrap_or_default();
        let marker = marker(task);
        // Without it nobody would know which app is whose.
        if let Some(error) = self.say_deploying(number, &marker, &previews).await {
            return error
                .outcome(number)
                .because("No preview was created or deployed");
        }
        let made = Box::pin(self.make_apps(number, &marker, &mut previews)).await;
        let mut ends = Vec::new();
        let mut urls = Vec::new();
        let outcome = if let Err(outcome) = made {
            outcome
        } else {
            (ends, urls) = self.deploy_all(&previews, live).await;
            let shown = shown(task, &previews);
            self.report_services(&shown, &ends);
            Outcome::of_stack(&shown.task, &ends)
        };
        let words: Vec<&str> = ends.iter().map(MemberEnd::word).collect();
        let rows = rows(&previews, Some(&words), &urls);
        let ended = StackCommentStatus::Ended(&outcome);
        if let Some(error) = self.write(number, &marker, &rows, ended, true).await {
            let text = error.outcome(number).headline;
            self.reporter.on(EventKind::Note(&format!(
                "The comment is not up to date: {text}"
            )));
        }
        match outcome.ending() {
            ExitStatus::Success => outcome.headed(format!("Brought up {} previews", ends.len())),
            _ => outcome,
        }
    }

    async fn say_deploying(
        &self,
        number: u64,
        marker: &Marker,
        previews: &[ServicePreview<'_>],
    ) -> Option<PullRequestError> {
        let rows = rows(previews, None, &[]);
        let deploying = StackCommentStatus::Deploying;
        self.write(number, marker, &rows, deploying, true).await
    }

    /// Makes the apps that are missing, one after the other, each kept in the comment.
    async fn make_apps(
        &self,
        number: u64,
        marker: &Marker,
        previews: &mut [ServicePreview<'_>],
    ) -> Result<(), Outcome> {
        for at in 0..previews.len() {
            let is_missing = |it: &&ServicePreview<'_>| it.app.is_none() && it.decision.deploys;
            let Some(missing) = previews.get(at).filter(is_missing) else {
                continue;
            };
            let made = match self.make_app(missing).await {
                Ok(made) => made,
                Err(outcome) => return Err(self.stop_made(previews, outcome).await),
            };
            if let Some(preview) = previews.get_mut(at) {
                preview.app = Some(made);
                preview.is_made = true;
            }
            if let Some(error) = self.say_deploying(number, marker, previews).await {
                return Err(self.stop_made(previews, error.outcome(number)).await);
            }
        }
        Ok(())
    }

    /// Makes the app of one service.
    async fn make_app(&self, preview: &ServicePreview<'_>) -> Result<find::PreviewApp, Outcome> {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let listed = match find::list_previews(&self.client).await {
            Ok(listed) => listed,
            Err(error) => return Err(self.not_started(error.into()).await),
        };
        let before = PreviewLookup {
            known: listed.all.iter().map(|app| app.id).collect(),
            unreadable: listed.unreadable,
            ..PreviewLookup::default()
        };
        let create = pin!(creation::create_preview(
            &self.client,
            &preview.new,
            &before,
            &report
        ));
        let then = Some(self.on_cancel());
        let made = match self.write_or_stop(create, then, &report).await {
            WriteResult::Done(Ok(app)) => app,
            WriteResult::Done(Err(error)) => {
                let error = error.at(format!("It is the preview of {}", preview.member.name()));
                return Err(self.not_started(error).await);
            }
            WriteResult::Interrupted(interruption) => {
                return Err(self.stop_making(interruption, &preview.new, &before).await);
            }
        };
        self.reporter.on(EventKind::PreviewApp {
            app: made.id,
            name: made.name.as_deref(),
            is_new: true,
        });
        Ok(made)
    }

    /// The run ends before all apps are made: the first deployments of those that it
    /// has made are stopped where a signal asks for that.
    async fn stop_made(&self, previews: &[ServicePreview<'_>], outcome: Outcome) -> Outcome {
        let made = previews.iter().filter(|preview| preview.is_made);
        let apps: Vec<&find::PreviewApp> =
            made.filter_map(|preview| preview.app.as_ref()).collect();
        let labels = apps
            .iter()
            .map(|app| format!("Preview app {} was created", app.label()));
        let outcome = labels.fold(outcome, Outcome::because);
        if let Some(signal) = self.stop.signal() {
            let stops = apps
                .iter()
                .map(|app| self.signal_after_creation(signal, app));
            join_all(stops).await;
        }
        outcome
    }

    /// Deploys each preview once it knows the addresses that it refers to.
    async fn deploy_all(
        &self,
        previews: &[ServicePreview<'_>],
        live: &[Service],
    ) -> (Vec<MemberEnd>, Vec<Option<String>>) {
        let board = Board {
            live,
            urls: RefCell::new(vec![None; previews.len()]),
            ended: previews.iter().map(|_| Cell::new(None)).collect(),
        };
        let board = &board;
        let work = previews.iter().enumerate().filter_map(|(at, preview)| {
            let app = preview.app_id().filter(|_| preview.decision.deploys)?;
            Some(async move {
                let service = Service::application(app);
                let name = EventKind::Member(preview.member.name());
                self.reporter.on(Event::about(service, name));
                let context = self.about(service);
                let outcome = Box::pin(context.bring_up_one(previews, at, app, board)).await;
                if let Some(ended) = board.ended.get(at) {
                    ended.set(Some(Instant::now()));
                }
                if outcome.ending() == ExitStatus::Success {
                    let url = context.url_of(previews, at, board);
                    if let Ok(Ok(url)) = context.until_stopped(url).await {
                        context.reporter.on(EventKind::Url(&url));
                    }
                }
                MemberEnd::of(outcome, context.finished.take())
            })
        });
        let ends = join_all(work).await;
        (ends, board.urls.take())
    }

    async fn bring_up_one(
        &self,
        previews: &[ServicePreview<'_>],
        at: usize,
        app: Uuid,
        board: &Board<'_>,
    ) -> Outcome {
        let Some(preview) = previews.get(at) else {
            return Outcome::passed("There is no such preview");
        };
        let variables = tokio::select! {
            biased;
            signal = self.stop.requested() => return self.stop_one(preview, signal).await,
            variables = self.variables_of(previews, preview, board) => match variables {
                Ok(variables) => variables,
                Err(outcome) => return outcome,
            },
        };
        if preview.is_made && variables.is_empty() {
            return self.follow_first(&preview.new, app).await;
        }
        let step = match self.give_variables(preview, app, &variables).await {
            Ok(Some(step)) => Ok(step),
            Ok(None) => return gone(app),
            Err(error) => Err(error),
        };
        if let Some(signal) = self.stop.signal() {
            return self.stop_one(preview, signal).await;
        }
        if !matches!(step, Ok(NextStep::Deploy)) {
            return self.take_step(&preview.new, app, step).await;
        }
        // What deploys already began without the variables, so it is not joined.
        let plan = Plan {
            when_busy: WhenBusy::Queue,
            rerun: None,
            ..self.plan.clone()
        };
        let context = ActionContext {
            plan: &plan,
            ..self.about(Service::application(app))
        };
        let outcome = context.take_step(&preview.new, app, step).await;
        self.finished.replace(context.finished.take());
        outcome
    }

    /// A signal came before the deployment that is to be followed.
    async fn stop_one(&self, preview: &ServicePreview<'_>, signal: Signal) -> Outcome {
        match preview.app.as_ref().filter(|_| preview.is_made) {
            Some(app) => self.signal_after_creation(signal, app).await,
            None => nothing_started(signal),
        }
    }

    /// Gives an app its variables, and says what is to be done then; `None` if the
    /// app is gone. Right before, its record is read once more: variables go to
    /// nothing but a preview app of this pull request.
    async fn give_variables(
        &self,
        preview: &ServicePreview<'_>,
        app: Uuid,
        variables: &[(String, String)],
    ) -> Result<Option<NextStep>, TriggerError> {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let Some(known) = self.proven(&preview.new.preview, app).await? else {
            return Ok(None);
        };
        let mut last_change = None;
        if !variables.is_empty() {
            let change = set_differing(&self.client, app, variables, &report).await?;
            // The first deployment of a new app began without them.
            if change.has_changed || preview.is_made {
                return Ok(Some(NextStep::Deploy));
            }
            let Some(last) = change.last else {
                return Ok(Some(NextStep::Deploy));
            };
            last_change = Some(last);
        }
        let step = self.what_to_do(&preview.new, &known).await?;
        // One that began before a variable was changed does not have its value.
        let is_old = |created: Option<Timestamp>| {
            last_change.is_some_and(|last| created.is_none_or(|created| created <= last))
        };
        let began = |deployment: &Deployment| deployment.created_at;
        Ok(Some(match &step {
            NextStep::Nothing(deployment) if is_old(began(deployment)) => NextStep::Deploy,
            NextStep::Follow(deployment) if is_old(began(deployment)) => NextStep::Deploy,
            _ => step,
        }))
    }

    /// The variables of a preview, with the addresses that they refer to.
    async fn variables_of(
        &self,
        previews: &[ServicePreview<'_>],
        preview: &ServicePreview<'_>,
        board: &Board<'_>,
    ) -> Result<Vec<(String, String)>, Outcome> {
        let mut variables = Vec::new();
        for (name, parts) in &preview.file.env {
            let mut value = String::new();
            for part in parts {
                match part {
                    EnvPart::Text(text) => value.push_str(text),
                    EnvPart::Url(service) => {
                        let url = self.referred(previews, *service, board).await?;
                        value.push_str(&url);
                    }
                }
            }
            variables.push((name.value.clone(), value));
        }
        Ok(variables)
    }

    /// The address of a service: of its preview, or the live one where it has none.
    async fn referred(
        &self,
        previews: &[ServicePreview<'_>],
        service: usize,
        board: &Board<'_>,
    ) -> Result<String, Outcome> {
        let has_app =
            |other: &ServicePreview<'_>| other.file.service == service && other.app.is_some();
        if let Some(at) = previews.iter().position(has_app) {
            return self.url_of(previews, at, board).await;
        }
        let Some(live) = board.live.get(service).copied() else {
            return Err(no_address("a service of the stack"));
        };
        let patience = Patience::BEFORE_THE_START;
        let host = if live.kind == ServiceKind::StaticSite {
            let site = self.client.get_static_site(live.id, patience).await;
            site.map(|site| site.hostname)
        } else {
            self.client.application_host(live.id, patience).await
        };
        match host {
            Ok(host) => host
                .and_then(|host| url_of_host(&host))
                .ok_or_else(|| no_address(&live.to_string())),
            Err(error) => Err(self.not_started(error.into()).await),
        }
    }

    /// The address of a preview, once Sevalla reports it.
    async fn url_of(
        &self,
        previews: &[ServicePreview<'_>],
        at: usize,
        board: &Board<'_>,
    ) -> Result<String, Outcome> {
        let Some((preview, app)) = previews.get(at).and_then(|it| Some((it, it.app_id()?))) else {
            return Err(no_address("a preview"));
        };
        let mut looks = Schedule::for_looks();
        loop {
            let known = board.urls.borrow().get(at).cloned().flatten();
            if let Some(url) = known {
                return Ok(url);
            }
            match self.look_at_address(app, Patience::FOR_A_SEARCH).await {
                PreviewAddress::Known(url) => {
                    if let Some(place) = board.urls.borrow_mut().get_mut(at) {
                        *place = Some(url.clone());
                    }
                    return Ok(url);
                }
                PreviewAddress::AppGone => return Err(gone(app)),
                PreviewAddress::Unknown => {}
            }
            let ended = board.ended.get(at).and_then(Cell::get);
            let is_late = ended.is_some_and(|ended| ended.elapsed() >= ADDRESS);
            if is_late || self.deadline.is_over() {
                let preview = format!("the preview of {}", preview.member.name());
                return Err(no_address(&preview));
            }
            let next = Instant::now() + looks.next_wait(None);
            sleep_until(self.deadline.moment().min(next)).await;
        }
    }
}

/// The previews so that each comes after those that it refers to, as far as that is
/// possible.
fn in_order(previews: Vec<ServicePreview<'_>>) -> Vec<ServicePreview<'_>> {
    let places: Vec<usize> = previews
        .iter()
        .map(|preview| preview.file.service)
        .collect();
    let referred = |preview: &ServicePreview<'_>| {
        let services = preview.file.references();
        let places = services.filter_map(|(_, at)| places.iter().position(|place| *place == at));
        places.collect::<Vec<usize>>()
    };
    let order = Order::new(previews.iter().map(referred)).layers().concat();
    let rank = |at: usize| {
        order
            .iter()
            .position(|other| *other == at)
            .unwrap_or(usize::MAX)
    };
    let mut ranked: Vec<_> = previews.into_iter().enumerate().collect();
    ranked.sort_by_key(|(at, _)| rank(*at));
    ranked.into_iter().map(|(_, preview)| preview).collect()
}

/// The stack of the previews that were brought up, with the preview apps in the
/// place of the services.
fn shown(task: &StackPreviewTask, previews: &[ServicePreview<'_>]) -> DecidedStack {
    let deployed = previews.iter().filter(|preview| preview.decision.deploys);
    let members = deployed
        .clone()
        .filter_map(|preview| Some(preview.member.clone().with_id(preview.app_id()?)));
    let members: Vec<StackMember> = members.collect();
    DecidedStack {
        // None waits for the deployment of another one.
        order: Order::new(members.iter().map(|_| Vec::new())),
        decisions: deployed.map(|preview| preview.decision.clone()).collect(),
        task: StackTask {
            members,
            ..task.stack.clone()
        },
    }
}

/// The rows of the comment. `words` are how the deployments ended, once all have:
/// those that were not begun have none. `urls` are those that are known.
fn rows<'a>(
    previews: &'a [ServicePreview<'_>],
    words: Option<&[&'a str]>,
    urls: &'a [Option<String>],
) -> Vec<PreviewRow<'a>> {
    let has_ended = words.is_some();
    let mut words = words.unwrap_or_default().iter();
    let rows = previews.iter().enumerate().map(|(at, preview)| {
        let app = preview.app_id();
        let word = match (preview.decision.deploys, app) {
            (false, _) => "unchanged",
            (true, Some(_)) if !has_ended => "deploying",
            (true, None) if !has_ended => "waiting",
            (true, Some(_)) => words.next().copied().unwrap_or(if preview.is_made {
                "created"
            } else {
                "not deployed"
            }),
            (true, None) => "not created",
        };
        PreviewRow {
            name: preview.member.name(),
            mark: app.map(|app| Marker::of(&preview.key()).about(app)),
            url: urls.get(at).and_then(Option::as_deref),
            word,
        }
    });
    rows.collect()
}

fn gone(app: Uuid) -> Outcome {
    let headline = format!("Preview app {app} was deleted while the run used it");
    Outcome::of(Failure::PreviewVanished, headline).hint("Run this again to make another")
}

fn no_address(of: &str) -> Outcome {
    Outcome::of(
        Failure::TimeUp,
        format!("Sevalla reported no address of {of} in time"),
    )
    .because("A variable of this preview refers to it")
    .hint("Run this again later")
}
