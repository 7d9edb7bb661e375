//! Keys of encrypted items: age-encryption.org/v1, with X25519 identities or a passphrase.

use crate::error::Error;
use crate::value::external::{self, Environment};
use age::armor::ArmoredReader;
use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Identity, scrypt, x25519};
use std::io::{BufReader, Read};
use std::path::PathBuf;

/// The most bytes that come out of one file.
const MAX_BYTES: u64 = crate::yaml::MAX_BYTES as u64;
/// The most work a passphrase may take, as a power of two: 2^20 is a gibibyte of memory.
const MAX_WORK: u8 = 20;

/// Where a key or a passphrase is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    File(PathBuf),
    /// An environment variable.
    Variable(String),
}

impl KeySource {
    fn read(&self, flag: &str, of_variable: &str, environment: Environment<'_>) -> Result<String, Error> {
        let text = match self {
            KeySource::File(path) => {
                external::of_file(path).map_err(|what| Error::usage(format!("{flag}: {} {what}", path.display())))
            }
            KeySource::Variable(variable) => external::of_variable(variable, environment)
                .map_err(|what| Error::usage(format!("{of_variable}: {variable}: {what}"))),
        }?;
        match text.trim().is_empty() {
            false => Ok(text),
            true => Err(Error::usage(format!("{flag}: {} is empty", self.name()))),
        }
    }

    fn name(&self) -> String {
        match self {
            KeySource::File(path) => path.display().to_string(),
            KeySource::Variable(variable) => format!("environment variable {variable}"),
        }
    }
}

/// What opens encrypted items.
#[derive(Default)]
pub struct Keys {
    identities: Vec<x25519::Identity>,
    passphrase: Option<SecretString>,
    texts: Vec<String>,
}

impl Keys {
    /// Reads identities, as `age-keygen` writes them, and a passphrase. Identities that are
    /// encrypted themselves are opened with the passphrase.
    ///
    /// # Errors
    /// What cannot be read or is no identity; no error shows any of it.
    pub fn read(
        identities: &[KeySource],
        passphrase: Option<&KeySource>,
        environment: Environment<'_>,
    ) -> Result<Keys, Error> {
        let mut keys = Keys::default();
        if let Some(source) = passphrase {
            let text = source.read("--bag-passphrase-file", "--bag-passphrase-env", environment)?;
            keys.passphrase = Some(SecretString::from(text.clone()));
            keys.texts.push(text);
        }
        for source in identities {
            let mut text = source.read("--bag-key", "--bag-key-env", environment)?;
            if text.trim_start().starts_with("-----BEGIN AGE ENCRYPTED FILE-----") {
                let about = |error: Error| Error {
                    message: format!("--bag-key: {}: {}", source.name(), error.message),
                    ..error
                };
                let opened = keys.decrypt(text.trim_start().as_bytes()).map_err(about)?;
                text = String::from_utf8(opened).map_err(|_| no_identity(source, 1))?;
            }
            keys.add(&text, source)?;
        }
        Ok(keys)
    }

    fn add(&mut self, text: &str, source: &KeySource) -> Result<(), Error> {
        let before = self.identities.len();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            self.identities.push(line.parse().map_err(|_| no_identity(source, number + 1))?);
            self.texts.push(line.to_string());
        }
        match self.identities.len() > before {
            true => Ok(()),
            false => Err(no_identity(source, 1)),
        }
    }

    /// The keys as texts.
    pub fn secrets(&self) -> &[String] {
        &self.texts
    }

    /// What is encrypted in a file, binary or armoured.
    ///
    /// # Errors
    /// No key fits or is given, the file was changed or cut off, or holds too much.
    pub fn decrypt(&self, file: &[u8]) -> Result<Vec<u8>, Error> {
        let decryptor =
            Decryptor::new_buffered(BufReader::new(ArmoredReader::new(file))).map_err(|error| self.fault(&error))?;
        let mut by_passphrase = None;
        if decryptor.is_scrypt() {
            let Some(passphrase) = &self.passphrase else {
                return Err(Error::usage("is encrypted with a passphrase, and none is given")
                    .hint("give --bag-passphrase-file FILE or --bag-passphrase-env VARIABLE"));
            };
            let mut identity = scrypt::Identity::new(passphrase.clone());
            identity.set_max_work_factor(MAX_WORK);
            by_passphrase = Some(identity);
        } else if self.identities.is_empty() {
            return Err(
                Error::usage("is encrypted, and no key is given").hint("give --bag-key FILE or --bag-key-env VARIABLE")
            );
        }
        let identities = self.identities.iter().map(|identity| identity as &dyn Identity);
        let identities = identities.chain(by_passphrase.iter().map(|identity| identity as &dyn Identity));
        let opened = decryptor.decrypt(identities).map_err(|error| self.fault(&error))?;
        let mut content = Vec::new();
        opened
            .take(MAX_BYTES + 1)
            .read_to_end(&mut content)
            .map_err(|_| Error::usage("was cut off or changed after it was encrypted"))?;
        match content.len() as u64 > MAX_BYTES {
            true => Err(Error::usage(format!("holds more than {} MiB, the most an item may be", MAX_BYTES >> 20))),
            false => Ok(content),
        }
    }

    fn fault(&self, error: &DecryptError) -> Error {
        match error {
            DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
                Error::usage("is encrypted for another key or passphrase than those given")
                    .hint("--bag-key and --bag-passphrase-file give them")
            }
            DecryptError::ExcessiveWork { required, .. } => Error::usage(format!(
                "its passphrase takes 2^{required} steps to try, more than the 2^{MAX_WORK} that are done"
            )),
            DecryptError::UnknownFormat => Error::usage("is encrypted in a format that is not known: not age v1"),
            DecryptError::InvalidHeader | DecryptError::InvalidMac | DecryptError::Io(_) => {
                Error::usage("is no file of age, or was cut off or changed")
            }
        }
    }
}

fn no_identity(source: &KeySource, line: usize) -> Error {
    Error::usage(format!("--bag-key: line {line} of {} is no identity of age", source.name()))
        .hint("`age-keygen` makes one: a line that begins with AGE-SECRET-KEY-1")
}
