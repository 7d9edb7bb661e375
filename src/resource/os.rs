//! `os`, and `platform` as its other name.

use super::Args;
use super::catalogue::{Entry, Instance};
use crate::node::{Platform, Seen, Sight};
use crate::value::{PackageVersion, Value, VersionScheme};
use indexmap::IndexMap;
use std::rc::Rc;

resource! {
    /// Tells which operating system the node runs: its name, release, family and architecture.
    ///
    /// The names are those of os-release(5): Red Hat Enterprise Linux is `rhel`. The family
    /// of a distribution nobody listed is that of the first one it says it is like. A node
    /// that says nothing about itself is `linux`.
    Os = "os" {
        source: "os-release(5), uname(2)",
        example: r#"describe(os()):is("linux"):its("families", contains "unix"):its("name", ne "")"#,
        falsified: (r#"contains "unix""#, r#"contains "windows""#),
        args {}
        properties {
            /// The short name, `ID` in os-release: `debian`, `ubuntu`, `rhel`, `alpine`.
            name: Str = |_: &Os, seen: &Seen<'_>| Platform::of(seen).map(|os| os.name.clone());
            /// The name for people, `PRETTY_NAME`: `Debian GNU/Linux 12 (bookworm)`.
            title: Str = |_: &Os, seen: &Seen<'_>| Platform::of(seen).map(|os| os.title.clone());
            /// The release, `VERSION_ID`: `12`, `9.4`; empty for a rolling one.
            release: Str = |_: &Os, seen: &Seen<'_>| Platform::of(seen).map(|os| os.release.clone());
            /// The release as a version, for `version(">= 9.2")`.
            version: Version = Os::version;
            /// The release's code name, `VERSION_CODENAME`: `bookworm`; empty where there is none.
            codename: Str = |_: &Os, seen: &Seen<'_>| Platform::of(seen).map(|os| os.codename.clone());
            /// The nearest family: `debian`, `redhat`, `fedora`, `suse`, `arch`, `alpine`,
            /// `gentoo`, else `linux`.
            family: Str = |_: &Os, seen: &Seen<'_>| Platform::of(seen).map(|os| os.family.clone());
            /// Every family it belongs to, nearest first: `debian`, `linux`, `unix`.
            families: List = |_: &Os, seen: &Seen<'_>| Platform::of(seen).map(|os| Value::strings(&os.families));
            /// The machine, as `uname -m` gives it: `x86_64`, `aarch64`.
            arch: Str = |_: &Os, seen: &Seen<'_>| Ok(Platform::of(seen)?.arch()?.clone());
            /// The release of the running kernel, as `uname -r` gives it: `6.1.0-18-amd64`.
            kernel: Str = |_: &Os, seen: &Seen<'_>| Ok(Platform::kernel_release(&Platform::of(seen)?.kernel)?.clone());
            /// The name, release, family, families and architecture as one map.
            params: Map = Os::params;
        }
        predicates {
            /// Whether it is of this family: `in_family("redhat")`.
            in_family(
                /// The family.
                family: Str,
            ) absent Fails = |_: &Os, seen: &Seen<'_>, args: &Args| {
                Ok(Platform::of(seen)?.in_family(&args.required("family")))
            };
            /// Whether Probity knows its family.
            supported() absent Fails = |_: &Os, seen: &Seen<'_>, _: &Args| Ok(&*Platform::of(seen)?.family != "linux");
            /// Whether it runs Linux.
            linux() absent Fails = |_: &Os, seen: &Seen<'_>, _: &Args| Ok(Platform::of(seen)?.in_family("linux"));
            /// Whether it is a Unix.
            unix() absent Fails = |_: &Os, seen: &Seen<'_>, _: &Args| Ok(Platform::of(seen)?.in_family("unix"));
            /// Whether it is Debian or made from it, such as Ubuntu.
            debian() absent Fails = |_: &Os, seen: &Seen<'_>, _: &Args| Ok(Platform::of(seen)?.in_family("debian"));
            /// Whether it is Red Hat Enterprise Linux or made from it; Fedora is not.
            redhat() absent Fails = |_: &Os, seen: &Seen<'_>, _: &Args| Ok(Platform::of(seen)?.in_family("redhat"));
            /// Whether it is Fedora or made from it.
            fedora() absent Fails = |_: &Os, seen: &Seen<'_>, _: &Args| Ok(Platform::of(seen)?.in_family("fedora"));
            /// Whether it is SUSE or openSUSE.
            suse() absent Fails = |_: &Os, seen: &Seen<'_>, _: &Args| Ok(Platform::of(seen)?.in_family("suse"));
            /// Whether it is Arch Linux or made from it.
            arch_linux() absent Fails = |_: &Os, seen: &Seen<'_>, _: &Args| Ok(Platform::of(seen)?.in_family("arch"));
            /// Whether it is Alpine Linux.
            alpine() absent Fails = |_: &Os, seen: &Seen<'_>, _: &Args| Ok(Platform::of(seen)?.in_family("alpine"));
            /// Whether it is Gentoo.
            gentoo() absent Fails = |_: &Os, seen: &Seen<'_>, _: &Args| Ok(Platform::of(seen)?.in_family("gentoo"));
        }
        methods {}
    }
}

