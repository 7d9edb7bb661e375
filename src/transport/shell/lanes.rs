//! How a batch is spread over conversations.

use crate::probe::Probe;

/// What a probe is expected to take on a node, in microseconds. Measured on a machine of two
/// cores: a hundred stats and reads 5 ms; an empty command 3 ms, dpkg-query 12 ms; a walk of
/// /etc 10 ms, of /usr 1 s. Kinds that wait for others are rated above what they mostly take,
/// because one that hangs holds up what comes after it.
fn expected(probe: &Probe) -> u64 {
    match probe {
        Probe::Walk(_) => 300_000,
        Probe::Http(_) | Probe::Connect(_) | Probe::Lookup(_) => 30_000,
        Probe::Run(_) => 10_000,
        _ => 50,
    }
}

/// Divides the indices of `probes` among at most `width` conversations, the first of which has
/// every cheap probe. A further one, which costs the node `price` microseconds before it
/// answers anything, is opened only while that makes the whole expected to end earlier.
pub(super) fn divide(probes: &[&Probe], width: usize, price: u64) -> Vec<Vec<usize>> {
    let (mut slow, cheap): (Vec<usize>, Vec<usize>) = (0..probes.len()).partition(|&index| probes[index].is_slow());
    // The longest first, each to whoever is free first: within 4/3 of the best there is. Equal
    // ones keep their order.
    slow.sort_by_key(|&index| std::cmp::Reverse(expected(probes[index])));
    let at_first: u64 = cheap.iter().map(|&index| expected(probes[index])).sum();
    let mut best = spread(probes, &slow, at_first, 1, price);
    for count in 2..=width.min(slow.len() + 1) {
        let more = spread(probes, &slow, at_first, count, price);
        if more.0 < best.0 {
            best = more;
        }
    }
    let mut lanes = best.1;
    for lane in &mut lanes {
        lane.sort_unstable();
    }
    if let Some(first) = lanes.first_mut() {
        let slow = std::mem::replace(first, cheap);
        first.extend(slow);
    }
    lanes.retain(|lane| !lane.is_empty());
    lanes
}

/// The slow probes over `count` conversations, and when the last of these is expected to end.
/// Channels are opened one after the other: each costs the ones after it its price.
fn spread(probes: &[&Probe], slow: &[usize], at_first: u64, count: usize, price: u64) -> (u64, Vec<Vec<usize>>) {
    let mut ends: Vec<u64> =
        (0..count as u64).map(|lane| lane * price + if lane == 0 { at_first } else { 0 }).collect();
    let mut lanes = vec![Vec::new(); count];
    for &index in slow {
        let free = (0..count).min_by_key(|&lane| ends[lane]).unwrap_or(0);
        ends[free] += expected(probes[index]);
        lanes[free].push(index);
    }
    (ends.into_iter().max().unwrap_or(0), lanes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Run, Stat, Walk};

    fn divided(probes: &[Probe], width: usize, price: u64) -> Vec<Vec<usize>> {
        divide(&probes.iter().collect::<Vec<_>>(), width, price)
    }

    fn stat() -> Probe {
        Stat { path: "/".into() }.into()
    }

    fn run() -> Probe {
        Run::shell("true").into()
    }

    fn walk() -> Probe {
        Walk { path: "/".into(), ..Walk::default() }.into()
    }

    #[test]
    fn cheap_probes_and_a_quick_command_share_one_conversation() {
        assert_eq!(divided(&[run(), stat(), stat()], 8, 10_000), [[1, 2, 0]]);
        assert_eq!(divided(&[stat()], 8, 10_000), [[0]]);
        assert_eq!(divided(&[], 8, 10_000), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn long_ones_go_side_by_side_within_the_width() {
        let lanes = divided(&[walk(), stat(), walk(), walk(), run()], 8, 10_000);
        assert_eq!(lanes[0][0], 1);
        assert!(lanes.len() >= 3 && lanes.iter().all(|lane| lane.iter().filter(|&&i| i != 1 && i != 4).count() <= 1));
        assert_eq!(divided(&vec![walk(); 20], 4, 10_000).len(), 4);
        assert_eq!(divided(&vec![walk(); 20], 1, 10_000).len(), 1);
    }

    #[test]
    fn what_a_conversation_costs_decides_how_many_there_are() {
        let commands = vec![run(); 12];
        let (dear, fair) = (divided(&commands, 8, 200_000).len(), divided(&commands, 8, 10_000).len());
        assert_eq!(dear, 1);
        assert!((2..=5).contains(&fair), "{fair}");
    }

    #[test]
    fn every_probe_is_in_one_lane() {
        let probes: Vec<Probe> = (0..50).map(|n| [stat(), run(), walk()][n % 3].clone()).collect();
        let mut all: Vec<usize> = divided(&probes, 6, 5_000).concat();
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<_>>());
    }
}
