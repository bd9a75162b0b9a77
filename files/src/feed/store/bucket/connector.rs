//! HTTP for the object store: hyper over TLS that trusts the machine's certificates, with one
//! connection that stays open. Plain text is only used on this machine, for the addresses where
//! machines in a cloud ask for credentials, and for users who set `AWS_ALLOW_HTTP=true`. Everything
//! has limits.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue};
use hyper::rt::{Read, Write};
use hyper::{StatusCode, Uri};
use hyper_util::rt::TokioIo;
use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest,
    HttpRequestBody, HttpResponse, HttpResponseBody, HttpService,
};
use object_store::{ClientOptions, Result};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::tls;

/// How long to wait for a connection, and for each piece of an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait for the head of an answer, and the additional time for each MiB of the request.
const ANSWER: Duration = Duration::from_secs(30);
const EACH_MIB: Duration = Duration::from_secs(4);

/// The maximum size of an answer in bytes: the largest base, with room.
const LONGEST: usize = 136 << 20;

/// Makes clients for the object store.
#[derive(Debug)]
pub(super) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        let allows = options.get_config_value(&ClientConfigKey::AllowHttp);
        Ok(HttpClient::new(Service {
            allows_plain_text: allows.as_deref() == Some("true"),
            idle: Mutex::new(None),
        }))
    }
}

/// One connection to one server.
type Idle = (Target, SendRequest<HttpRequestBody>);

struct Service {
    allows_plain_text: bool,
    idle: Mutex<Option<Idle>>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (mut parts, body) = request.into_parts();
        let target = Target::of(&parts.uri)?;
        if !target.is_tls && !self.allows_plain_text && !target.is_near() {
            return Err(other(format!(
                "`{}` is plain text to another machine; use https, or set AWS_ALLOW_HTTP=true",
                target.host
            )));
        }
        if !parts.headers.contains_key(HOST) {
            let host = HeaderValue::from_str(&target.authority());
            parts.headers.insert(HOST, host.map_err(unknown)?);
        }
        let path = parts.uri.path_and_query().cloned();
        parts.uri = path.map_or_else(|| Uri::from_static("/"), Uri::from);
        let megabytes = u32::try_from(body.content_length() >> 20).unwrap_or(u32::MAX);
        let patience = ANSWER.saturating_add(EACH_MIB.saturating_mul(megabytes));
        let kept = self.take(&target);
        let mut connection = match kept {
            Some(kept) => kept,
            None => target.connect().await?,
        };
        within(PATIENCE, connection.ready())
            .await?
            .map_err(interrupted)?;
        let request = hyper::Request::from_parts(parts, body);
        let answered = within(patience, connection.send_request(request)).await?;
        let (parts, body) = answered.map_err(interrupted)?.into_parts();
        let is_cut = parts.status == StatusCode::REQUEST_TIMEOUT;
        let mut bytes = read(body).await?;
        if !parts.status.is_success() {
            bytes = code_of(&bytes);
        }
        if !is_cut {
            self.keep(target, connection);
        }
        Ok(HttpResponse::from_parts(
            parts,
            HttpResponseBody::from(bytes),
        ))
    }
}

impl Service {
    fn take(&self, target: &Target) -> Option<SendRequest<HttpRequestBody>> {
        let mut idle = self.idle.lock().ok()?;
        let (of, connection) = idle.take()?;
        (of == *target && !connection.is_closed()).then_some(connection)
    }

    fn keep(&self, target: Target, connection: SendRequest<HttpRequestBody>) {
        if let Ok(mut idle) = self.idle.lock() {
            *idle = Some((target, connection));
        }
    }
}

