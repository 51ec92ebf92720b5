//! Git over HTTP and HTTPS: a subtransport for libgit2 on ureq and rustls, which need no OpenSSL.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Proxy, ResponseExt};

use super::context::{CONNECT_TIMEOUT, Context, TransportError};
use super::credential::Search;
use super::incoming::{Arriving, Incoming};
use super::object_id::{SHA1_LENGTH, SHA256_LENGTH};
use super::unsupported::Unsupported;
use super::url::{Credentials, Kind};

const DISCOVERY: &str = "/info/refs?service=git-upload-pack";

/// Settings of `http.*` that a conversation cannot do without, and that only the git program knows, in small letters.
const SETTINGS: [&str; 3] = ["sslcert", "cookiefile", "proxyauthmethod"];

/// Talks the "smart" protocol: one GET that lists the references, then stateless POSTs.
pub(super) struct HttpTransport {
    context: Arc<Context>,
    agent: Agent,
    /// The repository's address: what the plan says, or where the server has redirected us to.
    base: Arc<Mutex<String>>,
    first: String,
}

impl HttpTransport {
    pub(super) fn new(context: Arc<Context>) -> Result<Self, git2::Error> {
        let Kind::Http { url, .. } = context.url.kind() else {
            return Err(git2::Error::from_str("no HTTP address"));
        };
        let url = url.clone();
        let certificate = context.variable("GIT_SSL_CERT").map(|_| SETTINGS[0]);
        let setting = SETTINGS.into_iter().find(|name| context.config.http(name, &url).is_some());
        if let Some(setting) = certificate.or(setting) {
            context.fail(Unsupported::Setting(setting).into());
            return Err(git2::Error::from_str("a setting that only git obeys"));
        }
        let agent = agent(&context, &url);
        Ok(Self { context, agent, base: Arc::new(Mutex::new(url.clone())), first: url })
    }
}

impl SmartSubtransport for HttpTransport {
    fn action(&self, _url: &str, service: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let is_discovery = match service {
            Service::UploadPackLs => true,
            Service::UploadPack => false,
            Service::ReceivePackLs | Service::ReceivePack => {
                return Err(git2::Error::from_str("alo never pushes"));
            }
        };
        let base = self.base.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Box::new(HttpStream {
            context: Arc::clone(&self.context),
            request: Some(Request {
                context: Arc::clone(&self.context),
                agent: self.agent.clone(),
                base,
                shared_base: Arc::clone(&self.base),
                first: self.first.clone(),
                is_discovery,
                body: Vec::new(),
            }),
            answer: None,
        }))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// One request: what libgit2 writes is its body, sent when libgit2 starts to read.
struct HttpStream {
    context: Arc<Context>,
    request: Option<Request>,
    answer: Option<Incoming>,
}

impl Write for HttpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.request {
            Some(request) => request.body.write(bytes),
            None => Err(io::Error::other("the request has been sent already")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for HttpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(request) = self.request.take() {
            let answer = Incoming::spawn(Arc::clone(&self.context), move |out| request.send(out))?;
            self.answer = Some(answer);
        }
        self.answer.as_mut().map_or(Ok(0), |answer| answer.read(buffer))
    }
}

struct Request {
    context: Arc<Context>,
    agent: Agent,
    base: String,
    shared_base: Arc<Mutex<String>>,
    first: String,
    is_discovery: bool,
    body: Vec<u8>,
}

impl Request {
    fn send(self, out: &Arriving) -> Result<(), TransportError> {
        let mut answer = if self.is_discovery { self.discover()? } else { self.post()? };
        let status = answer.status();
        match status.as_u16() {
            200 => {}
            401 => return Err(refused(&answer)),
            403 => return Err(TransportError::Forbidden(format!("HTTP status {status}"))),
            407 => return Err(TransportError::Proxy(format!("HTTP status {status}"))),
            404 | 410 => return Err(TransportError::NotFound(format!("HTTP status {status}"))),
            429 | 500..=599 => {
                return Err(TransportError::Unavailable(format!("HTTP status {status}")));
            }
            _ => return Err(TransportError::NotGit(format!("HTTP status {status}"))),
        }
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("application/x-git-upload-pack-")) {
            let kind = kind.unwrap_or("unknown").to_owned();
            if self.is_discovery && is_list_of_references(answer.body_mut())? {
                return Err(Unsupported::PlainFiles.into());
            }
            return Err(TransportError::NotGit(format!("a page of type `{kind}`")));
        }
        if self.is_discovery {
            let found = answer.get_uri().to_string();
            if let Some(base) = found.strip_suffix(DISCOVERY) {
                base.clone_into(&mut self.shared_base.lock().unwrap_or_else(PoisonError::into_inner));
            }
        }
        let mut body = answer.body_mut().with_config().limit(u64::MAX).reader();
        out.copy_from(&mut body)
    }
}

