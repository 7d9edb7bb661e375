//! Files of private keys: what OpenSSH and OpenSSL write.

use crate::transport::{Options, Secret};
use ssh_key::{LineEnding, PrivateKey, PublicKey};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// No file of a key is larger.
const LARGEST: u64 = 1 << 20;

/// A private key, ready to sign.
pub(super) struct Key {
    /// The file, in clear where it is one of OpenSSH's.
    pub(super) text: Secret,
    /// What libssh2 needs to read the text: only for an encrypted key of OpenSSL's.
    pub(super) passphrase: Option<Secret>,
}

/// Why a file gives no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyTrouble {
    Missing,
    /// Only the public half: the private one may be with the agent.
    Public,
    /// Anything else, as a fragment that follows the path.
    Unusable(String),
}

/// Reads a key; a file is decrypted, and its passphrase asked for, once a process.
pub(super) fn load(path: &Path, options: &Options) -> Result<Arc<Key>, KeyTrouble> {
    type Known = Vec<(PathBuf, Option<Secret>, Result<Arc<Key>, KeyTrouble>)>;
    static KNOWN: OnceLock<Mutex<Known>> = OnceLock::new();
    // Held while somebody types, so that all nodes wait for the one answer.
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let is_it =
        |(file, passphrase, _): &&(PathBuf, Option<Secret>, _)| file == path && *passphrase == options.passphrase;
    if let Some((_, _, result)) = known.iter().find(is_it) {
        return result.clone();
    }
    let text = text(path)?;
    let result = decrypted(path, text, options).map(Arc::new);
    known.push((path.to_path_buf(), options.passphrase.clone(), result.clone()));
    result
}

/// The public half of a key file, without its passphrase: from the file beside it, or from
/// the clear part of the file itself.
pub(super) fn public_half(path: &Path) -> Option<PublicKey> {
    let mut beside = path.as_os_str().to_os_string();
    beside.push(".pub");
    let beside = std::fs::read_to_string(&beside).ok().and_then(|text| PublicKey::from_openssh(text.trim()).ok());
    beside.or_else(|| {
        let metadata = std::fs::metadata(path).ok()?;
        if !metadata.is_file() || metadata.len() > LARGEST {
            return None;
        }
        let text = std::fs::read_to_string(path).ok()?;
        let private = PrivateKey::from_openssh(&text).ok().map(|key| key.public_key().clone());
        private.or_else(|| PublicKey::from_openssh(text.trim()).ok())
    })
}

/// The certificate beside a key: `KEY-cert.pub`.
pub(super) fn certificate_of(path: &Path) -> Option<(PathBuf, String)> {
    let mut beside = path.as_os_str().to_os_string();
    beside.push("-cert.pub");
    let beside = PathBuf::from(beside);
    let text = std::fs::read_to_string(&beside).ok()?;
    Some((beside, text))
}

fn text(path: &Path) -> Result<Secret, KeyTrouble> {
    let unusable = |why: String| Err(KeyTrouble::Unusable(why));
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(KeyTrouble::Missing);
        }
        Err(error) => return unusable(format!("cannot be read: {error}")),
    };
    if !metadata.is_file() || metadata.len() > LARGEST {
        return unusable("is no key file".to_string());
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return unusable(format!("cannot be read: {error}")),
    };
    let Ok(text) = String::from_utf8(bytes) else { return unusable("is no key file".to_string()) };
    if !text.contains("PRIVATE KEY-----") {
        return match PublicKey::from_openssh(text.trim()) {
            Ok(_) => Err(KeyTrouble::Public),
            Err(_) => unusable("is no private key".to_string()),
        };
    }
    // As ssh does; files of others are theirs to protect.
    if metadata.uid() == rustix::process::getuid().as_raw() && metadata.mode() & 0o077 != 0 {
        return unusable(format!(
            "can be read by others (mode {:04o}), so it is not used; chmod 600 it",
            metadata.mode() & 0o7777
        ));
    }
    Ok(Secret::new(text))
}

fn decrypted(path: &Path, text: Secret, options: &Options) -> Result<Key, KeyTrouble> {
    let unusable = |why: &str| KeyTrouble::Unusable(why.to_string());
    let is_ours = text.reveal().contains("-----BEGIN OPENSSH PRIVATE KEY-----");
    if !is_ours {
        let is_encrypted = text.reveal().contains("ENCRYPTED");
        let passphrase = if is_encrypted { Some(passphrase(path, options)?) } else { None };
        return Ok(Key { text, passphrase });
    }
    let key = PrivateKey::from_openssh(text.reveal())
        .map_err(|error| KeyTrouble::Unusable(format!("cannot be read: {error}")))?;
    if !key.is_encrypted() {
        return Ok(Key { text, passphrase: None });
    }
    let passphrase = passphrase(path, options)?;
    let key = key.decrypt(passphrase.reveal()).map_err(|_| unusable("has another passphrase than the one given"))?;
    let clear = key.to_openssh(LineEnding::LF).map_err(|_| unusable("cannot be decrypted"))?;
    Ok(Key { text: Secret::new(clear.as_str()), passphrase: None })
}

fn passphrase(path: &Path, options: &Options) -> Result<Secret, KeyTrouble> {
    let asked = || options.prompt.as_ref()?(&format!("passphrase of {}: ", path.display()));
    options.passphrase.clone().or_else(asked).ok_or_else(|| {
        let why = "is encrypted and no passphrase was given; give one, or add the key to an agent";
        KeyTrouble::Unusable(why.to_string())
    })
}
