//! Whose keys a request is signed with, and in which order they are looked for.
//!
//! The plan's key file, the plan's profile, the environment, the user's default profile, then what the platform gives (web
//! identity, ECS, EC2). What the plan names must be there: nothing else is tried in its place.

use alo_plan::Permission;
use camino::{Utf8Path, Utf8PathBuf};

use super::environment::S3Environment;
use super::key_file;
use super::keys::Keys;
use super::profile::{self, ProfileKind};
use crate::storage_error::StorageError;

/// Credentials that cannot be used. No message holds any part of a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// A key file that cannot be read.
    #[error("`s3_private_key_file` names a file that cannot be read")]
    Unreadable(#[source] StorageError),
    /// A key file of no known form.
    #[error("`s3_private_key_file` names `{path}`, from which no keys can be read: {fault}")]
    Malformed {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A profile that is in neither file.
    #[error("there is no AWS profile `{name}`")]
    NoProfile {
        /// The profile.
        name: String,
        /// Where it was looked for.
        files: Vec<Utf8PathBuf>,
    },
    /// A profile that gives credentials in a way that needs other programs.
    #[error("the AWS profile `{name}` gives its keys by `{by}`, which is not supported")]
    Unsupported {
        /// The profile.
        name: String,
        /// The key of the profile that says so.
        by: &'static str,
    },
    /// A profile without keys.
    #[error("the AWS profile `{name}` has no keys")]
    NoKeys {
        /// The profile.
        name: String,
    },
    /// One half of a pair of variables.
    #[error("of `{set}` and `{missing}` only the first is set")]
    Half {
        /// The variable that is set.
        set: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// Nothing gives credentials, and this machine has none of its own.
    #[error("no S3 credentials were found for `s3://{bucket}`")]
    None {
        /// The bucket.
        bucket: String,
    },
}

impl CredentialsError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable(error) => match error.kind() {
                std::io::ErrorKind::NotFound => {
                    "a relative path starts at the project folder; write the whole path, or `aws_key_profile`"
                        .into()
                }
                _ => return error.hint(),
            },
            Self::Malformed { .. } => {
                "write two lines: `Access key ID,Secret access key`, then the two keys with a comma between"
                    .into()
            }
            Self::NoProfile { name, files } => {
                let files: Vec<_> = files.iter().map(|file| format!("`{file}`")).collect();
                format!("looked for it in {}; `aws configure --profile {name}` makes it", files.join(" and "))
            }
            Self::Unsupported { name, .. } => format!(
                "set `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` instead, e.g. by \
                 `eval \"$(aws configure export-credentials --profile {name} --format env)\"`, and leave `aws_key_profile` empty"
            ),
            Self::NoKeys { name } => format!("`aws configure --profile {name}` adds them"),
            Self::Half { missing, .. } => format!("set `{missing}`, too"),
            Self::None { .. } => {
                "name a profile in `aws_key_profile` or a file in `s3_private_key_file`, or set \
                                  `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`"
                    .into()
            }
        })
    }
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Credentials {
    /// None: whatever the platform gives.
    pub(crate) keys: Option<Keys>,
    /// Where they come from, for messages.
    pub(crate) from: String,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
}

/// Pairs of variables that give keys: those of AWS, then those of ALO 1.0.
const VARIABLES: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), ("ACCESS_KEY", "SECRET_KEY")];

/// Looks for credentials. Relative paths start at the first of `bases` below which they exist.
pub(crate) fn find(
    permission: &Permission,
    environment: &S3Environment,
    bases: &[Utf8PathBuf],
) -> Result<Credentials, CredentialsError> {
    if let Some(file) = named(permission.s3_private_key_file.as_deref()) {
        return from_file(file, bases);
    }
    if let Some(name) = named(permission.aws_key_profile.as_deref()) {
        return from_profile(name, environment)?.ok_or_else(|| CredentialsError::NoProfile {
            name: name.to_owned(),
            files: profile_files(environment).into_iter().flatten().collect(),
        });
    }
    for (access_name, secret_name) in VARIABLES {
        let half = |set, missing| Err(CredentialsError::Half { set, missing });
        match (environment.variable(access_name), environment.variable(secret_name)) {
            (Some(access), Some(secret)) => {
                let token =
                    environment.variable("AWS_SESSION_TOKEN").filter(|_| access_name.starts_with("AWS"));
                return Ok(Credentials {
                    keys: Some(Keys {
                        access: access.to_owned(),
                        secret: secret.to_owned(),
                        token: token.map(str::to_owned),
                    }),
                    from: format!("`{access_name}`"),
                    region: None,
                    endpoint: None,
                });
            }
            (Some(_), None) => return half(access_name, secret_name),
            (None, Some(_)) => return half(secret_name, access_name),
            (None, None) => {}
        }
    }
    let asked = environment.variable("AWS_PROFILE");
    let name = asked.unwrap_or("default");
    match from_profile(name, environment) {
        Ok(Some(found)) => Ok(found),
        Ok(None) if asked.is_some() => Err(CredentialsError::NoProfile {
            name: name.to_owned(),
            files: profile_files(environment).into_iter().flatten().collect(),
        }),
        // A default profile without keys may still say the region.
        Ok(None) | Err(CredentialsError::NoKeys { .. }) => {
            let region = profile_of(name, environment).and_then(|profile| profile.region);
            Ok(Credentials { keys: None, from: "this machine".to_owned(), region, endpoint: None })
        }
        Err(error) => Err(error),
    }
}