impl Request {
    /// Lists the references. Credentials are looked for when the server asks for them, one after the other.
    fn discover(&self) -> Result<Answer, TransportError> {
        let mut base = self.base.clone();
        let mut credentials = self.context.credentials();
        let user = credentials.as_ref().map(|known| known.user.clone());
        let is_complete = credentials.as_ref().is_some_and(|known| !known.password.is_empty());
        let mut is_moved = false;
        let mut search = Search::new(&self.context, &self.first, user);
        loop {
            let mut request = self.agent.get(format!("{base}{DISCOVERY}"));
            for (name, value) in self.secrets(&base, credentials.as_ref()) {
                request = request.header(name, value);
            }
            let answer = request.header("pragma", "no-cache").call().map_err(connection)?;
            if answer.status().as_u16() != 401 {
                self.context.keep_credentials(credentials);
                return Ok(answer);
            }
            let landed = answer.get_uri().to_string();
            let landed = landed.strip_suffix(DISCOVERY).unwrap_or(&base).to_owned();
            if origin(&landed) != origin(&self.first) {
                return Err(TransportError::RedirectedToLogin(origin(&landed).to_owned()));
            }
            if landed != base && credentials.is_some() && !is_moved {
                // A redirect within the server, on the way of which the credentials were left out.
                base = landed;
                is_moved = true;
                continue;
            }
            if is_complete {
                return Ok(answer);
            }
            match search.next() {
                Some(found) => credentials = Some(found),
                None => return Ok(answer),
            }
        }
    }

    fn post(&self) -> Result<Answer, TransportError> {
        let mut request = self.agent.post(format!("{}/git-upload-pack", self.base));
        for (name, value) in self.secrets(&self.base, self.context.credentials().as_ref()) {
            request = request.header(name, value);
        }
        request
            .header("content-type", "application/x-git-upload-pack-request")
            .header("accept", "application/x-git-upload-pack-result")
            .send(&self.body[..])
            .map_err(connection)
    }

    /// The headers that are for the host of the address alone, and for no other that it redirects to.
    fn secrets(&self, base: &str, credentials: Option<&Credentials>) -> Vec<(String, String)> {
        if origin(base) != origin(&self.first) {
            return Vec::new();
        }
        let extra = self.context.config.http("extraheader", base).and_then(|header| header.split_once(':'));
        let extra = extra.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        let authorization = credentials.map(|known| ("authorization".to_owned(), basic(known)));
        extra.into_iter().chain(authorization).collect()
    }
}

/// A status 401, which asks for a password, or else for what only the git program knows.
fn refused(answer: &Answer) -> TransportError {
    let wanted = answer.headers().get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
    let schemes: Vec<_> = wanted.filter_map(|value| value.split_whitespace().next()).collect();
    match schemes.first() {
        Some(scheme) if !schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("basic")) => {
            Unsupported::Authentication((*scheme).to_owned()).into()
        }
        _ => TransportError::Refused(format!("HTTP status {}", answer.status())),
    }
}

/// Whether the body begins as `info/refs` of a repository that lies on a web server: the name of an object, a tab.
fn is_list_of_references(body: &mut ureq::Body) -> Result<bool, TransportError> {
    let mut beginning = Vec::new();
    let body = body.as_reader().take(SHA256_LENGTH as u64 + 1);
    let read = { body }.read_to_end(&mut beginning);
    read.map_err(|error| TransportError::Connection(Box::new(error)))?;
    let digits = beginning.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    Ok(matches!(digits, SHA1_LENGTH | SHA256_LENGTH) && beginning.get(digits) == Some(&b'\t'))
}

type Answer = ureq::http::Response<ureq::Body>;

fn connection(error: ureq::Error) -> TransportError {
    TransportError::Connection(Box::new(error))
}

