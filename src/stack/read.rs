//! From the tree of a file to the services, with everything that is wrong at once.

use std::collections::BTreeMap;

use super::yaml::{self, Node};
use super::{EnvPart, Place, Placed, PlacedText, Stack, StackPreview, StackProblem, StackService};
use crate::deployment::ServiceKind;
use crate::path_filter::objection;
use crate::text::nearest::nearest;

const TOP_KEYS: &[&str] = &["services", "previews"];
const SERVICE_KEYS: &[&str] = &[
    "app",
    "static-site",
    "after",
    "paths",
    "branch",
    "docker-image",
    "verify",
];
/// The keys under `verify`, each with the input of the same meaning.
const VERIFY_KEYS: &[(&str, &str)] = &[
    ("url", "verify-url"),
    ("status", "verify-status"),
    ("contains", "verify-contains"),
    ("successes", "verify-successes"),
    ("timeout", "verify-timeout"),
];
const PREVIEW_KEYS: &[&str] = &["pipeline", "env", "fallback"];

/// The most services of a stack.
const MOST_SERVICES: usize = 500;

/// The most names that a message lists.
const MOST_NAMED: usize = 10;

/// The longest name of a service in the file.
const LONGEST_NAME: usize = 64;

/// Reads a stack file, and everything that is wrong with it, in the order of the
/// file. With problems, the stack is what could be read.
pub fn parse(text: &str) -> (Stack, Vec<StackProblem>) {
    let mut reader = Reader::default();
    let stack = match yaml::read(text) {
        Ok(root) => reader.stack(root),
        Err(problem) => {
            reader.problems.push(problem);
            Stack::default()
        }
    };
    reader.problems.sort();
    (stack, reader.problems)
}

/// The values of a mapping by their keys.
type Entries = BTreeMap<String, (Place, Placed<Node>)>;

#[derive(Default)]
struct Reader {
    problems: Vec<StackProblem>,
}

impl Reader {
    fn problem(&mut self, place: Place, message: impl Into<String>) {
        self.problems.push(StackProblem::new(place, message));
    }

    fn stack(&mut self, root: Placed<Node>) -> Stack {
        let place = root.place;
        let mut top = self.entries(root, "the file", TOP_KEYS);
        let Some((_, services)) = top.remove("services") else {
            self.problem(place, "`services` is missing. Name at least one service");
            return Stack::default();
        };
        let place = services.place;
        let entries = self.named(services, "services");
        if entries.is_empty() {
            self.problem(place, "there is no service. Name at least one");
        }
        if let Some((name, _)) = entries.get(MOST_SERVICES) {
            let message = format!("a stack has at most {MOST_SERVICES} services");
            self.problem(name.place, message);
        }
        let names: Vec<String> = entries.iter().map(|(name, _)| name.value.clone()).collect();
        let services: Vec<StackService> = entries
            .into_iter()
            .map(|(name, node)| self.service(name, node, &names))
            .collect();
        self.refuse_twice(&services);
        let mut stack = Stack {
            services,
            previews: Vec::new(),
        };
        self.refuse_circles(&stack);
        if let Some((_, previews)) = top.remove("previews") {
            let previews = self.named(previews, "previews").into_iter();
            stack.previews = previews
                .filter_map(|(name, node)| self.preview(&name, node, &stack.services, &names))
                .collect();
            self.refuse_missing_previews(&stack);
        }
        stack
    }

