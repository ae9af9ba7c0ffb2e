//! The deployment's log on the console, in `log-file` and on the HTML page. Memory
//! is bounded, whatever the length of the log. What the log says of a failure is in
//! [`deployment_log`](crate::deployment_log).

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::html::PageStream;
use crate::ci::CiOutput;
use crate::deployment::Service;
use crate::deployment_log::severity::Severity;
use crate::deployment_log::{LogDiagnosis, MOST_LINES_OF_AN_ENTRY, SanitizedEntry};
use crate::inputs::Logs;
use crate::report::atomic_file::WholeFile;
use crate::sanitize::{SanitizedLine, Sanitizer};
use crate::text::duration::counted;
use crate::text::truncate::{beginning, shorten};

/// Lines kept to be shown when the deployment fails.
const KEPT_LINES: usize = 2000;

/// The most bytes of these lines.
const KEPT_BYTES: usize = 1024 * 1024;

/// The most bytes of a group of one service that is shown later.
const LARGEST_GROUP: usize = 256 * 1024;

/// Lines that the summary repeats.
pub(super) const TAIL_LINES: usize = 40;

/// The most of one line that is shown, in bytes; the file has all of it.
pub const LONGEST_SHOWN: usize = 16 * 1024;

/// The most that is shown of a log while it runs, in bytes. A build that writes
/// without end must not fill the disk of the CI; the file has more.
pub const MOST_SHOWN: usize = 256 * 1024 * 1024;

/// The most that a log's file may hold, in bytes.
pub const LARGEST_FILE: usize = 1024 * 1024 * 1024;

/// The most that is shown of the word for an entry's weight, in bytes. It is
/// repeated on every line of the entry.
const LONGEST_WEIGHT: usize = 32;

/// The most that is shown of the name of the service, in bytes.
const LONGEST_LABEL: usize = 64;

/// Replaces a time that is missing, so that no untrusted text begins a line.
const NO_TIME: &str = "??:??:??.???Z";

/// The message about a log file that cannot be written.
fn trouble(path: &Path, error: &std::io::Error) -> String {
    format!(
        "The log could not be written to {}: {error}",
        path.display()
    )
}

/// Everything that shows or keeps the log. The reporter makes it.
#[derive(Default)]
pub(super) struct LogSink {
    logs: Option<Logs>,
    file: Option<WholeFile>,
    /// Why the file is not being written any more.
    file_trouble: Option<String>,
    page: Option<PageStream>,
    /// Why the page is not being written any more.
    page_trouble: Option<String>,
    is_open: bool,
    /// The lines of each service that were not shown yet, if each has a group of
    /// its own.
    groups: Option<BTreeMap<String, Kept>>,
    kept: Kept,
    /// What the log of each service says.
    diagnoses: BTreeMap<Option<Uuid>, LogDiagnosis>,
    /// How many bytes were shown so far.
    shown: usize,
    /// Which lines may be missing, of the log of each deployment; the last lines
    /// of the file.
    gaps: Vec<String>,
}

impl LogSink {
    /// Begins the page. A file that cannot be written is an error before the long
    /// wait.
    pub(super) fn begin_page(&mut self, path: &Path) -> Result<(), String> {
        self.page = Some(PageStream::create(path)?);
        Ok(())
    }

    /// Begins the log's file. A file that cannot be written is an error now.
    pub(super) fn begin_file(&mut self, path: &Path) -> Result<(), String> {
        let file = WholeFile::create(path);
        self.file = Some(file.map_err(|error| trouble(path, &error))?);
        Ok(())
    }

    /// Sets when the log is shown. It is not shown until then.
    pub(super) const fn show(&mut self, logs: Logs) {
        self.logs = Some(logs);
    }

    /// Shows the log of each service as a group of its own. Lines of several would
    /// be mixed otherwise.
    pub(super) fn group_by_service(&mut self) {
        self.groups.get_or_insert_default();
    }

    /// Shows what there is of the log of a service.
    pub(super) fn show_group(
        &mut self,
        label: &str,
        sanitizer: &Sanitizer,
        channel: &mut dyn CiOutput,
    ) {
        self.fold(channel);
        let groups = self.groups.as_mut();
        let Some(group) = groups.and_then(|groups| groups.remove(label)) else {
            return;
        };
        channel.open_log(&sanitizer.line(&format!("Log of {label}")));
        group.lines.iter().for_each(|line| channel.print(line));
        channel.close_log();
    }

    /// The page, if it is still to be written, or why it is not.
    pub(super) fn page(&mut self) -> Result<Option<PageStream>, String> {
        self.page_trouble.take().map_or(Ok(self.page.take()), Err)
    }

