//! Requests by curl(1) and wget(1).

use super::progress::Parts;
use super::text::{first_line, lower, shown_time, shown_url};
use crate::probe::*;

/// The configuration of curl(1) for a request, given on its standard input so that neither
/// URL nor headers nor body are in a process list.
pub(super) fn curl_config(http: &Http) -> Vec<u8> {
    let mut config = b"silent\nshow-error\ninclude\ngloboff\nhttp1.1\nproto = \"=http,https\"\n".to_vec();
    let mut set = |name: &str, value: &[u8]| {
        config.extend_from_slice(name.as_bytes());
        config.extend_from_slice(b" = \"");
        config.extend(escaped(value));
        config.extend_from_slice(b"\"\n");
    };
    set("url", http.url.as_bytes());
    set("user-agent", concat!("probity/", env!("CARGO_PKG_VERSION")).as_bytes());
    set("max-time", format!("{}.{:03}", http.timeout_ms / 1000, http.timeout_ms % 1000).as_bytes());
    let has = |wanted: &str| http.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    for (name, value) in &http.headers {
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        set("header", header.as_bytes());
    }
    let method = http.method.to_ascii_uppercase();
    let bodied = !http.body.is_empty() || matches!(method.as_str(), "POST" | "PUT" | "PATCH");
    if bodied {
        set("data-raw", &http.body);
        // Neither what forms are sent with nor a question whether to go on.
        for name in ["Content-Type", "Expect"] {
            if !has(name) {
                set("header", format!("{name}:").as_bytes());
            }
        }
    }
    match method.as_str() {
        "GET" if !bodied => {}
        "HEAD" if !bodied => config.extend_from_slice(b"head\n"),
        "POST" => {}
        method => set("request", method.as_bytes()),
    }
    if http.max_redirects > 0 {
        config.extend_from_slice(format!("location\nmax-redirs = {}\n", http.max_redirects).as_bytes());
    }
    if !http.verify {
        config.extend_from_slice(b"insecure\n");
    }
    config
}

/// The options of GNU wget for a request. `None`: it cannot do it without that headers, a
/// body or what a URL may hide are in a process list, which may be secrets.
pub(super) fn wget_options(http: &Http) -> Option<String> {
    let (_, rest) = http.url.split_once("://")?;
    let is_plain = http.headers.is_empty() && http.body.is_empty() && http.method.eq_ignore_ascii_case("GET");
    if !is_plain || rest.contains(['@', '?']) || http.url.starts_with('-') {
        return None;
    }
    let (limit, redirects) = (http.timeout_ms.div_ceil(1000), http.max_redirects);
    let version = env!("CARGO_PKG_VERSION");
    let check = if http.verify { "" } else { " --no-check-certificate" };
    Some(format!(
        "-q -O - --save-headers --content-on-error -t 1 -T {limit} --max-redirect={redirects} -U probity/{version}{check}"
    ))
}

/// In the double quotes of a configuration of curl(1).
fn escaped(bytes: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\\' | b'"' => escaped.extend([b'\\', byte]),
            b'\n' => escaped.extend(b"\\n"),
            b'\r' => escaped.extend(b"\\r"),
            b'\t' => escaped.extend(b"\\t"),
            0x0b => escaped.extend(b"\\v"),
            byte => escaped.push(byte),
        }
    }
    escaped
}

