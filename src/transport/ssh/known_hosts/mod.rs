//! Whether the key a server shows is the one it is known by: SSH_KNOWN_HOSTS of sshd(8).
//!
//! libssh2's own reader knows neither `@revoked` nor `@cert-authority` nor patterns.

mod append;
mod certificate;
mod entry;

#[cfg(test)]
mod tests;

pub(super) use append::append;
use entry::{Entry, Marker};
use ssh_key::{Certificate, HashAlg, PublicKey};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// Algorithms of host keys, the best first, without certificates. SHA-1 is not among them.
const PLAIN: [&str; 6] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];
const CERTIFIED: [&str; 6] = [
    "ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
];

/// What the files say of one host.
pub(super) struct KnownHosts {
    /// The host as it stands in the files: `web1`, `[web1]:2222`.
    name: String,
    /// Without its port, where that is not the usual one: a key known for it will do, too.
    bare: Option<String>,
    entries: Vec<Arc<Entry>>,
}

/// What the files say of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Known,
    /// No key of the host is known.
    Unknown,
    /// Another one is known.
    Changed {
        place: String,
        kind: String,
    },
    /// Somebody wrote down that this key is not to be trusted.
    Revoked {
        place: String,
    },
    /// A certificate that does not hold, and why.
    NoCertificate {
        why: String,
    },
}

/// The key a server shows.
pub(super) struct HostKey<'a> {
    blob: &'a [u8],
    kind: String,
}

impl<'a> HostKey<'a> {
    /// Reads the type at the beginning of a key; `None` for what is no key.
    pub(super) fn read(blob: &'a [u8]) -> Option<HostKey<'a>> {
        let (length, rest) = blob.split_first_chunk::<4>()?;
        let kind = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        Some(HostKey { blob, kind: std::str::from_utf8(kind).ok()?.to_string() })
    }

    /// `SHA256:…`, as `ssh-keygen -l` prints it; of a certificate, that of its key.
    pub(super) fn fingerprint(&self) -> String {
        let plain = match Certificate::from_bytes(self.blob) {
            Ok(certificate) if self.is_certificate() => {
                PublicKey::from(certificate.public_key().clone()).to_bytes().ok()
            }
            _ => None,
        };
        fingerprint(plain.as_deref().unwrap_or(self.blob))
    }

    /// The type without that of its certificate.
    pub(super) fn kind(&self) -> &str {
        self.kind.strip_suffix("-cert-v01@openssh.com").unwrap_or(&self.kind)
    }

    fn is_certificate(&self) -> bool {
        self.kind.ends_with("-cert-v01@openssh.com")
    }
}

fn fingerprint(blob: &[u8]) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    format!("SHA256:{}", base64::engine::general_purpose::STANDARD_NO_PAD.encode(sha2::Sha256::digest(blob)))
}