    /// Adds new entries, of the service with this label where there are several.
    pub(super) fn take(
        &mut self,
        label: Option<&str>,
        entries: &[SanitizedEntry],
        sanitizer: &Sanitizer,
        channel: &mut dyn CiOutput,
    ) {
        for entry in entries {
            let prefix = prefix(label, entry, sanitizer);
            let omitted = (entry.omitted > 0).then(|| {
                let more = counted(entry.omitted, "more line");
                sanitizer.line(&format!("… ({more} in this entry)"))
            });
            for line in entry.lines.iter().chain(&omitted) {
                let line = line.behind(&prefix);
                self.add_to_page(entry.severity, &prefix, &line, sanitizer);
                self.put(label, line, sanitizer, channel);
            }
            if omitted.is_some() {
                self.is_too_large(&format!(
                    "an entry of the log has more than {MOST_LINES_OF_AN_ENTRY} lines"
                ));
            }
        }
    }

    /// Sets what the log of a service is read into; of the only one, without its
    /// name.
    pub(super) fn set_diagnosis(&mut self, service: Option<Service>, diagnosis: &LogDiagnosis) {
        let key = service.map(|service| service.id);
        self.diagnoses.insert(key, diagnosis.clone());
    }

    /// What the log of a service says; of the only one, without its name.
    pub(super) fn diagnosis(&self, service: Option<Service>) -> Option<&LogDiagnosis> {
        self.diagnoses.get(&service.map(|service| service.id))
    }

    fn add_to_page(
        &mut self,
        weight: Severity,
        prefix: &SanitizedLine,
        line: &SanitizedLine,
        sanitizer: &Sanitizer,
    ) {
        let Some(page) = &mut self.page else {
            return;
        };
        let line = shorten(line.clone(), LONGEST_SHOWN, sanitizer);
        if let Err(error) = page.take(weight, prefix.as_str().len(), &line) {
            self.page_trouble = Some(error);
            self.page = None;
        }
    }

    fn put(
        &mut self,
        label: Option<&str>,
        line: SanitizedLine,
        sanitizer: &Sanitizer,
        channel: &mut dyn CiOutput,
    ) {
        self.write(&line);
        if self.logs == Some(Logs::Off) {
            return;
        }
        let shown = shorten(line, LONGEST_SHOWN, sanitizer);
        if self.logs == Some(Logs::Live) && self.shown <= MOST_SHOWN {
            self.show_line(label, &shown, sanitizer, channel);
            self.shown += shown.as_str().len();
            if self.shown > MOST_SHOWN {
                channel.print(&sanitizer.line(&format!(
                    "… (the log is longer than the {} MiB that are shown)",
                    MOST_SHOWN / (1024 * 1024)
                )));
            }
        }
        self.kept.push(shown);
    }

    /// Shows a line at once, or keeps it for the group of its service.
    fn show_line(
        &mut self,
        label: Option<&str>,
        line: &SanitizedLine,
        sanitizer: &Sanitizer,
        channel: &mut dyn CiOutput,
    ) {
        let (Some(label), Some(groups)) = (label, &mut self.groups) else {
            self.open(sanitizer, channel);
            return channel.print(line);
        };
        let group = groups.entry(label.to_owned()).or_default();
        group.push(line.clone());
        if group.bytes > LARGEST_GROUP || group.lines.len() == KEPT_LINES {
            self.show_group(label, sanitizer, channel);
        }
    }

    /// Ends the log: shows what was kept for a failure, and puts the file in
    /// its place. The error says what could not be done.
    pub(super) fn close(
        &mut self,
        is_good: bool,
        sanitizer: &Sanitizer,
        channel: &mut dyn CiOutput,
    ) -> Result<(), String> {
        if self.logs == Some(Logs::OnFailure) && !is_good && !self.kept.lines.is_empty() {
            self.open(sanitizer, channel);
            if self.kept.dropped > 0 {
                let earlier = counted(self.kept.dropped, "earlier line");
                channel.print(&sanitizer.line(&format!("… {earlier} …")));
            }
            self.kept.lines.iter().for_each(|line| channel.print(line));
        }
        let open = self.groups.iter().flat_map(BTreeMap::keys);
        for label in open.cloned().collect::<Vec<_>>() {
            self.show_group(&label, sanitizer, channel);
        }
        self.fold(channel);
        for gap in std::mem::take(&mut self.gaps) {
            self.write(&sanitizer.line(&gap));
        }
        if let Some(file) = self.file.take() {
            let path = file.path.clone();
            let finished = file.finish();
            self.file_trouble = finished.err().map(|error| trouble(&path, &error));
        }
        self.file_trouble.take().map_or(Ok(()), Err)
    }

