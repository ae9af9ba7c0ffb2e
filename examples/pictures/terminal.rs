//! A terminal with the program in it, and a picture of what it shows.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::num::NonZeroU16;
use std::path::Path;

use anyhow::{Context as _, Result};
use pty_process::Size;
use pty_process::blocking::Command;
use vt100::{Cell, Color, Parser, Screen};

use crate::svg::{LINE, MARGIN, cells, sheet, width};

/// More than any run here prints, so that nothing scrolls away.
const ROWS: u16 = 400;

/// Runs the program to its end in a terminal of this width.
pub(crate) fn run(
    program: &Path,
    arguments: &[&str],
    variables: &BTreeMap<String, String>,
    columns: u16,
) -> Result<Screen> {
    let (mut pty, pts) = pty_process::blocking::open()?;
    pty.resize(Size::new(ROWS, columns))?;
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(variables)
        .spawn(pts)?;
    let size = |cells| NonZeroU16::new(cells).context("an empty terminal");
    let mut parser = Parser::new(size(ROWS)?, size(columns)?, 0);
    let mut bytes = [0; 4096];
    // An error is how the system says that the program has ended.
    while let Ok(count @ 1..) = pty.read(&mut bytes) {
        parser.process(bytes.get(..count).unwrap_or_default());
    }
    child.wait()?;
    Ok(parser.screen().clone())
}

const BACKGROUND: &str = "#0d1117";
const FOREGROUND: &str = "#e6edf3";
const COLORS: [&str; 16] = [
    "#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4",
    "#6e7681", "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#ffffff",
];

fn style(cell: &Cell) -> String {
    let color = match cell.fgcolor() {
        Color::Idx(index) => COLORS.get(usize::from(index)).copied(),
        _ => None,
    };
    let color = color.unwrap_or(FOREGROUND);
    let weight = if cell.bold() {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let opacity = if cell.dim() { " opacity=\"0.65\"" } else { "" };
    format!("fill=\"{color}\"{weight}{opacity}")
}

/// A row as runs of one style: the first column, the style and the text.
fn runs(screen: &Screen, row: u16) -> Vec<(u16, String, String)> {
    let mut runs: Vec<(u16, String, String)> = Vec::new();
    for column in 0..screen.size().1.get() {
        let Some(cell) = screen.cell(row, column) else {
            continue;
        };
        if cell.is_wide_continuation() {
            continue;
        }
        let text = if cell.has_contents() {
            cell.contents()
        } else {
            " "
        };
        let style = style(cell);
        // A wide character is as wide as its font makes it: the text after it
        // begins where its cell does.
        match runs.last_mut() {
            Some((_, last, run)) if *last == style && !cell.is_wide() && !ends_wide(run) => {
                run.push_str(text);
            }
            _ => runs.push((column, style, text.to_owned())),
        }
    }
    runs
}

fn ends_wide(run: &str) -> bool {
    console::measure_text_width(run) != run.chars().count()
}

pub(crate) fn picture(screen: &Screen) -> String {
    let columns = screen.size().1.get();
    let rows: Vec<String> = screen.rows(0, columns).collect();
    let last = rows.iter().rposition(|row| !row.trim().is_empty());
    let count = last.map_or(0, |last| last + 1);
    let mut drawn = String::new();
    let mut y = MARGIN + 2.0 * LINE;
    for dot in [("#ff5f57", 20), ("#febc2e", 38), ("#28c840", 56)] {
        let (color, x) = dot;
        drawn.push_str(&format!(
            "<circle cx=\"{x}\" cy=\"18\" r=\"6\" fill=\"{color}\"/>\n"
        ));
    }
    for row in 0..u16::try_from(count).unwrap_or(u16::MAX) {
        for (column, style, text) in runs(screen, row) {
            let text = text.trim_end();
            if text.is_empty() {
                continue;
            }
            let x = MARGIN + width(usize::from(column));
            let length = console::measure_text_width(text);
            drawn.push_str(&cells(x, y, length, &style, text));
        }
        y += LINE;
    }
    let across = width(usize::from(columns)) + 2.0 * MARGIN;
    sheet(across, y - LINE + MARGIN, BACKGROUND, "#30363d", &drawn)
}