/// The answer curl(1) prints: the headers of every answer on the way, then the body. Of
/// wget(1) it is the last answer alone.
pub(super) fn http(http: &Http, parts: &Parts) -> Result<Arc<Response>, Fault> {
    let (method, url) = (&http.method, shown_url(&http.url));
    let failed = |why: &str| Err(Fault::new(FaultKind::Failed, format!("no answer to {method} {url}: {why}")));
    let Some(part) = parts.last() else { return failed("the node did not say") };
    let late = || {
        let limit = shown_time(http.timeout_ms);
        Err(Fault::new(FaultKind::TimedOut, format!("no answer to {method} {url} within {limit}")))
    };
    // More than is kept of a body is no failure of the request.
    let (status, cut) = (part.status.as_str(), part.cut);
    let tool = parts.get("a").map_or("curl", |part| part.status.as_str());
    match status {
        "T" => return late(),
        _ if tool == "none" => {
            let message = format!(
                "no answer to {method} {url}: there is no curl on the node, nor a wget that can ask it; install curl"
            );
            return Err(Fault::new(FaultKind::ToolMissing, message));
        }
        // It ends with 8 for a status that tells of an error.
        "0" | "8" if tool == "wget" && part.out.starts_with(b"HTTP/") => {}
        "4" if tool == "wget" => return failed("wget cannot reach the server"),
        "5" if tool == "wget" => return failed("wget does not trust the certificate"),
        "8" if tool == "wget" => {
            return failed("more redirects than are followed, which wget cannot show; install curl");
        }
        _ if tool == "wget" => {
            let message = format!(
                "no answer to {method} {url}: there is no curl on the node, and its wget cannot ask it; install curl"
            );
            return Err(Fault::new(FaultKind::ToolMissing, message));
        }
        "0" => {}
        "28" => return late(),
        "6" => return failed("the host does not resolve"),
        "47" => return failed(&format!("more than {} redirects", http.max_redirects)),
        _ => {
            let said = first_line(&part.err);
            let said = said.strip_prefix("curl: ").unwrap_or(&said);
            return failed(&lower(said));
        }
    }
    let Some((status, headers, body)) = response(&part.out) else {
        let shown = first_line(&part.out);
        return Err(Fault::new(FaultKind::Malformed, format!("no answer to {method} {url}: {tool} printed {shown:?}")));
    };
    let truncated = cut || body.len() > BODY_CAP;
    let body = &body[..body.len().min(BODY_CAP)];
    Ok(Arc::new(Response { status, headers, body: body.into(), truncated }))
}

/// Names in lower case, and values.
type Headers = Vec<(String, String)>;

/// Status, headers and body of the last answer.
fn response(mut bytes: &[u8]) -> Option<(u16, Headers, &[u8])> {
    loop {
        let end = memchr::memmem::find(bytes, b"\r\n\r\n")?;
        let (head, rest) = (&bytes[..end], &bytes[end + 4..]);
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let mut words = lines.next()?.split(' ');
        words.next()?.starts_with("HTTP/").then_some(())?;
        let status: u16 = words.next()?.parse().ok()?;
        let headers: Headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_string()))
            .collect();
        let goes_on = status < 200 || (300..400).contains(&status) || headers.is_empty();
        if goes_on && rest.starts_with(b"HTTP/") {
            bytes = rest;
            continue;
        }
        return Some((status, headers, rest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_answer_counts() {
        let printed = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n\
            HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nset-cookie:b\r\n\r\nHTTP/1.1 is a protocol\r\n\r\n";
        let (status, headers, body) = response(printed).expect("an answer");
        assert_eq!((status, body), (200, &b"HTTP/1.1 is a protocol\r\n\r\n"[..]));
        let expected =
            [("set-cookie", "a"), ("set-cookie", "b")].map(|(name, value)| (name.to_string(), value.to_string()));
        assert_eq!(headers, expected);
        for broken in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"<html>\r\n\r\n", b"HTTP/1.1 many\r\n\r\n"] {
            assert!(response(broken).is_none());
        }
    }

    #[test]
    fn a_configuration_holds_one_line_an_option() {
        let http = Http {
            url: "http://web.example/\"x\\".to_string(),
            method: "post".to_string(),
            headers: vec![("X-A".to_string(), "\"b\"".to_string()), ("Empty".to_string(), String::new())],
            body: b"@line\nline".as_slice().into(),
            verify: false,
            max_redirects: 2,
            timeout_ms: 1500,
        };
        let config = String::from_utf8(curl_config(&http)).expect("text");
        for line in [
            r#"url = "http://web.example/\"x\\""#,
            r#"header = "X-A: \"b\"""#,
            r#"header = "Empty;""#,
            r#"data-raw = "@line\nline""#,
            r#"max-time = "1.500""#,
            "insecure",
            "max-redirs = 2",
        ] {
            assert!(config.lines().any(|found| found == line), "{line} in {config}");
        }
    }
}
