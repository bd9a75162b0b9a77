//! Arrays of strings, edited in place. In TOML's syntax the comment after an element follows its
//! comma, before the next element. Here it belongs to the element that it describes.

use toml_edit::{Array, Value};

/// An element and the text around it.
struct Element {
    value: Value,
    /// The text from the end of the previous line: blanks, line ends and the element's own
    /// comments.
    lead: String,
    /// The comment on its line, after the comma.
    remark: String,
}

/// Sets the elements of `array`, in this order. Elements that stay keep their comments.
pub(super) fn make_elements(array: &mut Array, wanted: &[String]) {
    let (head, mut elements, tail) = taken_apart(array);
    elements.retain(|element| {
        let text = element.value.as_str();
        text.is_some_and(|text| wanted.iter().any(|wanted| wanted == text))
    });
    for text in wanted {
        let is_there = |element: &Element| element.value.as_str() == Some(text);
        if elements.iter().any(is_there) {
            continue;
        }
        let lead = match elements.last() {
            // On its own line, with the indentation of its neighbour.
            Some(last) => match last.lead.rsplit_once('\n') {
                Some((_, indentation)) => format!("\n{indentation}"),
                None if last.remark.contains('#') => "\n".to_owned(),
                None => " ".to_owned(),
            },
            None => String::new(),
        };
        elements.push(Element {
            value: Value::from(text.as_str()),
            lead,
            remark: String::new(),
        });
    }
    put_in_order(&mut elements, wanted);
    put_together(array, head, elements, &tail);
}

/// Sorts the elements. If only blanks separate them, the blanks belong to the positions. If
/// comments or line ends do, the text before an element moves with it.
fn put_in_order(elements: &mut [Element], wanted: &[String]) {
    let place = |element: &Element| {
        let text = element.value.as_str();
        wanted.iter().position(|wanted| text == Some(wanted))
    };
    if elements.is_sorted_by_key(place) {
        return;
    }
    let leads: Vec<String> = elements.iter().map(|it| it.lead.clone()).collect();
    let is_on_one_line = leads.iter().all(|lead| !lead.contains('\n'));
    elements.sort_by_key(place);
    if is_on_one_line {
        for (element, lead) in elements.iter_mut().zip(leads) {
            element.lead = lead;
        }
    }
}

/// Returns the text after the opening bracket on its line, the elements, and the text after the
/// last element's line.
fn taken_apart(array: &Array) -> (String, Vec<Element>, String) {
    let mut head = None;
    let mut elements: Vec<Element> = Vec::with_capacity(array.len());
    let mut remark_of_last = |remark: String, elements: &mut Vec<Element>| match elements.last_mut()
    {
        Some(last) => last.remark = remark,
        None => head = Some(remark),
    };
    for value in array {
        let prefix = value.decor().prefix().and_then(|text| text.as_str());
        let (remark, lead) = at_line_end(prefix.unwrap_or_default());
        // Without a line end between them, the blanks belong to the next element.
        let (remark, lead) = if lead.is_empty() {
            (String::new(), remark)
        } else {
            (remark, lead)
        };
        remark_of_last(remark, &mut elements);
        let mut value = value.clone();
        value.decor_mut().set_prefix("");
        elements.push(Element {
            value,
            lead,
            remark: String::new(),
        });
    }
    let mut trailing = String::new();
    // Without a trailing comma, TOML assigns the text before the bracket to the last element.
    if let Some(last) = elements.last_mut() {
        let decor = last.value.decor_mut();
        trailing.extend(decor.suffix().and_then(|text| text.as_str()));
        decor.set_suffix("");
    }
    trailing.extend(array.trailing().as_str());
    let (remark, tail) = at_line_end(&trailing);
    let (remark, tail) = if tail.is_empty() {
        (String::new(), remark)
    } else {
        (remark, tail)
    };
    remark_of_last(remark, &mut elements);
    (head.unwrap_or_default(), elements, tail)
}

