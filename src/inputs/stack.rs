//! The inputs of one service's own deployment, with what a stack file says of it.

use super::values::Value;
use super::{ActionName, Input, Inputs, Problem, ProblemKind, Reader};
use crate::deployment::ServiceKind;
use crate::stack::{PlacedText, StackService};

/// The inputs of one service alone: those of a stack are in its file.
const OF_ONE_SERVICE: &[&str] = &[
    "app_id",
    "static_site_id",
    "deploy_hook_url",
    "branch",
    "docker_image",
    "is_restart",
    // A stack has no journal.
    "state_file",
    "run_key",
];

impl Inputs {
    /// The inputs with which a service of a stack is deployed by itself: these, and
    /// the values that the file has for it. `file` is what messages call the file,
    /// `commit` the commit that the CI works on.
    pub(crate) fn of_service(
        &self,
        service: &StackService,
        file: &str,
        commit: Option<&str>,
    ) -> (Self, Vec<Problem>) {
        let mut reader = ServiceReader {
            reader: Reader::default(),
            file,
            commit,
        };
        reader.reader.spellings.clone_from(&self.spellings);
        let spellings = &mut reader.reader.spellings;
        spellings.retain(|field, _| !OF_ONE_SERVICE.contains(field));
        let (action, id) = match service.kind {
            ServiceKind::Application => (ActionName::DeployApp, "app-id"),
            ServiceKind::StaticSite => (ActionName::DeployStaticSite, "static-site-id"),
        };
        let mut own = Self {
            action: Some(action),
            app_id: None,
            static_site_id: None,
            deploy_hook_url: None,
            branch: None,
            docker_image: None,
            is_restart: false,
            state_file: None,
            run_key: None,
            ..self.clone()
        };
        let target = reader.read(id, &service.target);
        match service.kind {
            ServiceKind::Application => own.app_id = target,
            ServiceKind::StaticSite => own.static_site_id = target,
        }
        own.take_in(service, &mut reader);
        let Reader {
            spellings,
            names,
            problems,
        } = reader.reader;
        (
            Self {
                names,
                spellings,
                ..own
            },
            problems,
        )
    }

    /// Takes in what the file says of what to deploy and how to check it.
    fn take_in(&mut self, service: &StackService, reader: &mut ServiceReader<'_>) {
        for (name, text) in &service.inputs {
            match *name {
                "branch" => self.branch = reader.read(name, text),
                "docker-image" => {
                    self.docker_image =
                        reader.filled_in(text).and_then(|it| reader.read(name, &it));
                }
                "verify-url" => self.verify_url = reader.read(name, text),
                "verify-contains" => self.verify_contains = reader.read(name, text),
                "verify-status" => reader.replace(&mut self.verify_status, name, text),
                "verify-successes" => reader.replace(&mut self.verify_successes, name, text),
                "verify-timeout" => reader.replace(&mut self.verify_timeout, name, text),
                _ => {}
            }
        }
    }
}

/// Reads values of one service.
struct ServiceReader<'a> {
    reader: Reader,
    file: &'a str,
    commit: Option<&'a str>,
}

impl ServiceReader<'_> {
    fn read<T: Value>(&mut self, name: &str, text: &PlacedText) -> Option<T> {
        let input = Input::named(name)?;
        let spelling = format!("{}, {}, {name}", self.file, text.place);
        self.reader.spellings.insert(input.field, spelling);
        let text = self.reader.id_of(input, &text.value);
        self.reader.optional(input.field, Some(text))
    }

    fn replace<T: Value>(&mut self, value: &mut T, name: &str, text: &PlacedText) {
        if let Some(read) = self.read(name, text) {
            *value = read;
        }
    }

    /// An image's name with the commit of the CI.
    fn filled_in(&mut self, image: &PlacedText) -> Option<PlacedText> {
        let (whole, short) = ("{commit}", "{commit-short}");
        let text = &image.value;
        if !text.contains(whole) && !text.contains(short) {
            return Some(image.clone());
        }
        let Some(commit) = self.commit else {
            let spelling = format!("{}, {}, docker-image", self.file, image.place);
            self.reader.problems.push(Problem::new(
                ProblemKind::Stack,
                spelling,
                Some(text.clone()),
                "no variable of a CI names the commit that {commit} stands for",
            ));
            return None;
        };
        let short_commit = commit.get(..7).unwrap_or(commit);
        let value = text.replace(whole, commit).replace(short, short_commit);
        Some(PlacedText {
            value,
            place: image.place,
        })
    }
}
