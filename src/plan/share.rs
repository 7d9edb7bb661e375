//! A number of nodes, or a share of them: `--max-failures`, the quorum of a stage that waits.

use std::str::FromStr;

/// A number of nodes, or a share of all nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    Count(usize),
    /// Of all nodes.
    Percent(usize),
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let wrong = || "write a number of nodes from 1, or a share of them from 1% to 100%".to_string();
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0usize).ok_or_else(wrong);
        match text.strip_suffix('%') {
            Some(percent) => Ok(Share::Percent(number(percent)?)).and_then(|share| match share {
                Share::Percent(101..) => Err(wrong()),
                share => Ok(share),
            }),
            None => Ok(Share::Count(number(text)?)),
        }
    }
}

impl Share {
    /// How many of `nodes` these are; at least 1.
    pub fn of(self, nodes: usize) -> usize {
        match self {
            Share::Count(count) => count,
            Share::Percent(percent) => (nodes * percent).div_ceil(100).max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_a_share_of_the_nodes_is_taken() {
        let of = |text: &str, nodes| text.parse::<Share>().map(|most| most.of(nodes));
        assert_eq!(of("3", 200), Ok(3));
        assert_eq!(of("10%", 200), Ok(20));
        assert_eq!(of("1%", 20), Ok(1), "a share is at least one node");
        for wrong in ["0", "0%", "101%", "-1", "many", "", "%"] {
            assert!(of(wrong, 10).is_err(), "{wrong}");
        }
    }
}
