//! `http`

use super::Args;
use super::catalogue::{Instance, Key};
use super::keypath;
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{DEFAULT_TIMEOUT, Fault, FaultKind, Http as Request, Response};
use crate::value::Value;
use indexmap::IndexMap;
use std::sync::Arc;

resource! {
    /// Sends an HTTP request from the node and looks at the answer.
    ///
    /// `headers.NAME` is a header of the answer, its name in any case; one that comes
    /// more than once is joined with `, `; `headers` alone is the map of all of them, names
    /// in lower case. A server that cannot be reached makes the
    /// result errored. A password belongs into `auth`, never into the URL.
    Http = "http" {
        source: "RFC 9110, RFC 7617",
        example: r#"describe(http("http://127.0.0.1:8080/", { timeout = "2s" })):its("status", eq(200)):its("headers.Content-Type", matches "html")"#,
        falsified: ("eq(200)", "eq(599)"),
        needs: "http",
        args {
            /// The URL, `http://` or `https://`.
            url: Str,
            /// The method; `GET` by default.
            method: Str optional,
            /// Headers to send, by name.
            headers: Map optional,
            /// The body to send.
            body: Str optional,
            /// Another name of `body`, as in InSpec.
            data: Str optional,
            /// Query parameters added to the URL, by name.
            params: Map optional,
            /// A user and password for basic authentication: `{ user = …, password = … }`.
            auth: Map optional,
            /// Whether the server's certificate must be valid; true by default.
            verify: Bool optional,
            /// How long the request may take, such as `"2s"`; 10 seconds by default.
            timeout: Any optional,
            /// How many redirects are followed; 0 by default: the redirect is the answer.
            max_redirects: Int optional,
        }
        properties {
            /// The status, such as 200.
            status: Int = |this: &Http, seen: &Seen<'_>| Ok(this.response(seen)?.status);
            /// The body.
            body: Str = Http::body;
            /// The method that was used.
            http_method: Str = |this: &Http, _: &Seen<'_>| Ok(this.request.method.clone());
        }
        predicates {}
        methods {
            /// A header of the answer; absent when it was not sent.
            header(
                /// The name, in any case.
                name: Str,
            ): Str = |this: &Http, seen: &Seen<'_>, args: &Args| {
                Ok(headers(&*this.response(seen)?).swap_remove(&args.required("name").to_lowercase()))
            };
        }
        open: Http::at,
    }
}

/// A request.
pub struct Http {
    request: Request,
}

impl Http {
    fn new(args: &Args) -> Result<Http, String> {
        let url = args.required("url");
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).filter(|host| !host.is_empty());
        match host {
            None => return Err("url begins with http:// or https:// and names a host".to_string()),
            Some(host) if host.contains('@') => {
                return Err("url holds a user; give it as auth = { user = …, password = … }".to_string());
            }
            Some(_) => {}
        }
        let method = args.text("method").unwrap_or_else(|| "GET".into()).to_uppercase();
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(format!("method is a word such as GET, not {method:?}"));
        }
        let mut headers = Vec::new();
        for (name, value) in args.map("headers").into_iter().flatten() {
            let value = scalar(value).ok_or_else(|| format!("header {name} is text"))?;
            let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if name.is_empty() || !name.bytes().all(token) || value.contains(['\r', '\n', '\0']) {
                return Err(format!("header {name:?} cannot be sent: its name or value holds characters it must not"));
            }
            headers.push((name.clone(), value));
        }
        if let Some(auth) = args.map("auth") {
            let part = |name: &str| auth.get(name).and_then(scalar);
            let Some(user) = part("user").filter(|user| !user.contains(':')) else {
                return Err("auth is { user = …, password = … }; a user holds no colon".to_string());
            };
            let pair = format!("{user}:{}", part("password").or_else(|| part("pass")).unwrap_or_default());
            headers.push(("Authorization".to_string(), format!("Basic {}", base64(pair.as_bytes()))));
        }
        let max_redirects = args.int("max_redirects").unwrap_or(0);
        Ok(Http {
            request: Request {
                url: with_parameters(&url, args.map("params"))?,
                method,
                headers,
                body: args.text("body").or_else(|| args.text("data")).unwrap_or_default().as_bytes().into(),
                verify: args.bool("verify").unwrap_or(true),
                max_redirects: u32::try_from(max_redirects)
                    .map_err(|_| format!("max_redirects is a number from 0, not {max_redirects}"))?,
                timeout_ms: args.duration_ms("timeout")?.unwrap_or(DEFAULT_TIMEOUT.as_millis() as u64),
            },
        })
    }

    fn response(&self, seen: &Seen<'_>) -> Sight<Arc<Response>> {
        seen.get(self.request.clone())
    }

    fn body(&self, seen: &Seen<'_>) -> Sight<Value> {
        let response = self.response(seen)?;
        if response.truncated {
            let message = format!("the body of {} is longer than what is kept", self.request.url);
            return Err(Unseen::Fault(Fault::new(FaultKind::TooLarge, message)));
        }
        Ok(Value::from_bytes(&response.body))
    }

    fn at(&self, seen: &Seen<'_>, path: &[Key]) -> Sight<Value> {
        let path = keypath::text(path);
        match path.strip_prefix("headers.") {
            // No fixed property, because names within it are found in any case.
            None if path == "headers" => Ok(Value::Map(headers(&*self.response(seen)?))),
            Some(name) => Ok(headers(&*self.response(seen)?).swap_remove(&name.to_lowercase()).unwrap_or_default()),
            None => Err(Unseen::Misuse(format!(
                "http has no property {path}; there are: status, body, headers, headers.NAME, http_method"
            ))),
        }
    }
}

