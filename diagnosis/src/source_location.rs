//! Where in the repository a line of a log says that something is. Pure.
//!
//! Only what is certainly a source file of the repository is a place: an
//! annotation at a file that is none misleads, and the text is a stranger's.

use super::SourceLocation as Place;
use super::normalize::PathRoot;
use super::repository_path::{LONGEST_PATH, in_repository, is_in_repository, is_of_path};

/// Programs that only run others: nobody corrects anything there.
const RUNNERS: &[&str] = &[
    "config/boot.rb",
    "config/environment.rb",
    "bin/console.php",
    "public/index.php",
];

/// What applications of Elixir stand on, whose files are named as theirs are.
const OF_ELIXIR: &[&str] = &[
    "absinthe",
    "bandit",
    "broadway",
    "db_connection",
    "ecto",
    "ecto_sql",
    "eex",
    "elixir",
    "ex_unit",
    "finch",
    "gettext",
    "iex",
    "jason",
    "logger",
    "mint",
    "mix",
    "myxql",
    "oban",
    "phoenix",
    "phoenix_html",
    "phoenix_live_view",
    "phoenix_pubsub",
    "plug",
    "plug_cowboy",
    "postgrex",
    "req",
    "swoosh",
    "telemetry",
    "tesla",
    "thousand_island",
];

/// The most numbers of a line that are looked at.
const MOST_NUMBERS: usize = 24;

/// A line or column has no more digits.
const MOST_DIGITS: usize = 6;

/// The first place that the line names. Where the root is not known, its path
/// begins with `/`: `Roots` knows it, or it is none.
pub(super) fn first(line: &str, within: PathRoot<'_>) -> Option<Place> {
    numbers(line).find_map(|at| place_at(line, at, within))
}

/// One of these is in each line that names the line of one.
pub(super) const DOCKERFILES: &[&str] = &["Dockerfile", "Containerfile"];

/// The Dockerfile's line as `BuildKit` names it: `web.Dockerfile:24`
pub(super) fn dockerfile(line: &str) -> Option<Place> {
    if !line.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (file, row) = line.rsplit_once(':')?;
    let is_row = row.len() <= MOST_DIGITS && row.bytes().all(|byte| byte.is_ascii_digit());
    let is_it = is_row && is_named(file, "Dockerfile") || is_named(file, "Containerfile");
    let line = row.parse().ok().filter(|row| *row > 0)?;
    (is_it && is_in_repository(file)).then(|| Place {
        file: file.to_owned(),
        line,
        column: None,
    })
}

/// `Dockerfile`, `Dockerfile.web`, `web.Dockerfile`
fn is_named(file: &str, name: &str) -> bool {
    file == name
        || file
            .strip_prefix(name)
            .is_some_and(|end| end.starts_with('.'))
        || file
            .strip_suffix(name)
            .is_some_and(|begin| begin.ends_with('.'))
}

/// Whether the line is a path of the repository and nothing else.
pub(super) fn path(line: &str, within: PathRoot<'_>) -> Option<String> {
    in_repository(line.trim(), within)
}

/// The file that a line names behind these words, without one of its lines.
pub(super) fn file_behind(words: &str, line: &str, within: PathRoot<'_>) -> Option<Place> {
    let (_, rest) = line.rsplit_once(words).filter(|_| !words.is_empty())?;
    let is_end = |c: char| c.is_whitespace() || "\"'`?,;)".contains(c);
    let file = rest.split(is_end).next()?.trim_end_matches([':', '.']);
    let file = file.split(":0:0").next()?;
    let file = in_repository(file, within)?;
    Some(Place {
        file,
        line: 1,
        column: None,
    })
}

/// The place whose file an earlier line has named; the columns of tools that
/// list errors under their file.
pub(super) fn under(file: &str, line: &str) -> Option<Place> {
    let (row, rest) = number(line.trim_start())?;
    let (column, rest) = number(rest.strip_prefix(':')?)?;
    rest.starts_with(' ').then(|| Place {
        file: file.to_owned(),
        line: row,
        column: Some(column),
    })
}

/// Where numbers begin that are not the end of a word.
fn numbers(line: &str) -> impl Iterator<Item = usize> + '_ {
    let bytes = line.as_bytes();
    let before = |at: usize| at.checked_sub(1).and_then(|at| bytes.get(at)).copied();
    let begins = move |at: &usize| {
        bytes.get(*at).is_some_and(u8::is_ascii_digit)
            && before(*at).is_some_and(|byte| matches!(byte, b':' | b'(' | b'[' | b' '))
    };
    (0..bytes.len()).filter(begins).take(MOST_NUMBERS)
}

