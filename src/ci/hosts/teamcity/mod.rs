//! TeamCity: service messages on the output. Source: the page "Service
//! messages" of jetbrains.com/help/teamcity.
//!
//! Sanitized text does not contain the beginning of one.

pub(crate) mod facts;

use std::io::Write;

use crate::ci::detect::DetectionRule;
use crate::ci::facts::RunNames;
use crate::ci::files::StepFiles;
use crate::ci::hosts::CiHost;
use crate::ci::line_writer::LineWriter;
use crate::ci::{CiOutput, Level, Outputs, OutputsResult, Place, SECRET, also, titled, variable};
use crate::sanitize::{SanitizedLine, SanitizedText};

/// Its row in the table of hosts.
pub(super) const HOST: CiHost = CiHost {
    name: "teamcity",
    title: "TeamCity",
    template: Some("templates/teamcity/settings.kts"),
    detection: &[DetectionRule::All(&["TEAMCITY_VERSION"])],
    names: RunNames {
        run: &["BUILD_URL"],
        step: &[],
        attempt: &[],
    },
    facts: facts::facts,
    output: |means, files| Box::new(TeamCityOutput::new(means.stdout, files)),
};

/// The server cuts a longer description.
const LONGEST_DESCRIPTION: usize = 4000;

pub(crate) struct TeamCityOutput {
    lines: LineWriter,
    files: StepFiles,
    /// The name of the block that is open.
    block: Option<String>,
}

impl TeamCityOutput {
    pub(in crate::ci) fn new(out: Box<dyn Write>, files: StepFiles) -> Self {
        Self {
            lines: LineWriter::new(out),
            files,
            block: None,
        }
    }

    fn message(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let attributes: String = attributes
            .iter()
            .map(|(name, value)| format!(" {name}='{}'", escaped(value)))
            .collect();
        self.lines.put(&format!("##teamcity[{name}{attributes}]"));
    }
}

impl CiOutput for TeamCityOutput {
    /// Nobody here hides values at run time: naming one would show it.
    fn mask(&mut self, _secret: &str) {}

    fn print(&mut self, line: &SanitizedLine) {
        self.lines.put(line.as_str());
    }

    fn open_log(&mut self, title: &SanitizedLine) {
        let title = title.as_str().to_owned();
        self.message("blockOpened", &[("name", &title)]);
        self.block = Some(title);
    }

    fn close_log(&mut self) {
        if let Some(title) = self.block.take() {
            self.message("blockClosed", &[("name", &title)]);
        }
    }

    /// A problem is shown on the page of the build and fails it, so there is
    /// one, for the run. The source location is part of its text.
    fn annotate(
        &mut self,
        level: Level,
        title: &SanitizedLine,
        message: &SanitizedText,
        place: Option<&Place>,
    ) {
        let text = titled(title, message);
        let text: String = text.chars().take(LONGEST_DESCRIPTION).collect();
        match (level, place) {
            (Level::Error, None) => self.message("buildProblem", &[("description", &text)]),
            (level, place) => {
                let place = place.map(at).unwrap_or_default();
                let status = match level {
                    Level::Error => "ERROR",
                    Level::Warning => "WARNING",
                };
                let text = format!("{place}{text}");
                self.message("message", &[("text", &text), ("status", status)]);
            }
        }
    }

    /// The server fills in `%NAME%` in a parameter, also where the name is a
    /// password's.
    fn outputs(&mut self, outputs: Outputs<'_>) -> OutputsResult {
        let files = self.files.outputs(outputs);
        let mut left_out = Vec::new();
        for (name, value) in outputs {
            // A message is a line of the log, and nobody hides it there.
            let is_secret = *name == SECRET && !value.as_str().is_empty();
            if is_secret || value.as_str().matches('%').count() > 1 {
                left_out.push(*name);
                continue;
            }
            let parameter = format!("env.{}", variable(name));
            let attributes = [("name", parameter.as_str()), ("value", value.as_str())];
            self.message("setParameter", &attributes);
        }
        also(files, left_out)
    }

