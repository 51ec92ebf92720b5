//! Profiles of the user's AWS configuration: `~/.aws/credentials` and `~/.aws/config`.

use std::collections::BTreeMap;

use super::keys::Keys;

/// What a profile says, merged from both files; the credentials file wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) kind: ProfileKind,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
}

/// How a profile gives credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProfileKind {
    Keys(Keys),
    /// It needs a key that names something which is not supported.
    Unsupported(&'static str),
    /// It names no credentials at all.
    Nothing,
}

/// Ways to get credentials that need other programs or services.
const UNSUPPORTED: [&str; 7] = [
    "sso_session",
    "sso_start_url",
    "role_arn",
    "credential_process",
    "credential_source",
    "web_identity_token_file",
    "login_session",
];

/// Finds a profile in the texts of the two files; none if neither has it.
pub(crate) fn find(name: &str, credentials: &str, config: &str) -> Option<Profile> {
    let in_config = if name == "default" { name.to_owned() } else { format!("profile {name}") };
    // In the config file `[default]` may also be written `[profile default]`.
    let values = [
        section(config, &in_config),
        section(config, &format!("profile {name}")),
        section(credentials, name),
    ];
    if values.iter().all(Option::is_none) {
        return None;
    }
    let values: BTreeMap<String, String> = values.into_iter().flatten().flatten().collect();
    let value = |key: &str| values.get(key).filter(|value| !value.is_empty()).cloned();
    let kind = match (value("aws_access_key_id"), value("aws_secret_access_key")) {
        (Some(access), Some(secret)) => {
            ProfileKind::Keys(Keys { access, secret, token: value("aws_session_token") })
        }
        _ => UNSUPPORTED
            .into_iter()
            .find(|key| values.contains_key(*key))
            .map_or(ProfileKind::Nothing, ProfileKind::Unsupported),
    };
    Some(Profile { kind, region: value("region"), endpoint: value("endpoint_url") })
}

/// The keys of a section. Indented lines belong to nested settings, which are not ours.
fn section(text: &str, name: &str) -> Option<BTreeMap<String, String>> {
    let mut found: Option<BTreeMap<String, String>> = None;
    let mut inside = false;
    for line in text.trim_start_matches('\u{feff}').lines() {
        if let Some(header) = line.trim().strip_prefix('[') {
            let header = header.split(']').next().unwrap_or_default();
            inside = header.split_whitespace().eq(name.split_whitespace());
            if inside {
                found.get_or_insert_default();
            }
            continue;
        }
        if !inside || line.starts_with([' ', '\t', '#', ';']) {
            continue;
        }
        if let (Some((key, value)), Some(found)) = (line.split_once('='), found.as_mut()) {
            // A comment after a value begins with a blank and `#` or `;`, as the AWS tools read it.
            let value = value.split(" #").next().unwrap_or_default().split(" ;").next().unwrap_or_default();
            found.insert(key.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: &str = "# mine\n[default]\naws_access_key_id = D\naws_secret_access_key=DS # no\n\n\
        [my team]\naws_access_key_id=T\naws_secret_access_key=TS\naws_session_token = TOKEN\n";
    const CONFIG: &str = "[default]\nregion = eu-west-1\ns3 =\n  max_concurrent_requests = 20\n\
        [profile my team]\nregion=ap-northeast-2\nendpoint_url = http://localhost:9000\n\
        [profile corp]\nsso_session = corp\nregion=us-east-1\n[profile empty]\noutput=json\n\
        [profile here]\naws_access_key_id=H\naws_secret_access_key=HS\n";

    fn keys(access: &str, secret: &str, token: Option<&str>) -> ProfileKind {
        ProfileKind::Keys(Keys {
            access: access.to_owned(),
            secret: secret.to_owned(),
            token: token.map(str::to_owned),
        })
    }

    #[test]
    fn both_files_make_a_profile() {
        let find = |name| find(name, CREDENTIALS, CONFIG);
        let default = find("default").expect("there");
        assert_eq!((default.kind, default.region.as_deref()), (keys("D", "DS", None), Some("eu-west-1")));
        let team = find("my team").expect("there");
        assert_eq!(team.kind, keys("T", "TS", Some("TOKEN")));
        assert_eq!(team.region.as_deref(), Some("ap-northeast-2"));
        assert_eq!(team.endpoint.as_deref(), Some("http://localhost:9000"));
        assert_eq!(find("here").expect("there").kind, keys("H", "HS", None));
        assert_eq!(find("corp").expect("there").kind, ProfileKind::Unsupported("sso_session"));
        assert_eq!(find("empty").expect("there").kind, ProfileKind::Nothing);
        assert_eq!(find("absent"), None);
    }
}
