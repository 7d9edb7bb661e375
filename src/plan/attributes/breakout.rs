//! Values of a template that do not stand where a value of YAML stands.

use crate::error::Error;
use crate::plan::template::Rendered;
use crate::yaml::{Data, Document, Located};

/// Stand around the number of a value where its place is looked at; no value is written so.
const MARKS: [char; 2] = ['\u{fdd0}', '\u{fdd1}'];

/// What to do about a value that does not stand alone.
pub const ALONE: &str =
    "what {{ }} yields is a whole value in quotes of its own: write `url: {{ \"http://\" ~ host }}`";

/// Refuses values that do not stand where a value stands, such as inside of quotes or in the
/// middle of text: there they could break out, or would be read with their quotes.
///
/// Each is replaced by a mark, so that what they hold changes nothing. A mark that comes back as
/// a whole value or key is in its place; one that comes back as a part of a text is not; one
/// that does not come back is in a comment.
pub fn refuse_broken_out(rendered: &Rendered) -> Result<(), Vec<Error>> {
    if rendered.values.is_empty() {
        return Ok(());
    }
    let mut text = String::with_capacity(rendered.text.len());
    let mut end = 0;
    for (number, value) in rendered.values.iter().enumerate() {
        text.push_str(&rendered.text[end..value.start]);
        text.push_str(&format!("\"{}{number}{}\"", MARKS[0], MARKS[1]));
        end = value.end;
    }
    text.push_str(&rendered.text[end..]);
    // Where this is no YAML, the text itself is none either, and its error says so better.
    let Ok(document) = Document::parse("", text.as_bytes()) else { return Ok(()) };
    let mut inside = Vec::new();
    look(&document.root, &mut inside);
    inside.sort_unstable();
    inside.dedup();
    let error = |number: usize| {
        let value = rendered.values.get(number)?;
        let message = "a value stands inside of quotes or other text, and could break out there";
        Some(rendered.spans.error_at_byte(value.start, message).hint(ALONE))
    };
    let errors: Vec<Error> = inside.into_iter().filter_map(error).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Collects the numbers of marks that stand inside of other text.
fn look(located: &Located, inside: &mut Vec<usize>) {
    match &located.value {
        Data::Str(text) => look_at_text(text, inside),
        Data::List(items) => items.iter().for_each(|item| look(item, inside)),
        Data::Map(map) => {
            for (key, field) in map {
                look_at_text(key, inside);
                look(&field.value, inside);
            }
        }
        Data::Null | Data::Bool(_) | Data::Int(_) | Data::Float(_) => {}
    }
}

fn look_at_text(text: &str, inside: &mut Vec<usize>) {
    for (at, _) in text.match_indices(MARKS[0]) {
        let number: String = text[at..].chars().skip(1).take_while(char::is_ascii_digit).collect();
        let whole = text.len() == number.len() + MARKS[0].len_utf8() + MARKS[1].len_utf8();
        if !whole {
            inside.extend(number.parse::<usize>());
        }
    }
}
