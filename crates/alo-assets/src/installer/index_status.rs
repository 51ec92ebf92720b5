//! Whether an index refuses: installers take its refusal for the absence of a package.

use std::time::Duration;

use ureq::config::RedirectAuthHeaders;
use url::Url;

use super::pip_settings::PipSettings;
use crate::Machine;
use crate::http_agent::HttpSettings;
use crate::redact;
use crate::requirements::RequirementSet;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Where the user's own indexes stand, beside pip's settings; several are separated by blanks.
const MAIN: [&str; 2] = ["UV_DEFAULT_INDEX", "UV_INDEX_URL"];
const MORE: [&str; 2] = ["UV_INDEX", "UV_EXTRA_INDEX_URL"];

/// Asks the indexes of the requirements and of the user once for a package, and gives the first that refuses to answer.
pub(super) fn refusal(machine: &Machine, requirements: &RequirementSet) -> Option<String> {
    let options = &requirements.options;
    let package = requirements.iter().find_map(|item| item.name.as_deref())?;
    let settings = PipSettings::read(machine);
    let of = |names: [&str; 2], option| {
        let told = names.iter().filter_map(|name| machine.variable(name));
        told.chain(settings.value(option)).flat_map(str::split_whitespace).collect::<Vec<_>>()
    };
    let main = options.index.as_deref().map_or_else(|| of(MAIN, "index-url"), |own| vec![own]);
    let more = options.extra_indexes.iter().map(String::as_str).chain(of(MORE, "extra-index-url"));
    let mut indexes = main.into_iter().chain(more);
    indexes.find_map(|index| asked(machine, index, package))
}

fn asked(machine: &Machine, index: &str, package: &str) -> Option<String> {
    // uv's variables may give an index a name: `name=https://…`.
    let index = index.find("http").and_then(|at| index.get(at..))?;
    let page = Url::parse(&format!("{}/{package}/", index.trim_end_matches('/'))).ok()?;
    let variable = |name: &str| machine.variable(name);
    let certificates = ["PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"];
    let settings = HttpSettings {
        variable: &variable,
        certificates: certificates.iter().find_map(|name| variable(name)),
        is_unchecked: false,
        proxy: variable("PIP_PROXY"),
        redirect_auth: RedirectAuthHeaders::SameHost,
        connect: CONNECT_TIMEOUT,
        user_agent: "alo",
    };
    let request = settings.agent(page.as_str()).get(page.as_str()).header("accept", "*/*");
    let answer = request.config().timeout_global(Some(ANSWER_TIMEOUT)).build().call().ok()?;
    let status = answer.status();
    // Installers know more places of passwords than are looked at here.
    let may_know_more = || {
        let netrc = machine.home.as_ref().is_some_and(|home| home.join(".netrc").exists());
        page.username().is_empty() && (netrc || variable("NETRC").is_some())
    };
    let refuses = match status.as_u16() {
        401 | 403 | 407 => !may_know_more(),
        code => code == 429 || code >= 500,
    };
    refuses.then(|| format!("`{}` answers with HTTP status {status}", redact(index)))
}
