//! HTTP requests from this machine.

use super::Local;
use super::files::read_regular;
use super::reason;
use super::run::seconds;
use crate::probe::{BODY_CAP, Fault, FaultKind, Http, Response};
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body, RequestBuilder};

/// Where systems keep the certificates they trust, the first that is there.
const TRUSTED: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// The most addresses of a host the client takes.
const MOST_ADDRESSES: usize = 16;

impl Local {
    /// The answer to a request. Certificates are checked against those the system trusts
    /// (`SSL_CERT_FILE` names another file), names are resolved as [`Local::addresses`]
    /// does, and a proxy is taken from the environment, as curl(1) does.
    ///
    /// A body is sent again after a redirect only where the method allows; a 307 or 308 to
    /// a POST is a fault.
    pub(super) fn http(&self, http: &Http) -> Result<Arc<Response>, Fault> {
        let limit = Duration::from_millis(http.timeout_ms);
        let tls = TlsConfig::builder().disable_verification(!http.verify).root_certs(self.roots(http)?).build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(limit))
            .max_redirects(http.max_redirects)
            .http_status_as_error(false)
            .user_agent(concat!("probity/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), Names);
        let fault = |error: ureq::Error| unanswered(http, limit, &error);
        let mut answer = send(&agent, http)?.map_err(fault)?;
        let mut body = Vec::new();
        let read = answer.body_mut().as_reader().take(BODY_CAP as u64 + 1).read_to_end(&mut body);
        read.map_err(|error| fault(ureq::Error::from(error)))?;
        let truncated = body.len() > BODY_CAP;
        body.truncate(BODY_CAP);
        let headers = answer.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.as_str().to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let status = answer.status().as_u16();
        Ok(Arc::new(Response { status, headers: headers.collect(), body: body.into(), truncated }))
    }

    /// The certificates that are trusted, read once.
    fn roots(&self, http: &Http) -> Result<RootCerts, Fault> {
        if !http.verify {
            return Ok(RootCerts::new_with_certs(&[]));
        }
        let roots = self.roots.get_or_init(trusted);
        if roots.is_empty() && http.url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")) {
            let message = format!(
                "cannot check the certificate of {}: no trusted certificates in {}; install ca-certificates",
                shown(&http.url),
                TRUSTED.join(", ")
            );
            return Err(Fault::new(FaultKind::ToolMissing, message));
        }
        Ok(RootCerts::new_with_certs(roots))
    }
}

/// The system's trusted certificates; those that cannot be read are left out.
fn trusted() -> Vec<Certificate<'static>> {
    let named = std::env::var("SSL_CERT_FILE").ok();
    let files = named.iter().map(String::as_str).chain(TRUSTED.iter().copied());
    for file in files {
        if let Ok(Some(text)) = read_regular(file, 0) {
            let certificates = parse_pem(&text).filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            });
            return certificates.collect();
        }
    }
    Vec::new()
}

/// Sends the request; the outer error is one of the request itself.
fn send(agent: &Agent, http: &Http) -> Result<Result<ureq::http::Response<Body>, ureq::Error>, Fault> {
    let url = &http.url;
    let bodiless = |builder: RequestBuilder<ureq::typestate::WithoutBody>| {
        let builder = with_headers(builder, http);
        if http.body.is_empty() { builder.call() } else { builder.force_send_body().send(&http.body[..]) }
    };
    let bodied = |builder: RequestBuilder<ureq::typestate::WithBody>| with_headers(builder, http).send(&http.body[..]);
    Ok(match http.method.to_ascii_uppercase().as_str() {
        "GET" => bodiless(agent.get(url)),
        "HEAD" => bodiless(agent.head(url)),
        "OPTIONS" => bodiless(agent.options(url)),
        "DELETE" => bodiless(agent.delete(url)),
        "POST" => bodied(agent.post(url)),
        "PUT" => bodied(agent.put(url)),
        "PATCH" => bodied(agent.patch(url)),
        _ => {
            let message =
                format!("{:?} is no method; there are GET, HEAD, OPTIONS, DELETE, POST, PUT, PATCH", http.method);
            return Err(Fault::new(FaultKind::Failed, message));
        }
    })
}