/// The place whose line number begins here, in one of the forms of the tools.
fn place_at(line: &str, at: usize, within: PathRoot<'_>) -> Option<Place> {
    let (before, rest) = line.split_at_checked(at)?;
    let (row, rest) = number(rest)?;
    let (path, column) = path_and_column(before, rest)?;
    if is_of_dependency(path) {
        return None;
    }
    let file = in_repository(last_path(path)?, within)?;
    // Astro does not know the line: src/content/x.md:0:0
    let is_whole = row == 0 && column == Some(0);
    Some(Place {
        file: Some(file).filter(|file| !RUNNERS.contains(&file.as_str()))?,
        line: Some(row.max(u32::from(is_whole))).filter(|row| *row > 0)?,
        column: column.filter(|column| *column > 0),
    })
}

/// What is before the number of a line ends with a path; what is behind it may begin
/// with a column.
fn path_and_column<'a>(before: &'a str, rest: &'a str) -> Option<(&'a str, Option<u32>)> {
    let found = if let Some(before) = before.strip_suffix(":[") {
        // javac, as Maven shows it: /app/A.java:[12,5]
        (before, Some(number(rest.strip_prefix(',')?)?.0))
    } else if let Some(before) = before.strip_suffix(": (") {
        // Kotlin before 1.8: /app/A.kt: (3, 5)
        (before, Some(number(rest.strip_prefix(", ")?)?.0))
    } else if let Some(before) = before.strip_suffix(" (") {
        // Rollup: src/a.ts (3:9)
        (before, Some(closed(rest.strip_prefix(':')?)?))
    } else if let Some(before) = before.strip_suffix('(') {
        // TypeScript: src/a.ts(3,5)
        (before, Some(closed(rest.strip_prefix(',')?)?))
    } else if let Some(before) = before.strip_suffix("\", line ") {
        // Python: File "app/x.py", line 3
        (before, None)
    } else if let Some(before) = before.strip_suffix(":line ") {
        // .NET: in /app/X.cs:line 3
        (before, None)
    } else if before.ends_with("ockerfile parse error on line ")
        || before.ends_with("ockerfile parse error line ")
    {
        ("Dockerfile", None)
    } else if before.ends_with("on line ")
        && let Some((column, file)) = of_old_sass(rest)
    {
        (file, column)
    } else if let Some(before) = before.strip_suffix(" on line ") {
        // PHP: in /app/x.php on line 3
        (before, None)
    } else if let Some(before) = before.strip_suffix("' line: ") {
        // Gradle: Build file '/app/build.gradle' line: 3
        (before, None)
    } else if let Some(before) = before.strip_suffix("': ") {
        // Gradle: build file '/app/build.gradle': 3: unexpected token
        (before, None)
    } else if let Some(before) = before.strip_suffix(" (line ") {
        // Less: in src/main.less (line 3, column 5)
        (before, Some(closed(rest.strip_prefix(", column ")?)?))
    } else if let Some(before) = before.strip_suffix(':') {
        // All others: src/a.ts:3:5
        let column = rest.strip_prefix(':').and_then(number);
        let rest = column.map_or(rest, |(_, rest)| rest);
        if rest.starts_with(|c: char| c.is_alphanumeric() || c == '.') {
            return None;
        }
        (before, column.map(|(column, _)| column))
    } else {
        let before = before.strip_suffix(' ')?;
        let (column, rest) = number(rest.strip_prefix(':')?)?;
        if before.starts_with("ERROR in ") || before.starts_with("@ ") {
            // webpack: ERROR in ./src/a.js 3:0-20, its columns from 0
            (before, Some(column + 1))
        } else {
            // Sass: src/main.scss 4:10  root stylesheet
            is_of_sass(rest).then_some((before, Some(column)))?
        }
    };
    Some(found)
}

/// What follows `on line 3`, and `on line 3:14`, as the old compilers of Sass say
/// it: ` of src/main.scss`
fn of_old_sass(rest: &str) -> Option<(Option<u32>, &str)> {
    let column = rest.strip_prefix(':').and_then(number);
    let (column, rest) = column.map_or((None, rest), |(column, rest)| (Some(column), rest));
    Some((column, rest.strip_prefix(" of ")?.trim_end()))
}

