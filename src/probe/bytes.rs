//! Bytes as text where they are text, and in what is written down of probes and observations:
//! so that people can read it, else `{"base64": "…"}`.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::sync::Arc;

/// Bytes as they are written.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written<'a> {
    Text(Cow<'a, str>),
    Binary { base64: String },
}

impl Written<'_> {
    fn of(bytes: &[u8]) -> Written<'_> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Written::Text(text.into()),
            Err(_) => Written::Binary { base64: BASE64_STANDARD.encode(bytes) },
        }
    }

    fn bytes<E: Error>(self) -> Result<Arc<[u8]>, E> {
        match self {
            Written::Text(text) => Ok(text.as_bytes().into()),
            Written::Binary { base64 } => {
                BASE64_STANDARD.decode(base64).map(Arc::from).map_err(|error| E::custom(format!("no base64: {error}")))
            }
        }
    }
}

/// The text of bytes, with U+FFFD for what is no UTF-8. Almost all that is read of nodes is
/// UTF-8, which is found out much faster at once than as [`String::from_utf8_lossy`] does.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    Written::of(bytes).serialize(serializer)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[u8]>, D::Error> {
    Written::deserialize(deserializer)?.bytes()
}

/// Bytes that may be absent.
pub mod optional {
    use super::{Arc, Deserialize, Deserializer, Serialize, Serializer, Written};

    pub fn serialize<S: Serializer>(bytes: &Option<Arc<[u8]>>, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.as_deref().map(Written::of).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<[u8]>>, D::Error> {
        Option::<Written<'_>>::deserialize(deserializer)?.map(Written::bytes).transpose()
    }
}
