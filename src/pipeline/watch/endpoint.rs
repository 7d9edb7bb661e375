//! `/healthz` and `/metrics` of a watch, over HTTP.

use super::metrics;
use super::state::{Status, Summary};
use crate::error::Error;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections at a time; more wait.
const CONNECTIONS: usize = 64;
/// How long a client may take to say what it wants.
const HEAD: Duration = Duration::from_secs(10);
/// Rounds may fail for so many intervals before the watch is not well.
const PATIENCE: u32 = 3;

/// Where the endpoint listens.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
}

/// An address as it is typed: `PORT` on loopback, or `ADDRESS:PORT`.
///
/// # Errors
/// It is neither, in words for after the flag's name.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    text.parse().map_err(|_| "write PORT for loopback, or ADDRESS:PORT such as 0.0.0.0:9464".to_string())
}

impl Endpoint {
    /// Listens.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn bind(address: SocketAddr) -> Result<Endpoint, Error> {
        let failed = |error: std::io::Error| Error::usage(format!("--listen {address}: {error}"));
        Ok(Endpoint { listener: TcpListener::bind(address).await.map_err(failed)? })
    }

    /// The address it listens at.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Answers until the task is ended.
    pub async fn serve(self, status: Arc<Status>, interval: Duration) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let Ok((stream, _)) = self.listener.accept().await else {
                // Out of files, or the like: it may get better.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let status = status.clone();
            tokio::spawn(async move {
                let service = service_fn(|request: Request<Incoming>| {
                    let answer = answer(&request, &status.get(), interval);
                    async move { Ok::<_, Infallible>(answer) }
                });
                let mut server = hyper::server::conn::http1::Builder::new();
                server.timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(false);
                // A client that goes away or talks nonsense harms nobody but itself.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
                drop(place);
            });
        }
    }
}

fn answer(request: &Request<Incoming>, summary: &Summary, interval: Duration) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return reply(
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain; charset=utf-8",
            "only GET is answered\n".to_string(),
        );
    }
    match request.uri().path() {
        "/metrics" => reply(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics::text(summary)),
        "/healthz" => {
            let (code, text) = health(summary, interval, jiff::Timestamp::now().as_second());
            reply(code, "application/json", text)
        }
        _ => reply(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "there are /healthz and /metrics\n".to_string()),
    }
}

/// Well, or not: no round was done whole for longer than a few intervals.
fn health(summary: &Summary, interval: Duration, now: i64) -> (StatusCode, String) {
    let patience = i64::try_from((interval * PATIENCE).as_secs()).unwrap_or(i64::MAX).max(1);
    let well = match (summary.fault(), summary.whole) {
        (None, _) => true,
        (Some(_), Some(whole)) => now.saturating_sub(whole) <= patience,
        (Some(_), None) => false,
    };
    let bad = summary.nodes.values().filter(|node| node.tally.failed + node.tally.errored > 0 || !node.ready).count();
    let document = serde_json::json!({
        "status": if well { "ok" } else { "failing" },
        "nodes": summary.nodes.len(),
        "nodes_not_fine": bad,
        "error": summary.fault(),
    });
    (if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, format!("{document}\n"))
}

fn reply(code: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_on_loopback() {
        assert_eq!(address("9464").unwrap().to_string(), "127.0.0.1:9464");
        assert_eq!(address("0.0.0.0:80").unwrap().to_string(), "0.0.0.0:80");
        assert_eq!(address("[::1]:80").unwrap().to_string(), "[::1]:80");
        for wrong in ["", "localhost:80", "1.2.3.4", "70000", ":80"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_source_may_fail_for_a_while() {
        let interval = Duration::from_secs(10);
        let mut summary = Summary { whole: Some(100), ..Summary::default() };
        assert_eq!(health(&summary, interval, 1000).0, StatusCode::OK);
        summary.source_error = Some("gone".to_string());
        assert_eq!(health(&summary, interval, 130).0, StatusCode::OK);
        assert_eq!(health(&summary, interval, 131).0, StatusCode::SERVICE_UNAVAILABLE);
        summary.whole = None;
        assert_eq!(health(&summary, interval, 1).0, StatusCode::SERVICE_UNAVAILABLE);
        // A profile that cannot be run is no better than a source that cannot be read.
        let summary = Summary { whole: Some(100), validation_error: Some("no".to_string()), ..Summary::default() };
        assert_eq!(health(&summary, interval, 131).0, StatusCode::SERVICE_UNAVAILABLE);
    }
}