    fn service(&mut self, name: PlacedText, node: Placed<Node>, names: &[String]) -> StackService {
        let what = format!("service {}", name.value);
        let mut entries = self.entries(node, &what, SERVICE_KEYS);
        let (kind, target) = self.target(&mut entries, &name, &what);
        let mut after = Vec::new();
        for needed in self.list(&mut entries, "after") {
            match self.service_called(&needed, names) {
                Some(at) if !after.contains(&at) => after.push(at),
                _ => {}
            }
        }
        let paths = self.list(&mut entries, "paths");
        for glob in &paths {
            if let Some(objection) = objection(&glob.value) {
                self.problem(glob.place, format!("{:?} {objection}", glob.value));
            }
        }
        let mut inputs: Vec<(&str, PlacedText)> = Vec::new();
        for key in ["branch", "docker-image"] {
            let value = self.text(&mut entries, key);
            if let Some(value) = value.as_ref().filter(|_| kind == ServiceKind::StaticSite)
                && key == "docker-image"
            {
                self.problem(
                    value.place,
                    "a static site is built from a branch and runs no image",
                );
            }
            inputs.extend(value.map(|value| (key, value)));
        }
        if let Some((_, verify)) = entries.remove("verify") {
            let keys: Vec<&str> = VERIFY_KEYS.iter().map(|(key, _)| *key).collect();
            let place = verify.place;
            let mut entries = self.entries(verify, "verify", &keys);
            let is_checked = entries.contains_key("url");
            for (key, input) in VERIFY_KEYS {
                let value = self.text(&mut entries, key);
                inputs.extend(value.map(|value| (*input, value)));
            }
            if !is_checked {
                self.problem(place, "`url` is missing. Set it to auto or to an address");
            }
        }
        StackService {
            name,
            kind,
            target,
            after,
            paths,
            inputs,
        }
    }

    /// The service on Sevalla: one of `app` and `static-site`.
    fn target(
        &mut self,
        entries: &mut Entries,
        name: &PlacedText,
        what: &str,
    ) -> (ServiceKind, PlacedText) {
        let site_place = entries.get("static-site").map(|(place, _)| *place);
        let is_given = entries.contains_key("app") || site_place.is_some();
        let app = self.text(entries, "app");
        let site = self.text(entries, "static-site");
        if let (Some(place), Some(_)) = (site_place, &app) {
            self.problem(place, format!("{what} has `app` too. Remove one of them"));
        }
        let found = app.map(|app| (ServiceKind::Application, app));
        let found = found.or_else(|| site.map(|site| (ServiceKind::StaticSite, site)));
        found.unwrap_or_else(|| {
            if !is_given {
                let message = format!(
                    "{what} names nothing to deploy. Set `app` or `static-site` to a UUID or an exact \
                     display name"
                );
                self.problem(name.place, message);
            }
            (ServiceKind::Application, name.clone())
        })
    }

    fn preview(
        &mut self,
        name: &PlacedText,
        node: Placed<Node>,
        services: &[StackService],
        names: &[String],
    ) -> Option<StackPreview> {
        let what = format!("preview {}", name.value);
        let mut entries = self.entries(node, &what, PREVIEW_KEYS);
        let service = self.service_called(name, names);
        let is_site =
            |at: usize| services.get(at).map(|it| it.kind) == Some(ServiceKind::StaticSite);
        if service.is_some_and(is_site) {
            let message =
                "a static site has no preview apps: Sevalla makes its previews itself. Remove it";
            self.problem(name.place, message);
        }
        if !entries.contains_key("pipeline") {
            let message =
                format!("{what} has no `pipeline`. Set it to a UUID or an exact display name");
            self.problem(name.place, message);
        }
        let pipeline = self.text(&mut entries, "pipeline");
        let env = match entries.remove("env") {
            Some((_, node)) => self.env(node, names),
            None => Vec::new(),
        };
        let fallback = self.text(&mut entries, "fallback");
        if let Some(other) = fallback.as_ref().filter(|text| text.value != "live") {
            self.problem(other.place, "`fallback` can only be live");
        }
        Some(StackPreview {
            service: service?,
            pipeline: pipeline?,
            env,
            falls_back_to_live: fallback.is_some(),
            place: name.place,
        })
    }

