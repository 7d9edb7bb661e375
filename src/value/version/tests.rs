use super::*;
use proptest::prelude::*;

/// Each row is in ascending order; every pair of a row is compared, both ways.
fn ascending(scheme: VersionScheme, versions: &[&str]) {
    for (index, a) in versions.iter().enumerate() {
        assert_eq!(compare(scheme, a, a), Ordering::Equal, "{scheme:?}: {a} and itself");
        for b in &versions[index + 1..] {
            assert_eq!(compare(scheme, a, b), Ordering::Less, "{scheme:?}: {a} before {b}");
            assert_eq!(compare(scheme, b, a), Ordering::Greater, "{scheme:?}: {b} after {a}");
        }
    }
}

fn equal(scheme: VersionScheme, a: &str, b: &str) {
    assert_eq!(compare(scheme, a, b), Ordering::Equal, "{scheme:?}: {a} and {b}");
    assert_eq!(compare(scheme, b, a), Ordering::Equal, "{scheme:?}: {b} and {a}");
}

#[test]
fn dpkg_order() {
    let scheme = VersionScheme::Dpkg;
    ascending(scheme, &["~~", "~~a", "~", "", "a"]);
    ascending(scheme, &["1.0~beta1~svn1245", "1.0~beta1", "1.0", "1.0-1", "1.0a", "1.0+b1", "1.0.1", "1.9", "1.10"]);
    ascending(scheme, &["9.9", "1:0.1", "2:0~rc1", "10:0"]);
    ascending(scheme, &["2.36-9", "2.36-9+deb12u1", "2.36-9+deb12u10"]);
    ascending(scheme, &["1.0-1", "1.0-2", "1.0-1-1", "1.0-1-2"]);
    equal(scheme, "1.0", "0:1.0-0");
    equal(scheme, "1.001", "1.1");
    equal(scheme, "18446744073709551617", "018446744073709551617");
}

#[test]
fn rpm_order() {
    let scheme = VersionScheme::Rpm;
    ascending(scheme, &["1.0~rc1", "1.0~rc1^git1", "1.0", "1.0^git1", "1.0^20230101", "1.0.1"]);
    ascending(scheme, &["1.0a", "1.0.1", "1.9", "1.10", "1:0.1"]);
    ascending(scheme, &["5.14.0-284.el9", "5.14.0-362.8.1.el9", "5.14.0-362.13.1.el9"]);
    ascending(scheme, &["xyz", "xyz.1", "1.0"]);
    equal(scheme, "1.0", "1.0-5");
    equal(scheme, "0:1.0-5", "1.0-5");
    equal(scheme, "1_0", "1.0");
    equal(scheme, "1.010", "1.10");
}

#[test]
fn pacman_order() {
    let scheme = VersionScheme::Pacman;
    ascending(scheme, &["1.0a", "1.0b", "1.0beta", "1.0p", "1.0pre", "1.0rc", "1.0", "1.0.a", "1.0.1", "1.9", "1.10"]);
    ascending(scheme, &["1", "1.0", "1.1", "1.1.1", "1.2", "2.0", "3.0.0"]);
    ascending(scheme, &["1.5-1", "1.5-2", "1:1.0-1"]);
    equal(scheme, "1.5", "1.5-1");
    equal(scheme, "0:1.0-1", "1.0-1");
}

#[test]
fn apk_order() {
    let scheme = VersionScheme::Apk;
    ascending(
        scheme,
        &[
            "1.2_alpha",
            "1.2_alpha2",
            "1.2_beta",
            "1.2_pre1",
            "1.2_rc1",
            "1.2",
            "1.2-r1",
            "1.2-r10",
            "1.2_git20200101",
            "1.2_p1",
            "1.2a",
            "1.2.0",
            "1.2.1",
            "1.10",
        ],
    );
    ascending(scheme, &["1.01", "1.1"]);
    ascending(scheme, &["0.9", "1", "1.0"]);
    ascending(scheme, &["3.3.1-r0", "3.3.1-r1", "3.3.2_rc1-r0", "3.3.2-r0"]);
}

#[test]
fn plain_order() {
    let scheme = VersionScheme::Plain;
    ascending(
        scheme,
        &["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1"],
    );
    ascending(scheme, &["1.0.1", "1.0.2", "1.0.2a", "1.0.2k", "1.1", "1.10"]);
    ascending(scheme, &["8.9p1", "9.2", "9.2p1", "9.2p2", "9.3"]);
    ascending(scheme, &["5.10.0-9-amd64", "5.10.0-23-amd64", "6.1.0-1-amd64"]);
    equal(scheme, "1.0", "1.0.0");
    equal(scheme, "v1.2", "1.2");
    equal(scheme, "1.0-rc1", "1.0.0-RC1");
    equal(scheme, "1.2.3+build5", "1.2.3");
}

#[test]
fn epochs_are_split_off_only_where_the_scheme_has_them() {
    let dpkg = PackageVersion::new("2:9.0-1", VersionScheme::Dpkg);
    assert_eq!(dpkg.epoch(), Some("2"));
    assert_eq!(&*dpkg.without_epoch().text, "9.0-1");
    assert_eq!(PackageVersion::new("2:9.0", VersionScheme::Apk).epoch(), None);
    assert_eq!(PackageVersion::new("a:9.0", VersionScheme::Dpkg).epoch(), None);
}

const SCHEMES: [VersionScheme; 5] =
    [VersionScheme::Dpkg, VersionScheme::Rpm, VersionScheme::Apk, VersionScheme::Pacman, VersionScheme::Plain];

proptest! {
    /// Both directions agree, and nothing panics, whatever the text.
    #[test]
    fn orders_are_antisymmetric(a in "[0-9a-z.~^_:+ é-]{0,8}", b in "[0-9a-z.~^_:+ é-]{0,8}") {
        for scheme in [VersionScheme::Dpkg, VersionScheme::Apk, VersionScheme::Plain] {
            prop_assert_eq!(compare(scheme, &a, &b), compare(scheme, &b, &a).reverse(), "{:?}", scheme);
        }
        for scheme in SCHEMES {
            prop_assert_eq!(compare(scheme, &a, &a), Ordering::Equal);
        }
    }

    #[test]
    fn plain_is_transitive(a in "[0-9ar.~-]{0,5}", b in "[0-9ar.~-]{0,5}", c in "(0|1|rc|a|[.]){0,5}") {
        let mut versions = [a, b, c];
        versions.sort_by(|a, b| compare(VersionScheme::Plain, a, b));
        prop_assert!(compare(VersionScheme::Plain, &versions[0], &versions[2]).is_le());
    }
}