    fn summary(&mut self, markdown: &SanitizedText) -> Result<(), String> {
        self.files.summary(markdown)
    }
}

fn at(place: &Place) -> String {
    let column = place.column.map(|column| format!(":{column}"));
    let column = column.unwrap_or_default();
    format!("{}:{}{column}: ", place.file, place.line)
}

/// Escapes the value of an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '\'' | '[' | ']' => escaped.extend(['|', c]),
            '\n' => escaped.push_str("|n"),
            '\r' => escaped.push_str("|r"),
            ' '..='~' => escaped.push(c),
            _ => {
                let units = &mut [0; 2];
                for unit in c.encode_utf16(units) {
                    escaped.push_str(&format!("|0x{unit:04X}"));
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ci::Host;
    use crate::ci::line_writer::captured::Captured;
    use crate::environment::Variables;
    use crate::sanitize::Sanitizer;

    fn written(write: impl FnOnce(&mut TeamCityOutput)) -> String {
        let out = Captured::default();
        let files = StepFiles::named_by(Host::TeamCity, &Variables::default(), String::new);
        write(&mut TeamCityOutput::new(Box::new(out.clone()), files));
        out.text()
    }

    #[test]
    fn messages_are_written_as_the_server_reads_them() {
        let sanitizer = Sanitizer::default();
        assert_eq!(
            written(|t| {
                t.open_log(&sanitizer.line("Log [1]"));
                t.print(&sanitizer.line("it's | a line"));
                t.close_log();
                t.close_log();
            }),
            "##teamcity[blockOpened name='Log |[1|]']\nit's | a line\n\
             ##teamcity[blockClosed name='Log |[1|]']\n"
        );
        let title = sanitizer.line("It's");
        let message = sanitizer.block("two\nlines é 😀");
        assert_eq!(
            written(|t| t.annotate(Level::Error, &title, &message, None)),
            "##teamcity[buildProblem description='It|'s: two|nlines |0x00E9 |0xD83D|0xDE00']\n"
        );
        let place = Place {
            file: "a.ts".to_owned(),
            line: 7,
            column: None,
        };
        assert_eq!(
            written(|t| t.annotate(Level::Error, &title, &sanitizer.block("m"), Some(&place))),
            "##teamcity[message text='a.ts:7: It|'s: m' status='ERROR']\n"
        );
    }

    #[test]
    fn a_value_that_would_be_filled_in_is_left_out() {
        let block = |text| Sanitizer::default().block(text);
        let outputs = [
            ("url", block("https://a.b/%20")),
            ("branch", block("%env.SEVALLA_TOKEN%")),
        ];
        let mut left_out = Vec::new();
        let written = written(|t| left_out = t.outputs(&outputs).unwrap());
        assert_eq!(left_out, ["branch"]);
        assert_eq!(
            written,
            "##teamcity[setParameter name='env.SEVALLA_OUT_URL' value='https://a.b/%20']\n"
        );
    }

    proptest! {
        #[test]
        fn what_is_escaped_stays_between_its_quotes(text in "([|'\\[\\]\r\n]|n|r|0x|.){0,20}") {
            let escaped = escaped(&text);
            prop_assert!(escaped.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            let mut units: Vec<u16> = Vec::new();
            let mut rest = escaped.chars();
            while let Some(c) = rest.next() {
                prop_assert!(!matches!(c, '\'' | '[' | ']'));
                let read = match c {
                    '|' => match rest.next().unwrap() {
                        'n' => '\n',
                        'r' => '\r',
                        '0' => {
                            let digits: String = rest.by_ref().skip(1).take(4).collect();
                            units.push(u16::from_str_radix(&digits, 16).unwrap());
                            continue;
                        }
                        other => other,
                    },
                    other => other,
                };
                units.push(u16::try_from(u32::from(read)).unwrap());
            }
            prop_assert_eq!(String::from_utf16(&units).unwrap(), text);
        }
    }
}