fn with_headers<T>(mut builder: RequestBuilder<T>, http: &Http) -> RequestBuilder<T> {
    for (name, value) in &http.headers {
        builder = builder.header(name, value);
    }
    builder
}

fn unanswered(http: &Http, limit: Duration, error: &ureq::Error) -> Fault {
    let (method, url) = (&http.method, shown(&http.url));
    if matches!(error, ureq::Error::Timeout(_)) {
        return Fault::new(FaultKind::TimedOut, format!("no answer to {method} {url} within {}", seconds(limit)));
    }
    let why = match error {
        ureq::Error::HostNotFound => "the host does not resolve".to_string(),
        ureq::Error::TooManyRedirects => format!("more than {} redirects", http.max_redirects),
        ureq::Error::RedirectFailed => "redirected, and the method does not allow to send the body again".to_string(),
        ureq::Error::Io(error) => match rustix::io::Errno::from_io_error(error) {
            Some(error) => reason(error),
            None => error.to_string(),
        },
        error => error.to_string(),
    };
    Fault::new(FaultKind::Failed, format!("no answer to {method} {url}: {why}"))
}

/// A URL in a message: without the password it may hold.
fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_string() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}://{}", &rest[user.len() + 1..]),
        None => url.to_string(),
    }
}

/// Names as this folder resolves them.
#[derive(Debug)]
struct Names;

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let addresses = Local::new()
            .addresses(host, *timeout.after)
            .map_err(|fault| ureq::Error::Io(std::io::Error::other(fault.to_string())))?;
        let mut resolved = self.empty();
        for address in addresses.into_iter().take(MOST_ADDRESSES) {
            resolved.push(SocketAddr::new(address, port));
        }
        if resolved.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(resolved) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::process::{Command, Stdio};

    /// A server that answers each connection with what `reply` makes of its request (head
    /// and body), and its address.
    fn serve(reply: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = listener.local_addr().expect("bound");
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
                let mut request = String::new();
                while !request.ends_with("\r\n\r\n") && reader.read_line(&mut request).is_ok_and(|read| read > 0) {}
                let length = request.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
                });
                let mut body = vec![0; length.unwrap_or(0)];
                reader.read_exact(&mut body).ok();
                request.push_str(&String::from_utf8_lossy(&body));
                stream.write_all(&reply(&request)).ok();
            }
        });
        format!("http://{address}")
    }

    fn ask(url: impl Into<String>) -> Http {
        Http {
            url: url.into(),
            method: "GET".to_string(),
            headers: Vec::new(),
            body: Arc::from([]),
            verify: true,
            max_redirects: 0,
            timeout_ms: 3000,
        }
    }

    #[test]
    fn status_headers_and_body_arrive() {
        let url = serve(|_| {
            b"HTTP/1.1 404 Not Found\r\nX-One: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\n\0\xff\n".to_vec()
        });
        let answer = Local::new().http(&ask(url)).expect("answered");
        assert_eq!((answer.status, &*answer.body, answer.truncated), (404, &b"\0\xff\n"[..], false));
        assert!(answer.headers.contains(&("x-one".to_string(), "a".to_string())));
    }

    #[test]
    fn method_headers_and_body_are_sent() {
        let url = serve(|request| {
            let body = request.replace("\r\n", "\n");
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
        });
        for method in ["GET", "OPTIONS", "DELETE", "post", "PUT", "PATCH"] {
            for body in ["", "payload"] {
                let question = Http {
                    method: method.to_string(),
                    headers: vec![("X-Token".to_string(), "abc".to_string())],
                    body: body.as_bytes().into(),
                    ..ask(format!("{url}/path?q=1"))
                };
                let answer = Local::new().http(&question).expect("answered");
                let seen = String::from_utf8_lossy(&answer.body).to_lowercase();
                assert!(seen.starts_with(&format!("{} /path?q=1 http/1.1\n", method.to_lowercase())), "{seen}");
                assert!(seen.contains("\nx-token: abc\n") && seen.contains("\nuser-agent: probity/"), "{seen}");
                assert!(seen.ends_with(&format!("\n\n{body}")), "{seen}");
            }
        }
        let fault = Local::new().http(&Http { method: "BREW".to_string(), ..ask(url) }).expect_err("no method");
        assert!(fault.message.contains("BREW"));
    }

    #[test]
    fn redirects_are_followed_as_often_as_asked() {
        let url = serve(|request| {
            let number: u32 = request.split(['/', ' ']).nth(2).and_then(|number| number.parse().ok()).unwrap_or(0);
            match number {
                0 => b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndone".to_vec(),
                _ => format!(
                    "HTTP/1.1 302 Found\r\nLocation: /{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                    number - 1
                )
                .into_bytes(),
            }
        });
        let status = |hops: u32, max_redirects: u32| {
            Local::new().http(&Http { max_redirects, ..ask(format!("{url}/{hops}")) }).map(|answer| answer.status)
        };
        assert_eq!(status(2, 0), Ok(302));
        assert_eq!(status(2, 2), Ok(200));
        assert!(status(3, 2).is_err_and(|fault| fault.message.contains("more than 2 redirects")));
    }

    #[test]
    fn a_body_is_kept_up_to_the_cap() {
        let url = serve(|_| {
            let mut answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
            answer.resize(answer.len() + BODY_CAP + 10, b'x');
            answer
        });
        let answer = Local::new().http(&ask(url)).expect("answered");
        assert_eq!((answer.body.len(), answer.truncated), (BODY_CAP, true));
    }

    #[test]
    fn what_does_not_answer_is_a_fault_that_names_the_url_without_its_password() {
        let silent = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = silent.local_addr().expect("bound");
        let question = Http { timeout_ms: 300, ..ask(format!("http://me:secret@{address}/x")) };
        let fault = Local::new().http(&question).expect_err("silent");
        assert_eq!(fault.kind, FaultKind::TimedOut);
        assert!(fault.message.contains(&format!("http://{address}/x")) && !fault.message.contains("secret"), "{fault}");
        drop(silent);
        let closed = Local::new().http(&question).expect_err("closed");
        assert_eq!(closed.kind, FaultKind::Failed);
        assert!(closed.to_string().ends_with(": connection refused"), "{closed}");
        for url in ["", "nonsense", "http://", "ftp://127.0.0.1/", "http://-bad-/", "http://127.0.0.1:99999/"] {
            assert!(Local::new().http(&ask(url)).is_err(), "{url:?}");
        }
        let garbage = serve(|_| b"\xff\xfe not http at all\r\n\r\n".to_vec());
        assert!(Local::new().http(&ask(garbage)).is_err());
    }

    #[test]
    fn a_certificate_nobody_vouches_for_is_refused_unless_told_not_to_look() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-keyout", "key.pem", "-out", "cert.pem"])
            .current_dir(directory.path())
            .stderr(Stdio::null())
            .status();
        if !made.is_ok_and(|status| status.success()) {
            return; // no openssl
        }
        let mut server = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-key", "key.pem", "-cert", "cert.pem", "-www"])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let lines = BufReader::new(server.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let port = lines.filter_map(|line| line.strip_prefix("ACCEPT 127.0.0.1:")?.trim().parse::<u16>().ok()).next();
        let url = format!("https://localhost:{}/", port.expect("it listens"));
        let refused = Local::new().http(&ask(&url));
        let answered = Local::new().http(&Http { verify: false, ..ask(&url) });
        server.kill().expect("ended");
        server.wait().expect("waited for");
        let fault = refused.expect_err("nobody vouches for it");
        assert!(fault.message.contains("certificate"), "{fault}");
        assert_eq!(answered.map(|answer| answer.status), Ok(200));
    }
}