impl KnownHosts {
    /// Reads what the files say of a host; files that are not there say nothing.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn read(files: &[PathBuf], host: &str, port: u16, alias: Option<&str>) -> Result<KnownHosts, String> {
        let host = alias.unwrap_or(host).to_ascii_lowercase();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host).to_string();
        // An alias stands for host and port together.
        let (name, bare) = match port == 22 || alias.is_some() {
            true => (host, None),
            false => (format!("[{host}]:{port}"), Some(host)),
        };
        let mut entries = Vec::new();
        for file in files {
            let all = entry::all(file)?;
            let fits =
                |entry: &&Arc<Entry>| entry.names(&name) || bare.as_deref().is_some_and(|bare| entry.names(bare));
            entries.extend(all.iter().filter(fits).cloned());
        }
        Ok(KnownHosts { name, bare, entries })
    }

    /// The host as it is written into a file.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The algorithms to offer, the best first: those of known keys come before all others,
    /// so that a server with several keys shows the one that is known. `allowed` is a list
    /// of ssh_config(5).
    pub(super) fn algorithms(&self, allowed: Option<&str>) -> String {
        let is_known = |algorithm: &str| {
            let kind = if algorithm.starts_with("rsa-sha2-") { "ssh-rsa" } else { algorithm };
            self.entries.iter().any(|entry| entry.marker.is_none() && entry.kind == kind)
        };
        let is_allowed = |algorithm: &&str| match allowed {
            // Changes to a default list are too fine to be followed here.
            Some(list) if !list.starts_with(['+', '-', '^']) => list.split(',').any(|allowed| allowed == *algorithm),
            _ => true,
        };
        let mut list: Vec<&str> = Vec::new();
        if self.entries.iter().any(|entry| entry.marker == Some(Marker::Authority)) {
            list.extend(CERTIFIED);
        }
        list.extend(PLAIN.iter().filter(|algorithm| is_known(algorithm)));
        list.extend(PLAIN.iter().filter(|algorithm| !is_known(algorithm)));
        let wanted: Vec<&str> = list.iter().filter(|algorithm| is_allowed(algorithm)).copied().collect();
        // A list without any of ours is one for other clients.
        (if wanted.is_empty() { list } else { wanted }).join(",")
    }

    /// Judges the key a server has proven to own.
    pub(super) fn judge(&self, key: &HostKey, now: SystemTime) -> Verdict {
        if !key.is_certificate() {
            return self.judge_plain(key.blob, &key.kind);
        }
        let certificate = match Certificate::from_bytes(key.blob) {
            Ok(certificate) => certificate,
            Err(error) => return Verdict::NoCertificate { why: format!("it cannot be read: {error}") },
        };
        let inner = PublicKey::from(certificate.public_key().clone());
        let Ok(plain) = inner.to_bytes() else {
            return Verdict::NoCertificate { why: "its key cannot be read".to_string() };
        };
        let Ok(authority) = PublicKey::from(certificate.signature_key().clone()).to_bytes() else {
            return Verdict::NoCertificate { why: "the key of its authority cannot be read".to_string() };
        };
        for blob in [&plain, &authority] {
            if let Some(entry) = self.revoked(blob) {
                return Verdict::Revoked { place: entry.place() };
            }
        }
        let is_authority =
            |entry: &&Arc<Entry>| entry.marker == Some(Marker::Authority) && entry.key().as_deref() == Some(&authority);
        if !self.entries.iter().any(|entry| is_authority(&entry)) {
            // As for a server without a certificate: its key may be known by itself.
            return match self.judge_plain(&plain, inner.algorithm().as_str()) {
                Verdict::Unknown => Verdict::NoCertificate {
                    why: format!("no line @cert-authority knows its authority {}", fingerprint(&authority)),
                },
                verdict => verdict,
            };
        }
        let names = [Some(self.name.as_str()), self.bare.as_deref()];
        match certificate::check(&certificate, names.into_iter().flatten(), now) {
            Ok(()) => Verdict::Known,
            Err(why) => Verdict::NoCertificate { why },
        }
    }

    fn judge_plain(&self, blob: &[u8], kind: &str) -> Verdict {
        if let Some(entry) = self.revoked(blob) {
            return Verdict::Revoked { place: entry.place() };
        }
        let plain = || self.entries.iter().filter(|entry| entry.marker.is_none());
        if plain().any(|entry| entry.key().as_deref() == Some(blob)) {
            return Verdict::Known;
        }
        // A key without the port is a stand-in that only counts where it fits.
        let own = || plain().filter(|entry| entry.names(&self.name));
        let other = own().find(|entry| entry.kind == kind).or_else(|| own().next());
        match other {
            Some(entry) => Verdict::Changed { place: entry.place(), kind: entry.kind.clone() },
            None => Verdict::Unknown,
        }
    }

    fn revoked(&self, blob: &[u8]) -> Option<&Arc<Entry>> {
        self.entries.iter().find(|entry| entry.marker == Some(Marker::Revoked) && entry.key().as_deref() == Some(blob))
    }
}

/// The fingerprint of a key of ours, for messages.
pub(super) fn fingerprint_of(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}