/// The headers of an answer by name in lower case, those of one name joined.
fn headers(response: &Response) -> IndexMap<String, Value> {
    let mut joined: IndexMap<String, String> = IndexMap::new();
    for (name, value) in &response.headers {
        joined
            .entry(name.to_lowercase())
            .and_modify(|known| {
                known.push_str(", ");
                known.push_str(value);
            })
            .or_insert_with(|| value.clone());
    }
    joined.into_iter().map(|(name, value)| (name, value.into())).collect()
}

/// The text of a scalar.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some(value.to_string()),
        value => value.as_text().map(|text| text.into_owned()),
    }
}

/// A URL with query parameters added, before its fragment.
fn with_parameters(url: &str, parameters: Option<&IndexMap<String, Value>>) -> Result<String, String> {
    let (mut url, fragment) = match url.split_once('#') {
        Some((url, fragment)) => (url.to_string(), Some(fragment)),
        None => (url.to_string(), None),
    };
    for (name, value) in parameters.into_iter().flatten() {
        let value = scalar(value).ok_or_else(|| format!("parameter {name} is text, a number or a boolean"))?;
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(&format!("{}={}", percent(name), percent(&value)));
    }
    Ok(fragment.map_or(url.clone(), |fragment| format!("{url}#{fragment}")))
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => (byte as char).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// Base64 with padding, RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let sextet = (bits >> (18 - 6 * place)) as usize & 63;
            text.push(if place <= chunk.len() { ALPHABET[sextet] as char } else { '=' });
        }
    }
    text
}

impl Instance for Http {
    /// Without headers and body: they may hold secrets.
    fn title(&self) -> String {
        format!("HTTP {} {}", self.request.method, self.request.url)
    }

    /// Whether the server answers; one that cannot be reached is a fault.
    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        self.response(seen).map(|_| true)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, arguments, fault};
    use super::*;
    use crate::transport::scripted::Scripted;

    fn request(url: &str, headers: &[(&str, &str)]) -> Request {
        Request {
            url: url.into(),
            method: "GET".into(),
            headers: headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            body: [].into(),
            verify: true,
            max_redirects: 0,
            timeout_ms: 10_000,
        }
    }

    fn response(truncated: bool) -> Arc<Response> {
        let header = |name: &str, value: &str| (name.to_string(), value.to_string());
        Arc::new(Response {
            status: 404,
            headers: vec![header("x-a", "1"), header("vary", "a"), header("x-a", "2")],
            body: b"gone".as_slice().into(),
            truncated,
        })
    }

    fn map(items: &[(&str, &str)]) -> Value {
        Value::Map(items.iter().map(|(name, value)| (name.to_string(), Value::from(*value))).collect())
    }

    #[test]
    fn an_answer_is_taken_apart() {
        let sent = request("http://h/?q=a%20b%26", &[("X", "y"), ("Authorization", "Basic dXNlcjpwdw==")]);
        let named = [
            ("params", map(&[("q", "a b&")])),
            ("headers", map(&[("X", "y")])),
            ("auth", map(&[("user", "user"), ("password", "pw")])),
        ];
        let scripted = Scripted::new().with(sent, response(false));
        let http = Trial::new(&ENTRY, &["http://h/".into()], &named, scripted);
        assert_eq!(http.its("status"), Ok(Value::Int(404)));
        assert_eq!(http.its("body"), Ok("gone".into()));
        assert_eq!(http.its("headers.X-A"), Ok("1, 2".into()));
        assert_eq!(http.call("header", &["VARY".into()]), Ok("a".into()));
        assert_eq!(http.its("headers.none"), Ok(Value::Nil));
        assert_eq!(http.its("headers"), Ok(map(&[("x-a", "1, 2"), ("vary", "a")])));
        assert!(matches!(http.its("stauts"), Err(Unseen::Misuse(_))));
        assert_eq!(http.rounds(), 1);
    }

    #[test]
    fn a_cut_body_and_a_dead_server_are_faults() {
        let long = Scripted::new().with(request("http://h/", &[]), response(true));
        assert!(fault(Trial::new(&ENTRY, &["http://h/".into()], &[], long).its("body")).contains("longer"));
        let dead = Scripted::new().with_fault(request("http://h/", &[]), FaultKind::Failed, "connection refused");
        assert_eq!(fault(Trial::new(&ENTRY, &["http://h/".into()], &[], dead).its("status")), "connection refused");
    }

    #[test]
    fn requests_that_make_no_sense_are_refused_without_their_secrets() {
        let refused = |url: &str, named: &[(&str, Value)]| {
            let args = arguments(&ENTRY, &[url.into()], named).unwrap();
            (ENTRY.build)(&args).err().unwrap_or_default()
        };
        assert!(refused("ftp://h/", &[]).contains("http://"));
        let secret = refused("http://u:hunter2@h/", &[]);
        assert!(secret.contains("auth") && !secret.contains("hunter2"));
        let header = refused("http://h/", &[("headers", map(&[("A", "hunter2\r\nB: c")]))]);
        assert!(header.contains("cannot be sent") && !header.contains("hunter2"));
        assert!(refused("http://h/", &[("max_redirects", Value::Int(-1))]).contains("max_redirects"));
        assert!(refused("http://h/", &[("method", "GET /".into())]).contains("method"));
    }

    #[test]
    fn base64_is_padded() {
        let encoded = ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes()));
        assert_eq!(encoded, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }
}