/// What Sass says of a place: `  root stylesheet`, `  @use`, `  total()`
fn is_of_sass(rest: &str) -> bool {
    let what = rest.strip_prefix("  ").map(str::trim).unwrap_or_default();
    what.ends_with("stylesheet") || what.starts_with('@') || what.ends_with("()")
}

/// A number and what follows it.
fn number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(digits)?;
    let number = Some(digits).filter(|digits| digits.len() <= MOST_DIGITS)?;
    Some((number.parse().ok()?, rest))
}

/// A number that a bracket follows.
fn closed(text: &str) -> Option<u32> {
    let (number, rest) = number(text)?;
    rest.starts_with(')').then_some(number)
}

/// The path in which the text ends.
fn last_path(text: &str) -> Option<&str> {
    let from = text.char_indices().rev().take(LONGEST_PATH + 1);
    let begin = from.take_while(|(_, c)| is_of_path(*c)).last()?.0;
    let (before, path) = text.split_at_checked(begin)?;
    // The bracket of a stack frame: at main (/app/src/a.js:3:5)
    let is_open = path.starts_with('(') && !path.contains(')');
    let path = if is_open { path.get(1..)? } else { path };
    if let Some(path) = path.strip_prefix("//") {
        return before.ends_with("file:").then_some(path);
    }
    // The end of an address, or of something else.
    let is_whole = |c: char| c.is_whitespace() || "\"'`<".contains(c);
    (before.is_empty() || before.ends_with(is_whole)).then_some(path)
}

