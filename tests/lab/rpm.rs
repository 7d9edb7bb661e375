//! A node of rpm: packages against `rpm`, and the order of versions.

use super::node::{Kind, Node};
use probity::value::VersionScheme;
use probity::value::version::compare;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::cmp::Ordering;
use std::collections::BTreeMap;

#[test]
fn packages_are_as_rpm_says() {
    let Some(node) = Node::boot(Kind::Debian, "packages against rpm") else { return };
    node.sh(include_str!("packages.sh"));
    // An epoch of nothing is an epoch of 0, which is not written.
    let listed = node.sh(
        "rpm -qa --queryformat '%{NAME} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE} %{ARCH}\\n' | sed 's/ 0:/ /' | sort",
    );
    let mut packages: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for line in listed.lines() {
        let [name, version, architecture] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        packages.entry(name).or_default().push((version, architecture));
    }
    let names: Vec<&str> = packages.keys().copied().collect();
    assert_eq!(names, ["lab-c++", "lab-kernel", "lab-lib", "lab-plain", "lab-tool", "lab-zero"]);

    let mut body = String::new();
    for (name, records) in &packages {
        body += &format!("describe(package {name:?}):is('installed'):is_not('held')");
        body += &format!(":its('versions', len({})):its('info.type', eq 'rpm')", records.len());
        for (version, _) in records {
            body += &format!(":its('versions', any_element(eq {version:?}))");
        }
        body += &format!("\ndescribe(packages():where {{ name = {name:?} }}):its('count', eq({}))\n", records.len());
        if let [(version, architecture)] = records[..] {
            body += &format!("describe(package {name:?}):its('version', eq {version:?})");
            body += &format!(":its('architecture', eq {architecture:?}):its('state', eq 'installed')\n");
        }
    }
    let rows: usize = packages.values().map(Vec::len).sum();
    body += &format!("describe(packages()):its('count', eq({rows}))\n");
    body += r#"
        describe(os().family, "family"):it(eq "redhat")
        describe(package "lab-gone"):is_not("installed")
        describe(package "lab"):is_not("installed")
        describe(package "lab-lib.i686"):is("installed"):its("architecture", eq "i686")
        describe(package "lab-lib.ppc64"):is_not("installed")
        describe(package "lab-tool"):its("version", version(">= 2:1.4~beta")):its("version", version("< 2:1.4"))
        describe(package "lab-zero"):its("version", version("> 0.9")):its("version", version("< 0.9.1"))
    "#;
    node.passes(&body);
    node.ends("failed", "describe(package 'lab-tool'):its('version', eq '1.4~rc1-3.lab')");
    node.ends("failed", "describe(package 'lab-gone'):its('version', eq '1-1')");

    // The lock list of dnf, which this node does not have, is read all the same.
    node.sh("mkdir -p /etc/dnf/plugins; echo 'lab-plain-0:1.0-1.*' >/etc/dnf/plugins/versionlock.list");
    node.passes("describe(package 'lab-plain'):is('held') describe(package 'lab-tool'):is_not('held')");

    // A database elsewhere, and one that cannot be read: that is no package less.
    node.sh("cp -r /var/lib/rpm /srv/rpm; rpm --dbpath /srv/rpm --erase --justdb lab-plain");
    node.passes("describe(package('lab-plain', { rpm_dbpath = '/srv/rpm' })):is_not('installed')");
    node.passes("describe(package('lab-tool', { rpm_dbpath = '/srv/rpm' })):is('installed')");
    node.ends("errored", "describe(package('lab-tool', { rpm_dbpath = '/srv/none' })):is_not('installed')");
    node.sh("for file in /var/lib/rpm/*; do echo garbage >$file; done");
    node.ends("errored", "describe(package 'lab-tool'):is_not('installed')");
    node.ends("errored", "describe(packages()):its('count', eq(0))");
    let tool = node.sh("command -v rpm");
    node.sh(&format!("mv {tool} {tool}.away"));
    let report = node.ends("errored", "describe(package 'lab-tool'):is_not('installed')");
    assert!(report.contains("needs the rpm tool"), "{report}");
}

