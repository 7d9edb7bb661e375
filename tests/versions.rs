//! The order of versions against the package managers themselves, where they are.

mod support;

use probity::value::VersionScheme;
use probity::value::version::compare;
use proptest::prelude::*;
use std::cmp::Ordering;
use std::process::{Command, Stdio};

#[test]
fn dpkg_agrees() {
    let mut lacking = support::Lacking::default();
    if !lacking.has("dpkg", "the order of Debian versions") {
        return;
    }
    let says = |a: &str, relation: &str, b: &str| {
        let mut dpkg = Command::new("dpkg");
        dpkg.args(["--compare-versions", a, relation, b]).stderr(Stdio::null());
        dpkg.status().expect("dpkg starts").success()
    };
    let config = ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() };
    // The alphabet is small so that versions share prefixes and differ late.
    let version = "([12]:)?[0-2](([.+~]|[ab])[0-2]{0,2}){0,3}(-[0-2][a~+]?[01]?)?";
    proptest!(config, |(a in version, b in version)| {
        let relation = match compare(VersionScheme::Dpkg, &a, &b) {
            Ordering::Less => "lt",
            Ordering::Equal => "eq",
            Ordering::Greater => "gt",
        };
        prop_assert!(says(&a, relation, &b), "dpkg denies {} {} {}", a, relation, b);
    });
}