fn agent(context: &Context, url: &str) -> Agent {
    let is_off = |value: &str| matches!(value.to_ascii_lowercase().as_str(), "false" | "no" | "off" | "0");
    let is_unchecked = context.variable("GIT_SSL_NO_VERIFY").is_some_and(|value| !is_off(value))
        || context.config.http("sslverify", url).is_some_and(is_off);
    let tls = TlsConfig::builder().root_certs(roots(context, url)).disable_verification(is_unchecked).build();
    Agent::config_builder()
        .http_status_as_error(false)
        .proxy(proxy(context, url))
        .redirect_auth_headers(ureq::config::RedirectAuthHeaders::Never)
        .timeout_resolve(Some(CONNECT_TIMEOUT.min(context.stall)))
        .timeout_connect(Some(CONNECT_TIMEOUT.min(context.stall)))
        .tls_config(tls)
        .user_agent("git/2.0 (alo)")
        .build()
        .new_agent()
}

/// The certificates to trust: what git's or OpenSSL's variables name, else the system's, else Mozilla's.
fn roots(context: &Context, url: &str) -> RootCerts {
    let file = context.variable("GIT_SSL_CAINFO").or_else(|| context.config.http("sslcainfo", url));
    let file = file.or_else(|| context.variable("SSL_CERT_FILE"));
    let folder = context.variable("SSL_CERT_DIR");
    let found = if file.is_some() || folder.is_some() {
        rustls_native_certs::load_certs_from_paths(file.map(AsRef::as_ref), folder.map(AsRef::as_ref))
    } else {
        rustls_native_certs::load_native_certs()
    };
    let certificates: Vec<_> =
        found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect();
    if certificates.is_empty() { RootCerts::WebPki } else { RootCerts::new_with_certs(&certificates) }
}

/// The proxy that git's configuration or the usual variables name for this address.
fn proxy(context: &Context, url: &str) -> Option<Proxy> {
    let names: &[&str] = if url.starts_with("https:") {
        &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    } else {
        // `HTTP_PROXY` in capitals is set by web servers from a request's header, so no program trusts it.
        &["http_proxy", "all_proxy", "ALL_PROXY"]
    };
    if let Some(address) = context.config.http("proxy", url) {
        return Proxy::new(address).ok();
    }
    let address = names.iter().find_map(|name| context.variable(name))?;
    let excluded = context.variable("no_proxy").or_else(|| context.variable("NO_PROXY"));
    let host = url.split("://").nth(1)?.split('/').next()?;
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    if excluded.is_some_and(|list| is_excluded(host, list)) {
        return None;
    }
    Proxy::new(address).ok()
}

fn is_excluded(host: &str, list: &str) -> bool {
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let domain = entry.trim_start_matches("*.").trim_start_matches('.');
        entry == "*" || host == domain || host.ends_with(&format!(".{domain}"))
    })
}

pub(super) fn origin(url: &str) -> &str {
    let end = url.find("://").map_or(0, |at| at + 3);
    url.get(end..).and_then(|rest| rest.find('/')).and_then(|at| url.get(..end + at)).unwrap_or(url)
}

/// The value of an `Authorization` header (RFC 7617).
pub(super) fn basic(credentials: &Credentials) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = format!("{}:{}", credentials.user, credentials.password);
    let mut value = String::from("Basic ");
    for group in text.as_bytes().chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 63;
            value.push(if place <= group.len() { char::from(DIGITS[digit as usize]) } else { '=' });
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_credentials_as_the_standard_says() {
        let encode = |user: &str, password: &str| {
            basic(&Credentials { user: user.to_owned(), password: password.to_owned() })
        };
        assert_eq!(encode("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(encode("", ""), "Basic Og==");
        assert_eq!(encode("a", "b"), "Basic YTpi");
        assert_eq!(encode("ab", "cd"), "Basic YWI6Y2Q=");
    }

    #[test]
    fn a_host_on_the_exclusion_list_gets_no_proxy() {
        assert!(is_excluded("git.corp.example", "localhost, .corp.example"));
        assert!(is_excluded("a.b", "*"));
        assert!(!is_excluded("example.com", "ample.com"));
    }

    #[test]
    fn an_origin_ends_before_the_path() {
        assert_eq!(origin("https://host:1/a/b"), "https://host:1");
        assert_ne!(origin("https://host/a"), origin("http://host/a"));
    }
}
