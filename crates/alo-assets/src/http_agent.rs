//! The client of every HTTP connection: certificates, proxies and time limits as the user's variables say.

use std::time::Duration;

use ureq::config::RedirectAuthHeaders;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

/// The value of a variable, if it is set and not empty.
pub(crate) type Variable<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// How to talk to HTTP servers.
pub(crate) struct HttpSettings<'a> {
    /// The user's variables.
    pub(crate) variable: Variable<'a>,
    /// A file of certificates to trust. Without it, `SSL_CERT_DIR` counts, else the system's certificates, else Mozilla's.
    pub(crate) certificates: Option<&'a str>,
    /// Whether any certificate will do.
    pub(crate) is_unchecked: bool,
    /// A proxy for every host. Without it, the usual variables say which hosts have one.
    pub(crate) proxy: Option<&'a str>,
    /// Whether a redirect may carry the credentials along.
    pub(crate) redirect_auth: RedirectAuthHeaders,
    /// How long finding the host's address may take, and then connecting to it.
    pub(crate) connect: Duration,
    /// What the client calls itself.
    pub(crate) user_agent: &'a str,
}

impl HttpSettings<'_> {
    /// A client for one address. No status is an error.
    pub(crate) fn agent(&self, url: &str) -> Agent {
        let tls =
            TlsConfig::builder().root_certs(self.roots()).disable_verification(self.is_unchecked).build();
        Agent::config_builder()
            .http_status_as_error(false)
            .proxy(self.proxy_for(url))
            .redirect_auth_headers(self.redirect_auth)
            .timeout_resolve(Some(self.connect))
            .timeout_connect(Some(self.connect))
            .tls_config(tls)
            .user_agent(self.user_agent)
            .build()
            .new_agent()
    }

    /// The certificates to trust.
    fn roots(&self) -> RootCerts {
        let (file, folder) = (self.certificates, (self.variable)("SSL_CERT_DIR"));
        let found = if file.is_some() || folder.is_some() {
            rustls_native_certs::load_certs_from_paths(file.map(AsRef::as_ref), folder.map(AsRef::as_ref))
        } else {
            rustls_native_certs::load_native_certs()
        };
        let certificates: Vec<_> =
            found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect();
        if certificates.is_empty() { RootCerts::WebPki } else { RootCerts::new_with_certs(&certificates) }
    }

    /// The proxy for this address.
    fn proxy_for(&self, url: &str) -> Option<Proxy> {
        if let Some(address) = self.proxy {
            return Proxy::new(address).ok();
        }
        let names: &[&str] = if url.starts_with("https:") {
            &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
        } else {
            // `HTTP_PROXY` in capitals is set by web servers from a request's header, so no program trusts it.
            &["http_proxy", "all_proxy", "ALL_PROXY"]
        };
        let address = names.iter().find_map(|name| (self.variable)(name))?;
        let excluded = (self.variable)("no_proxy").or_else(|| (self.variable)("NO_PROXY"));
        let host = url.split("://").nth(1)?.split('/').next()?;
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        if excluded.is_some_and(|list| is_excluded(host, list)) {
            return None;
        }
        Proxy::new(address).ok()
    }
}

fn is_excluded(host: &str, list: &str) -> bool {
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let domain = entry.trim_start_matches("*.").trim_start_matches('.');
        entry == "*" || host == domain || host.ends_with(&format!(".{domain}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_on_the_exclusion_list_gets_no_proxy() {
        assert!(is_excluded("git.corp.example", "localhost, .corp.example"));
        assert!(is_excluded("a.b", "*"));
        assert!(!is_excluded("example.com", "ample.com"));
    }
}
