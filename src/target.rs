//! Where a node is and by what way it is reached: the URI of a target.
//!
//! | target | what it is |
//! | --- | --- |
//! | `local://` | this machine |
//! | `ssh://USER@HOST:PORT` | a machine over SSH; `USER` and `PORT` may be left out |
//! | `docker://NAME`, `podman://NAME` | a running container |
//! | `kubectl://POD`, `kubectl://NAMESPACE/POD/CONTAINER` | a container of a pod |
//! | `rootfs:///PATH` | a mounted root file system |
//! | `recording:///PATH` | the observations of an earlier run |

use crate::error::{Error, did_you_mean};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A way to one node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// This machine.
    Local,
    /// A machine over SSH. What is left out comes from the options of the node, then from
    /// ssh_config(5).
    Ssh { user: Option<String>, host: String, port: Option<u16> },
    /// A container, asked through `exec` of its engine.
    Container(Container),
    /// A mounted root file system.
    RootFs(PathBuf),
    /// A file of observations.
    Recording(PathBuf),
}

/// A running container.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Container {
    Docker { name: String },
    Podman { name: String },
    Kubectl { namespace: Option<String>, pod: String, container: Option<String> },
}

/// The schemes of URIs.
const SCHEMES: [&str; 7] = ["local", "ssh", "docker", "podman", "kubectl", "rootfs", "recording"];

impl Target {
    /// The name of a node that is given without one: its host, with the port where that is
    /// given; `None` for this machine, whose name is its host name.
    pub fn default_name(&self) -> Option<String> {
        match self {
            Target::Local => None,
            Target::Ssh { host, port: None, .. } => Some(host.clone()),
            Target::Ssh { host, port: Some(port), .. } if host.contains(':') => Some(format!("[{host}]:{port}")),
            Target::Ssh { host, port: Some(port), .. } => Some(format!("{host}:{port}")),
            Target::Container(Container::Docker { name } | Container::Podman { name }) => Some(name.clone()),
            Target::Container(Container::Kubectl { pod, .. }) => Some(pod.clone()),
            Target::RootFs(path) | Target::Recording(path) => {
                let last = path.file_name().map(|name| name.to_string_lossy().into_owned());
                Some(last.unwrap_or_else(|| path.display().to_string()))
            }
        }
    }

    /// Reads `URI` or `NAME=URI`, as `-t` takes it.
    ///
    /// # Errors
    /// An empty name, and what [`Target::from_str`] refuses.
    pub fn named(text: &str) -> Result<(Option<String>, Target), Error> {
        let (name, uri) = match text.split_once('=') {
            // An `=` inside a URI is part of it.
            Some((name, uri)) if !name.contains("://") => (Some(name.trim()), uri.trim()),
            _ => (None, text.trim()),
        };
        if name == Some("") {
            return Err(Error::usage(format!("no name before = in target {text:?}")).hint("write NAME=URI, or the URI"));
        }
        Ok((name.map(str::to_string), uri.parse()?))
    }
}

impl FromStr for Target {
    type Err = Error;

    /// Reads a URI.
    ///
    /// # Errors
    /// An unknown scheme (with the nearest), a part that is missing or not for this scheme,
    /// a password in the URI.
    fn from_str(uri: &str) -> Result<Target, Error> {
        let wrong = |what: &str| Error::usage(format!("target {uri:?} {what}"));
        let Some((scheme, rest)) = uri.split_once("://") else {
            return Err(
                wrong("is no URI").hint(format!("write ssh://{uri} for a machine over SSH, local:// for this one"))
            );
        };
        match scheme {
            "local" if rest.is_empty() => Ok(Target::Local),
            "local" => Err(wrong("names a machine").hint("local:// is this machine and takes nothing behind it")),
            "ssh" => ssh(rest).map_err(|(what, hint)| {
                // Whatever stands between : and @ may be a password, and no error shows one.
                let shown = rest.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host)));
                match shown {
                    Some((user, host)) => Error::usage(format!("target \"ssh://{user}:***@{host}\" {what}")).hint(hint),
                    None => wrong(&what).hint(hint),
                }
            }),
            "docker" | "podman" => match rest {
                "" => Err(wrong("names no container").hint(format!("write {scheme}://NAME"))),
                name if is_option(name) => {
                    Err(wrong("names an option, not a container").hint(format!("write {scheme}://NAME")))
                }
                name if scheme == "docker" => Ok(Target::Container(Container::Docker { name: name.to_string() })),
                name => Ok(Target::Container(Container::Podman { name: name.to_string() })),
            },
            "kubectl" => pod(rest).map(Target::Container).ok_or_else(|| {
                wrong("names no pod")
                    .hint("write kubectl://POD, kubectl://NAMESPACE/POD or kubectl://NAMESPACE/POD/CONTAINER")
            }),
            "rootfs" | "recording" if !rest.starts_with('/') => {
                Err(wrong("names no absolute path").hint(format!("write {scheme}:///PATH")))
            }
            "rootfs" => Ok(Target::RootFs(PathBuf::from(rest))),
            "recording" => Ok(Target::Recording(PathBuf::from(rest))),
            _ => Err(wrong(&format!("has the unknown scheme {scheme}")).hint(did_you_mean(scheme, SCHEMES))),
        }
    }
}

/// Whether a tool would take a name for an option of its own.
fn is_option(name: &str) -> bool {
    name.starts_with('-')
}

