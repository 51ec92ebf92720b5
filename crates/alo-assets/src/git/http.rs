//! Git over HTTP and HTTPS: a subtransport for libgit2 on ureq and rustls, which need no OpenSSL.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream};
use ureq::config::RedirectAuthHeaders;
use ureq::{Agent, ResponseExt};

use super::authorization::basic;
use super::context::{CONNECT_TIMEOUT, Context};
use super::credential::Search;
use super::incoming::{Arriving, Incoming};
use super::object_id::{SHA1_LENGTH, SHA256_LENGTH};
use super::transport_error::TransportError;
use super::unsupported::Unsupported;
use super::url::{Credentials, Kind, origin};
use crate::http_agent::HttpSettings;

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
    let certificates = context.variable("GIT_SSL_CAINFO").or_else(|| context.config.http("sslcainfo", url));
    let settings = HttpSettings {
        variable: &|name| context.variable(name),
        certificates: certificates.or_else(|| context.variable("SSL_CERT_FILE")),
        is_unchecked,
        proxy: context.config.http("proxy", url),
        redirect_auth: RedirectAuthHeaders::Never,
        connect: CONNECT_TIMEOUT.min(context.stall),
        user_agent: "git/2.0 (alo)",
    };
    settings.agent(url)
}
