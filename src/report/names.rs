//! Lists of node names that stay short: `web1 … web40, db3 and 14 more`.

use super::terminal::Look;
use super::text;

/// Names in a row that are counted up are written as the first and the last of them, from
/// this many on.
const RUN: usize = 4;

/// The names as one line of at most `items` names and runs of names, and how many names
/// are left out.
pub fn list(names: &[&str], items: usize, look: &Look) -> String {
    let dots = if look.unicode { "…" } else { "..." };
    let mut parts = Vec::new();
    let mut rest = names;
    while let Some(first) = rest.first() {
        if parts.len() == items {
            return format!("{} and {} more", parts.join(", "), rest.len());
        }
        let run = run(rest);
        let taken = if run >= RUN { run } else { 1 };
        parts.push(match taken {
            1 => text::line(first),
            _ => format!("{} {dots} {}", text::line(first), text::line(rest[taken - 1])),
        });
        rest = &rest[taken..];
    }
    parts.join(", ")
}

/// How many of the names, from the first on, are counted up one by one in one place.
fn run(names: &[&str]) -> usize {
    let mut place = None;
    let counted = names.windows(2).take_while(|pair| {
        let next = counted_up(pair[0], pair[1]);
        next.is_some() && *place.get_or_insert(next) == next
    });
    1 + counted.count()
}

/// What stands before and after the one number that `b` has one higher than `a`.
fn counted_up<'a>(a: &'a str, b: &'a str) -> Option<(&'a str, &'a str)> {
    let digit = |c: &u8| c.is_ascii_digit();
    let same = |pair: &(u8, u8)| pair.0 == pair.1;
    let mut before = a.bytes().zip(b.bytes()).take_while(same).count();
    // The number begins where its digits do, not where they begin to differ.
    before -= a.as_bytes()[..before].iter().rev().take_while(|c| digit(c)).count();
    let (rest_a, rest_b) = (a.get(before..)?, b.get(before..)?);
    let length = |text: &str| text.bytes().take_while(|c| digit(c)).count();
    let (number_a, after_a) = rest_a.split_at(length(rest_a));
    let (number_b, after_b) = rest_b.split_at(length(rest_b));
    // `09` and `10` are of one row, as `9` and `10` are, but `9` and `010` are not.
    let same_row = number_a.len() == number_b.len() || !(number_a.starts_with('0') || number_b.starts_with('0'));
    let next = number_a.parse::<u64>().ok()?.checked_add(1)? == number_b.parse::<u64>().ok()?;
    (same_row && next && after_a == after_b).then(|| (&a[..before], after_a))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(names: &[&str], items: usize) -> String {
        list(names, items, &Look::default())
    }

    #[test]
    fn rows_of_numbered_names_are_written_as_their_ends() {
        let web: Vec<String> = (8..=40).map(|number| format!("web{number:02}.example.org")).collect();
        let web: Vec<&str> = web.iter().map(String::as_str).collect();
        assert_eq!(listed(&web, 5), "web08.example.org … web40.example.org");
        let with_gap = [&web[..4], &["db1"], &web[5..6]].concat();
        assert_eq!(listed(&with_gap, 5), "web08.example.org … web11.example.org, db1, web13.example.org");
        assert_eq!(listed(&["web1", "web2", "web3"], 5), "web1, web2, web3", "three names need no row");
        assert_eq!(listed(&["10.0.0.9", "10.0.0.10", "10.0.0.11", "10.0.0.12"], 5), "10.0.0.9 … 10.0.0.12");
        let ascii = Look { unicode: false, ..Look::default() };
        assert_eq!(list(&["a9", "a10", "a11", "a12"], 5, &ascii), "a9 ... a12");
    }

    #[test]
    fn what_only_looks_like_a_row_is_none() {
        assert_eq!(run(&["a1b1", "a1b2", "a2b3", "a2b4"]), 2, "one number counts, not several");
        assert_eq!(run(&["a9", "a010", "a011"]), 1);
        assert_eq!(run(&["rack1-9", "rack2-9", "rack3-8"]), 2);
        assert_eq!(run(&["web", "web1", "web2"]), 1);
        assert_eq!(run(&["ä1", "ä2", "ö3"]), 2, "letters are not cut in two");
        assert_eq!(run(&["99999999999999999999998", "99999999999999999999999"]), 1);
    }

    #[test]
    fn the_rest_is_counted() {
        let names = ["a", "c", "e", "web1", "web2", "web3", "web4", "z", "y"];
        assert_eq!(listed(&names, 4), "a, c, e, web1 … web4 and 2 more");
        assert_eq!(listed(&names, 6), "a, c, e, web1 … web4, z, y");
        assert_eq!(listed(&[], 4), "");
    }
}