    /// Ends the group that the log is shown in, if it is open. More of the log
    /// opens another.
    pub(super) fn fold(&mut self, channel: &mut dyn CiOutput) {
        if self.is_open {
            channel.close_log();
            self.is_open = false;
        }
    }

    /// Drops the file, which would not be the whole log. Returns its path if there
    /// was one.
    pub(super) fn leave_out(&mut self) -> Option<PathBuf> {
        self.file.take().map(|file| file.path.clone())
    }

    /// Drops the file because a part of the log could not be read, and marks the
    /// page as incomplete.
    pub(super) fn is_incomplete(&mut self) {
        if let Some(page) = &mut self.page {
            page.is_incomplete();
        }
        if let Some(path) = self.leave_out() {
            let path = path.display();
            self.file_trouble = Some(format!(
                "{path} was not written, since the log could not be read to its end"
            ));
        }
    }

    /// Lines in the middle may be missing; file and page say so.
    pub(super) fn has_gap(&mut self, which: String) {
        if let Some(page) = &mut self.page {
            page.is_incomplete();
        }
        self.gaps.push(which);
    }

    fn is_too_large(&mut self, why: &str) {
        if let Some(path) = self.leave_out() {
            let path = path.display();
            self.file_trouble = Some(format!("{path} was not written, since {why}"));
        }
    }

    /// The last lines, oldest first.
    pub(super) fn tail(&self) -> Vec<&SanitizedLine> {
        let lines = &self.kept.lines;
        lines
            .iter()
            .skip(lines.len().saturating_sub(TAIL_LINES))
            .collect()
    }

    fn open(&mut self, sanitizer: &Sanitizer, channel: &mut dyn CiOutput) {
        if !self.is_open {
            channel.open_log(&sanitizer.line("Log of the deployment"));
            self.is_open = true;
        }
    }

    fn write(&mut self, line: &SanitizedLine) {
        let Some(file) = &mut self.file else {
            return;
        };
        if let Err(error) = file.write(line) {
            self.file_trouble = Some(trouble(&file.path, &error));
            self.file = None;
        } else if file.bytes > LARGEST_FILE {
            self.is_too_large(&format!(
                "the log is longer than the {} MiB that a file may hold",
                LARGEST_FILE / (1024 * 1024)
            ));
        }
    }
}

/// The prefix of every line of an entry: Sevalla's time, the severity where it is
/// not ordinary, and a bar, so that no text of the log begins a line.
fn prefix(label: Option<&str>, entry: &SanitizedEntry, sanitizer: &Sanitizer) -> SanitizedLine {
    let time = jiff::Timestamp::from_microsecond(entry.at_micros)
        .ok()
        .and_then(|time| Some(format!("{time:.3}").get(11..)?.to_owned()));
    let time = time.as_deref().unwrap_or(NO_TIME);
    // Cut after the sanitizer, which does not recognize a part of a secret.
    let weight = match entry.severity_word.as_str().trim() {
        "" | "INFO" | "info" => String::new(),
        other => format!("{} ", beginning(other, LONGEST_WEIGHT)),
    };
    let label = label.map(|label| {
        let label = sanitizer.line(label);
        format!("{} ", beginning(label.as_str(), LONGEST_LABEL))
    });
    sanitizer.line(&format!("{time} {}{weight}| ", label.unwrap_or_default()))
}

/// The last lines of the log, bounded in number and size.
#[derive(Default)]
struct Kept {
    lines: VecDeque<SanitizedLine>,
    bytes: usize,
    dropped: usize,
}