/// `USER@HOST:PORT`, the host in brackets where it is an address of IPv6.
fn ssh(rest: &str) -> Result<Target, (String, String)> {
    let form = || "write ssh://USER@HOST:PORT; user and port may be left out".to_string();
    let wrong = |what: &str| (what.to_string(), form());
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('/') {
        return Err(wrong("has a path behind the host"));
    }
    let (user, address) = match rest.rsplit_once('@') {
        Some((user, address)) => (Some(user), address),
        None => (None, rest),
    };
    if user.is_some_and(|user| user.contains(':')) {
        let hint = "passwords do not belong on a command line: use --ssh-password-env, --ssh-password-file or a key";
        return Err(("holds a password".to_string(), hint.to_string()));
    }
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, tail)) => (host, Some(tail.strip_prefix(':').ok_or_else(|| wrong("has something behind ]"))?)),
            None => return Err(wrong("has a [ without ]")),
        },
        // An address of IPv6 without brackets has several colons and no port.
        None => match address.split_once(':') {
            Some((_, rest)) if rest.contains(':') => (address, None),
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let plain = |text: &str| {
        !text.is_empty() && !is_option(text) && !text.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    if !plain(host) {
        return Err(wrong("names no host"));
    }
    if !user.is_none_or(plain) {
        return Err(wrong("has an empty user before @"));
    }
    let port = match port {
        None => None,
        Some(port) => match port.parse::<u16>() {
            Ok(number) if number > 0 => Some(number),
            _ => return Err((format!("has the port {port:?}"), "a port is a number from 1 to 65535".to_string())),
        },
    };
    Ok(Target::Ssh { user: user.map(str::to_string), host: host.to_string(), port })
}

/// `POD`, `NAMESPACE/POD` or `NAMESPACE/POD/CONTAINER`.
fn pod(rest: &str) -> Option<Container> {
    let parts: Vec<&str> = rest.split('/').collect();
    if parts.iter().any(|part| part.is_empty() || is_option(part)) {
        return None;
    }
    let text = |part: &&str| (*part).to_string();
    match &parts[..] {
        [pod] => Some(Container::Kubectl { namespace: None, pod: text(pod), container: None }),
        [namespace, pod] => {
            Some(Container::Kubectl { namespace: Some(text(namespace)), pod: text(pod), container: None })
        }
        [namespace, pod, container] => Some(Container::Kubectl {
            namespace: Some(text(namespace)),
            pod: text(pod),
            container: Some(text(container)),
        }),
        _ => None,
    }
}

impl fmt::Display for Target {
    /// The URI.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Local => f.write_str("local://"),
            Target::Ssh { user, host, port } => {
                f.write_str("ssh://")?;
                if let Some(user) = user {
                    write!(f, "{user}@")?;
                }
                match host.contains(':') {
                    true => write!(f, "[{host}]")?,
                    false => f.write_str(host)?,
                }
                port.map_or(Ok(()), |port| write!(f, ":{port}"))
            }
            Target::Container(Container::Docker { name }) => write!(f, "docker://{name}"),
            Target::Container(Container::Podman { name }) => write!(f, "podman://{name}"),
            Target::Container(Container::Kubectl { namespace, pod, container }) => {
                f.write_str("kubectl://")?;
                if let Some(namespace) = namespace {
                    write!(f, "{namespace}/")?;
                }
                f.write_str(pod)?;
                container.as_ref().map_or(Ok(()), |container| write!(f, "/{container}"))
            }
            Target::RootFs(path) => write!(f, "rootfs://{}", path.display()),
            Target::Recording(path) => write!(f, "recording://{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_read_and_written_alike() {
        for uri in [
            "local://",
            "ssh://web1",
            "ssh://ops@10.99.0.11:2222",
            "ssh://ops@[fe80::1%eth0]:22",
            "ssh://[::1]",
            "docker://web",
            "podman://web",
            "kubectl://pod",
            "kubectl://prod/pod/app",
            "rootfs:///mnt/image",
            "recording:///tmp/web1.recording",
        ] {
            assert_eq!(uri.parse::<Target>().expect(uri).to_string(), uri);
        }
        let bare: Target = "ssh://::1".parse().expect("an address without brackets");
        assert_eq!(bare, Target::Ssh { user: None, host: "::1".to_string(), port: None });
    }

    #[test]
    fn what_is_wrong_is_named_with_its_remedy() {
        let refused = |uri: &str| uri.parse::<Target>().expect_err(uri).to_string();
        assert!(refused("web1").contains("ssh://web1"));
        assert!(refused("shs://web1").contains("did you mean ssh?"));
        assert!(refused("ssh://").contains("names no host"));
        assert!(refused("ssh://ops:secret@web1").contains("--ssh-password-env"));
        assert!(refused("ssh://web1:0").contains("1 to 65535"));
        assert!(refused("ssh://web1:70000").contains("1 to 65535"));
        assert!(refused("ssh://-oProxyCommand=x").contains("names no host"));
        assert!(refused("ssh://[::1").contains("without ]"));
        assert!(refused("docker://").contains("docker://NAME"));
        assert!(refused("docker://--privileged").contains("option"));
        assert!(refused("kubectl://a/b/c/d").contains("names no pod"));
        assert!(refused("rootfs://image").contains("rootfs:///PATH"));
        assert!(refused("local://web1").contains("takes nothing"));
    }

    #[test]
    fn a_name_may_stand_before_a_uri() {
        let (name, target) = Target::named("web1=ssh://10.0.0.1").expect("named");
        assert_eq!((name.as_deref(), target.default_name().as_deref()), (Some("web1"), Some("10.0.0.1")));
        assert_eq!(Target::named("ssh://a=b").expect("no name").0, None);
        assert!(Target::named("=ssh://a").is_err());
        assert_eq!("ssh://[::1]:22".parse::<Target>().expect("read").default_name().as_deref(), Some("[::1]:22"));
    }
}