/// `(ecto_sql 3.11.1) lib/ecto/adapters/sql.ex`, a frame of Elixir: the path is
/// that of a file in the application that is named in front.
fn is_of_dependency(path: &str) -> bool {
    let named = path.trim_start().strip_prefix('(');
    let Some((name, path)) = named.and_then(|text| text.split_once(") lib/")) else {
        return false;
    };
    let name = name.split(' ').next().unwrap_or_default();
    let folder = path.split(['/', '.']).next().unwrap_or_default();
    // An application may bring tasks for Mix.
    let is_own = folder.starts_with(name) || folder == "mix";
    !is_own || OF_ELIXIR.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Option<String> {
        let place = first(line, PathRoot::Root)?;
        let column = place.column.map(|column| format!(":{column}"));
        Some(format!(
            "{}:{}{}",
            place.file,
            place.line,
            column.unwrap_or_default()
        ))
    }

    #[test]
    fn each_tool_names_a_place_in_its_own_way() {
        for (line, place) in [
            (
                "src/a.ts(3,5): error TS2304: Cannot find name 'x'.",
                "src/a.ts:3:5",
            ),
            (
                "src/a.ts:3:5 - error TS2304: Cannot find name 'x'.",
                "src/a.ts:3:5",
            ),
            ("  --> src/main.rs:4:9", "src/main.rs:4:9"),
            ("./main.go:10:2: undefined: x", "main.go:10:2"),
            (
                "  File \"/app/shop/x.py\", line 3, in <module>",
                "shop/x.py:3",
            ),
            (
                "PHP Parse error:  unexpected '}' in /app/src/x.php on line 3",
                "src/x.php:3",
            ),
            (
                "PHP Fatal error:  Uncaught Error: no in /var/www/html/x.php:12",
                "x.php:12",
            ),
            (
                "[ERROR] /app/src/main/java/A.java:[12,5] cannot find symbol",
                "src/main/java/A.java:12:5",
            ),
            (
                "e: file:///workspace/src/A.kt:3:5 Unresolved reference: x",
                "src/A.kt:3:5",
            ),
            (
                "e: /workspace/src/A.kt: (3, 5): Unresolved reference: x",
                "src/A.kt:3:5",
            ),
            ("ERROR in ./src/index.js 3:0-20", "src/index.js:3:1"),
            (
                "src/z.ts (3:9): \"foo\" is not exported by \"src/y.ts\"",
                "src/z.ts:3:9",
            ),
            (
                "    at main (/usr/src/app/src/server.js:7:3)",
                "src/server.js:7:3",
            ),
            (
                "./app/(shop)/[id]/page.tsx:12:7",
                "app/(shop)/[id]/page.tsx:12:7",
            ),
            (
                "/tmp/build_1a2b3c/lib/x.rb:9:in `go': boom (NameError)",
                "lib/x.rb:9",
            ),
            (
                "  src/main.scss 4:10  root stylesheet",
                "src/main.scss:4:10",
            ),
            ("Dockerfile:12", "Dockerfile:12"),
            ("docker/Dockerfile.prod:12", "docker/Dockerfile.prod:12"),
            ("Containerfile:12", "Containerfile:12"),
            (
                "   at Shop.Cart.Total() in /src/Shop/Cart.cs:line 12",
                "Shop/Cart.cs:12",
            ),
            ("/app/app/models/x.rb:1: syntax error", "app/models/x.rb:1"),
            (
                "/rails/app/models/x.rb:1: syntax error",
                "app/models/x.rb:1",
            ),
            ("/builds/acme/shop/src/x.ts:3:5 - error", "src/x.ts:3:5"),
            (
                "/storefront/src/x.ts:3:5 - error",
                "/storefront/src/x.ts:3:5",
            ),
            ("   src/_cart.scss 4:10  total()", "src/_cart.scss:4:10"),
            ("        on line 4 of src/main.scss", "src/main.scss:4"),
            ("        on line 4:7 of src/main.scss", "src/main.scss:4:7"),
            ("    /app/src/content/x.md:0:0", "src/content/x.md:1"),
            ("/src/Web/Web.csproj(3,5): error MSB1", "Web/Web.csproj:3:5"),
            (
                "  * Where: Build file '/app/build.gradle' line: 3",
                "build.gradle:3",
            ),
            (
                "Less: no in src/main.less (line 3, column 5)",
                "src/main.less:3:5",
            ),
            (
                "dockerfile parse error on line 3: unknown instruction",
                "Dockerfile:3",
            ),
            (
                "src/build/plan.ts(3,5): error TS2304",
                "src/build/plan.ts:3:5",
            ),
            (
                "cart/cart_test.go:12:5: undefined: x",
                "cart/cart_test.go:12:5",
            ),
        ] {
            assert_eq!(shown(line).as_deref(), Some(place), "{line}");
        }
    }

    #[test]
    fn what_is_no_file_of_the_repository_is_no_place() {
        for line in [
            "/etc/passwd:3:5",
            "/etc/x.sh:3:5",
            "../x.ts:3:5",
            "/app/../etc/x.sh:3:5",
            "src/../../x.ts(3,5): error",
            "node_modules/x/index.js:3:5",
            "/app/node_modules/x/index.d.ts(3,5): error TS1",
            "/app/.venv/lib/x.py:3",
            "https://evil.example/x.js:3:5",
            "http://localhost:3000/x.js:3:5",
            "webpack:///./src/x.ts:3:5",
            "registry.npmjs.org:443",
            "image.js:20.1",
            "src/x.ts:0:1",
            "src/x.ts:99999999",
            "src/x*.ts:3:5",
            "src//x.ts:3:5",
            "-x.ts:3:5",
            "C:\\app\\x.ts:3:5",
            "localhost:3000",
            "10:20:30",
            ".:3",
            "/usr/local/lib/python3.12/asyncio/runners.py:3",
            "/app/config/environment.rb:5:in `<main>'",
            "/app/:3",
            "	at shop.Cart.total(Cart.java:12)",
            ".ts:3",
            "src/b,line=9.ts:3:5",
            "/app/build/server/index.js:12:5",
            "apps/web/out/index.js:12:5",
            "    cart_test.go:12: got 2, want 3",
        ] {
            assert_eq!(shown(line), None, "{line}");
        }
    }

    #[test]
    fn a_path_of_a_package_begins_in_its_folder() {
        let line = "src/a.ts(3,5): error, and /app/src/b.ts(3,5)";
        let file = |within| first(line, within).map(|place| place.file);
        assert_eq!(
            file(PathRoot::Folder("apps/web")).unwrap(),
            "apps/web/src/a.ts"
        );
        assert_eq!(file(PathRoot::Package).unwrap(), "src/b.ts");
        assert_eq!(first("src/a.ts:3:5", PathRoot::Folder("../..")), None);
    }

    #[test]
    fn of_a_line_of_numbers_only_the_first_are_tried() {
        for piece in ["a(1", "(1,", "x.ts:1", ":1", " 1"] {
            let line = piece.repeat(100_000);
            assert_eq!(numbers(&line).count(), MOST_NUMBERS, "{piece}");
            assert_eq!(shown(&format!("{line} src/a.ts:3:5")), None, "{piece}");
        }
    }
}
