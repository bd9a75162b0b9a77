//! Charts as inline SVG. Lengths are whole numbers of the view box; a browser shows each bar's numbers where the pointer rests.

use maud::{Markup, html};

use super::super::report::{Step, Timeline};
use super::text::{Text, number};
use keyward_files::key_file::instant;

/// One bar: its value, and a lighter one in the background.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) value: u64,
    pub(super) light: u64,
    pub(super) class: &'static str,
}

/// `part` of `whole`, as a length of at most `length`; at least 1 where there is anything.
fn scaled(part: u64, whole: u64, length: u64) -> u64 {
    if part == 0 || whole == 0 {
        return 0;
    }
    let scaled = u128::from(part) * u128::from(length) / u128::from(whole);
    u64::try_from(scaled).unwrap_or(length).clamp(1, length)
}

/// A number at least as large that is easily read: 1, 2 or 5 and zeros.
fn round_up(value: u64) -> u64 {
    let mut ten: u64 = 1;
    loop {
        for first in [1, 2, 5] {
            let round = ten.saturating_mul(first);
            if round >= value {
                return round;
            }
        }
        ten = ten.saturating_mul(10);
    }
}

fn rect(class: &str, [x, y, width, height]: [u64; 4]) -> Markup {
    html! { rect class=(class) x=(x) y=(y) width=(width) height=(height) {} }
}

/// Passed and refused requests, step by step.
pub(super) fn timeline(timeline: &Timeline) -> Markup {
    const LEFT: u64 = 700;
    const WIDTH: u64 = 10_000;
    const HEIGHT: u64 = 2_000;
    let steps = &timeline.steps;
    let count = u64::try_from(steps.len()).unwrap_or(1).max(1);
    let most = steps.iter().map(|step| step.passed + step.denied).max();
    let top = round_up(most.unwrap_or(1).max(1));
    let slot = WIDTH / count;
    let gap = if slot > 40 { slot / 8 } else { 0 };
    // A single bar would fill the whole chart.
    let bar = (slot - gap).min(500);
    let left = |place: u64| LEFT + place * WIDTH / count + gap / 2;
    let is_last = |place: u64| place + 1 == count && count > 1;
    let at = |place: u64| usize::try_from(place).ok().and_then(|at| steps.get(at));
    html! {
        svg.time viewBox={ "0 0 " (LEFT + WIDTH) " " (HEIGHT + 450) } role="img" aria-label="Requests over time" {
            @for (part, value) in [(0, top), (1, top / 2), (2, 0)] {
                @if part != 1 || top >= 2 {
                    @let y = 100 + HEIGHT * part / 2;
                    line.grid x1=(LEFT) x2=(LEFT + WIDTH) y1=(y) y2=(y) {}
                    text.y x=(LEFT - 80) y=(y + 60) { (short(value)) }
                }
            }
            @for (place, step) in (0_u64..).zip(steps) {
                @let denied = scaled(step.denied, top, HEIGHT);
                @let passed = scaled(step.passed, top, HEIGHT - denied.min(HEIGHT));
                g {
                    title { (told(step)) }
                    @for (class, height, above) in [("pass", passed, 0), ("deny", denied, passed)] {
                        @if height > 0 { (rect(class, [left(place), 100 + HEIGHT - above - height, bar, height])) }
                    }
                }
            }
            @for place in ticks(count) {
                @if let Some(step) = at(place) {
                    // A text that began at the last bar would end beyond the picture.
                    @let x = if is_last(place) { left(place) + bar } else { left(place) };
                    text.x.last[is_last(place)] x=(x) y=(HEIGHT + 350) { (moment(step.at, timeline.step)) }
                }
            }
        }
    }
}

/// Up to six steps that are named, the last among them. One that would come near its text is left out.
fn ticks(count: u64) -> impl Iterator<Item = u64> {
    let every = count.div_ceil(5).max(1);
    let last = count.saturating_sub(1);
    (0..count).filter(move |place| {
        *place == last || place.is_multiple_of(every) && place + 2 * every <= last + 1
    })
}

fn told(step: &Step) -> String {
    format!(
        "{}: {} passed, {} refused",
        instant::show(step.at),
        number(step.passed),
        number(step.denied)
    )
}

