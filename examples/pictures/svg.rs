//! What the pictures share: text in monospace cells on a sheet.

use std::path::Path;

use anyhow::Result;

/// Width of a cell and height of a line, in pixels.
pub(crate) const CELL: f64 = 7.2;
pub(crate) const LINE: f64 = 17.0;
/// Around the text.
pub(crate) const MARGIN: f64 = 16.0;

/// Text for XML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A text of so many cells. Its length is given, so that columns stay straight
/// in any font. Browsers collapse spaces that may break.
pub(crate) fn cells(x: f64, y: f64, count: usize, style: &str, text: &str) -> String {
    let length = width(count);
    let text = escaped(text).replace(' ', "\u{a0}");
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\" \
         lengthAdjust=\"spacingAndGlyphs\" {style}>{text}</text>\n"
    )
}

#[expect(clippy::cast_precision_loss, reason = "a line is short")]
pub(crate) fn width(cells: usize) -> f64 {
    cells as f64 * CELL
}

/// A sheet of this size with what is drawn on it.
pub(crate) fn sheet(
    width: f64,
    height: f64,
    background: &str,
    border: &str,
    drawn: &str,
) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-size=\"12\" \
         font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', \
         monospace\">\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{:.0}\" height=\"{:.0}\" rx=\"8\" fill=\"{background}\" \
         stroke=\"{border}\"/>\n{drawn}</svg>\n",
        width - 1.0,
        height - 1.0
    )
}

#[expect(clippy::print_stdout, reason = "a tool for maintainers")]
pub(crate) fn write(path: &Path, picture: &str) -> Result<()> {
    std::fs::write(path, picture)?;
    println!("{}", path.display());
    Ok(())
}
