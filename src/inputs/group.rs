//! The groups of inputs.

use super::table::{Input, TABLE};

/// What an input is about: its section in `--help` and in the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputGroup {
    /// What is deployed.
    Deploy,
    /// How long the run waits, and for what.
    Wait,
    /// What must hold after a deployment.
    Check,
    /// Previews of pull requests.
    Previews,
    /// Several services that are one change.
    Stacks,
    /// What a company has.
    Settings,
    /// Files that a run writes.
    Files,
    /// The run in its CI system.
    Ci,
}

impl InputGroup {
    /// All, in the order in which they are documented.
    pub const ALL: [Self; 8] = [
        Self::Deploy,
        Self::Wait,
        Self::Check,
        Self::Previews,
        Self::Stacks,
        Self::Settings,
        Self::Files,
        Self::Ci,
    ];

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Deploy => "Deploy",
            Self::Wait => "Wait",
            Self::Check => "Check and roll back",
            Self::Previews => "Previews",
            Self::Stacks => "Stacks",
            Self::Settings => "Databases and settings",
            Self::Files => "Files",
            Self::Ci => "CI",
        }
    }

    /// Its inputs, in the order of the table.
    pub fn inputs(self) -> impl Iterator<Item = &'static Input> {
        TABLE.iter().filter(move |input| input.group == self)
    }
}