/// A time as exactly as a step asks for: `11-20`, or `11-20 10:00`.
fn moment(at: u64, step: u64) -> String {
    let whole = instant::show(at);
    let part = |from: usize, to: usize| whole.get(from..to).unwrap_or("");
    if step >= 86_400 {
        part(0, 10).to_owned()
    } else if step >= 60 {
        format!("{} {}", part(5, 10), part(11, 16))
    } else {
        part(11, 19).to_owned()
    }
}

/// `1.2k`, `34M`
fn short(value: u64) -> String {
    let units = [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
    for (unit, name) in units {
        if value >= unit {
            let tenths = value % unit * 10 / unit;
            let rest = if tenths == 0 {
                String::new()
            } else {
                format!(".{tenths}")
            };
            return format!("{}{rest}{name}", value / unit);
        }
    }
    value.to_string()
}

/// Bars with their labels, as a table: what is read aloud is what is seen.
pub(super) fn bars(bars: &[Bar]) -> Markup {
    let most = bars.iter().map(|bar| bar.value + bar.light).max();
    let most = most.unwrap_or(1).max(1);
    html! {
        table.bars { tbody {
            @for bar in bars {
                @let first = scaled(bar.value, most, 1000);
                @let second = scaled(bar.light, most, 1000 - first.min(1000));
                tr {
                    th { (Text(&bar.label)) }
                    td.bar {
                        svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true" {
                            (rect(bar.class, [0, 0, first, 20]))
                            (rect("light", [first, 0, second, 20]))
                        }
                    }
                    td.n { (number(bar.value + bar.light)) }
                }
            }
        } }
    }
}

/// A small bar of `value`, with the refused part of it, next to a number.
pub(super) fn meter(value: u64, refused: u64, most: u64) -> Markup {
    let denied = scaled(refused, most, 200);
    let passed = scaled(value.saturating_sub(refused), most, 200 - denied);
    html! {
        svg.meter viewBox="0 0 200 20" preserveAspectRatio="none" aria-hidden="true" {
            (rect("pass", [0, 0, passed, 20]))
            (rect("deny", [passed, 0, denied, 20]))
        }
    }
}

/// A key's calls over time, small.
pub(super) fn spark(steps: &[Step]) -> Markup {
    let count = u64::try_from(steps.len()).unwrap_or(1).max(1);
    let most = steps.iter().map(|step| step.passed + step.denied).max();
    let most = most.unwrap_or(1).max(1);
    let width = (480 / count).saturating_sub(2).clamp(1, 40);
    html! {
        svg.spark viewBox="0 0 480 80" role="img" aria-label="Calls over time" {
            line.grid x1="0" x2="480" y1="79" y2="79" {}
            @for (place, step) in (0_u64..).zip(steps) {
                @let denied = scaled(step.denied, most, 76);
                @let passed = scaled(step.passed, most, 76 - denied);
                @let x = place * 480 / count;
                g {
                    title { (told(step)) }
                    (rect("pass", [x, 78 - passed, width, passed]))
                    (rect("deny", [x, 78 - passed - denied, width, denied]))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_keep_what_is_small_visible_and_what_is_large_inside() {
        assert_eq!(scaled(0, 10, 100), 0);
        assert_eq!(scaled(1, 1_000_000, 100), 1);
        assert_eq!(scaled(10, 10, 100), 100);
        assert_eq!(scaled(u64::MAX, u64::MAX, 100), 100);
        assert_eq!(scaled(5, 0, 100), 0);
    }

    #[test]
    fn the_last_step_is_named_and_none_too_near_to_it() {
        for count in 1..400 {
            let named: Vec<u64> = ticks(count).collect();
            assert!(named.len() <= 6, "{count}: {named:?}");
            assert_eq!(
                (named.first(), named.last()),
                (Some(&0), Some(&(count - 1)))
            );
            if let [.., before, last] = named.as_slice() {
                assert!(
                    count < 3 || (last - before) * 6 >= count,
                    "{count}: {named:?}"
                );
            }
        }
    }

    #[test]
    fn an_axis_ends_in_a_round_number() {
        for (value, expected) in [(1, 1), (3, 5), (11, 20), (501, 1000), (2000, 2000)] {
            assert_eq!(round_up(value), expected);
        }
        assert_eq!(round_up(u64::MAX), u64::MAX);
        assert_eq!(short(1_500), "1.5k");
        assert_eq!(short(2_000_000), "2M");
    }
}
