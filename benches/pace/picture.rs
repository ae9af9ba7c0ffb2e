//! The picture of the fleets: requests over time, and lag by size.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::fleet::{LIMIT, Outcome};
use super::tables::bound;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

const COLOURS: [RGBColor; 4] = [
    RGBColor(86, 180, 233),
    RGBColor(0, 158, 115),
    RGBColor(230, 159, 0),
    RGBColor(213, 94, 0),
];

pub(crate) fn draw(path: &Path, fleets: &[(u32, Outcome)]) -> Drawn {
    let area = SVGBackend::new(path, (900, 380)).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(560);
    draw_requests(&left, fleets)?;
    draw_lags(&right, fleets)?;
    area.present()?;
    Ok(())
}

fn draw_requests(area: &Area<'_>, fleets: &[(u32, Outcome)]) -> Drawn {
    let lines: Vec<(u32, Vec<u32>)> = fleets
        .iter()
        .map(|(runners, outcome)| (*runners, outcome.per_minute()))
        .collect();
    let minutes = lines.iter().map(|(_, line)| line.len()).max().unwrap_or(1);
    let most = lines.iter().flat_map(|(_, line)| line).max().copied();
    let most = most.unwrap_or_default().max(LIMIT) + 50;
    let mut chart = ChartBuilder::on(area)
        .caption("requests a minute, by minute", ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(45)
        .build_cartesian_2d(0..minutes, 0..most)?;
    chart.configure_mesh().disable_x_mesh().draw()?;
    chart.draw_series(LineSeries::new([(0, LIMIT), (minutes, LIMIT)], BLACK))?;
    for ((runners, line), colour) in lines.into_iter().zip(COLOURS) {
        chart
            .draw_series(LineSeries::new(
                line.into_iter().enumerate(),
                colour.stroke_width(2),
            ))?
            .label(format!("{runners} runners"))
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], colour));
    }
    chart.configure_series_labels().border_style(BLACK).draw()?;
    Ok(())
}

fn draw_lags(area: &Area<'_>, fleets: &[(u32, Outcome)]) -> Drawn {
    let points: Vec<(f64, f64)> = fleets
        .iter()
        .map(|(runners, outcome)| (f64::from(*runners), outcome.lag()))
        .collect();
    let bounds = fleets
        .iter()
        .map(|(runners, _)| (f64::from(*runners), bound(*runners)));
    let mut chart = ChartBuilder::on(area)
        .caption("lag in seconds, by runners", ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(45)
        .build_cartesian_2d((1.0..1000.0).log_scale(), (1.0..200.0).log_scale())?;
    chart.configure_mesh().max_light_lines(0).draw()?;
    chart
        .draw_series(LineSeries::new(bounds, BLACK))?
        .label("size over budget")
        .legend(|(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], BLACK));
    chart
        .draw_series(LineSeries::new(points, COLOURS[3].stroke_width(2)))?
        .label("measured")
        .legend(|(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], COLOURS[3]));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .border_style(BLACK)
        .draw()?;
    Ok(())
}
