//! Two plots as SVG, with logarithmic axes. They are drawn by hand: `plotters` would add sixteen
//! packages to `Cargo.lock`, including wasm-bindgen and web-sys, for a few lines and labels. Its
//! pictures also have a fixed background, while these follow the reader's colour scheme.

use std::fmt::Write;

use crate::bounds::milliseconds;
use crate::decisions::Decision;
use crate::pushes::{Form, Pushed, name};
use crate::support::Host;

const WIDTH: f64 = 740.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 210.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

/// Plots the decision's time against the number of keys.
pub fn decisions(decisions: &[Decision]) -> String {
    let mut lines: Vec<Line> = Vec::new();
    for decision in decisions
        .iter()
        .filter(|decision| decision.outcome == "allowed")
    {
        let point = (f64::from(decision.keys), decision.nanoseconds);
        let name = format!("{} key", decision.kind);
        match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.points.push(point),
            None => lines.push(Line {
                name,
                points: vec![point],
            }),
        }
    }
    picture("A decision, in nanoseconds", &lines)
}

/// Plots the time until a revoked key is rejected, and the worker's pause, against the number of
/// keys.
pub fn pushes(pushed: &[Pushed]) -> String {
    let mut lines = Vec::new();
    for (host, form) in [
        (Host::Wasm, Form::Json),
        (Host::Wasm, Form::Packed),
        (Host::Native, Form::Packed),
    ] {
        let taken = pushed
            .iter()
            .filter(|pushed| (pushed.host, pushed.form) == (host, form));
        let taken: Vec<_> = taken
            .filter_map(|pushed| Some((f64::from(pushed.keys), pushed.taken.as_ref()?)))
            .collect();
        let worst =
            |of: &[std::time::Duration]| of.iter().max().map_or(0.0, |time| milliseconds(*time));
        lines.push(Line {
            name: format!("{}, {}: last passed", form.name(), name(host)),
            points: taken
                .iter()
                .map(|(keys, taken)| (*keys, worst(&taken.revoked)))
                .collect(),
        });
        lines.push(Line {
            name: format!("{}, {}: worker's pause", form.name(), name(host)),
            points: taken
                .iter()
                .map(|(keys, taken)| (*keys, worst(&taken.pauses)))
                .collect(),
        });
    }
    picture("A push, in milliseconds", &lines)
}

fn picture(title: &str, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let powers = |value: fn(&(f64, f64)) -> f64| {
        let logs = || {
            points()
                .map(value)
                .filter(|value| *value > 0.0)
                .map(f64::log10)
        };
        let low = logs().fold(f64::INFINITY, f64::min).floor();
        let high = logs().fold(f64::NEG_INFINITY, f64::max).ceil();
        if low.is_finite() {
            (low, high.max(low + 1.0))
        } else {
            (0.0, 1.0)
        }
    };
    let (x, y) = (powers(|point| point.0), powers(|point| point.1));
    let across = |value: f64| LEFT + (value.log10() - x.0) / (x.1 - x.0) * (WIDTH - LEFT - RIGHT);
    let down = |value: f64| {
        HEIGHT - BOTTOM - (value.log10() - y.0) / (y.1 - y.0) * (HEIGHT - TOP - BOTTOM)
    };
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13" role="img" aria-label="{title}">
<style>text {{ fill: #24292f }} .grid {{ stroke: #8c959f; stroke-opacity: 0.4 }} @media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} }}</style>
<text x="{LEFT}" y="20" font-weight="bold">{title}</text>
"##
    );
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    for power in x.0 as i32..=x.1 as i32 {
        let (value, label) = (10_f64.powi(power), label(power));
        let at = across(value);
        writeln!(svg, r#"<line class="grid" x1="{at:.1}" y1="{TOP}" x2="{at:.1}" y2="{bottom}"/><text x="{at:.1}" y="{}" text-anchor="middle">{label}</text>"#, bottom + 20.0).unwrap();
    }
    for power in y.0 as i32..=y.1 as i32 {
        let (value, label) = (10_f64.powi(power), label(power));
        let at = down(value);
        writeln!(svg, r#"<line class="grid" x1="{LEFT}" y1="{at:.1}" x2="{right}" y2="{at:.1}"/><text x="{}" y="{:.1}" text-anchor="end">{label}</text>"#, LEFT - 8.0, at + 4.0).unwrap();
    }
    writeln!(
        svg,
        r#"<text x="{:.1}" y="{}" text-anchor="middle">keys</text>"#,
        f64::midpoint(LEFT, right),
        HEIGHT - 10.0
    )
    .unwrap();
    for (number, line) in lines.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        // Dashes distinguish the lines without colours as well.
        let dash = ["none", "6 3", "2 3", "10 3 2 3"][number % 4];
        let points = line.points.iter().filter(|point| point.1 > 0.0);
        let places: Vec<String> = points
            .map(|(x, y)| format!("{:.1},{:.1}", across(*x), down(*y)))
            .collect();
        writeln!(svg, r#"<polyline fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}" points="{}"/>"#, places.join(" ")).unwrap();
        for place in &places {
            let (x, y) = place.split_once(',').unwrap();
            writeln!(svg, r#"<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>"#).unwrap();
        }
        let at = TOP + 10.0 + 22.0 * number as f64;
        writeln!(svg, r#"<line x1="{}" y1="{at}" x2="{}" y2="{at}" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/><text x="{}" y="{}">{}</text>"#, right + 12.0, right + 40.0, right + 46.0, at + 4.0, line.name).unwrap();
    }
    svg.push_str("</svg>\n");
    svg
}

fn label(power: i32) -> String {
    match power {
        0..=3 => format!("{}", 10_u32.pow(power.unsigned_abs())),
        4..=5 => format!("{},000", 10_u32.pow(power.unsigned_abs() - 3)),
        6 => "1,000,000".to_owned(),
        _ => format!("1e{power}"),
    }
}
