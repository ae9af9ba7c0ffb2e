//! The stack file: which services make one change, and in which order. Pure: the
//! values that have a form of their own, such as images and addresses, are checked
//! by `inputs`, and everything about Sevalla by `actions`.

mod order;
mod read;
mod yaml;

pub use self::order::Order;
pub use self::read::parse;
pub(crate) use self::yaml::LARGEST;
pub use self::yaml::{Place, Placed, StackProblem};
use crate::deployment::ServiceKind;

/// A text of the file with its place.
pub type PlacedText = Placed<String>;

/// What a stack file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    /// The services, in the order of the file.
    pub services: Vec<StackService>,
    /// Their previews, in the order of the file.
    pub previews: Vec<StackPreview>,
}

/// One service of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackService {
    /// Its name in the file.
    pub name: PlacedText,
    /// Whether it is an application or a static site.
    pub kind: ServiceKind,
    /// Its UUID or exact display name on Sevalla.
    pub target: PlacedText,
    /// The services, by their place in [`Stack::services`], that have to be live
    /// before it starts.
    pub after: Vec<usize>,
    /// Globs of the files that change it.
    pub paths: Vec<PlacedText>,
    /// What to deploy and how to check it, by the names of inputs such as
    /// `docker-image` and `verify-url`.
    pub inputs: Vec<(&'static str, PlacedText)>,
}

/// The preview of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackPreview {
    /// The service, by its place in [`Stack::services`].
    pub service: usize,
    /// UUID or exact display name of the pipeline.
    pub pipeline: PlacedText,
    /// Variables of the preview app.
    pub env: Vec<(PlacedText, Vec<EnvPart>)>,
    /// Whether a reference to this service means the live one where it has no
    /// preview.
    pub falls_back_to_live: bool,
    /// Where it is.
    pub place: Place,
}

/// A part of the value of a preview's variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvPart {
    /// Text that is taken as it is.
    Text(String),
    /// `${name.url}`: the address of a service, by its place in
    /// [`Stack::services`].
    Url(usize),
}

impl StackPreview {
    /// The services to whose addresses its variables refer, each with the variable.
    pub(crate) fn references(&self) -> impl Iterator<Item = (&PlacedText, usize)> {
        let all = self.env.iter();
        all.flat_map(|(name, parts)| {
            let urls = parts.iter().filter_map(|part| match part {
                EnvPart::Url(service) => Some(*service),
                EnvPart::Text(_) => None,
            });
            urls.map(move |service| (name, service))
        })
    }
}

impl Stack {
    /// The order of the services.
    pub fn order(&self) -> Order {
        Order::new(self.services.iter().map(|service| service.after.clone()))
    }

    /// The names of the services, in the order of the file.
    pub fn names(&self) -> Vec<&str> {
        let services = self.services.iter();
        services
            .map(|service| service.name.value.as_str())
            .collect()
    }
}