/// Returns the error code of an answer. Nothing else is kept, because error messages show it and a
/// store may repeat the session's token in it.
fn code_of(body: &[u8]) -> Bytes {
    let text = String::from_utf8_lossy(body);
    let code = text
        .split_once("<Code>")
        .and_then(|(_, after)| after.split_once("</Code>"))
        .map(|(code, _)| code)
        .filter(|code| code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    Bytes::from(code.unwrap_or_default().to_owned())
}

/// Reads the whole body within the limits.
async fn read(mut body: Incoming) -> Result<Bytes, HttpError> {
    let mut bytes = Vec::new();
    while let Some(frame) = within(PATIENCE, body.frame()).await? {
        let Ok(data) = frame.map_err(interrupted)?.into_data() else {
            continue;
        };
        if bytes.len().saturating_add(data.len()) > LONGEST {
            return Err(other(format!("the answer is longer than {LONGEST} bytes")));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

/// The metadata addresses of EC2 and EKS.
const METADATA: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
];

/// The server to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    is_tls: bool,
    host: String,
    port: Option<u16>,
}

impl Target {
    fn of(uri: &Uri) -> Result<Self, HttpError> {
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(other("expected an URL with `https` or `http`".to_owned())),
        };
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| other("expected an URL with a host".to_owned()))?;
        Ok(Self {
            is_tls,
            host: host.to_owned(),
            port: uri.port_u16(),
        })
    }

    fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// Whether the connection crosses no other network: this machine, or link-local, where clouds
    /// have their metadata.
    fn is_near(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        match host.parse() {
            Ok(IpAddr::V4(host)) => host.is_loopback() || host.is_link_local(),
            Ok(IpAddr::V6(host)) => host.is_loopback() || METADATA.contains(&host),
            Err(_) => host == "localhost",
        }
    }

    async fn connect(&self) -> Result<SendRequest<HttpRequestBody>, HttpError> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let port = self.port.unwrap_or(if self.is_tls { 443 } else { 80 });
        let connected = within(PATIENCE, TcpStream::connect((host, port))).await?;
        let stream = connected.map_err(unconnected)?;
        if !self.is_tls {
            return shake_hands(TokioIo::new(stream)).await;
        }
        let name = tls::name(host).map_err(|error| other(format!("{error:#}")))?;
        let connector = tls::connector().map_err(|error| other(format!("{error:#}")))?;
        let stream = within(PATIENCE, connector.connect(name, stream)).await?;
        shake_hands(TokioIo::new(stream.map_err(unconnected)?)).await
    }
}

/// Starts HTTP on a connection. The task that transports the bytes runs while an operation waits.
async fn shake_hands(
    io: impl Read + Write + Unpin + Send + 'static,
) -> Result<SendRequest<HttpRequestBody>, HttpError> {
    let shaken = within(PATIENCE, http1::handshake(io)).await?;
    let (sender, carrier) = shaken.map_err(unconnected)?;
    tokio::spawn(async move {
        // The affected request also receives the error.
        let _ = carrier.await;
    });
    Ok(sender)
}

async fn within<T>(patience: Duration, step: impl Future<Output = T>) -> Result<T, HttpError> {
    timeout(patience, step).await.map_err(|_| {
        let why = format!("nothing came within {} seconds", patience.as_secs());
        let late = io::Error::new(io::ErrorKind::TimedOut, why);
        HttpError::new(HttpErrorKind::Timeout, late)
    })
}

fn unconnected(error: impl std::error::Error + Send + Sync + 'static) -> HttpError {
    HttpError::new(HttpErrorKind::Connect, error)
}

/// Returns the error for a request that the server may or may not have carried out.
fn interrupted(error: hyper::Error) -> HttpError {
    HttpError::new(HttpErrorKind::Interrupted, error)
}

fn unknown(error: impl std::error::Error + Send + Sync + 'static) -> HttpError {
    HttpError::new(HttpErrorKind::Unknown, error)
}

fn other(why: String) -> HttpError {
    unknown(io::Error::other(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_error_nothing_is_kept_but_its_code() {
        let body = b"<Error><Code>ExpiredToken</Code><Token-0>FAKE-token</Token-0></Error>";
        assert_eq!(&code_of(body)[..], b"ExpiredToken");
        for body in [&b"FAKE-token"[..], b"<Code>FAKE-token</Code>", b"\xff"] {
            assert!(code_of(body).is_empty(), "{body:?}");
        }
    }

    #[test]
    fn plain_text_goes_no_further_than_this_machine_and_its_clouds_metadata() {
        let target = |uri: &str| Target::of(&uri.parse().unwrap()).unwrap();
        for near in [
            "http://127.0.0.1:9000/a",
            "http://localhost/a",
            "http://[::1]:9000/a",
            "http://169.254.169.254/latest",
            "http://[fd00:ec2::254]/latest",
        ] {
            assert!(target(near).is_near(), "{near}");
        }
        for far in [
            "http://10.0.0.1/a",
            "http://s3.example/a",
            "http://localhost.example/a",
            "http://[fd12::5]:9000/a",
        ] {
            assert!(!target(far).is_near(), "{far}");
        }
        assert_eq!(
            target("https://s3.example:8443/a").authority(),
            "s3.example:8443"
        );
        assert!(Target::of(&"ftp://a/b".parse().unwrap()).is_err());
    }
}