/// Every order of two versions that `compare` gives is the one rpm gives. Where one of two
/// has no release, a dependency leaves it out of both, and so does `compare`.
#[test]
fn versions_are_ordered_as_rpm_does() {
    let Some(node) = Node::boot(Kind::Debian, "the order of rpm versions") else { return };
    // The alphabet is small so that versions share prefixes and differ late.
    let version = "([012]:)?[0-2]{0,2}(([.+~^_-]|[aB]){1,2}0?[0-2]{0,2}){0,3}";
    let release = "(-[0-2]([.~^][ab01]{1,2})?)?";
    let mut runner = TestRunner::default();
    let texts = (version.prop_map(|text: String| text.replace('-', ".")), release.prop_map(String::from));
    let mut draw = || {
        let (version, release) = texts.new_tree(&mut runner).expect("the pattern is sound").current();
        version + &release
    };
    let mut pairs: Vec<(String, String)> = (0..3000).map(|_| (draw(), draw())).collect();
    // Nearly the same: other separators, and zeros before numbers.
    pairs.extend((0..1000).map(|_| draw()).map(|text| {
        let near = text.replace('.', "_").replace('2', "02");
        (text, near)
    }));
    // What people really meet.
    for (a, b) in [
        ("1.0-1.el9", "1.0-1.el9_2.1"),
        ("5.14.0-70.13.1.el9_0", "5.14.0-70.9.1.el9_0"),
        ("1:1.0-1", "2.0-1"),
        ("0:1.0-1", "1.0-1"),
        ("2.34-1", "2.034-1"),
        ("1.0~rc1^git1-1", "1.0~rc1-1"),
        ("1.0a-1", "1.0-1"),
        ("1.0.-1", "1.0-1"),
        ("10xyz-1", "10.1xyz-1"),
        ("99999999999999999999-1", "100000000000000000000-1"),
    ] {
        pairs.push((a.to_string(), b.to_string()));
    }
    let whole =
        |text: &str| text.split_once('-').is_some_and(|(version, _)| !version.is_empty() && !version.ends_with(':'));
    let bare = |text: &str| text.split('-').next().unwrap_or_default().to_string();
    let mut asked = Vec::new();
    for (a, b) in pairs {
        let (for_rpm_a, for_rpm_b) = if whole(&a) && whole(&b) { (a.clone(), b.clone()) } else { (bare(&a), bare(&b)) };
        // What has no version at all is none to rpm.
        if [&for_rpm_a, &for_rpm_b].iter().all(|text| !text.is_empty() && !text.ends_with(':')) {
            asked.push((a, b, for_rpm_a, for_rpm_b));
        }
    }
    assert!(asked.len() > 2000);
    let list: String = asked.iter().map(|(.., a, b)| format!("{a} {b}\n")).collect();
    let path = node.give("pairs", &list);
    let answers = node.sh(&format!(
        "rpm --eval '%{{lua: local all = {{}} for line in io.lines(\"{path}\") do local a, b = line:match(\"(.*) (.*)\") \
         table.insert(all, rpm.vercmp(a, b)) end print(table.concat(all, \" \"))}}'"
    ));
    let answers: Vec<&str> = answers.split_whitespace().collect();
    assert_eq!(answers.len(), asked.len(), "rpm did not answer all");
    let mut faults = Vec::new();
    for ((a, b, for_rpm_a, for_rpm_b), answer) in asked.iter().zip(&answers) {
        let (found, back) = (compare(VersionScheme::Rpm, a, b), compare(VersionScheme::Rpm, b, a));
        let wanted = answer.parse::<i32>().expect("a number").cmp(&0);
        if found != wanted || back != wanted.reverse() {
            faults.push(format!(
                "{a} is {found:?} {b}, and {back:?} the other way; rpm: {for_rpm_a} {wanted:?} {for_rpm_b}"
            ));
        }
    }
    assert!(faults.is_empty(), "{} of {}\n{}", faults.len(), asked.len(), faults[..faults.len().min(20)].join("\n"));
    for order in [Ordering::Less, Ordering::Equal, Ordering::Greater] {
        let some = asked.iter().filter(|(a, b, ..)| compare(VersionScheme::Rpm, a, b) == order).count();
        assert!(some > 100, "only {some} pairs are {order:?}");
    }
}