/// `platform`: the same under the name newer InSpec profiles use.
pub static PLATFORM: Entry = Entry {
    name: "platform",
    doc: "Tells which operating system the node runs, as `os` does.\n\nIt is the same resource under another name.\n",
    example: r#"describe(platform()):is("linux"):its("family", ne "")"#,
    falsified: (r#"ne """#, r#"eq "windows""#),
    ..ENTRY
};

/// The operating system of the node.
pub struct Os;

impl Os {
    fn new(_: &Args) -> Result<Os, String> {
        Ok(Os)
    }

    fn version(&self, seen: &Seen<'_>) -> Sight<Value> {
        let os = Platform::of(seen)?;
        if os.release.is_empty() {
            return Ok(Value::Nil);
        }
        Ok(Value::Version(PackageVersion { text: os.release.clone(), scheme: VersionScheme::Plain }))
    }

    fn params(&self, seen: &Seen<'_>) -> Sight<Value> {
        let os: Rc<Platform> = Platform::of(seen)?;
        let texts = [
            ("name", &os.name),
            ("title", &os.title),
            ("release", &os.release),
            ("family", &os.family),
            ("arch", os.arch()?),
        ];
        let mut map: IndexMap<String, Value> =
            texts.into_iter().map(|(name, text)| (name.to_string(), text.clone().into())).collect();
        map.insert("families".to_string(), Value::strings(&os.families));
        Ok(Value::Map(map))
    }
}

impl Instance for Os {
    fn title(&self) -> String {
        "Operating system".to_string()
    }

    fn exists(&self, _: &Seen<'_>) -> Sight<bool> {
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::testing::Trial;
    use crate::transport::scripted::Scripted;

    const DEBIAN: &str = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n\
                          PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";

    #[test]
    fn every_property_comes_from_one_round() {
        let os = Trial::new(&ENTRY, &[], &[], Scripted::new().platform(DEBIAN, &[]));
        assert_eq!(os.its("name").unwrap(), Value::from("debian"));
        assert_eq!(os.its("families").unwrap(), Value::strings(["debian", "linux", "unix"]));
        assert_eq!(os.its("arch").unwrap(), Value::from("x86_64"));
        assert_eq!(os.its("kernel").unwrap(), Value::from("6.1.0-18-amd64"));
        assert!(matches!(os.its("version").unwrap(), Value::Version(version) if &*version.text == "12"));
        assert!(os.is("debian", &[]).unwrap() && !os.is("redhat", &[]).unwrap());
        assert!(os.is("in_family", &["linux".into()]).unwrap());
        assert_eq!(os.rounds(), 1);
    }

    #[test]
    fn a_rolling_release_has_no_version() {
        let os = Trial::new(&PLATFORM, &[], &[], Scripted::new().platform("ID=arch\n", &[]));
        assert_eq!(os.its("version").unwrap(), Value::Nil);
        assert!(os.is("arch_linux", &[]).unwrap());
    }
}