fn at_line_end(text: &str) -> (String, String) {
    match text.find('\n').and_then(|end| text.split_at_checked(end)) {
        Some((before, from)) => (before.to_owned(), from.to_owned()),
        None => (text.to_owned(), String::new()),
    }
}

fn put_together(array: &mut Array, head: String, elements: Vec<Element>, tail: &str) {
    let has_comma = array.trailing_comma();
    array.clear();
    let mut before = head;
    for Element {
        mut value,
        lead,
        remark,
    } in elements
    {
        // A comment extends to the end of its line.
        let end = if before.contains('#') && !lead.starts_with('\n') {
            "\n"
        } else {
            ""
        };
        value.decor_mut().set_prefix(format!("{before}{end}{lead}"));
        array.push_formatted(value);
        before = remark;
    }
    let end = if before.contains('#') && !tail.starts_with('\n') {
        "\n"
    } else {
        ""
    };
    array.set_trailing(format!("{before}{end}{tail}"));
    array.set_trailing_comma(has_comma);
}

#[cfg(test)]
mod tests {
    use toml_edit::DocumentMut;

    use super::*;

    #[track_caller]
    fn assert_made(before: &str, wanted: &[&str], after: &str) {
        let mut document: DocumentMut = format!("x = {before}\n").parse().unwrap();
        let wanted: Vec<String> = wanted.iter().map(|text| (*text).to_owned()).collect();
        make_elements(document["x"].as_array_mut().unwrap(), &wanted);
        let text = document.to_string();
        assert_eq!(text, format!("x = {after}\n"));
        let read: DocumentMut = text.parse().unwrap();
        let array = read["x"].as_array().unwrap();
        let texts: Vec<&str> = array.iter().map(|value| value.as_str().unwrap()).collect();
        assert_eq!(texts, wanted);
    }

    #[test]
    fn on_one_line_elements_come_and_go() {
        assert_made(r#"["a"]"#, &["a", "b"], r#"["a", "b"]"#);
        assert_made(r#"["a", "b", "c"]"#, &["a", "c"], r#"["a", "c"]"#);
        assert_made(r#"[ "a", "b" ]"#, &["a", "c"], r#"[ "a", "c" ]"#);
    }

    #[test]
    fn the_order_is_the_wanted_one() {
        assert_made(r#"["a", "b", "c"]"#, &["d", "c", "a"], r#"["d", "c", "a"]"#);
        assert_made(r#"[ "a", "b" ]"#, &["b", "a"], r#"[ "b", "a" ]"#);
        assert_made(
            "[\n  \"a\", # one\n  # next\n  \"b\", # two\n]",
            &["b", "c", "a"],
            "[\n  # next\n  \"b\", # two\n  \"c\",\n  \"a\", # one\n]",
        );
        assert_made(
            "[\"a\", # one\n  \"b\"]",
            &["b", "a"],
            "[\n  \"b\",\"a\" # one\n]",
        );
    }

    #[test]
    fn a_comment_goes_with_its_element() {
        let lines = "[\n  \"a\", # one\n  # next\n  \"b\", # two\n  \"c\", # three\n]";
        let without_b = "[\n  \"a\", # one\n  \"c\", # three\n]";
        assert_made(lines, &["a", "c"], without_b);
        let without_c = "[\n  \"a\", # one\n  # next\n  \"b\", # two\n  \"d\",\n]";
        assert_made(lines, &["a", "b", "d"], without_c);
        let only_b = "[\n  # next\n  \"b\", # two\n]";
        assert_made(lines, &["b"], only_b);
        assert_made(lines, &["a", "b", "c"], lines);
    }

    #[test]
    fn without_a_last_comma_a_comment_still_ends_its_line() {
        assert_made(
            "[\n  \"a\", # one\n  \"b\" # two\n]",
            &["b", "c"],
            "[\n  \"b\", # two\n  \"c\"\n]",
        );
    }
}
