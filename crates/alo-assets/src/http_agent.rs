//! The client of every HTTP connection: certificates, proxies and time limits as the user's variables say.

use std::time::Duration;

use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

/// The value of a variable, if it is set and not empty.
pub(crate) type Variable<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// A client for one address. `certificates` names the variables that may name a file of certificates, the first that is set counts.
pub(crate) fn agent(
    url: &str,
    variable: Variable<'_>,
    certificates: &[&str],
    connect: Duration,
    name: &str,
) -> Agent {
    let tls = TlsConfig::builder().root_certs(roots(variable, certificates)).build();
    Agent::config_builder()
        .http_status_as_error(false)
        .proxy(proxy(variable, url))
        .redirect_auth_headers(ureq::config::RedirectAuthHeaders::SameHost)
        .timeout_resolve(Some(connect))
        .timeout_connect(Some(connect))
        .tls_config(tls)
        .user_agent(name)
        .build()
        .new_agent()
}

/// The certificates to trust: what the variables name, else the system's, else Mozilla's.
fn roots(variable: Variable<'_>, names: &[&str]) -> RootCerts {
    let file = names.iter().find_map(|name| variable(name));
    let folder = variable("SSL_CERT_DIR");
    let found = if file.is_some() || folder.is_some() {
        rustls_native_certs::load_certs_from_paths(file.map(AsRef::as_ref), folder.map(AsRef::as_ref))
    } else {
        rustls_native_certs::load_native_certs()
    };
    let certificates: Vec<_> =
        found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect();
    if certificates.is_empty() { RootCerts::WebPki } else { RootCerts::new_with_certs(&certificates) }
}

/// The proxy that the usual variables name for this address.
fn proxy(variable: Variable<'_>, url: &str) -> Option<Proxy> {
    let names: &[&str] = if url.starts_with("https:") {
        &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    } else {
        // `HTTP_PROXY` in capitals is set by web servers from a request's header, so no program trusts it.
        &["http_proxy", "all_proxy", "ALL_PROXY"]
    };
    let address = names.iter().find_map(|name| variable(name))?;
    let excluded = variable("no_proxy").or_else(|| variable("NO_PROXY"));
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
