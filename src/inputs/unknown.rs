//! Variables that look like inputs and are none.

use super::table::{Input, TABLE};
use crate::ci;
use crate::environment::Variables;
use crate::outputs::OUTPUTS;

/// Sets how much is said for whoever debugs a run; no input.
pub const DIAGNOSTICS: &str = "SEVALLA_LOG";

/// Names that look like inputs but are none, each with the nearest one. Others
/// name variables `SEVALLA_…` too, so there only a near miss is reported.
pub fn unknown_names(variables: &Variables) -> Vec<String> {
    let known: Vec<String> = TABLE.iter().map(Input::name).collect();
    let read: Vec<String> = TABLE.iter().flat_map(Input::sources).collect();
    // Of an earlier step of the job.
    let outputs: Vec<String> = OUTPUTS.iter().map(|(name, _)| ci::variable(name)).collect();
    let is_read = |variable: &&str| {
        read.iter().chain(&outputs).any(|name| name == variable) || *variable == DIAGNOSTICS
    };
    let given = variables.names().filter(|variable| !is_read(variable));
    given
        .filter_map(|variable| describe_unknown(variable, &known))
        .collect()
}

fn describe_unknown(variable: &str, known: &[String]) -> Option<String> {
    /// Below this likeness a suggestion is a guess that misleads.
    const ALIKE: f64 = 0.6;
    /// From this likeness on it is a slip.
    const SLIP: f64 = 0.75;
    let prefix = ["INPUT_", "PLUGIN_", "SEVALLA_"]
        .into_iter()
        .find(|prefix| variable.starts_with(prefix))?;
    let name = variable
        .strip_prefix(prefix)?
        .to_lowercase()
        .replace('_', "-");
    let likeness = |other: &str| strsim::normalized_damerau_levenshtein(&name, other);
    let nearest = known
        .iter()
        .map(|other| (likeness(other), other))
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    let ignored = format!("{variable} is not an input and was ignored");
    match nearest {
        Some((alike, _)) if prefix == "SEVALLA_" && alike < SLIP => None,
        Some((alike, other)) if alike >= ALIKE => Some(format!("{ignored}; did you mean {other}?")),
        _ => Some(ignored),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "fb5e5168-4281-4bec-94c5-0d1584e9e657";

    #[test]
    fn a_name_that_is_no_input_is_told_with_its_neighbour() {
        let variables = Variables::from([
            ("INPUT_APPID", ID),
            ("PLUGIN_XYZZY", "1"),
            ("INPUT_APP-ID", ID),
            ("INPUT_UNSET", ""),
            ("SEVALLA_BRNACH", "x"),
            ("SEVALLA_LOG", "debug"),
            ("SEVALLA_TOKEN", "x"),
            ("SEVALLA_COMPANY", "x"),
        ]);
        let unknown = unknown_names(&variables);
        assert_eq!(unknown.len(), 3, "{unknown:?}");
        assert!(
            unknown[2].contains("SEVALLA_BRNACH") && unknown[2].ends_with("did you mean branch?")
        );
        assert!(unknown[0].contains("INPUT_APPID") && unknown[0].ends_with("did you mean app-id?"));
        assert!(unknown[1].contains("PLUGIN_XYZZY") && unknown[1].ends_with("ignored"));
    }
}