/// What a plan names; nothing if it is empty.
fn named(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn from_file(file: &str, bases: &[Utf8PathBuf]) -> Result<Credentials, CredentialsError> {
    let candidates: Vec<_> = bases.iter().map(|base| base.join(file)).collect();
    let found = candidates.iter().find(|path| path.exists());
    let path = found.or(candidates.first()).map_or(Utf8Path::new(file), Utf8PathBuf::as_path);
    let bytes = fs_err::read(path)
        .map_err(|error| CredentialsError::Unreadable(StorageError::new("read", path, error)))?;
    let malformed = |fault| CredentialsError::Malformed { path: path.to_owned(), fault };
    let text = String::from_utf8(bytes).map_err(|_| malformed("it is not text"))?;
    let keys = key_file::parse(&text).map_err(|fault| malformed(fault.as_str()))?;
    Ok(Credentials { keys: Some(keys), from: format!("`{path}`"), region: None, endpoint: None })
}

fn profile_files(environment: &S3Environment) -> [Option<Utf8PathBuf>; 2] {
    [
        environment.aws_file("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        environment.aws_file("AWS_CONFIG_FILE", "config"),
    ]
}

fn profile_of(name: &str, environment: &S3Environment) -> Option<profile::Profile> {
    // A file that cannot be read is as good as none: the other one may have the profile.
    let [credentials, config] = profile_files(environment)
        .map(|file| file.and_then(|file| fs_err::read_to_string(file).ok()).unwrap_or_default());
    profile::find(name, &credentials, &config)
}

fn from_profile(name: &str, environment: &S3Environment) -> Result<Option<Credentials>, CredentialsError> {
    let Some(profile) = profile_of(name, environment) else { return Ok(None) };
    let name = name.to_owned();
    match profile.kind {
        ProfileKind::Keys(keys) => Ok(Some(Credentials {
            keys: Some(keys),
            from: format!("the AWS profile `{name}`"),
            region: profile.region,
            endpoint: profile.endpoint,
        })),
        ProfileKind::Unsupported(by) => Err(CredentialsError::Unsupported { name, by }),
        ProfileKind::Nothing => Err(CredentialsError::NoKeys { name }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Home {
        _dir: tempfile::TempDir,
        root: Utf8PathBuf,
    }

    impl Home {
        fn new(files: &[(&str, &str)]) -> Self {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
            for (path, content) in files {
                fs_err::create_dir_all(root.join(path).parent().expect("a parent")).expect("created");
                fs_err::write(root.join(path), content).expect("written");
            }
            Self { _dir: dir, root }
        }

        fn find(
            &self,
            variables: &[(&str, &str)],
            file: Option<&str>,
            profile: Option<&str>,
        ) -> Result<Credentials, CredentialsError> {
            let mut permission = Permission::default();
            permission.s3_private_key_file = file.map(str::to_owned);
            permission.aws_key_profile = profile.map(str::to_owned);
            let home = [("HOME", self.root.as_str())];
            let variables = variables.iter().chain(&home).map(|(name, value)| (name.into(), value.into()));
            find(&permission, &S3Environment::new(variables), std::slice::from_ref(&self.root))
        }
    }

    const PROFILES: (&str, &str) = (
        ".aws/credentials",
        "[default]\naws_access_key_id=default\naws_secret_access_key=x\n[team]\naws_access_key_id=team\naws_secret_access_key=x\n",
    );
    const VARIABLES: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "variable"), ("AWS_SECRET_ACCESS_KEY", "x")];

    #[test]
    fn the_order_is_file_profile_variables_default_profile_platform() {
        let home = Home::new(&[PROFILES, ("key.csv", "a,b\nfile,x\n")]);
        let access = |found: Result<Credentials, CredentialsError>| {
            found.expect("found").keys.map(|keys| keys.access).unwrap_or_default()
        };
        assert_eq!(access(home.find(&VARIABLES, Some("key.csv"), Some("team"))), "file");
        assert_eq!(access(home.find(&VARIABLES, Some(" "), Some("team"))), "team");
        assert_eq!(access(home.find(&VARIABLES, None, None)), "variable");
        assert_eq!(access(home.find(&[("ACCESS_KEY", "old"), ("SECRET_KEY", "x")], None, None)), "old");
        assert_eq!(access(home.find(&[("AWS_PROFILE", "team")], None, None)), "team");
        assert_eq!(access(home.find(&[], None, None)), "default");
        assert!(Home::new(&[]).find(&[], None, None).expect("the platform").keys.is_none());
    }

    #[test]
    fn what_the_plan_names_must_be_there_and_no_key_is_told() {
        let home =
            Home::new(&[PROFILES, ("bad.csv", "SECRETKEY"), (".aws/config", "[profile corp]\nrole_arn=x\n")]);
        let faults = [
            home.find(&VARIABLES, Some("absent.csv"), None),
            home.find(&VARIABLES, Some("bad.csv"), None),
            home.find(&VARIABLES, None, Some("absent")),
            home.find(&VARIABLES, None, Some("corp")),
            home.find(&VARIABLES[..1], None, None),
            home.find(&[("AWS_PROFILE", "absent")], None, None),
        ];
        let texts: Vec<String> = faults
            .into_iter()
            .map(|fault| fault.map(|_| ()).expect_err("a fault"))
            .map(|error| format!("{error} / {}", error.hint().expect("a hint")))
            .collect();
        for (text, part) in texts.iter().zip([
            "cannot be read",
            "bad.csv",
            "`absent`",
            "`role_arn`",
            "only the first",
            "`absent`",
        ]) {
            assert!(text.contains(part) && !text.contains("SECRETKEY"), "{text}");
        }
    }
}
