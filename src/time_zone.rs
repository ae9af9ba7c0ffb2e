//! The time zone of the machine: of `TZ`, or else of `/etc/localtime`.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::environment::Variables;
use crate::files;

/// Where the system keeps the zones by their names.
const ZONES: &str = "/usr/share/zoneinfo";

/// A file of a zone has a few kilobytes.
const LARGEST: u64 = 256 * 1024;

/// The time zone of the machine. UTC if it cannot be found out.
pub fn of_machine(variables: &Variables) -> TimeZone {
    let zone = match variables.text("TZ") {
        None => of_file(Path::new("/etc/localtime")),
        Some(zone) => named(zone.trim_start_matches(':')),
    };
    zone.unwrap_or(TimeZone::UTC)
}

/// The zone of this name, such as `Europe/Berlin`, or by this rule, such as
/// `CET-1CEST,M3.5.0,M10.5.0/3`.
fn named(zone: &str) -> Option<TimeZone> {
    // An absolute path takes the place of the folder.
    let file: PathBuf = Path::new(ZONES).join(zone);
    of_file(&file).or_else(|| TimeZone::posix(zone).ok())
}

/// What holds now, by the rule that the last line of such a file states. Reading
/// all of the file would cost 30 kB of code, for times that are long past and for
/// Ramadan in Morocco.
fn of_file(path: &Path) -> Option<TimeZone> {
    let data = files::read(path, LARGEST).ok()?;
    let lines = data.strip_prefix(b"TZif")?.strip_suffix(b"\n")?;
    let rule = lines.rsplit(|byte| *byte == b'\n').next()?;
    TimeZone::posix(str::from_utf8(rule).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(zone: &str) -> String {
        let zone = of_machine(&Variables::from([("TZ", zone)]));
        let time: jiff::Timestamp = "2026-07-01T10:00:05Z".parse().unwrap();
        zone.to_datetime(time).time().to_string()
    }

    #[test]
    fn a_rule_or_a_name_gives_the_zone() {
        assert_eq!(shown("CET-1CEST,M3.5.0,M10.5.0/3"), "12:00:05");
        assert_eq!(shown("UTC0"), "10:00:05");
        if Path::new(ZONES).join("Asia/Tokyo").exists() {
            assert_eq!(shown("Asia/Tokyo"), "19:00:05");
            assert_eq!(shown(":Asia/Tokyo"), "19:00:05");
        }
    }

    #[test]
    fn what_is_no_zone_is_utc() {
        for zone in [
            "Nowhere/At_All",
            "/etc/passwd",
            "/dev/zero",
            "/",
            "..",
            "\u{1}",
        ] {
            assert_eq!(shown(zone), "10:00:05", "{zone}");
        }
    }
}