    /// The variables of a preview. Sevalla's names of variables are those of a shell.
    fn env(&mut self, node: Placed<Node>, names: &[String]) -> Vec<(PlacedText, Vec<EnvPart>)> {
        let mut variables = Vec::new();
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        for (name, node) in self.pairs(node, "env") {
            let is_name = !name.value.starts_with(|c: char| c.is_ascii_digit());
            if !is_name || name.value.is_empty() || !name.value.chars().all(is_of_name) {
                let message = format!("{:?} is no name of a variable", name.value);
                self.problem(name.place, message);
            }
            // A variable may be empty.
            let value = match node.value {
                Node::Null => Some(String::new()),
                _ => self
                    .text_of(node.clone(), &name.value)
                    .map(|text| text.value),
            };
            if let Some(value) = value {
                let parts = self.parts(&value, node.place, names);
                variables.push((name, parts));
            }
        }
        variables
    }

    /// The text of a variable, with the references to services in it.
    fn parts(&mut self, value: &str, place: Place, names: &[String]) -> Vec<EnvPart> {
        let mut parts = Vec::new();
        let mut rest = value;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((reference, after)) = after.split_once('}') else {
                self.problem(place, "a reference begins with ${ and has no }");
                return parts;
            };
            parts.push(EnvPart::Text(before.to_owned()));
            if let Some((service, "url")) = reference.split_once('.') {
                let value = service.to_owned();
                let service = self.service_called(&Placed { value, place }, names);
                parts.extend(service.map(EnvPart::Url));
            } else {
                let message = format!(
                    "${{{reference}}} is no reference. Write ${{NAME.url}} with the name of a service"
                );
                self.problem(place, message);
            }
            rest = after;
        }
        parts.push(EnvPart::Text(rest.to_owned()));
        parts.retain(|part| !matches!(part, EnvPart::Text(text) if text.is_empty()));
        parts
    }

    /// The service of this name.
    fn service_called(&mut self, name: &PlacedText, names: &[String]) -> Option<usize> {
        let found = names.iter().position(|other| *other == name.value);
        if found.is_none() {
            let all: Vec<&str> = names.iter().map(String::as_str).collect();
            let message = format!(
                "there is no service {:?}{}",
                name.value,
                meant(&name.value, &all)
            );
            self.problem(name.place, message);
        }
        found
    }

    /// Two services must not be one on Sevalla: it would be deployed twice.
    fn refuse_twice(&mut self, services: &[StackService]) {
        for (at, service) in services.iter().enumerate() {
            let is_it = |other: &&StackService| {
                (other.kind, &other.target.value) == (service.kind, &service.target.value)
            };
            if let Some(first) = services.iter().take(at).find(is_it) {
                let message = format!(
                    "{} is the {} of {} too, in {}. Remove one of them",
                    service.target.value,
                    service.kind.noun(),
                    first.name.value,
                    first.name.place
                );
                self.problem(service.target.place, message);
            }
        }
    }

    fn refuse_circles(&mut self, stack: &Stack) {
        for circle in stack.order().circles() {
            let way = circle.iter().chain(circle.first());
            let services: Vec<&StackService> =
                way.filter_map(|at| stack.services.get(*at)).collect();
            let names: Vec<&str> = services.iter().map(|it| it.name.value.as_str()).collect();
            let place = services
                .first()
                .map_or(Place::START, |first| first.name.place);
            let message = match names.as_slice() {
                [only, _] => format!("{only} waits for itself. Remove it from its `after`"),
                names => format!(
                    "{} wait for each other in a circle. Remove one `after`",
                    names.join(" → ")
                ),
            };
            self.problem(place, message);
        }
    }

    /// A reference means a preview, or what is live if the file says so.
    fn refuse_missing_previews(&mut self, stack: &Stack) {
        let with_preview: Vec<usize> = stack.previews.iter().map(|it| it.service).collect();
        for preview in &stack.previews {
            for (name, service) in preview.references() {
                let Some(referred) = stack.services.get(service) else {
                    continue;
                };
                if with_preview.contains(&service) || preview.falls_back_to_live {
                    continue;
                }
                let message = format!(
                    "{} has no entry under `previews`. Add one, or set `fallback: live` here to use its \
                     live address",
                    referred.name.value
                );
                self.problem(name.place, message);
            }
        }
    }

    /// The entries of a mapping whose keys are names of services.
    fn named(&mut self, node: Placed<Node>, what: &str) -> Vec<(PlacedText, Placed<Node>)> {
        let pairs = self.pairs(node, what);
        let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        for (name, _) in &pairs {
            let text = &name.value;
            let is_begun = text.starts_with(|c: char| c.is_ascii_alphanumeric());
            if !is_begun || !text.chars().all(is_inner) || text.len() > LONGEST_NAME {
                let message = format!(
                    "{text:?} is no name of a service. Use letters, digits, - and _, {LONGEST_NAME} at most"
                );
                self.problem(name.place, message);
            }
        }
        pairs
    }

    /// The entries of a mapping, each key once and one of these.
    fn entries(&mut self, node: Placed<Node>, what: &str, keys: &[&str]) -> Entries {
        let mut entries = Entries::new();
        for (key, value) in self.pairs(node, what) {
            if !keys.contains(&key.value.as_str()) {
                let message = match nearest(&key.value, keys) {
                    Some(word) => {
                        format!("{:?} is no key of {what}; did you mean {word}?", key.value)
                    }
                    None => format!(
                        "{:?} is no key of {what}. It has {}",
                        key.value,
                        keys.join(", ")
                    ),
                };
                self.problem(key.place, message);
            }
            entries.insert(key.value, (key.place, value));
        }
        entries
    }

    /// The entries of a mapping, each key once.
    fn pairs(&mut self, node: Placed<Node>, what: &str) -> Vec<(PlacedText, Placed<Node>)> {
        let Node::Map(pairs) = node.value else {
            let message = format!("{what} is {}, and has to be a mapping", node.value.noun());
            self.problem(node.place, message);
            return Vec::new();
        };
        let mut seen: BTreeMap<String, Place> = BTreeMap::new();
        let mut once = Vec::new();
        for (key, value) in pairs {
            if let Some(first) = seen.get(&key.value) {
                let message = format!("{} is here twice, first in {first}. Remove one", key.value);
                self.problem(key.place, message);
                continue;
            }
            seen.insert(key.value.clone(), key.place);
            once.push((key, value));
        }
        once
    }

    /// The text under a key.
    fn text(&mut self, entries: &mut Entries, key: &str) -> Option<PlacedText> {
        let (_, node) = entries.remove(key)?;
        self.text_of(node, key)
    }

    fn text_of(&mut self, node: Placed<Node>, key: &str) -> Option<PlacedText> {
        let place = node.place;
        match node.value {
            Node::Text(text) if !text.trim().is_empty() => {
                let value = text.trim().to_owned();
                return Some(Placed { value, place });
            }
            Node::Text(_) => self.problem(place, format!("`{key}` is empty")),
            other => {
                let message = format!("`{key}` is {}, and has to be a text", other.noun());
                self.problem(place, message);
            }
        }
        None
    }

    /// The texts under a key: a list, or one alone.
    fn list(&mut self, entries: &mut Entries, key: &str) -> Vec<PlacedText> {
        match entries.remove(key) {
            None => Vec::new(),
            Some((
                _,
                Placed {
                    value: Node::List(items),
                    ..
                },
            )) => items
                .into_iter()
                .filter_map(|item| self.text_of(item, key))
                .collect(),
            Some((_, node)) => self.text_of(node, key).into_iter().collect(),
        }
    }
}

fn meant(name: &str, names: &[&str]) -> String {
    if let Some(word) = nearest(name, names) {
        return format!("; did you mean {word}?");
    }
    let some: Vec<&str> = names.iter().take(MOST_NAMED).copied().collect();
    format!(". There are {}", some.join(", "))
}