impl Kept {
    fn push(&mut self, line: SanitizedLine) {
        self.bytes += line.as_str().len();
        self.lines.push_back(line);
        while self.lines.len() > KEPT_LINES || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= oldest.as_str().len();
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::LogLine;
    use crate::deployment_log::tests::entry;

    fn sanitized(entries: &[LogLine]) -> Vec<SanitizedEntry> {
        LogDiagnosis::new(Sanitizer::default()).read(entries)
    }

    fn rendered(entry: &LogLine) -> Vec<String> {
        let entries = sanitized(std::slice::from_ref(entry));
        let prefix = prefix(None, &entries[0], &Sanitizer::default());
        let lines = entries[0].lines.iter();
        lines.map(|line| line.behind(&prefix).to_string()).collect()
    }

    #[test]
    fn every_line_of_an_entry_begins_with_its_time() {
        assert_eq!(rendered(&entry("INFO", "built")), ["06:13:20.123Z | built"]);
        assert_eq!(
            rendered(&entry("ERROR", "a\n::error::b")),
            [
                "06:13:20.123Z ERROR | a",
                "06:13:20.123Z ERROR | ::error::b"
            ]
        );
    }

    #[test]
    fn no_time_and_no_weight_bring_a_strangers_text_to_the_beginning() {
        for at_micros in [i64::MIN, i64::MAX, -1, -62_000_000_000_000_000] {
            let odd = LogLine {
                at_micros,
                ..entry(" --- \r\n::error::x", "m")
            };
            for line in rendered(&odd) {
                assert!(
                    !line.trim_start().starts_with([':', '#', '~', '^', '+']),
                    "{line}"
                );
                assert!(!line.starts_with("--- "), "{line}");
            }
        }
        let long = rendered(&entry(&"é".repeat(9999), "a\nb"));
        assert!(long.iter().all(|line| line.len() < 60), "{long:?}");
    }

    /// Counts what is printed.
    #[derive(Default)]
    struct Counted(usize, String);

    impl CiOutput for Counted {
        fn mask(&mut self, _: &str) {}
        fn print(&mut self, line: &SanitizedLine) {
            self.0 += line.as_str().len();
            self.1 = line.to_string();
        }
        fn open_log(&mut self, _: &SanitizedLine) {}
        fn close_log(&mut self) {}
        fn annotate(
            &mut self,
            _: crate::ci::Level,
            _: &SanitizedLine,
            _: &crate::sanitize::SanitizedText,
            _: Option<&crate::ci::Place>,
        ) {
        }
        fn outputs(&mut self, _: crate::ci::Outputs<'_>) -> crate::ci::OutputsResult {
            Ok(Vec::new())
        }
        fn summary(&mut self, _: &crate::sanitize::SanitizedText) -> Result<(), String> {
            Ok(())
        }
    }

    #[test]
    fn millions_of_lines_in_one_entry_are_cut_and_keep_the_file_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deploy.log");
        let mut sink = LogSink::default();
        sink.show(Logs::Live);
        sink.begin_file(&path).unwrap();
        let mut reported = Counted::default();
        let sanitizer = Sanitizer::default();
        let many = entry("INFO", &"\n".repeat(MOST_LINES_OF_AN_ENTRY + 8));
        sink.take(None, &sanitized(&[many]), &sanitizer, &mut reported);
        assert!(
            reported.1.ends_with("… (8 more lines in this entry)"),
            "{}",
            reported.1
        );
        let problem = sink.close(true, &sanitizer, &mut reported).unwrap_err();
        assert!(problem.contains("more than 100000 lines"), "{problem}");
        assert!(!path.exists());
    }

    #[test]
    fn a_log_without_end_is_not_shown_without_end() {
        let mut sink = LogSink::default();
        sink.show(Logs::Live);
        let mut reported = Counted(0, String::new());
        let sanitizer = Sanitizer::default();
        sink.shown = MOST_SHOWN - 10;
        for _ in 0..3 {
            let line = sanitized(&[entry("INFO", "a line")]);
            sink.take(None, &line, &sanitizer, &mut reported);
        }
        assert!(
            reported.1.contains("longer than the 256 MiB"),
            "{}",
            reported.1
        );
        assert!(reported.0 < 200);
        assert_eq!(sink.tail().len(), 3);
    }

    #[test]
    fn a_secret_that_two_entries_share_is_hidden_in_both() {
        let mut sink = LogSink::default();
        sink.show(Logs::OnFailure);
        let sanitizer = Sanitizer::new(crate::sanitize::redactor::Redactor::new([
            "svl_0123456789abcdef",
        ]));
        let entries = ["x svl_01234", "567", "89abcdef y"].map(|text| entry("INFO", text));
        let log = LogDiagnosis::new(sanitizer.clone());
        for entries in [&entries[..1], &entries[1..]] {
            let entries = log.read(entries);
            sink.take(None, &entries, &sanitizer, &mut Counted::default());
        }
        let tail: Vec<&str> = sink
            .tail()
            .iter()
            .map(|line| &line.as_str()[16..])
            .collect();
        assert_eq!(tail, ["x ***", "***", "*** y"]);
    }

    #[test]
    fn what_is_kept_is_bounded_in_lines_and_bytes() {
        let sanitizer = Sanitizer::default();
        let mut kept = Kept::default();
        for number in 0..KEPT_LINES + 5 {
            kept.push(sanitizer.line(&number.to_string()));
        }
        assert_eq!((kept.lines.len(), kept.dropped), (KEPT_LINES, 5));
        kept.push(sanitizer.line(&"x".repeat(KEPT_BYTES)));
        assert!(kept.bytes <= KEPT_BYTES && kept.lines.len() == 1);
    }
}
